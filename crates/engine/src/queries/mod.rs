//! What can be looked at. Nothing here changes anything.

mod accounts;
mod activities;
mod administration;
mod grids;
mod messages;
mod verifications;

pub use activities::{ActivityQuery, ActivityRecord};
pub use grids::GridSeen;
pub use verifications::VerificationHistory;
