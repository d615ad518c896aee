//! A part of a long list, and how long the whole is.

use countersign_model::{BlindIndex, Channel, ServiceId, Timestamp, VerificationId};

/// Which part of a list is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slice {
    /// How many come before it.
    pub skip: u64,
    /// How many at most.
    pub take: u32,
}

impl Slice {
    /// SQL counts with a sign; beyond its end there is nothing anyway.
    pub(crate) fn skip_for_sql(self) -> i64 {
        i64::try_from(self.skip).unwrap_or(i64::MAX)
    }
}

/// A part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// How many the whole list has.
    pub total: u64,
    /// Those of the part that was asked for.
    pub items: Vec<T>,
}

impl<T> Page<T> {
    /// The list without anything in it.
    #[must_use]
    pub const fn empty() -> Self {
        Self { total: 0, items: Vec::new() }
    }
}

/// Which trials are meant. The default is all of a tenant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrialFilter {
    /// Of this service.
    pub service: Option<ServiceId>,
    /// Of this verification.
    pub verification: Option<VerificationId>,
    /// To this address.
    pub to: Option<BlindIndex>,
    /// By this way.
    pub channel: Option<Channel>,
    /// To numbers of this country.
    pub country: Option<String>,
    /// Whether the code was accepted.
    pub successful: Option<bool>,
    /// Made at this moment or later.
    pub from: Option<Timestamp>,
    /// Made before this moment.
    pub until: Option<Timestamp>,
}

/// How many trials there are, by what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TrialTotals {
    /// Those whose code was accepted.
    pub successful: u64,
    /// The others.
    pub unsuccessful: u64,
}

impl TrialTotals {
    /// All of them.
    #[must_use]
    pub const fn all(self) -> u64 {
        self.successful + self.unsuccessful
    }
}
