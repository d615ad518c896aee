//! What an event is called on the wire, and that nothing that can happen lacks a name.

use crate::EventKind;
use serde::{Deserialize, Serialize};

macro_rules! event_types {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// What an event is called: hierarchical, as Standard Webhooks has it. The list is closed; it may grow.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum EventType {
            $($(#[$doc])* #[serde(rename = $name)] $variant,)*
        }

        impl EventType {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The name on the wire.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

event_types! {
    /// A verification began, and its first message was queued.
    VerificationStarted = "verification.started",
    /// A further message was queued.
    VerificationResent = "verification.resent",
    /// A wrong code was checked.
    VerificationCodeRejected = "verification.code_rejected",
    /// The right code was checked, or success was reported.
    VerificationApproved = "verification.approved",
    /// Failure was reported, or the payment data of a check differed.
    VerificationDenied = "verification.denied",
    /// The last allowed wrong code was checked.
    VerificationExhausted = "verification.exhausted",
    /// It was ended by its caller.
    VerificationCancelled = "verification.cancelled",
    /// Its time ran out.
    VerificationExpired = "verification.expired",
    /// A provider took the message.
    MessageAccepted = "message.accepted",
    /// A provider did not take the message.
    MessageAttemptFailed = "message.attempt_failed",
    /// The message reached the person, as far as the provider knows.
    MessageDelivered = "message.delivered",
    /// The message will not reach the person.
    MessageFailed = "message.failed",
    /// Another message took over.
    MessageTakenOver = "message.taken_over",
    /// No receipt came in time.
    MessageUnconfirmed = "message.unconfirmed",
    /// Somebody tries the endpoint out; it is told whatever types the endpoint wants.
    WebhookTest = "webhook.test",
}

impl EventType {
    /// What something that happened is called.
    #[must_use]
    pub const fn of(kind: &EventKind) -> Self {
        match kind {
            EventKind::Started { .. } => Self::VerificationStarted,
            EventKind::Resent { .. } => Self::VerificationResent,
            EventKind::CodeRejected { .. } => Self::VerificationCodeRejected,
            EventKind::Approved => Self::VerificationApproved,
            EventKind::Denied { .. } => Self::VerificationDenied,
            EventKind::Exhausted => Self::VerificationExhausted,
            EventKind::Cancelled => Self::VerificationCancelled,
            EventKind::Expired => Self::VerificationExpired,
            EventKind::MessageAccepted { .. } => Self::MessageAccepted,
            EventKind::MessageAttemptFailed { .. } => Self::MessageAttemptFailed,
            EventKind::MessageDelivered { .. } => Self::MessageDelivered,
            EventKind::MessageFailed { .. } => Self::MessageFailed,
            EventKind::MessageTakenOver { .. } => Self::MessageTakenOver,
            EventKind::MessageUnconfirmed { .. } => Self::MessageUnconfirmed,
        }
    }

    /// The opposite of [`Self::name`].
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|known| known.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_different_and_read_back() {
        for known in EventType::ALL {
            assert_eq!(EventType::parse(known.name()), Some(*known));
            assert_eq!(serde_json::to_string(known).unwrap(), format!("\"{}\"", known.name()));
        }
        assert_eq!(EventType::parse("verification"), None);
    }
}
