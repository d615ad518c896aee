//! What happened, in the past tense: the history of a verification, for operators and for webhooks. An event never holds a
//! code or an address.

use crate::{Channel, EventId, MessageId, Random, TenantId, Timestamp, VerificationId};
use serde::{Deserialize, Serialize};

/// Something that happened to a verification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Its name; sorts by time.
    pub id: EventId,
    /// Whose it is.
    pub tenant: TenantId,
    /// What it happened to.
    pub verification: VerificationId,
    /// When.
    pub at: Timestamp,
    /// What.
    #[serde(flatten)]
    pub kind: EventKind,
}

impl Event {
    /// An event of this moment.
    #[must_use]
    pub fn new(of: (TenantId, VerificationId), kind: EventKind, now: Timestamp, random: &dyn Random) -> Self {
        Self { id: EventId::generate(now, random), tenant: of.0, verification: of.1, at: now, kind }
    }
}

/// The closed list of what can happen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum EventKind {
    /// A verification began, and its first message was queued.
    Started {
        /// The message.
        message: MessageId,
        /// Its way.
        channel: Channel,
    },
    /// A further message was queued.
    Resent {
        /// The message.
        message: MessageId,
        /// Its way.
        channel: Channel,
        /// Whether it carries a new code.
        new_code: bool,
    },
    /// A wrong code was checked.
    CodeRejected {
        /// How many more wrong codes it survives; none means any number.
        attempts_left: Option<u32>,
    },
    /// The right code was checked, or the caller reported success.
    Approved,
    /// The caller reported failure, or the payment data of a check differed.
    Denied {
        /// Which of the two.
        reason: DenialReason,
    },
    /// The last allowed wrong code was checked.
    Exhausted,
    /// The caller ended it.
    Cancelled,
    /// Its time ran out.
    Expired,
    /// A provider took the message.
    MessageAccepted {
        /// The message.
        message: MessageId,
        /// Who took it.
        provider: String,
        /// Why it was asked, and why no other.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        why: String,
    },
    /// A provider did not take the message.
    MessageAttemptFailed {
        /// The message.
        message: MessageId,
        /// Who did not.
        provider: String,
        /// Why, in the provider's or our words.
        reason: String,
        /// Why it was asked, and why no other.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        why: String,
        /// When the next attempt is due; none if there will be none.
        next_at: Option<Timestamp>,
    },
    /// The message reached the person, as far as the provider knows.
    MessageDelivered {
        /// The message.
        message: MessageId,
    },
    /// The message will not reach the person.
    MessageFailed {
        /// The message.
        message: MessageId,
        /// Why.
        reason: String,
    },
    /// Nothing was heard of the message in time, or it has failed, and another one took over.
    MessageTakenOver {
        /// The message.
        message: MessageId,
        /// The one that took over.
        by: MessageId,
        /// Its way.
        channel: Channel,
        /// Why.
        reason: String,
        /// Whether it carries a new code.
        new_code: bool,
    },
    /// No receipt came in time.
    MessageUnconfirmed {
        /// The message.
        message: MessageId,
    },
}

/// Why a verification was denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DenialReason {
    /// The caller said so.
    Reported,
    /// A check brought other payment data than the message had shown.
    PaymentMismatch,
}
