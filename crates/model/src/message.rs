//! One code, or one text of a caller's own, on its way to one address; as a row it is the outbox.
//!
//! ```text
//!             made, and there is a place for it
//!                      ▼
//! queued ──claim──▶ leased ──taken──▶ accepted ──receipt──▶ delivered | failed
//!    ▲                 │                  └──── no receipt in time ──▶ unconfirmed
//!    └── next provider, retry, or the lease ran out       (leased ──▶ dropped: nobody waits for it any more)
//! ```
//! A provider's answer moves a message one step; the route, which may change at any time, is asked anew for each step.
//! Where nothing is heard of a message another one takes over: `message/chain.rs`.

mod chain;

pub use chain::{Chain, fate_of};

use crate::{Channel, MessageId, Sealed, TenantId, Timestamp, Verification, VerificationId, routing::PassedOver};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What a message is for: it picks the template.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// A code to prove an address.
    Verification,
    /// A code to approve a payment.
    Payment,
}

impl Purpose {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Verification, Self::Payment];

    /// The name on the wire and of the template's folder.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Verification => "verification",
            Self::Payment => "payment",
        }
    }

    /// The opposite of [`Self::name`].
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.name() == name)
    }
}

/// Where a message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MessageState {
    /// Waits for its moment.
    Queued,
    /// A worker has it.
    Leased,
    /// A provider has it.
    Accepted,
    /// The person has it.
    Delivered,
    /// The person will not get it.
    Failed,
    /// Nobody waits for it any more: it was not sent.
    Dropped,
    /// A provider had it, and never said what became of it.
    Unconfirmed,
}

impl MessageState {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Queued, Self::Leased, Self::Accepted, Self::Delivered, Self::Failed, Self::Dropped, Self::Unconfirmed];

    /// The name on the wire and in metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Leased => "leased",
            Self::Accepted => "accepted",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Dropped => "dropped",
            Self::Unconfirmed => "unconfirmed",
        }
    }
}

/// Why a provider did not take a message. The text says it to the operator, and holds neither code nor address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// Not taken, and trying again may help.
    #[error("{0}")]
    Retry(String),
    /// Not taken, and this provider never will.
    #[error("{0}")]
    Refused(String),
    /// Perhaps taken: the answer got lost.
    #[error("{0}")]
    Unknown(String),
}

/// What a provider will still say of a message it has taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceiptPlan {
    /// A receipt will come.
    Expected,
    /// It never says more (mail relays).
    Never,
    /// It has said it already.
    Now(Receipt),
}

/// What became of a message that a provider had taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Receipt {
    /// It reached the person.
    Delivered,
    /// It did not.
    Undelivered,
}

/// What a message carries, and to whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// A code of a verification, which has address, policy and payment data.
    Code {
        /// The verification.
        verification: VerificationId,
        /// Which of its codes.
        generation: u32,
        /// What it is for.
        purpose: Purpose,
    },
    /// A text that a caller sends as it is.
    Text {
        /// Where it goes.
        to: Sealed,
        /// Whom it comes from.
        from: Option<String>,
        /// What it says.
        text: Sealed,
    },
}

/// What becomes of a message in the end, as callers are told who asked for delivery reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// The person has it.
    Delivered,
    /// A provider had it, and could not deliver it.
    Undelivered,
    /// No provider took it.
    Refused,
    /// A provider had it, and never said what became of it.
    Expired,
    /// It was not sent, since nobody waited for it any more.
    Deleted,
}

