//! What both backends do with the counts of trials: how many of each kind each day has is enough to know how long a list is, and
//! where in time a part of it begins. So no list and no sum reads a million rows.

use crate::{Slice, TrialFilter};
use countersign_model::{Timestamp, Trial};
use std::collections::BTreeMap;

pub(crate) const DAY_MS: i64 = 86_400_000;

/// What trials can have in common but for their time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Kind {
    pub(crate) service: [u8; 16],
    pub(crate) channel: String,
    pub(crate) country: String,
    pub(crate) successful: bool,
}

impl Kind {
    pub(crate) fn of(trial: &Trial) -> Self {
        Self {
            service: trial.service.to_bytes(),
            channel: trial.channel.name().to_owned(),
            country: trial.country.clone().unwrap_or_default(),
            successful: trial.successful,
        }
    }
}

/// How many of each kind each day has, of what a filter lets through.
#[derive(Debug, Default)]
pub(crate) struct Days(BTreeMap<i64, Vec<(Kind, u64)>>);

/// Where the rows of a part of a list are.
#[derive(Debug)]
pub(crate) struct Part {
    /// Of these kinds, none twice.
    pub(crate) kinds: Vec<Kind>,
    /// Made before this moment.
    pub(crate) until_ms: i64,
    /// So many of them come before the part.
    pub(crate) skip: u64,
}

impl Days {
    pub(crate) fn add(&mut self, day: i64, kind: Kind, count: u64) {
        if count > 0 {
            self.0.entry(day).or_default().push((kind, count));
        }
    }

    pub(crate) fn kinds(&self) -> impl Iterator<Item = &(Kind, u64)> {
        self.0.values().flatten()
    }

    pub(crate) fn total(&self) -> u64 {
        self.kinds().map(|(_, count)| count).sum()
    }

    /// Days before the part are left out by their counts. None: the list ends before it.
    pub(crate) fn part(&self, filter: &TrialFilter, slice: Slice) -> Option<Part> {
        let (mut skip, mut until, mut kinds) = (slice.skip, None, Vec::new());
        for (day, of_day) in self.0.iter().rev() {
            let count: u64 = of_day.iter().map(|(_, count)| count).sum();
            if until.is_none() && skip >= count {
                skip -= count;
                continue;
            }
            until.get_or_insert_with(|| filter.end_ms().min((day + 1).saturating_mul(DAY_MS)));
            kinds.extend(of_day.iter().map(|(kind, _)| kind.clone()));
        }
        kinds.sort_unstable();
        kinds.dedup();
        Some(Part { kinds, until_ms: until?, skip })
    }
}

/// The part of a day that a filter takes: its first moment and its end. None: all of it.
pub(crate) fn part_of_day(filter: &TrialFilter, day: i64) -> Option<(i64, i64)> {
    let whole = (day.saturating_mul(DAY_MS), (day + 1).saturating_mul(DAY_MS));
    let wanted = (filter.first_ms().max(whole.0), filter.end_ms().min(whole.1));
    (wanted != whole).then_some(wanted)
}

impl TrialFilter {
    /// Whether it leaves few rows by itself.
    pub(crate) const fn is_narrow(&self) -> bool {
        self.verification.is_some() || self.to.is_some()
    }

    pub(crate) fn first_ms(&self) -> i64 {
        self.from.map_or(i64::MIN, Timestamp::as_ms)
    }

    pub(crate) fn end_ms(&self) -> i64 {
        self.until.map_or(i64::MAX, Timestamp::as_ms)
    }

    /// The first day of which something is let through.
    pub(crate) fn first_day(&self) -> i64 {
        self.first_ms().div_euclid(DAY_MS)
    }

    /// The last one.
    pub(crate) fn last_day(&self) -> i64 {
        self.end_ms().saturating_sub(1).div_euclid(DAY_MS)
    }
}
