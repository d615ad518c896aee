//! The SMPP provider and SMSCs of other makes: one under node and one from PyPI; and an SMSC of our own and a client of another make,
//! Kannel.

mod cutter;
mod desk;
mod kannel;
mod load;
mod manners;
mod simulator;
