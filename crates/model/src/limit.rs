//! What one destination has cost and tried, and whether it may go on. One [`Destination`] is kept for each address of each
//! service, and one for each person there, found by a blind index, and is written in the same batch as what it allows.

use crate::{Bucket, BucketKind, BucketLevel, BucketRule, Timestamp, policy::Limits};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, time::Duration};

/// Which rule refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitRule {
    /// Two messages too close together.
    SendGap,
    /// Too many messages in a window of so many seconds.
    Sends {
        /// The window's count.
        count: u32,
        /// The window's length.
        seconds: u32,
    },
    /// Too many wrong codes in a row.
    FailedChecks,
}

/// A limit refused, and when it will allow the same again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limited {
    /// The rule.
    pub rule: LimitRule,
    /// The first moment at which it no longer refuses.
    pub retry_at: Timestamp,
}

/// What is remembered of one address, or one person, within one service. The default is one never seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Destination {
    /// Grows with each write; 0 before the first.
    #[serde(skip)]
    pub version: u32,
    /// When messages were sent, oldest first; only as many as the longest window needs.
    sends: Vec<Timestamp>,
    /// Wrong codes since the last right one.
    failed_checks: u32,
    /// When wrong codes were checked, oldest first: those of the window where only they count, else the last one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    failures: Vec<Timestamp>,
    /// Nothing is sent or checked before this moment.
    held_until: Option<Timestamp>,
    /// Why, if not for wrong codes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    held_by: Option<LimitRule>,
    /// Where the limits are buckets, what is spent of them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    buckets: BTreeMap<BucketKind, Bucket>,
}

impl Destination {
    /// Counts one more message.
    ///
    /// # Errors
    /// When a limit refuses it; nothing is counted then. Where full windows block, the block is in the value afterwards, and is
    /// to be kept.
    pub fn count_send(&mut self, limits: &Limits, now: Timestamp) -> Result<(), Limited> {
        self.may_check(now)?;
        let gap = Duration::from_secs(limits.send_gap_seconds.into());
        if let Some(last) = self.sends.last().filter(|last| now.since(**last) < gap) {
            return Err(Limited { rule: LimitRule::SendGap, retry_at: last.plus(gap) });
        }
        for window in &limits.sends {
            let span = Duration::from_secs(window.seconds.into());
            let oldest_that_counts = usize::try_from(window.count).ok().and_then(|n| self.sends.len().checked_sub(n));
            let oldest = oldest_that_counts.and_then(|position| self.sends.get(position));
            if let Some(oldest) = oldest.filter(|oldest| now.since(**oldest) < span) {
                let rule = LimitRule::Sends { count: window.count, seconds: window.seconds };
                if limits.block_seconds > 0 {
                    let retry_at = now.plus_seconds(limits.block_seconds);
                    self.hold(retry_at, Some(rule));
                    return Err(Limited { rule, retry_at });
                }
                return Err(Limited { rule, retry_at: oldest.plus(span) });
            }
        }
        self.sends.push(now);
        self.forget(limits);
        Ok(())
    }

