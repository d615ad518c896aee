//! Messages that take over from one another. A person waits for one code; if nothing is heard of the message that carries it,
//! another message is made, for another provider or another channel, and both belong to one chain. A chain has one caller, one
//! price and one report: that somebody else took over is this server's business.
//!
//! ```text
//! first ──next──▶ second ──next──▶ third        each knows the first one; callers know only that
//! ```

use super::{Fate, Message, MessageState, ReceiptPlan};
use crate::{Channel, MessageId, Timestamp};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Where a message stands among those of its chain.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Chain {
    /// The message that the caller asked for, and its channel, whose route decides how the chain goes on; none: it is this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first: Option<(MessageId, Channel)>,
    /// Providers that had an earlier message of the chain on this channel: they get no other.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub spent: Vec<String>,
    /// When another one takes over, if nothing is heard until then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_due_at: Option<Timestamp>,
    /// Whether its provider has promised a receipt that is waited for until then: what comes of it tells of the provider's health.
    #[serde(skip_serializing_if = "is_false")]
    pub awaits_receipt: bool,
    /// Whether that moment has passed without it.
    #[serde(skip_serializing_if = "is_false")]
    pub missed_receipt: bool,
    /// The one that took over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<MessageId>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
const fn is_false(value: &bool) -> bool {
    !*value
}

impl Chain {
    /// Whether there is nothing to say: a message that stands alone and waits for none.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// Whether there are other messages.
    #[must_use]
    pub const fn is_linked(&self) -> bool {
        self.first.is_some() || self.next.is_some()
    }
}

impl Message {
    /// A provider took it, and if nothing is heard of it for so long another one takes over.
    pub fn await_receipt(&mut self, patience: Duration, plan: ReceiptPlan, now: Timestamp) {
        if self.state != MessageState::Accepted {
            return;
        }
        let until = now.plus(patience);
        self.chain.next_due_at = Some(until);
        self.chain.awaits_receipt = plan == ReceiptPlan::Expected;
        self.due_at = Some(self.due_at.map_or(until, |deadline| deadline.min(until)));
    }

    /// Whether somebody is to take over at this moment.
    #[must_use]
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        self.chain.next_due_at.is_some_and(|due| due <= now)
    }

    /// Nobody waits any more for the moment of taking over. A receipt that was promised may still come.
    pub fn stop_waiting(&mut self) {
        let waited = self.chain.next_due_at.take().is_some();
        if waited && self.state == MessageState::Accepted {
            let deadline = |accepted: Timestamp| accepted.plus(super::RECEIPT_DEADLINE);
            self.due_at = self.accepted_at.filter(|_| self.chain.awaits_receipt).map(deadline);
        }
    }

    /// Whether a receipt that comes now was waited for.
    #[must_use]
    pub const fn is_awaited(&self) -> bool {
        self.chain.awaits_receipt && !self.chain.missed_receipt
    }

    /// The receipt that was promised did not come in time. Tells whether that is news.
    pub const fn miss_receipt(&mut self) -> bool {
        let is_news = self.is_awaited();
        self.chain.missed_receipt = self.chain.awaits_receipt;
        is_news
    }

    /// Whoever could take over cannot at this moment: the same once more, so much later.
    pub fn wait_again(&mut self, patience: Duration, now: Timestamp) {
        let until = now.plus(patience);
        self.chain.next_due_at = Some(until);
        self.due_at = Some(self.due_at.map_or(until, |deadline| deadline.min(until)));
    }

    /// The first of its chain, and that one's channel.
    #[must_use]
    pub fn first_of_chain(&self) -> (MessageId, Channel) {
        self.chain.first.unwrap_or((self.id, self.channel))
    }

    /// Lets another message take over: it goes by `channel`, and passes over whoever had one of the chain there.
    pub fn hand_on_to(&mut self, next: &mut Self, channel: Channel) {
        next.chain.first = Some(self.first_of_chain());
        if channel == self.channel {
            next.chain.spent.clone_from(&self.chain.spent);
            next.chain.spent.extend(self.provider.clone());
            next.refused_by.clone_from(&self.refused_by);
        }
        next.channel = channel;
        // The first one keeps who is to be told, for all of them.
        next.report = None;
        self.chain.next = Some(next.id);
    }
}

