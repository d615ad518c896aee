//! What an endpoint is told: the envelope of Standard Webhooks, and the verification as it stands with the event. Never a code,
//! and the whole address only where the endpoint asks for it. Providers' own words and the reasons of a route stay at home.

use crate::{
    Address, Channel, Event, EventKind, EventType, MessageId, Timestamp, Verification, WebhookEndpoint,
    event::DenialReason,
};
use serde::Serialize;
use std::collections::BTreeMap;

/// The body of a call.
#[derive(Debug, Serialize)]
pub struct Payload<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    timestamp: String,
    data: Happening<'a>,
}

/// What happened, to which verification and which message. What does not apply is left out.
#[derive(Debug, Default, Serialize)]
struct Happening<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    verification: Option<VerificationPart<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<MessagePart<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempts_left: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<DenialReason>,
    #[serde(skip_serializing_if = "Option::is_none")]
    endpoint: Option<String>,
}

#[derive(Debug, Serialize)]
struct VerificationPart<'a> {
    id: String,
    status: &'static str,
    service: &'a str,
    channel: Channel,
    to: String,
    metadata: &'a BTreeMap<String, String>,
    created_at: String,
    expires_at: Option<String>,
}

#[derive(Debug, Serialize)]
struct MessagePart<'a> {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    channel: Option<Channel>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    new_code: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_attempt_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    taken_over_by: Option<String>,
}

/// What an event is about.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    /// The verification, as it is written with the event: its time may be over before anybody has noted it.
    pub verification: &'a Verification,
    /// Where its messages go.
    pub to: &'a Address,
}

impl<'a> Payload<'a> {
    /// What an endpoint is told of an event.
    #[must_use]
    pub fn of(event: &'a Event, about: About<'a>, endpoint: &WebhookEndpoint) -> Self {
        let verification = about.verification;
        let data = Happening {
            verification: Some(VerificationPart {
                id: verification.id.to_string(),
                status: verification.state.name(),
                service: &verification.service_name,
                channel: verification.channel,
                to: if endpoint.whole_address { about.to.as_str().to_owned() } else { about.to.masked() },
                metadata: &verification.metadata,
                created_at: moment(verification.created_at),
                expires_at: verification.expires_at().map(moment),
            }),
            ..Happening::of(&event.kind)
        };
        Self { kind: EventType::of(&event.kind).name(), timestamp: moment(event.at), data }
    }

    /// What an endpoint is told when somebody tries it out.
    #[must_use]
    pub fn of_test(endpoint: &WebhookEndpoint, now: Timestamp) -> Self {
        let data = Happening { endpoint: Some(endpoint.id.to_string()), ..Happening::default() };
        Self { kind: EventType::WebhookTest.name(), timestamp: moment(now), data }
    }
}

impl<'a> Happening<'a> {
    fn of(kind: &'a EventKind) -> Self {
        let of_message = |message| Self { message: Some(message), ..Self::default() };
        match kind {
            EventKind::Started { message, channel } => {
                of_message(MessagePart { channel: Some(*channel), ..MessagePart::of(*message) })
            }
            EventKind::Resent { message, channel, new_code } => of_message(MessagePart {
                channel: Some(*channel),
                new_code: Some(*new_code),
                ..MessagePart::of(*message)
            }),
            EventKind::CodeRejected { attempts_left } => Self { attempts_left: *attempts_left, ..Self::default() },
            EventKind::Denied { reason } => Self { reason: Some(*reason), ..Self::default() },
            EventKind::Approved | EventKind::Exhausted | EventKind::Cancelled | EventKind::Expired => Self::default(),
            EventKind::MessageAccepted { message, provider, why: _ } => {
                of_message(MessagePart { provider: Some(provider), ..MessagePart::of(*message) })
            }
            EventKind::MessageAttemptFailed { message, provider, reason: _, why: _, next_at } => {
                of_message(MessagePart {
                    provider: Some(provider),
                    next_attempt_at: next_at.map(moment),
                    ..MessagePart::of(*message)
                })
            }
            EventKind::MessageTakenOver { message, by, channel, reason: _, new_code } => of_message(MessagePart {
                channel: Some(*channel),
                new_code: Some(*new_code),
                taken_over_by: Some(by.to_string()),
                ..MessagePart::of(*message)
            }),
            EventKind::MessageDelivered { message }
            | EventKind::MessageFailed { message, reason: _ }
            | EventKind::MessageUnconfirmed { message } => of_message(MessagePart::of(*message)),
        }
    }
}

impl MessagePart<'_> {
    fn of(message: MessageId) -> Self {
        Self {
            id: message.to_string(),
            channel: None,
            provider: None,
            new_code: None,
            next_attempt_at: None,
            taken_over_by: None,
        }
    }
}

/// RFC 3339 in UTC with three fractional digits.
fn moment(moment: Timestamp) -> String {
    format!("{:.3}", jiff::Timestamp::from_millisecond(moment.as_ms()).unwrap_or_default())
}
