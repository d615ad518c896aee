//! The outbox: claims and leases.

use crate::{
    backend,
    backend::{batch, write},
    samples::*,
};
use countersign_model::{Channel, Message, MessageId, message::MessageState};
use countersign_store::{Change, Claim, Error, Store};
use std::collections::HashSet;
use tokio::task::JoinSet;

fn insert(number: u32, due: i64) -> Change {
    Change::InsertMessage(message(number, 1, at(due)))
}

/// Claims at a moment of each clock, with a lease of 30 s.
async fn claim(store: &Store, now: i64, wall: i64, limit: u32) -> Vec<Message> {
    store.claim_messages(claim_of(at(now), at(wall), at(wall + 30), limit)).await.unwrap()
}

fn ids(messages: &[Message]) -> Vec<MessageId> {
    messages.iter().map(|message| message.id).collect()
}

#[tokio::test]
async fn a_claim_takes_what_is_due_the_longest_due_first_and_no_more_than_its_limit() {
    for place in backend::each() {
        let store = place.open().await;
        write(&store, [insert(1, 30), insert(2, 10), insert(3, 20), insert(4, 31)]).await;
        assert_eq!(ids(&claim(&store, 30, 0, 2).await), [message_id(2), message_id(3)]);
        assert_eq!(ids(&claim(&store, 30, 0, 2).await), [message_id(1)]);
        assert_eq!(ids(&claim(&store, 30, 0, 2).await), []);
    }
}

#[tokio::test]
async fn what_is_due_at_the_same_moment_goes_in_the_order_of_its_making() {
    for place in backend::each() {
        let store = place.open().await;
        write(&store, [insert(3, 10), insert(1, 10), insert(2, 10)]).await;
        assert_eq!(ids(&claim(&store, 10, 0, 9).await), [message_id(3), message_id(1), message_id(2)]);
    }
}

#[tokio::test]
async fn a_claimed_message_is_leased_in_a_new_version_which_its_holder_can_write() {
    for place in backend::each() {
        let store = place.open().await;
        write(&store, [insert(1, 10)]).await;
        let mut held = claim(&store, 10, 0, 9).await.pop().unwrap();
        assert_eq!(held, Message { version: 2, state: MessageState::Leased, ..message(1, 1, at(10)) });
        assert_eq!(store.message(ours(), message_id(1)).await, Ok(Some(held.clone())));
        assert_eq!(store.next_lease_end().await, Ok(Some(at(30))));
        held.drop_unsent("not wanted", at(11));
        write(&store, [Change::UpdateMessage(held)]).await;
        assert_eq!(store.next_lease_end().await, Ok(None));
        assert_eq!(ids(&claim(&store, 99, 99, 9).await), []);
    }
}

#[tokio::test]
async fn a_message_that_is_leased_as_it_is_made_is_its_makers_until_the_lease_is_over() {
    for place in backend::each() {
        let store = place.open().await;
        let mut made = batch([insert(1, 10), insert(2, 10)]);
        let held = made.lease_new_messages(at(30), |message| message.id == message_id(2));
        assert_eq!(held, [Message { version: 1, state: MessageState::Leased, ..message(2, 1, at(10)) }]);
        store.write(made.clone()).await.unwrap();
        assert_eq!(store.message(ours(), message_id(2)).await, Ok(held.first().cloned()));
        assert_eq!(store.next_lease_end().await, Ok(Some(at(30))));
        assert_eq!(store.write(made).await, Err(Error::Conflict), "its id is taken");
        assert_eq!(ids(&claim(&store, 99, 29, 9).await), [message_id(1)]);
        assert_eq!(ids(&claim(&store, 99, 30, 9).await), [message_id(2)]);
        let late = held.into_iter().next().unwrap();
        assert_eq!(store.write(batch([Change::UpdateMessage(late)])).await, Err(Error::Conflict));
    }
}