    /// Whether a code may be checked now.
    ///
    /// # Errors
    /// While the destination is held: after too many wrong codes, or where full windows block.
    pub fn may_check(&self, now: Timestamp) -> Result<(), Limited> {
        match self.held_until {
            Some(until) if now < until => {
                Err(Limited { rule: self.held_by.unwrap_or(LimitRule::FailedChecks), retry_at: until })
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Counts a wrong code, and holds the destination when it was one too many.
    pub fn count_failed_check(&mut self, limits: &Limits, now: Timestamp) {
        let rule = limits.failed_checks;
        let until = now.plus_seconds(rule.hold_seconds);
        if rule.window_seconds > 0 {
            let window = Duration::from_secs(rule.window_seconds.into());
            self.failures.retain(|failure| now.since(*failure) < window);
            self.failures.push(now);
            if rule.max > 0 && self.failures.len() >= usize::try_from(rule.max).unwrap_or(usize::MAX) {
                self.hold(until, None);
            }
            return;
        }
        self.failed_checks = self.failed_checks.saturating_add(1);
        self.failures = vec![now];
        if rule.max > 0 && self.failed_checks >= rule.max {
            self.held_until = Some(until);
            self.held_by = None;
        }
    }

    /// Until when nothing is sent or checked; none if it is not held.
    #[must_use]
    pub fn held_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.held_until.filter(|until| now < *until)
    }

    /// Somebody has decided that it may go on: all is counted anew. Tells whether that changes anything.
    pub fn release(&mut self) -> bool {
        let fresh = Self { version: self.version, ..Self::default() };
        let changes = *self != fresh;
        *self = fresh;
        changes
    }

    /// Nothing is sent or checked until then, and what counts begins anew.
    fn hold(&mut self, until: Timestamp, by: Option<LimitRule>) {
        self.held_until = Some(until);
        self.held_by = by;
        self.sends.clear();
        self.failures.clear();
    }

    /// A right code clears the count of wrong ones in a row. Tells whether there was anything to clear.
    pub const fn clear_failed_checks(&mut self) -> bool {
        let counted = self.failed_checks > 0;
        self.failed_checks = 0;
        self.held_until = None;
        counted
    }

    /// What one of its buckets holds.
    #[must_use]
    pub fn level(&self, kind: BucketKind, rule: BucketRule, now: Timestamp) -> BucketLevel {
        self.buckets.get(&kind).copied().unwrap_or_default().level(rule, now)
    }

    /// Takes one out of a bucket.
    ///
    /// # Errors
    /// When it is empty; nothing is changed then.
    pub fn take(&mut self, kind: BucketKind, rule: BucketRule, now: Timestamp) -> Result<BucketLevel, BucketLevel> {
        self.buckets.entry(kind).or_default().take(rule, now)
    }

    /// The last moment that it speaks of: from then on it only gets older.
    #[must_use]
    pub fn quiet_since(&self) -> Timestamp {
        let filling = self.buckets.values().filter_map(|bucket| bucket.since).max();
        let last = self.sends.last().max(self.failures.last()).copied().max(self.held_until).max(filling);
        last.unwrap_or(Timestamp::from_ms(0))
    }

    fn forget(&mut self, limits: &Limits) {
        let needed = limits.sends.iter().map(|window| window.count).max().unwrap_or(0).max(1);
        let surplus = self.sends.len().saturating_sub(usize::try_from(needed).unwrap_or(usize::MAX));
        self.sends.drain(..surplus);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Policy, Profile, policy::FailedChecks};
    use proptest::prelude::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_ms(seconds * 1000)
    }

    fn standard() -> Limits {
        Policy::of(Profile::Standard).limits
    }

    #[test]
    fn two_messages_need_sixty_seconds_between_them() {
        let mut destination = Destination::default();
        assert_eq!(destination.count_send(&standard(), at(0)), Ok(()));
        let refused = destination.count_send(&standard(), at(59)).unwrap_err();
        assert_eq!(refused, Limited { rule: LimitRule::SendGap, retry_at: at(60) });
        assert_eq!(destination.count_send(&standard(), at(60)), Ok(()));
    }

    #[test]
    fn the_sixth_message_in_ten_minutes_and_the_eleventh_in_a_day_are_refused() {
        let mut destination = Destination::default();
        for minute in 0..5 {
            assert_eq!(destination.count_send(&standard(), at(minute * 60)), Ok(()));
        }
        let refused = destination.count_send(&standard(), at(300)).unwrap_err();
        assert_eq!(refused, Limited { rule: LimitRule::Sends { count: 5, seconds: 600 }, retry_at: at(600) });
        for minute in 10..15 {
            assert_eq!(destination.count_send(&standard(), at(minute * 60)), Ok(()));
        }
        let refused = destination.count_send(&standard(), at(7200)).unwrap_err();
        assert_eq!(refused, Limited { rule: LimitRule::Sends { count: 10, seconds: 86_400 }, retry_at: at(86_400) });
    }

    #[test]
    fn wrong_codes_hold_the_destination_and_a_right_one_clears_the_count() {
        let mut limits = standard();
        limits.failed_checks = FailedChecks { max: 3, window_seconds: 0, hold_seconds: 100 };
        let mut destination = Destination::default();
        destination.count_failed_check(&limits, at(0));
        destination.count_failed_check(&limits, at(0));
        assert_eq!(destination.may_check(at(0)), Ok(()));
        destination.count_failed_check(&limits, at(1));
        let held = Err(Limited { rule: LimitRule::FailedChecks, retry_at: at(101) });
        assert_eq!(destination.may_check(at(100)), held);
        assert_eq!(destination.count_send(&limits, at(100)), held);
        assert_eq!(destination.may_check(at(101)), Ok(()));
        destination.count_failed_check(&limits, at(101));
        assert!(destination.may_check(at(102)).is_err(), "one more wrong code holds it again");
        assert!(destination.clear_failed_checks());
        assert_eq!(destination.may_check(at(102)), Ok(()));
    }

    #[test]
    fn a_full_window_blocks_where_it_is_to_and_then_all_is_counted_anew() {
        let limits = Limits { send_gap_seconds: 0, block_seconds: 3600, ..standard() };
        let mut destination = Destination::default();
        for _ in 0..5 {
            assert_eq!(destination.count_send(&limits, at(0)), Ok(()));
        }
        assert_eq!(destination.may_check(at(500)), Ok(()));
        let refused = destination.count_send(&limits, at(500)).unwrap_err();
        assert_eq!(refused, Limited { rule: LimitRule::Sends { count: 5, seconds: 600 }, retry_at: at(4100) });
        assert_eq!((destination.held_until(at(4099)), destination.held_until(at(4100))), (Some(at(4100)), None));
        assert!(destination.may_check(at(4099)).is_err() && destination.count_send(&limits, at(4099)).is_err());
        for _ in 0..5 {
            assert_eq!(destination.count_send(&limits, at(4100)), Ok(()));
        }
        assert!(destination.count_send(&limits, at(4100)).is_err());
        assert!(destination.release() && !destination.release());
        assert_eq!(destination.count_send(&limits, at(4100)), Ok(()));
    }

    #[test]
    fn wrong_codes_of_a_window_hold_and_older_ones_do_not_count() {
        let mut limits = standard();
        limits.failed_checks = FailedChecks { max: 3, window_seconds: 60, hold_seconds: 100 };
        let mut destination = Destination::default();
        destination.count_failed_check(&limits, at(0));
        destination.count_failed_check(&limits, at(59));
        destination.clear_failed_checks();
        destination.count_failed_check(&limits, at(60));
        assert_eq!(destination.held_until(at(60)), None, "the first is out of the window; a right code clears none");
        destination.count_failed_check(&limits, at(61));
        assert_eq!(destination.held_until(at(61)), Some(at(161)));
        destination.count_failed_check(&limits, at(161));
        assert_eq!(destination.held_until(at(161)), None, "all is counted anew");
    }

    proptest! {
        #[test]
        fn no_window_ever_holds_more_than_its_count(gaps in prop::collection::vec(0_i64..400, 1..200)) {
            let limits = standard();
            let (mut destination, mut now, mut sent) = (Destination::default(), 0, Vec::new());
            for gap in gaps {
                now += gap;
                match destination.count_send(&limits, at(now)) {
                    Ok(()) => sent.push(now),
                    Err(limited) => prop_assert!(limited.retry_at > at(now)),
                }
            }
            for window in &limits.sends {
                for start in &sent {
                    let inside = sent.iter().filter(|t| (*start..start + i64::from(window.seconds)).contains(*t)).count();
                    prop_assert!(inside <= window.count as usize);
                }
            }
            prop_assert!(sent.windows(2).all(|pair| pair[1] - pair[0] >= 60));
        }

        #[test]
        fn what_was_refused_is_allowed_at_the_moment_it_named(gaps in prop::collection::vec(0_i64..400, 1..60)) {
            let limits = standard();
            let (mut destination, mut now) = (Destination::default(), 0);
            for gap in gaps {
                now += gap;
                let mut again = destination.clone();
                if let Err(limited) = destination.count_send(&limits, at(now)) {
                    // Another rule may still refuse then, but never the same one.
                    if let Err(other) = again.count_send(&limits, limited.retry_at) {
                        prop_assert_ne!(other.rule, limited.rule);
                    }
                }
            }
        }
    }
}