/// One message on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Its name; given to providers that take a client's id, so that a repeated attempt is not a second message.
    pub id: MessageId,
    /// Whose it is.
    pub tenant: TenantId,
    /// Grows with each write; 0 before the first.
    #[serde(skip)]
    pub version: u32,
    /// What it carries, and to whom.
    pub content: Content,
    /// Its way.
    pub channel: Channel,
    /// The one provider that carries it, whatever the route of its channel says; none: the route decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<String>,
    /// Where it stands.
    #[serde(skip, default = "queued")]
    pub state: MessageState,
    /// When something is to be done about it: the next attempt, or the end of waiting for a receipt. None: nothing.
    #[serde(skip)]
    pub due_at: Option<Timestamp>,
    /// From when on it is not worth sending.
    pub give_up_at: Timestamp,
    /// How often all providers of its route were tried in vain.
    pub rounds: u32,
    /// Who was tried in this round.
    pub tried: Vec<String>,
    /// Who will never take it.
    pub refused_by: Vec<String>,
    /// How many attempts were made.
    pub attempts: u32,
    /// Who took it.
    pub provider: Option<String>,
    /// Under which name.
    pub reference: Option<String>,
    /// Why it failed, or why its last attempt did.
    pub reason: Option<String>,
    /// Why its provider was asked, and why no other: see [`crate::routing::Decision::why`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// When a provider took it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted_at: Option<Timestamp>,
    /// When it was known what became of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled_at: Option<Timestamp>,
    /// Which messages come before and after it.
    #[serde(default, skip_serializing_if = "Chain::is_none")]
    pub chain: Chain,
    /// Who is told what becomes of it, sealed; none: nobody.
    pub report: Option<Sealed>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

const fn queued() -> MessageState {
    MessageState::Queued
}

/// How long a provider may take to send the receipt it has promised.
const RECEIPT_DEADLINE: Duration = Duration::from_hours(48);
/// How long a message is tried whose code never ends.
const LONGEST_EFFORT: Duration = Duration::from_hours(24);
const FIRST_PAUSE_MS: u64 = 2_000;
const LONGEST_PAUSE_MS: u64 = 60_000;

impl Message {
    /// A code of a verification, due at once and until the code dies.
    #[must_use]
    pub fn of_code(id: MessageId, of: &Verification, generation: u32, now: Timestamp) -> Self {
        let purpose = if of.payment.is_some() { Purpose::Payment } else { Purpose::Verification };
        let content = Content::Code { verification: of.id, generation, purpose };
        let give_up_at = of.expires_at().unwrap_or_else(|| now.plus(LONGEST_EFFORT));
        let (report, via) = (of.report.clone(), of.via.clone());
        Self { via, give_up_at, report, ..Self::queued((of.tenant, id), of.channel, content, now) }
    }

    /// A message that is due at once.
    #[must_use]
    pub fn queued((tenant, id): (TenantId, MessageId), channel: Channel, content: Content, now: Timestamp) -> Self {
        Self {
            id,
            tenant,
            version: 0,
            content,
            channel,
            via: None,
            state: MessageState::Queued,
            due_at: Some(now),
            give_up_at: now.plus(LONGEST_EFFORT),
            rounds: 0,
            tried: Vec::new(),
            refused_by: Vec::new(),
            attempts: 0,
            provider: None,
            reference: None,
            reason: None,
            why: None,
            accepted_at: None,
            settled_at: None,
            chain: Chain::default(),
            report: None,
            created_at: now,
            updated_at: now,
        }
    }

    /// The verification whose code it carries.
    #[must_use]
    pub const fn verification(&self) -> Option<VerificationId> {
        match &self.content {
            Content::Code { verification, .. } => Some(*verification),
            Content::Text { .. } => None,
        }
    }

    /// What became of it, once that is known.
    #[must_use]
    pub const fn fate(&self) -> Option<Fate> {
        match self.state {
            MessageState::Queued | MessageState::Leased | MessageState::Accepted => None,
            MessageState::Delivered => Some(Fate::Delivered),
            // Whoever took it has said so; without a taker it was refused.
            MessageState::Failed if self.provider.is_some() => Some(Fate::Undelivered),
            MessageState::Failed => Some(Fate::Refused),
            MessageState::Dropped => Some(Fate::Deleted),
            MessageState::Unconfirmed => Some(Fate::Expired),
        }
    }

    /// Why a provider is not asked for it, whoever else is; none: it may be.
    #[must_use]
    pub fn passes_over(&self, provider: &str) -> Option<PassedOver> {
        let is_in = |names: &[String]| names.iter().any(|name| name == provider);
        if is_in(&self.refused_by) {
            Some(PassedOver::Refused)
        } else if is_in(&self.chain.spent) {
            Some(PassedOver::Spent)
        } else if is_in(&self.tried) {
            Some(PassedOver::Tried)
        } else {
            None
        }
    }

