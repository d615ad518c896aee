//! Who waits for news misses none.

use crate::{
    backend,
    backend::{batch, write},
    samples::*,
};
use countersign_model::{
    Channel, Message,
    message::{Chain, MessageState},
};
use countersign_store::{Change, Error, Topic, Waiter, sandbox};

/// Whether it was woken already.
async fn woken(waiter: &mut Waiter) -> bool {
    tokio::select! {
        biased;
        () = waiter.changed() => true,
        () = std::future::ready(()) => false,
    }
}

fn delivery() -> Change {
    Change::Sandbox(sandbox::Change::Deliver(sandbox::InboxMessage {
        seq: 0,
        message: message_id(1),
        tenant: ours(),
        tenant_name: "dev".to_owned(),
        channel: Channel::Sms,
        to: "+1".to_owned(),
        from: None,
        subject: None,
        text: String::new(),
        html: None,
        code: None,
        link: None,
        verification: None,
        at: at(1),
    }))
}

#[tokio::test]
async fn a_message_wakes_those_who_registered_before_it_was_written() {
    for place in backend::each() {
        let store = place.open().await;
        let (mut outbox, mut inbox) = (store.waiter(Topic::Outbox(Channel::Email)), store.waiter(Topic::Inbox));
        assert!(!woken(&mut outbox).await);
        write(&store, [Change::InsertMessage(message(1, 1, at(1)))]).await;
        assert!(woken(&mut outbox).await, "what is answered was announced before");
        assert!(!woken(&mut outbox).await, "once is enough");
        assert!(!woken(&mut inbox).await);
        assert!(!woken(&mut store.waiter(Topic::Outbox(Channel::Email))).await, "who comes later looks for itself");
    }
}

#[tokio::test]
async fn a_message_wakes_its_own_channel_and_a_moved_clock_all() {
    for place in backend::each() {
        let store = place.open().await;
        let mut waiters = Channel::ALL.map(|channel| store.waiter(Topic::Outbox(channel)));
        let call = Message { channel: Channel::Voice, ..message(1, 1, at(1)) };
        write(&store, [Change::InsertMessage(call)]).await;
        for (channel, waiter) in Channel::ALL.into_iter().zip(&mut waiters) {
            assert_eq!(woken(waiter).await, channel == Channel::Voice, "{channel:?}");
        }
        write(&store, [Change::Sandbox(sandbox::Change::AdvanceClock { by_ms: 1 })]).await;
        for waiter in &mut waiters {
            assert!(woken(waiter).await);
        }
    }
}

#[tokio::test]
async fn a_message_that_is_leased_as_it_is_made_wakes_nobody() {
    for place in backend::each() {
        let store = place.open().await;
        let mut outbox = store.waiter(Topic::Outbox(Channel::Email));
        let mut made = batch([Change::InsertMessage(message(1, 1, at(1)))]);
        made.lease_new_messages(at(30), |_| true);
        store.write(made).await.unwrap();
        assert!(!woken(&mut outbox).await);
    }
}

#[tokio::test]
async fn a_message_that_is_put_back_wakes_the_outbox_and_one_that_is_done_does_not() {
    for place in backend::each() {
        let store = place.open().await;
        write(&store, [Change::InsertMessage(message(1, 1, at(1)))]).await;
        let mut outbox = store.waiter(Topic::Outbox(Channel::Email));
        let changed = |version, state| Message { version, state, ..message(1, 1, at(1)) };
        write(&store, [Change::UpdateMessage(changed(1, MessageState::Accepted))]).await;
        assert!(!woken(&mut outbox).await);
        write(&store, [Change::UpdateMessage(changed(2, MessageState::Queued))]).await;
        assert!(woken(&mut outbox).await);
    }
}

#[tokio::test]
async fn a_message_from_which_another_takes_over_wakes_whoever_sees_to_that() {
    for place in backend::each() {
        let store = place.open().await;
        write(&store, [Change::InsertMessage(message(1, 1, at(1)))]).await;
        let mut waiter = store.waiter(Topic::TakeOvers);
        let accepted = |version| Message { version, state: MessageState::Accepted, ..message(1, 1, at(1)) };
        let alone = Message { chain: Chain::default(), ..accepted(1) };
        write(&store, [Change::UpdateMessage(alone)]).await;
        assert!(!woken(&mut waiter).await);
        write(&store, [Change::UpdateMessage(accepted(2))]).await;
        assert!(woken(&mut waiter).await);
    }
}

#[tokio::test]
async fn a_delivery_wakes_the_inbox_and_a_moved_clock_the_outbox() {
    for place in backend::each() {
        let store = place.open().await;
        let (mut outbox, mut inbox) = (store.waiter(Topic::Outbox(Channel::Email)), store.waiter(Topic::Inbox));
        write(&store, [delivery()]).await;
        assert_eq!((woken(&mut outbox).await, woken(&mut inbox).await), (false, true));
        write(&store, [Change::Sandbox(sandbox::Change::AdvanceClock { by_ms: 1 })]).await;
        assert_eq!((woken(&mut outbox).await, woken(&mut inbox).await), (true, false));
    }
}

#[tokio::test]
async fn a_batch_that_is_refused_wakes_nobody() {
    for place in backend::each() {
        let store = place.open().await;
        write(&store, [Change::InsertMessage(message(1, 1, at(1)))]).await;
        let mut outbox = store.waiter(Topic::Outbox(Channel::Email));
        let refused = batch([Change::InsertMessage(message(2, 1, at(1))), Change::InsertMessage(message(1, 1, at(1)))]);
        assert_eq!(store.write(refused).await, Err(Error::Conflict));
        assert!(!woken(&mut outbox).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_registers_looks_and_waits_finds_every_message() {
    for place in backend::each() {
        let store = place.open().await;
        let worker = tokio::spawn({
            let store = store.clone();
            async move {
                let (mut outbox, mut found) = (store.waiter(Topic::Outbox(Channel::Email)), 0);
                while found < 200 {
                    let claimed = store.claim_messages(claim_of(at(1), at(1), at(99), 3)).await.unwrap();
                    if claimed.is_empty() {
                        outbox.changed().await;
                    }
                    found += claimed.len();
                }
            }
        });
        for number in 0..200 {
            write(&store, [Change::InsertMessage(message(number, 1, at(1)))]).await;
        }
        worker.await.unwrap();
    }
}
