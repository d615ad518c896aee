//! The providers against real peers: a foreign mail relay, run under node.

#[cfg(test)]
mod certificates;
#[cfg(test)]
mod peer;
#[cfg(test)]
mod smtp;