/// What became of a chain: it was delivered if any of its messages was; else nothing is known before something is known of all of
/// them, and then it counts that somebody had one.
#[must_use]
pub fn fate_of<'a>(chain: impl IntoIterator<Item = &'a Message>) -> Option<Fate> {
    let fates: Vec<Option<Fate>> = chain.into_iter().map(Message::fate).collect();
    if fates.contains(&Some(Fate::Delivered)) {
        return Some(Fate::Delivered);
    }
    let known: Vec<Fate> = fates.into_iter().collect::<Option<_>>()?;
    let speaks = |wanted| known.contains(&wanted).then_some(wanted);
    speaks(Fate::Undelivered).or_else(|| speaks(Fate::Expired)).or_else(|| known.last().copied())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        TenantId, VerificationId,
        message::{Content, Purpose, Receipt},
    };

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_ms(seconds * 1000)
    }

    fn message(number: u8) -> Message {
        let content = Content::Code {
            verification: VerificationId::from_bytes([9; 16]),
            generation: 0,
            purpose: Purpose::Verification,
        };
        let of = (TenantId::from_bytes([0; 16]), MessageId::from_bytes([number; 16]));
        Message::queued(of, Channel::Sms, content, at(0))
    }

    fn accepted(number: u8, provider: &str, plan: ReceiptPlan) -> Message {
        let mut message = message(number);
        message.accept(provider, None, plan, at(1));
        message.await_receipt(Duration::from_secs(20), plan, at(1));
        message
    }

    #[test]
    fn a_message_is_overdue_once_its_time_is_over_and_its_receipt_may_still_come() {
        let mut message = accepted(1, "a", ReceiptPlan::Expected);
        assert_eq!(message.due_at, Some(at(21)));
        assert!(!message.is_overdue(at(20)) && message.is_overdue(at(21)));
        message.stop_waiting();
        assert_eq!(message.due_at, Some(at(1).plus(Duration::from_hours(48))));
        assert!(message.miss_receipt() && !message.miss_receipt(), "it is missed once");
        message.wait_again(Duration::from_secs(20), at(21));
        assert_eq!(message.due_at, Some(at(41)));
        message.stop_waiting();
        assert_eq!(message.due_at, Some(at(1).plus(Duration::from_hours(48))));
        assert!(message.record_receipt(Receipt::Delivered, at(30)));
    }

    #[test]
    fn where_no_receipt_was_promised_none_is_waited_for_afterwards() {
        let mut message = accepted(1, "a", ReceiptPlan::Never);
        assert_eq!((message.due_at, message.chain.awaits_receipt), (Some(at(21)), false));
        message.stop_waiting();
        assert_eq!(message.due_at, None);
    }

    #[test]
    fn whoever_had_one_of_the_chain_gets_no_other_on_its_channel() {
        let mut first = accepted(1, "a", ReceiptPlan::Expected);
        let (mut second, mut third) = (message(2), message(3));
        first.hand_on_to(&mut second, Channel::Sms);
        assert_eq!((second.chain.spent.clone(), first.chain.next), (vec!["a".to_owned()], Some(second.id)));
        second.accept("b", None, ReceiptPlan::Expected, at(22));
        second.hand_on_to(&mut third, Channel::Voice);
        assert_eq!((third.channel, third.chain.spent.len()), (Channel::Voice, 0));
        assert_eq!(third.chain.first, Some((first.id, Channel::Sms)));
    }

    #[test]
    fn a_chain_was_delivered_if_any_was_and_fails_only_when_all_have() {
        let (mut one, mut two) = (accepted(1, "a", ReceiptPlan::Expected), accepted(2, "b", ReceiptPlan::Expected));
        two.record_receipt(Receipt::Undelivered, at(30));
        assert_eq!(fate_of(&[one.clone(), two.clone()]), None, "the first may still arrive");
        let mut late = one.clone();
        late.record_receipt(Receipt::Delivered, at(31));
        assert_eq!(fate_of(&[late, two.clone()]), Some(Fate::Delivered));
        one.give_up_waiting(at(40));
        assert_eq!(fate_of(&[one, two]), Some(Fate::Undelivered));
    }
}
