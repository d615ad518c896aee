//! What can be looked at. Nothing here changes anything.

mod accounts;
mod activities;
mod administration;
mod verifications;

pub use activities::{ActivityQuery, ActivityRecord};
pub use verifications::VerificationHistory;
