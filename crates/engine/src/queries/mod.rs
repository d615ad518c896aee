//! What can be looked at. Nothing here changes anything.

mod accounts;
mod administration;
mod verifications;

pub use verifications::VerificationHistory;
