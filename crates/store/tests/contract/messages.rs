//! The table of messages; how the outbox hands them out is in `outbox.rs`.

use crate::{
    backend,
    backend::{batch, write},
    samples::*,
};
use countersign_model::{Message, MessageId, message::MessageState};
use countersign_store::{Change, Error};

#[tokio::test]
async fn a_message_comes_back_whole_in_every_state() {
    for place in backend::each() {
        let store = place.open().await;
        for (number, state) in (1..).zip(MessageState::ALL) {
            write(&store, [Change::InsertMessage(message(number, 1, at(10)))]).await;
            let due_at = (number % 2 == 0).then_some(at(20));
            let changed = Message { version: 1, state, due_at, reason: None, ..message(number, 1, at(10)) };
            write(&store, [Change::UpdateMessage(changed.clone())]).await;
            let kept = store.message(ours(), message_id(number)).await;
            assert_eq!(kept, Ok(Some(Message { version: 2, ..changed })));
        }
    }
}

#[tokio::test]
async fn a_message_is_inserted_once_and_changes_only_from_the_version_that_was_read() {
    for place in backend::each() {
        let store = place.open().await;
        let read = Message { version: 1, ..message(1, 1, at(1)) };
        write(&store, [Change::InsertMessage(message(1, 1, at(1))), Change::UpdateMessage(read.clone())]).await;
        for refused in [
            Change::InsertMessage(message(1, 2, at(1))),
            Change::UpdateMessage(read.clone()),
            Change::UpdateMessage(Message { id: message_id(2), ..read }),
        ] {
            assert_eq!(store.write(batch([refused])).await, Err(Error::Conflict));
        }
    }
}

#[tokio::test]
async fn the_messages_of_a_verification_come_in_the_order_of_their_making() {
    for place in backend::each() {
        let store = place.open().await;
        let insert = |number, of| Change::InsertMessage(message(number, of, at(1)));
        write(&store, [insert(3, 1), insert(1, 1), insert(2, 2)]).await;
        let found: Vec<MessageId> =
            store.messages_of(ours(), verification_id(1)).await.unwrap().iter().map(|message| message.id).collect();
        assert_eq!(found, [message_id(3), message_id(1)]);
    }
}

#[tokio::test]
async fn overdue_receipts_are_those_of_accepted_messages_whose_moment_has_come() {
    for place in backend::each() {
        let store = place.open().await;
        let put = async |number, state, due_at| {
            let new = message(number, 1, at(1));
            let changed = Message { version: 1, state, due_at, ..new.clone() };
            write(&store, [Change::InsertMessage(new), Change::UpdateMessage(changed)]).await;
        };
        put(1, MessageState::Accepted, Some(at(20))).await;
        put(2, MessageState::Accepted, Some(at(10))).await;
        put(3, MessageState::Accepted, None).await;
        put(4, MessageState::Delivered, Some(at(5))).await;
        let overdue = async |seconds, limit| -> Vec<MessageId> {
            let found = store.overdue_receipts(at(seconds), limit).await.unwrap();
            found.into_iter().map(|message| message.id).collect()
        };
        assert_eq!(overdue(9, 10).await, []);
        assert_eq!(overdue(10, 10).await, [message_id(2)]);
        assert_eq!(overdue(99, 10).await, [message_id(2), message_id(1)]);
        assert_eq!(overdue(99, 1).await, [message_id(2)]);
        assert_eq!(store.next_due().await, Ok(Some(at(10))));
    }
}

#[tokio::test]
async fn a_message_is_found_by_the_name_that_its_provider_gave_it() {
    for place in backend::each() {
        let store = place.open().await;
        let taken = Message { version: 1, ..message(1, 1, at(1)) };
        write(&store, [Change::InsertMessage(message(1, 1, at(1))), Change::UpdateMessage(taken)]).await;
        let found = store.message_with_reference("d", "ref-\u{e9}").await.unwrap();
        assert_eq!(found.map(|message| message.id), Some(message_id(1)));
        assert_eq!(store.message_with_reference("e", "ref-\u{e9}").await, Ok(None));
    }
}