    /// A provider took it.
    pub fn accept(&mut self, provider: &str, reference: Option<String>, plan: ReceiptPlan, now: Timestamp) {
        self.attempts += 1;
        self.provider = Some(provider.to_owned());
        self.reference = reference;
        self.reason = None;
        self.accepted_at = Some(now);
        self.enter(MessageState::Accepted, now);
        match plan {
            ReceiptPlan::Expected => self.due_at = Some(now.plus(RECEIPT_DEADLINE)),
            ReceiptPlan::Never => {}
            ReceiptPlan::Now(receipt) => self.settle(receipt, now),
        }
    }

    /// A provider did not take it: the next of the route is due at once; after the last one a pause begins, longer each
    /// round (2 s doubled up to 60 s, less up to half of it by chance, so that many messages do not come back in step).
    /// Past the code's life it fails. `chance` is any random number.
    pub fn note_failure(&mut self, provider: &str, error: &SendError, route: &[String], now: Timestamp, chance: u32) {
        self.attempts += 1;
        self.reason = Some(format!("{provider}: {error}"));
        match error {
            SendError::Refused(_) => self.refused_by.push(provider.to_owned()),
            SendError::Retry(_) | SendError::Unknown(_) => self.tried.push(provider.to_owned()),
        }
        self.enter(MessageState::Queued, now);
        if route.iter().any(|name| self.passes_over(name).is_none()) {
            self.due_at = Some(now);
        } else if route.iter().all(|name| self.refused_by.contains(name)) {
            self.enter(MessageState::Failed, now);
        } else {
            self.pause(now, chance);
        }
    }

    /// Nobody of the route may be tried now: everybody has refused it, and it fails; or somebody may later, after a rest or after a
    /// restart with another configuration. `why` tells that.
    pub fn note_no_route(&mut self, route: &[String], why: &str, now: Timestamp, chance: u32) {
        if !route.is_empty() && route.iter().all(|name| self.refused_by.contains(name)) {
            return self.enter(MessageState::Failed, now);
        }
        self.reason = Some(if route.is_empty() && why.is_empty() {
            format!("no provider is configured for the channel {}", self.channel.name())
        } else {
            why.to_owned()
        });
        self.enter(MessageState::Queued, now);
        self.pause(now, chance);
    }

    /// Whether its whole route was asked in vain: it has failed, or waits for another round.
    #[must_use]
    pub fn is_spurned(&self) -> bool {
        let is_failed = self.state == MessageState::Failed && self.provider.is_none();
        is_failed || self.state == MessageState::Queued && self.rounds > 0 && self.tried.is_empty()
    }

    /// Nobody waits for it any more.
    pub fn drop_unsent(&mut self, reason: &str, now: Timestamp) {
        self.reason = Some(reason.to_owned());
        self.enter(MessageState::Dropped, now);
    }

    /// It cannot be sent at all.
    pub fn fail(&mut self, reason: &str, now: Timestamp) {
        self.reason = Some(reason.to_owned());
        self.enter(MessageState::Failed, now);
    }

    /// A receipt came. Late, double and out-of-order ones are harmless: the first that decides stays. Tells whether this one did.
    pub fn record_receipt(&mut self, receipt: Receipt, now: Timestamp) -> bool {
        match self.state {
            MessageState::Delivered | MessageState::Failed | MessageState::Dropped => false,
            MessageState::Queued | MessageState::Leased | MessageState::Accepted | MessageState::Unconfirmed => {
                self.settle(receipt, now);
                true
            }
        }
    }

    /// No receipt came in time.
    pub fn give_up_waiting(&mut self, now: Timestamp) {
        self.enter(MessageState::Unconfirmed, now);
    }

    fn settle(&mut self, receipt: Receipt, now: Timestamp) {
        self.chain.next_due_at = None;
        match receipt {
            Receipt::Delivered => self.enter(MessageState::Delivered, now),
            Receipt::Undelivered => self.fail("the provider reported it as undelivered", now),
        }
    }

    fn pause(&mut self, now: Timestamp, chance: u32) {
        let full = FIRST_PAUSE_MS.saturating_mul(1 << self.rounds.min(10)).min(LONGEST_PAUSE_MS);
        let pause = full - u64::from(chance) % (full / 2);
        self.rounds += 1;
        self.tried.clear();
        let due = now.plus(Duration::from_millis(pause));
        if due < self.give_up_at {
            self.due_at = Some(due);
        } else {
            self.enter(MessageState::Failed, now);
        }
    }

