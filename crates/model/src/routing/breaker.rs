//! When a provider gets a rest. There is a breaker for each provider, channel and country, since a route to one country can
//! be dead while the others live, and a provider whose text messages get lost may still place calls.
//!
//! ```text
//!            too many failures              its rest is over
//!  closed ─────────────────────▶ open ─────────────────────▶ half open
//!     ▲                           ▲                            │    │
//!     │                           └────── a trial failed ──────┘    │
//!     └──────────────────── enough trials succeeded ────────────────┘
//! ```
//! An open one lets nothing through. A half-open one lets a few messages through, its trials, and each further rest is twice
//! as long as the one before. What comes of messages that were no trials changes nothing then: it is old news.

use crate::{MessageId, Timestamp};
use serde::Deserialize;
use std::{collections::VecDeque, time::Duration};

/// When it opens and closes. The default is: never opens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a section")]
pub struct BreakerRules {
    /// It opens at no fewer failures than this; 0 means never.
    pub failures: u32,
    /// And only if they are so many of a hundred outcomes.
    pub percent: u32,
    /// Outcomes of the last so many seconds count.
    pub window_seconds: u32,
    /// How long its first rest is.
    pub rest_seconds: u32,
    /// How long a rest is at most.
    pub longest_rest_seconds: u32,
    /// How many trials run at one time.
    pub trials: u32,
    /// How many trials must succeed before it closes.
    pub successes: u32,
    /// A trial of which nothing was heard for so long leaves its place to another.
    pub trial_seconds: u32,
}

impl BreakerRules {
    /// Whether there are breakers at all.
    #[must_use]
    pub const fn are_in_force(&self) -> bool {
        self.failures > 0
    }

    /// The first setting that makes no sense, and why.
    #[must_use]
    pub fn problem(&self) -> Option<(&'static str, &'static str)> {
        let at_least_one = [
            ("window_seconds", self.window_seconds),
            ("rest_seconds", self.rest_seconds),
            ("trials", self.trials),
            ("successes", self.successes),
            ("trial_seconds", self.trial_seconds),
        ];
        if !self.are_in_force() {
            return None;
        }
        if self.failures > MOST_OUTCOMES {
            return Some(("failures", "must be at most 1000"));
        }
        if !(1..=100).contains(&self.percent) {
            return Some(("percent", "must be from 1 to 100"));
        }
        if let Some((setting, _)) = at_least_one.into_iter().find(|(_, number)| *number == 0) {
            return Some((setting, "must be at least 1"));
        }
        (self.longest_rest_seconds < self.rest_seconds)
            .then_some(("longest_rest_seconds", "must be no shorter than rest_seconds"))
    }
}

/// What a message says of its provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It works: the message was taken, or, where a receipt is waited for, delivered.
    Success,
    /// It does not: not taken for a reason that is the provider's, reported as undelivered, or no receipt in time.
    Failure,
    /// Nothing: it refused just this message.
    Nothing,
}

/// Where a breaker stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerState {
    /// Messages go through.
    Closed,
    /// Trials go through.
    HalfOpen,
    /// Nothing goes through before this moment.
    Open {
        /// When trials begin.
        until: Timestamp,
    },
}

/// A breaker.
#[derive(Clone, Debug, Default)]
pub struct Breaker {
    /// The latest outcomes, oldest first; only while it is closed.
    outcomes: VecDeque<(Timestamp, bool)>,
    rest: Option<Rest>,
}

/// What is known while it is not closed.
#[derive(Clone, Debug)]
struct Rest {
    until: Timestamp,
    /// How long this one is.
    span: Duration,
    /// The trials that run, and until when they keep their places.
    trials: Vec<(MessageId, Timestamp)>,
    succeeded: u32,
}

/// More says nothing more.
const MOST_OUTCOMES: u32 = 1000;

impl Breaker {
    /// Where it stands at a moment.
    #[must_use]
    pub fn state_at(&self, now: Timestamp) -> BreakerState {
        match &self.rest {
            None => BreakerState::Closed,
            Some(rest) if now < rest.until => BreakerState::Open { until: rest.until },
            Some(_) => BreakerState::HalfOpen,
        }
    }

    /// Whether one more trial may begin. Only where it is half open there are trials.
    #[must_use]
    pub fn has_place(&self, rules: &BreakerRules, now: Timestamp) -> bool {
        let running = |rest: &Rest| rest.trials.iter().filter(|(_, until)| now < *until).count();
        self.rest.as_ref().is_none_or(|rest| running(rest) < rules.trials as usize)
    }

    /// A message goes to the provider. Where the breaker is half open it is a trial.
    pub fn begin(&mut self, message: MessageId, rules: &BreakerRules, now: Timestamp) {
        let is_half_open = self.state_at(now) == BreakerState::HalfOpen;
        let Some(rest) = self.rest.as_mut().filter(|_| is_half_open) else { return };
        rest.trials.retain(|(_, until)| now < *until);
        rest.trials.push((message, now.plus_seconds(rules.trial_seconds)));
    }

    /// What came of a message.
    pub fn note(&mut self, message: MessageId, outcome: Outcome, rules: &BreakerRules, now: Timestamp) {
        match (&mut self.rest, outcome) {
            (None, Outcome::Nothing) => {}
            (None, Outcome::Success | Outcome::Failure) => self.count(outcome == Outcome::Failure, rules, now),
            (Some(rest), outcome) => {
                let running = rest.trials.len();
                rest.trials.retain(|(trial, _)| *trial != message);
                let was_trial = rest.trials.len() < running;
                match outcome {
                    Outcome::Success if was_trial => {
                        rest.succeeded += 1;
                        if rest.succeeded >= rules.successes {
                            *self = Self::default();
                        }
                    }
                    Outcome::Failure if was_trial => {
                        let longest = Duration::from_secs(u64::from(rules.longest_rest_seconds));
                        let span = rest.span.saturating_mul(2).min(longest);
                        self.open(span, now);
                    }
                    Outcome::Success | Outcome::Failure | Outcome::Nothing => {}
                }
            }
        }
    }

    fn count(&mut self, is_failure: bool, rules: &BreakerRules, now: Timestamp) {
        self.outcomes.push_back((now, is_failure));
        let window = Duration::from_secs(u64::from(rules.window_seconds));
        while self.outcomes.len() > MOST_OUTCOMES as usize
            || self.outcomes.front().is_some_and(|(at, _)| now.since(*at) >= window)
        {
            self.outcomes.pop_front();
        }
        let failures = self.outcomes.iter().filter(|(_, is_failure)| *is_failure).count();
        let enough = failures >= rules.failures as usize;
        if rules.are_in_force() && enough && failures * 100 >= self.outcomes.len() * rules.percent as usize {
            self.open(Duration::from_secs(u64::from(rules.rest_seconds)), now);
        }
    }

    fn open(&mut self, span: Duration, now: Timestamp) {
        self.outcomes.clear();
        self.rest = Some(Rest { until: now.plus(span), span, trials: Vec::new(), succeeded: 0 });
    }
}

#[cfg(test)]
mod tests;
