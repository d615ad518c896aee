//! What is counted, for `/metrics`. Labels are few and closed: channels, outcomes, providers of the configuration. No
//! address, tenant or id ever becomes a label.

use crate::Error;
use countersign_delivery::{LinkState, LinkStatus};
use countersign_model::{Channel, Checked, Limited, limit::LimitRule, routing::BreakerState};
use prometheus_client::{
    encoding::{EncodeLabelSet, EncodeLabelValue, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};
use std::{fmt, sync::atomic::Ordering::Relaxed, time::Duration};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ChannelLabel {
    channel: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabel {
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AttemptLabel {
    provider: String,
    outcome: Attempt,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReceiptLabel {
    provider: String,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BreakerLabel {
    provider: String,
    channel: &'static str,
    country: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TakeOverLabel {
    from: &'static str,
    to: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LinkLabel {
    provider: String,
    link: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LinkStateLabel {
    provider: String,
    link: String,
    state: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabel {
    route: String,
    status: u16,
}

/// How an attempt to hand over a message went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
#[expect(missing_docs, reason = "the names say it: see `SendError`")]
pub enum Attempt {
    Accepted,
    Retry,
    Refused,
    Unknown,
}

/// The counters of one engine.
pub struct Metrics {
    registry: Registry,
    started: Family<ChannelLabel, Counter>,
    resent: Family<ChannelLabel, Counter>,
    checked: Family<OutcomeLabel, Counter>,
    limited: Family<OutcomeLabel, Counter>,
    attempts: Family<AttemptLabel, Counter>,
    receipts: Family<ReceiptLabel, Counter>,
    taken_over: Family<TakeOverLabel, Counter>,
    breakers: Family<BreakerLabel, Gauge>,
    rests: Family<BreakerLabel, Gauge>,
    links: Family<LinkStateLabel, Gauge>,
    in_window: Family<LinkLabel, Gauge>,
    binds: Family<LinkLabel, Counter>,
    throttled: Family<LinkLabel, Counter>,
    nacked: Family<LinkLabel, Counter>,
    webhooks: Family<OutcomeLabel, Counter>,
    handover: Histogram,
    waiting: Gauge,
    requests: Family<RequestLabel, Counter>,
    duration: Histogram,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

const SECONDS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 10.0];

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("countersign"),
            started: Family::default(),
            resent: Family::default(),
            checked: Family::default(),
            limited: Family::default(),
            attempts: Family::default(),
            receipts: Family::default(),
            taken_over: Family::default(),
            breakers: Family::default(),
            rests: Family::default(),
            links: Family::default(),
            in_window: Family::default(),
            binds: Family::default(),
            throttled: Family::default(),
            nacked: Family::default(),
            webhooks: Family::default(),
            handover: Histogram::new(SECONDS),
            waiting: Gauge::default(),
            requests: Family::default(),
            duration: Histogram::new(SECONDS),
        };
        metrics.register();
        metrics
    }

    fn register(&mut self) {
        let registry = &mut self.registry;
        registry.register("verifications_started", "Verifications started", self.started.clone());
        registry.register("codes_resent", "Codes sent again", self.resent.clone());
        registry.register("codes_checked", "Codes checked, by what became of them", self.checked.clone());
        registry.register("requests_limited", "Requests that a limit refused, by rule", self.limited.clone());
        registry.register("send_attempts", "Attempts to hand a message to a provider", self.attempts.clone());
        registry.register("receipts", "Receipts, and those that did not come in time", self.receipts.clone());
        registry.register("messages_taken_over", "Messages from which another one took over", self.taken_over.clone());
        registry.register(
            "breaker_state",
            "Breaker of a provider, channel and country: 0 closed, 1 half open, 2 open",
            self.breakers.clone(),
        );
        registry.register(
            "breaker_rest_until_seconds",
            "When the trials of an open breaker begin, in seconds since 1970; 0 if it is not open",
            self.rests.clone(),
        );
        registry.register(
            "provider_link_state",
            "Lasting connections of providers: 1 for the state that each is in",
            self.links.clone(),
        );
        registry.register(
            "provider_link_in_window",
            "Messages on a connection without an answer",
            self.in_window.clone(),
        );
        registry.register("provider_link_binds", "How often a connection came up", self.binds.clone());
        registry.register(
            "provider_link_throttled",
            "How often the peer of a connection wanted fewer messages",
            self.throttled.clone(),
        );
        registry.register(
            "provider_link_nacked",
            "How often the peer of a connection was told that it cannot be understood",
            self.nacked.clone(),
        );
        registry.register(
            "handover_seconds",
            "From the request to the moment a provider had the message",
            self.handover.clone(),
        );
        registry.register("webhook_calls", "Calls of webhooks, by what became of them", self.webhooks.clone());
        registry.register("messages_waiting", "Messages queued or with a worker", self.waiting.clone());
        registry.register("http_requests", "Requests answered, by route and status", self.requests.clone());
        registry.register("http_request_duration_seconds", "Time to answer a request", self.duration.clone());
    }

    pub(crate) fn started(&self, channel: Channel) {
        self.started.get_or_create(&ChannelLabel { channel: channel.name() }).inc();
    }

    pub(crate) fn resent(&self, channel: Channel) {
        self.resent.get_or_create(&ChannelLabel { channel: channel.name() }).inc();
    }

    pub(crate) fn checked(&self, checked: Checked) {
        let outcome = match checked {
            Checked::Approved => "approved",
            Checked::Wrong { .. } => "wrong",
            Checked::Exhausted => "exhausted",
            Checked::Held => "held",
            Checked::PaymentMismatch => "payment_mismatch",
            Checked::NotPending(state) => state.name(),
        };
        self.checked.get_or_create(&OutcomeLabel { outcome }).inc();
    }

    /// A limit refused a command.
    pub(crate) fn refused(&self, error: &Error) {
        let Error::Limited(Limited { rule, .. }) = error else { return };
        let outcome = match rule {
            LimitRule::SendGap => "send_gap",
            LimitRule::Sends { .. } => "sends",
            LimitRule::FailedChecks => "failed_checks",
        };
        self.limited.get_or_create(&OutcomeLabel { outcome }).inc();
    }

    pub(crate) fn attempted(&self, provider: &str, outcome: Attempt) {
        self.attempts.get_or_create(&AttemptLabel { provider: provider.to_owned(), outcome }).inc();
    }

    /// `outcome` is `delivered`, `undelivered` or `missing`.
    pub(crate) fn receipt(&self, provider: &str, outcome: &'static str) {
        self.receipts.get_or_create(&ReceiptLabel { provider: provider.to_owned(), outcome }).inc();
    }

    pub(crate) fn taken_over(&self, from: Channel, to: Channel) {
        self.taken_over.get_or_create(&TakeOverLabel { from: from.name(), to: to.name() }).inc();
    }

    pub(crate) fn breaker(&self, provider: &str, channel: Channel, country: Option<&str>, state: BreakerState) {
        let (state, until) = match state {
            BreakerState::Closed => (0, 0),
            BreakerState::HalfOpen => (1, 0),
            BreakerState::Open { until } => (2, until.as_ms().div_euclid(1000)),
        };
        let country = country.unwrap_or_default().to_owned();
        let label = BreakerLabel { provider: provider.to_owned(), channel: channel.name(), country };
        self.breakers.get_or_create(&label).set(state);
        self.rests.get_or_create(&label).set(until);
    }

    /// How a connection of a provider is now.
    pub(crate) fn link(&self, provider: &str, status: &LinkStatus) {
        for state in LinkState::ALL {
            let (provider, link) = (provider.to_owned(), status.name.clone());
            let label = LinkStateLabel { provider, link, state: state.name() };
            self.links.get_or_create(&label).set(i64::from(state == status.state));
        }
        let label = LinkLabel { provider: provider.to_owned(), link: status.name.clone() };
        self.in_window.get_or_create(&label).set(i64::try_from(status.in_window).unwrap_or(i64::MAX));
        // The connection counts; here it is only told.
        self.binds.get_or_create(&label).inner().store(status.times_bound, Relaxed);
        self.throttled.get_or_create(&label).inner().store(status.throttled, Relaxed);
        self.nacked.get_or_create(&label).inner().store(status.times_nacked, Relaxed);
    }

    pub(crate) fn webhook(&self, outcome: &'static str) {
        self.webhooks.get_or_create(&OutcomeLabel { outcome }).inc();
    }

    pub(crate) fn handed_over(&self, after: Duration) {
        self.handover.observe(after.as_secs_f64());
    }

    /// One request was answered. `route` is the pattern, never the path, which may hold ids.
    pub fn answered(&self, route: &str, status: u16, after: Duration) {
        self.requests.get_or_create(&RequestLabel { route: route.to_owned(), status }).inc();
        self.duration.observe(after.as_secs_f64());
    }

    /// All of it in the OpenMetrics text format. `waiting` is how many messages are in the outbox now.
    #[must_use]
    pub fn render(&self, waiting: u64) -> String {
        self.waiting.set(i64::try_from(waiting).unwrap_or(i64::MAX));
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}
