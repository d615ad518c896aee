//! What can be looked at. Nothing here changes anything.

mod administration;
mod verifications;

pub use verifications::VerificationHistory;