#[tokio::test]
async fn a_lease_is_taken_over_once_it_is_over_on_the_clock_that_nobody_moves() {
    for place in backend::each() {
        let store = place.open().await;
        write(&store, [insert(1, 10)]).await;
        let held = claim(&store, 10, 0, 9).await;
        assert_eq!(ids(&claim(&store, 1_000_000, 29, 9).await), [], "only the clock of the rules has moved");
        let taken_over = claim(&store, 10, 30, 9).await;
        assert_eq!(ids(&taken_over), ids(&held));
        let late = Change::UpdateMessage(held.into_iter().next().unwrap());
        assert_eq!(store.write(batch([late])).await, Err(Error::Conflict), "who had it before cannot write it");
        write(&store, [Change::UpdateMessage(taken_over.into_iter().next().unwrap())]).await;
    }
}

#[tokio::test]
async fn leases_that_are_over_take_their_place_by_age_among_those_that_wait() {
    for place in backend::each() {
        let store = place.open().await;
        write(&store, [insert(1, 20)]).await;
        claim(&store, 20, 0, 9).await;
        write(&store, [insert(2, 10), insert(3, 25)]).await;
        assert_eq!(ids(&claim(&store, 99, 99, 2).await), [message_id(2), message_id(1)]);
    }
}

#[tokio::test]
async fn a_message_that_its_holder_puts_back_waits_for_its_moment() {
    for place in backend::each() {
        let store = place.open().await;
        write(&store, [insert(1, 10)]).await;
        let mut held = claim(&store, 10, 0, 9).await.pop().unwrap();
        held.note_no_route(&[], "", at(11), 0);
        let due = held.due_at.unwrap();
        write(&store, [Change::UpdateMessage(held)]).await;
        assert_eq!(store.next_due().await, Ok(Some(due)));
        assert_eq!(claim(&store, 12, 999, 9).await, [], "the lease that it had is forgotten");
        assert_eq!(claim(&store, due.as_ms() / 1000, 0, 9).await.len(), 1);
    }
}

#[tokio::test]
async fn a_message_that_stays_leased_keeps_its_lease() {
    for place in backend::each() {
        let store = place.open().await;
        write(&store, [insert(1, 10)]).await;
        let held = claim(&store, 10, 0, 9).await.pop().unwrap();
        write(&store, [Change::UpdateMessage(held)]).await;
        assert_eq!(store.next_lease_end().await, Ok(Some(at(30))));
    }
}

#[tokio::test]
async fn queued_and_leased_messages_are_counted() {
    for place in backend::each() {
        let store = place.open().await;
        write(&store, [insert(1, 10), insert(2, 20), insert(3, 30)]).await;
        claim(&store, 10, 0, 9).await;
        let counts = vec![(MessageState::Queued, 2), (MessageState::Leased, 1)];
        assert_eq!(store.message_counts().await, Ok(counts));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_claimed_by_one_of_many_workers_only() {
    for place in backend::each() {
        let store = place.open().await;
        for number in 0..300 {
            write(&store, [insert(number, 10)]).await;
        }
        let mut workers = JoinSet::new();
        for _ in 0..60 {
            let store = store.clone();
            workers.spawn(async move { claim(&store, 10, 0, 7).await });
        }
        let claimed: Vec<MessageId> = workers.join_all().await.iter().flat_map(|messages| ids(messages)).collect();
        assert_eq!(claimed.len(), 300);
        assert_eq!(claimed.into_iter().collect::<HashSet<_>>().len(), 300);
    }
}

#[tokio::test]
async fn a_claim_takes_messages_of_its_channel_only_and_every_channel_has_its_deadline() {
    for place in backend::each() {
        for (number, channel) in (1..).zip(Channel::ALL) {
            let store = place.open().await;
            let one = Message { channel, ..message(number, 1, at(10)) };
            write(&store, [Change::InsertMessage(one)]).await;
            assert_eq!(store.next_due().await, Ok(Some(at(10))), "{channel:?}");
            for other in Channel::ALL {
                let claimed =
                    store.claim_messages(Claim { channel: other, ..claim_of(at(10), at(0), at(30), 9) }).await;
                assert_eq!(claimed.unwrap().len(), usize::from(other == channel), "{channel:?} {other:?}");
            }
            assert_eq!(store.next_lease_end().await, Ok(Some(at(30))), "{channel:?}");
            let mut done = store.message(ours(), message_id(number)).await.unwrap().unwrap();
            done.drop_unsent("done", at(11));
            write(&store, [Change::UpdateMessage(done)]).await;
            store.close().await;
        }
    }
}
