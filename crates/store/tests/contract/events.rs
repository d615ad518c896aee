//! The table of events.

use crate::{
    backend,
    backend::{batch, write},
    samples::*,
};
use countersign_model::{Channel, EventKind, event::DenialReason};
use countersign_store::{Change, Error};

fn kinds() -> Vec<EventKind> {
    let (message, provider, reason) = (message_id(1), "smtp".to_owned(), "said \"no\"".to_owned());
    vec![
        EventKind::Started { message, channel: Channel::Sms },
        EventKind::Resent { message, channel: Channel::Voice, new_code: true },
        EventKind::CodeRejected { attempts_left: Some(3) },
        EventKind::CodeRejected { attempts_left: None },
        EventKind::Approved,
        EventKind::Denied { reason: DenialReason::PaymentMismatch },
        EventKind::Exhausted,
        EventKind::Cancelled,
        EventKind::Expired,
        EventKind::MessageAccepted { message, provider: provider.clone(), why: String::new() },
        EventKind::MessageAttemptFailed {
            message,
            provider,
            reason: reason.clone(),
            why: "list sms".to_owned(),
            next_at: Some(at(1)),
        },
        EventKind::MessageTakenOver {
            message,
            by: message_id(2),
            channel: Channel::Voice,
            reason: reason.clone(),
            new_code: true,
        },
        EventKind::MessageDelivered { message },
        EventKind::MessageFailed { message, reason },
        EventKind::MessageUnconfirmed { message },
    ]
}

#[tokio::test]
async fn events_of_every_kind_come_back_whole_in_the_order_of_writing() {
    for place in backend::each() {
        let store = place.open().await;
        // Falling ids: those of one millisecond have no order of their own.
        let history: Vec<_> = (0..100).rev().zip(kinds()).map(|(number, kind)| event(number, 1, kind)).collect();
        for one in &history {
            write(&store, [Change::InsertEvent(one.clone())]).await;
        }
        write(&store, [Change::InsertEvent(event(200, 2, EventKind::Approved))]).await;
        assert_eq!(store.events_of(ours(), verification_id(1)).await, Ok(history));
    }
}

#[tokio::test]
async fn an_event_is_written_once() {
    for place in backend::each() {
        let store = place.open().await;
        write(&store, [Change::InsertEvent(event(1, 1, EventKind::Approved))]).await;
        let again = Change::InsertEvent(event(1, 1, EventKind::Cancelled));
        assert_eq!(store.write(batch([again])).await, Err(Error::Conflict));
    }
}
