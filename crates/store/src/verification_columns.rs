//! The columns of a verification that both backends derive from it, to search by: moments in milliseconds since 1970.

use countersign_model::{State, Timestamp, Verification};

/// While it is pending: when its last code dies; none where that never happens.
pub(crate) fn open_until(verification: &Verification) -> Option<i64> {
    match verification.state {
        State::Pending => verification.expires_at().map(Timestamp::as_ms),
        State::Approved | State::Denied | State::Exhausted | State::Cancelled | State::Expired => None,
    }
}

/// Where it is kept for reports: until when a code can be checked.
pub(crate) fn checkable_until(verification: &Verification) -> Option<i64> {
    verification.trial.and(verification.checkable_until()).map(Timestamp::as_ms)
}
