//! How the providers are, as this process has seen it: a breaker for each provider, channel and country. It is kept in memory on
//! purpose. It tells of the way from here to there at this moment, which a restart or another machine may have changed, and
//! the first few messages show it again; a write for each outcome would cost more than they do. What opened or closed is in
//! the log, where it stands now in the metrics.

use crate::Engine;
use countersign_model::{
    Channel, Message, MessageId, Timestamp,
    message::{Receipt, ReceiptPlan},
    routing::{Breaker, BreakerRules, BreakerState, Decision, Outcome, PassedOver, Standing, hours::utc},
};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

/// The breakers.
pub(crate) struct Health {
    rules: BreakerRules,
    breakers: Mutex<HashMap<Line, Breaker>>,
}

/// What a breaker is of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Line {
    provider: String,
    channel: Channel,
    country: Option<String>,
}

/// Where a message goes, as far as breakers care.
#[derive(Clone, Copy)]
pub(crate) struct Way<'a> {
    pub channel: Channel,
    pub country: Option<&'a str>,
}

impl Way<'_> {
    fn line(self, provider: &str) -> Line {
        Line { provider: provider.to_owned(), channel: self.channel, country: self.country.map(str::to_owned) }
    }
}

impl Health {
    pub(crate) fn new(rules: BreakerRules) -> Self {
        Self { rules, breakers: Mutex::default() }
    }

    fn with<T>(&self, work: impl FnOnce(&mut HashMap<Line, Breaker>) -> T) -> T {
        work(&mut self.breakers.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Engine {
    /// Decides with the health of this moment, and nobody else's decision comes between it and the beginning of a trial.
    pub(crate) fn choose(
        &self,
        way: Way<'_>,
        message: MessageId,
        now: Timestamp,
        decide: impl FnOnce(&dyn Fn(&str) -> Standing) -> Decision,
    ) -> Decision {
        let health = self.health();
        if !health.rules.are_in_force() {
            return decide(&|_| Standing::Free);
        }
        health.with(|breakers| {
            let decision = decide(&|provider| standing(breakers.get(&way.line(provider)), &health.rules, now));
            if let Some(next) = decision.next().filter(|next| next.standing == Standing::Trial) {
                let line = way.line(&next.provider);
                if let Some(breaker) = breakers.get_mut(&line) {
                    breaker.begin(message, &health.rules, now);
                    self.metrics().breaker(&line.provider, line.channel, way.country, BreakerState::HalfOpen);
                    let (provider, channel, country) = (&line.provider, line.channel.name(), way.country);
                    tracing::info!(message_id = %message, provider, channel, country, "a trial of a breaker begins");
                }
            }
            decision
        })
    }

    /// The same without beginning anything: to see who could take over.
    pub(crate) fn consider(
        &self,
        way: Way<'_>,
        now: Timestamp,
        decide: impl FnOnce(&dyn Fn(&str) -> Standing) -> Decision,
    ) -> Decision {
        let health = self.health();
        health.with(|breakers| decide(&|provider| standing(breakers.get(&way.line(provider)), &health.rules, now)))
    }

    /// What a message says of its provider.
    pub(crate) fn note_health(
        &self,
        way: Way<'_>,
        provider: &str,
        message: MessageId,
        outcome: Outcome,
        now: Timestamp,
    ) {
        let health = self.health();
        if !health.rules.are_in_force() {
            return;
        }
        health.with(|breakers| {
            let line = way.line(provider);
            let breaker = breakers.entry(line).or_default();
            let before = breaker.state_at(now);
            breaker.note(message, outcome, &health.rules, now);
            let after = breaker.state_at(now);
            if before != after {
                self.metrics().breaker(provider, way.channel, way.country, after);
                tell(provider, way, after);
            }
        });
    }

    /// A provider has taken a message. Where its receipt is waited for, that decides; else this does.
    pub(crate) fn note_accepted(
        &self,
        way: Way<'_>,
        provider: &str,
        message: &Message,
        plan: ReceiptPlan,
        now: Timestamp,
    ) {
        let outcome = match plan {
            ReceiptPlan::Now(receipt) => outcome_of(receipt),
            ReceiptPlan::Expected if message.chain.awaits_receipt => return,
            ReceiptPlan::Expected | ReceiptPlan::Never => Outcome::Success,
        };
        self.note_health(way, provider, message.id, outcome, now);
    }
}

/// What a receipt says of the provider.
pub(crate) const fn outcome_of(receipt: Receipt) -> Outcome {
    match receipt {
        Receipt::Delivered => Outcome::Success,
        Receipt::Undelivered => Outcome::Failure,
    }
}

fn standing(breaker: Option<&Breaker>, rules: &BreakerRules, now: Timestamp) -> Standing {
    let Some(breaker) = breaker else { return Standing::Free };
    match breaker.state_at(now) {
        BreakerState::Closed => Standing::Free,
        BreakerState::Open { until } => Standing::PassedOver(PassedOver::Resting { until }),
        BreakerState::HalfOpen if breaker.has_place(rules, now) => Standing::Trial,
        BreakerState::HalfOpen => Standing::PassedOver(PassedOver::OnTrial),
    }
}

fn tell(provider: &str, way: Way<'_>, state: BreakerState) {
    let (channel, country) = (way.channel.name(), way.country);
    match state {
        BreakerState::Open { until } => {
            let until = utc(until);
            tracing::warn!(provider, channel, country, until, "a breaker opened: the provider gets no messages");
        }
        BreakerState::HalfOpen => tracing::info!(provider, channel, country, "a breaker is half open"),
        BreakerState::Closed => {
            tracing::info!(provider, channel, country, "a breaker closed: the provider gets messages again");
        }
    }
}
