//! How fast a carrier is given messages: an agreed number a second, and pauses when it says that it has too much to do. Moments
//! are spans since any fixed point.

use std::time::Duration;

/// A pause less up to half of it by chance, so that many do not come back in step.
pub(super) fn shortened(pause: Duration, chance: u32) -> Duration {
    pause.mul_f64(1.0 - 0.5 * f64::from(chance) / f64::from(u32::MAX))
}

/// When the next message may go.
#[derive(Debug)]
pub(super) struct Pace {
    gap: Duration,
    next: Duration,
    paused_until: Duration,
    back_off: Duration,
}

const SHORTEST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(8);

impl Pace {
    /// So many messages a second; none: as many as the window lets through.
    pub fn new(per_second: Option<u32>) -> Self {
        let gap = per_second.and_then(|number| Duration::from_secs(1).checked_div(number)).unwrap_or_default();
        Self { gap, next: Duration::ZERO, paused_until: Duration::ZERO, back_off: Duration::ZERO }
    }

    /// The moment from which on the next message may go.
    pub fn from(&self) -> Duration {
        self.next.max(self.paused_until)
    }

    /// One goes now. What was not used is lost, but for a tenth of a second: timers are not exact.
    pub fn went(&mut self, now: Duration) {
        if !self.gap.is_zero() {
            self.next = self.next.max(now.saturating_sub(Duration::from_millis(100))) + self.gap;
        }
    }

    /// The carrier has too much to do: a pause, longer each time, less up to half of it by chance. Further such answers to what
    /// was sent before the pause began do not prolong it.
    pub fn throttled(&mut self, now: Duration, chance: u32) {
        if now < self.paused_until {
            return;
        }
        self.back_off = (self.back_off * 2).clamp(SHORTEST, LONGEST);
        self.paused_until = now + shortened(self.back_off, chance);
    }

    /// It took one.
    pub fn taken(&mut self, now: Duration) {
        if now >= self.paused_until {
            self.back_off = self.back_off.mul_f64(0.5);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn pauses_get_longer_while_the_carrier_complains_and_shorter_when_it_takes_messages() {
        let mut pace = Pace::new(None);
        pace.throttled(ms(1000), 0);
        assert_eq!(pace.from(), ms(1250));
        pace.throttled(ms(1100), 0);
        assert_eq!(pace.from(), ms(1250), "the same burst");
        pace.throttled(ms(1300), 0);
        assert_eq!(pace.from(), ms(1800));
        pace.taken(ms(1900));
        pace.throttled(ms(1950), u32::MAX);
        assert_eq!(pace.from(), ms(1950 + 250), "500 ms, and half of it spared");
        for _ in 0..20 {
            pace.throttled(pace.from(), 0);
        }
        let before = pace.from();
        pace.throttled(before, 0);
        assert_eq!(pace.from(), before + LONGEST);
    }

    proptest! {
        #[test]
        fn never_more_than_agreed(per_second in 1..200_u32, waits in prop::collection::vec(0..300_u64, 1..300)) {
            let (mut pace, mut now, mut sent) = (Pace::new(Some(per_second)), ms(10_000), Vec::new());
            for wait in waits {
                now = (now + ms(wait)).max(pace.from());
                pace.went(now);
                sent.push(now);
            }
            // A tenth of a second more than one second's worth, at most.
            let most = usize::try_from(per_second + per_second / 10 + 1).unwrap();
            for (at, first) in sent.iter().enumerate() {
                let within = sent.iter().skip(at).take_while(|moment| **moment < *first + ms(1000)).count();
                prop_assert!(within <= most, "{} of {}", within, most);
            }
        }
    }
}