    const fn enter(&mut self, state: MessageState, now: Timestamp) {
        self.state = state;
        self.due_at = None;
        self.updated_at = now;
        self.settled_at = if self.fate().is_some() { Some(now) } else { None };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_ms(seconds * 1000)
    }

    fn message() -> Message {
        Message {
            id: MessageId::from_bytes([0; 16]),
            tenant: TenantId::from_bytes([0; 16]),
            version: 1,
            content: Content::Code {
                verification: VerificationId::from_bytes([0; 16]),
                generation: 0,
                purpose: Purpose::Verification,
            },
            channel: Channel::Sms,
            via: None,
            state: MessageState::Leased,
            due_at: None,
            give_up_at: at(300),
            rounds: 0,
            tried: vec![],
            refused_by: vec![],
            attempts: 0,
            provider: None,
            reference: None,
            reason: None,
            why: None,
            accepted_at: None,
            settled_at: None,
            chain: Chain::default(),
            report: None,
            created_at: at(0),
            updated_at: at(0),
        }
    }

    fn route(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn down() -> SendError {
        SendError::Retry("connection refused".into())
    }

    #[test]
    fn the_next_provider_is_due_at_once_and_after_the_last_one_there_is_a_pause() {
        let (mut message, route) = (message(), route(&["a", "b"]));
        message.note_failure("a", &down(), &route, at(0), 0);
        assert_eq!((message.state, message.due_at), (MessageState::Queued, Some(at(0))));
        assert_eq!((message.passes_over("a"), message.passes_over("b")), (Some(PassedOver::Tried), None));
        message.note_failure("b", &down(), &route, at(0), 0);
        assert_eq!((message.state, message.due_at), (MessageState::Queued, Some(at(2))));
        assert_eq!(message.passes_over("a"), None, "a new round begins");
    }

    #[test]
    fn a_message_that_every_provider_refuses_fails_and_one_refusal_does_not_stop_the_others() {
        let (mut message, route) = (message(), route(&["a", "b"]));
        message.note_failure("a", &SendError::Refused("no".into()), &route, at(0), 0);
        message.note_failure("b", &down(), &route, at(0), 0);
        assert_eq!((message.passes_over("a"), message.passes_over("b")), (Some(PassedOver::Refused), None));
        message.note_failure("b", &SendError::Refused("no".into()), &route, at(2), 0);
        assert_eq!((message.state, message.due_at), (MessageState::Failed, None));
    }

    #[test]
    fn a_receipt_decides_once() {
        let mut message = message();
        message.accept("a", Some("1".into()), ReceiptPlan::Expected, at(1));
        assert!(message.record_receipt(Receipt::Delivered, at(2)));
        assert!(!message.record_receipt(Receipt::Undelivered, at(3)));
        assert_eq!(message.state, MessageState::Delivered);
    }

    #[test]
    fn a_message_that_somebody_took_was_undelivered_and_one_that_nobody_took_was_refused() {
        let (mut taken, mut refused) = (message(), message());
        assert_eq!(taken.fate(), None);
        taken.accept("a", None, ReceiptPlan::Now(Receipt::Undelivered), at(1));
        refused.note_failure("a", &SendError::Refused("no".into()), &route(&["a"]), at(1), 0);
        assert_eq!((taken.fate(), refused.fate()), (Some(Fate::Undelivered), Some(Fate::Refused)));
    }

    #[test]
    fn a_relay_that_never_reports_leaves_nothing_to_wait_for() {
        let mut message = message();
        message.accept("relay", None, ReceiptPlan::Never, at(1));
        assert_eq!((message.state, message.due_at), (MessageState::Accepted, None));
    }

    proptest! {
        #[test]
        fn retries_never_outlive_the_code(chances in prop::collection::vec(any::<u32>(), 60)) {
            let (mut message, route) = (message(), route(&["a"]));
            let mut now = at(0);
            for chance in chances {
                message.note_failure("a", &down(), &route, now, chance);
                let Some(due) = message.due_at else { break };
                prop_assert!(due > now && due < message.give_up_at);
                now = due;
            }
            prop_assert_eq!(message.state, MessageState::Failed);
        }
    }
}
