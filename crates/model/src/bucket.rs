//! A token bucket: so many at once, and then one more each time its pause has passed. It is counted to the second, and is a
//! plain value, kept with what else is remembered of its owner ([`crate::Destination`]).

use crate::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What a bucket is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BucketKind {
    /// Wrong one-time codes.
    WrongCodes,
    /// Wrong recovery codes.
    WrongRecoveryCodes,
    /// Text messages and calls.
    PhoneMessages,
    /// Mails.
    Mails,
    /// Questions on devices.
    Pushes,
    /// Exchanges of one transaction.
    Exchanges,
    /// Log-ins with a password.
    LogIns,
}

/// How big a bucket is and how fast it fills.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BucketRule {
    /// How many at once.
    pub size: u32,
    /// One more after so many seconds.
    pub refill_seconds: u32,
}

/// How much of a bucket is spent. The default is a full one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bucket {
    spent: u32,
    /// Since when the next one has been filling up.
    pub(crate) since: Option<Timestamp>,
}

/// What a bucket holds at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BucketLevel {
    /// Its size.
    pub limit: u32,
    /// How many are left.
    pub remaining: u32,
    /// When there is one more; now if it is full.
    pub next_at: Timestamp,
}

impl Bucket {
    /// What it holds at a moment.
    #[must_use]
    pub fn level(self, rule: BucketRule, now: Timestamp) -> BucketLevel {
        let filled = self.filled(rule, now);
        let next_at = filled.since.map_or(now, |since| since.plus(pause(rule)));
        BucketLevel { limit: rule.size, remaining: rule.size.saturating_sub(filled.spent), next_at }
    }

    /// Takes one out.
    ///
    /// # Errors
    /// When it is empty: with the level, and nothing is changed.
    pub fn take(&mut self, rule: BucketRule, now: Timestamp) -> Result<BucketLevel, BucketLevel> {
        let filled = self.filled(rule, now);
        if filled.spent >= rule.size {
            return Err(self.level(rule, now));
        }
        *self = Self { spent: filled.spent.saturating_add(1), since: filled.since.or(Some(now)) };
        Ok(self.level(rule, now))
    }

    /// When it will be full again; none if it is.
    #[must_use]
    pub fn full_at(self, rule: BucketRule) -> Option<Timestamp> {
        self.since.map(|since| since.plus(pause(rule) * self.spent))
    }

    fn filled(self, rule: BucketRule, now: Timestamp) -> Self {
        let Some(since) = self.since else { return Self { spent: 0, since: None } };
        let pauses = now.since(since).as_secs() / u64::from(rule.refill_seconds.max(1));
        let come_back = u32::try_from(pauses).unwrap_or(u32::MAX);
        match self.spent.checked_sub(come_back) {
            None | Some(0) => Self::default(),
            Some(spent) => Self { spent, since: Some(since.plus(pause(rule) * come_back)) },
        }
    }
}

fn pause(rule: BucketRule) -> Duration {
    Duration::from_secs(rule.refill_seconds.max(1).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RULE: BucketRule = BucketRule { size: 10, refill_seconds: 360 };

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_ms(seconds * 1000)
    }

    #[test]
    fn ten_at_once_and_then_one_every_six_minutes() {
        let mut bucket = Bucket::default();
        for left in (0..10).rev() {
            assert_eq!(bucket.take(RULE, at(5)).map(|level| level.remaining), Ok(left));
        }
        let empty = BucketLevel { limit: 10, remaining: 0, next_at: at(365) };
        assert_eq!(bucket.take(RULE, at(364)), Err(empty));
        assert!(bucket.take(RULE, at(365)).is_ok());
        assert_eq!(bucket.take(RULE, at(366)), Err(BucketLevel { next_at: at(725), ..empty }));
    }

    #[test]
    fn it_fills_up_to_its_size_and_no_further() {
        let mut bucket = Bucket::default();
        bucket.take(RULE, at(0)).unwrap();
        bucket.take(RULE, at(0)).unwrap();
        assert_eq!(bucket.level(RULE, at(359)).remaining, 8);
        assert_eq!(bucket.level(RULE, at(360)).remaining, 9);
        assert_eq!(bucket.level(RULE, at(99_999)), BucketLevel { limit: 10, remaining: 10, next_at: at(99_999) });
    }

    proptest! {
        #[test]
        fn no_more_ever_come_out_than_went_in(gaps in prop::collection::vec(0_i64..500, 1..200)) {
            let (mut bucket, mut now, mut taken) = (Bucket::default(), 0, 0);
            for gap in gaps {
                now += gap;
                taken += i64::from(bucket.take(RULE, at(now)).is_ok());
                prop_assert!(taken <= 10 + now / 360);
            }
        }
    }
}
