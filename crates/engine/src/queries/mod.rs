//! What can be looked at. Nothing here changes anything.

mod accounts;
mod activities;
mod administration;
mod configurations;
mod grids;
mod messages;
mod second_factors;
mod trials;
mod verification_records;
mod verifications;
mod webhooks;

pub(crate) use accounts::Price;
pub use activities::{ActivityQuery, ActivityRecord};
pub use countersign_store::{Page, Slice, TrialFilter, TrialTotals};
pub use grids::GridSeen;
pub use trials::TrialRecord;
pub use verification_records::{Sending, VerificationRecord};
pub use verifications::VerificationHistory;
pub use webhooks::DeliveryQuery;
