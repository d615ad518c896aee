//! Every configuration in `aggregators/` against a simulator of the vendor's documented wire: one list of cases for all.

mod bench;
mod contract;
mod simulator;
mod vendors;
