//! Every configuration in `aggregators/` against a simulator of the vendor's documented wire: one list of cases for all. One
//! of them, `kannel.toml`, against the real thing too.

mod bench;
mod contract;
mod kannel;
mod own;
mod sigv4;
mod simulator;
mod vendors;
