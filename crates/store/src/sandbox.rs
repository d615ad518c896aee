//! What dev mode keeps: the inbox, what it should do with the next messages, and how far its clock was moved. `serve`
//! never writes any of it.

use countersign_model::{Channel, MessageId, TenantId, Timestamp, VerificationId};
use serde::{Deserialize, Serialize};

/// A message that reached the inbox. It holds the code in the clear, as a phone would.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InboxMessage {
    /// Its place in the inbox; given by the store, 0 before that. Never given twice, even when the inbox was emptied.
    #[serde(skip)]
    pub seq: u64,
    /// The message and the attempt that brought it: one row however often it is written.
    pub message: MessageId,
    /// Whose.
    pub tenant: TenantId,
    /// The tenant's name.
    pub tenant_name: String,
    /// Its way.
    pub channel: Channel,
    /// The normalised address.
    pub to: String,
    /// Whom it comes from.
    pub from: Option<String>,
    /// The subject, for mail.
    pub subject: Option<String>,
    /// The text.
    pub text: String,
    /// The HTML part, for mail.
    pub html: Option<String>,
    /// The code it carries.
    pub code: Option<String>,
    /// The link it carries.
    pub link: Option<String>,
    /// What it belongs to.
    pub verification: Option<VerificationId>,
    /// When it arrived.
    pub at: Timestamp,
}

/// Which messages of the inbox are wanted.
#[derive(Clone, Debug, Default)]
pub struct InboxFilter {
    /// Only to this normalised address.
    pub to: Option<String>,
    /// Only on this channel.
    pub channel: Option<Channel>,
    /// Only later than this place.
    pub after: u64,
    /// At most so many, the oldest first.
    pub limit: u32,
}

/// What happens to the next messages to an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Accepted and delivered.
    Deliver,
    /// Refused by the provider.
    Reject,
    /// Accepted, and never heard of again.
    Lose,
    /// Accepted, then reported as undelivered.
    Undelivered,
}

/// An [`Outcome`] and how long the provider takes for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedOutcome {
    /// What happens.
    pub outcome: Outcome,
    /// After how many milliseconds.
    #[serde(default)]
    pub delay_ms: u32,
}

impl Default for PlannedOutcome {
    fn default() -> Self {
        Self { outcome: Outcome::Deliver, delay_ms: 0 }
    }
}

/// What a number lookup says of a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lookup {
    /// It exists.
    #[default]
    Valid,
    /// It does not.
    Invalid,
}

/// A call to a caller's server that dev mode recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// Its place among the calls; given by the store, 0 before that.
    #[serde(skip)]
    pub seq: u64,
    /// The tenant's name.
    pub tenant_name: String,
    /// The address.
    pub url: String,
    /// The headers, in the order of sending.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
    /// Why it was not made; none where nothing speaks against it.
    pub refused: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// One thing to write.
#[derive(Clone, Debug)]
pub enum Change {
    /// A message arrives; waiting readers are woken. A second row for the same message id is not made: the first stays.
    Deliver(InboxMessage),
    /// A call is made; waiting readers are woken.
    RecordCall(Call),
    /// The inbox is emptied.
    Empty,
    /// What happens to the next messages to an address.
    PlanOutcome {
        /// The normalised address.
        to: String,
        /// What happens.
        plan: PlannedOutcome,
    },
    /// What the lookup says of a number.
    PlanLookup {
        /// The normalised number.
        to: String,
        /// What it says.
        lookup: Lookup,
    },
    /// The clock moves forward.
    AdvanceClock {
        /// By how much, in milliseconds.
        by_ms: u64,
    },
}
