//! The providers against real peers.
