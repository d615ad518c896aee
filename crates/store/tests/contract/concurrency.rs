//! Many writers at once: neighbours in one group fail one by one, one of many wins, and a read sees what was answered.

use crate::{
    backend,
    backend::{batch, write},
    samples::*,
};
use countersign_model::{Channel, EventKind, Verification};
use countersign_store::{Change, Error, Store, Topic};
use tokio::task::JoinSet;

async fn results_of(store: &Store, batches: impl Iterator<Item = [Change; 2]>) -> (usize, usize) {
    let mut tasks = JoinSet::new();
    for changes in batches {
        let store = store.clone();
        tasks.spawn(async move { store.write(batch(changes)).await });
    }
    let results = tasks.join_all().await;
    let count = |wanted: Result<(), Error>| results.iter().filter(|result| **result == wanted).count();
    (count(Ok(())), count(Err(Error::Conflict)))
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_hundred_writes_at_once_the_hundred_that_conflict_fail_alone_and_leave_nothing() {
    for place in backend::each() {
        let store = place.open().await;
        for number in (0..200).filter(|number| number % 2 == 0) {
            write(&store, [Change::InsertVerification(verification(number))]).await;
        }
        let batches = (0..200).map(|number| {
            [
                Change::InsertEvent(event(number, number, EventKind::Approved)),
                Change::InsertVerification(verification(number)),
            ]
        });
        assert_eq!(results_of(&store, batches).await, (100, 100));
        for number in 0..200 {
            let events = store.events_of(ours(), verification_id(number)).await.unwrap();
            assert_eq!(events.len(), usize::try_from(number % 2).unwrap(), "{number}");
            assert!(store.verification(ours(), verification_id(number)).await.unwrap().is_some());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_asserts_a_version_is_written_before_what_changes_it_or_not_at_all() {
    for place in backend::each() {
        let store = place.open().await;
        write(&store, [Change::InsertVerification(verification(1))]).await;
        let batches = (0..200).map(|number| {
            let of_verification = match number {
                100 => Change::UpdateVerification(Verification { version: 1, ..verification(1) }),
                _ => Change::AssertVerification { tenant: ours(), id: verification_id(1), version: 1 },
            };
            [of_verification, Change::InsertWebhookDelivery(webhook_delivery(number, 1, at(1)))]
        });
        let (written, refused) = results_of(&store, batches).await;
        assert_eq!(written + refused, 200);
        let delivery = webhook_delivery(1, 1, at(1));
        let line = store.pending_webhook_deliveries(delivery.endpoint, &delivery.line()).await.unwrap();
        assert_eq!(line.len(), written);
        assert_eq!(line.last().map(|last| last.id), Some(webhook_delivery_id(100)), "nothing comes after the change");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_thousand_changes_of_one_version_exactly_one_is_made() {
    for place in backend::each() {
        let store = place.open().await;
        write(&store, [Change::InsertVerification(verification(1))]).await;
        let batches = (0..1000).map(|number| {
            let changed = Verification { version: 1, wrong_checks: number, ..verification(1) };
            [Change::UpdateVerification(changed), Change::InsertEvent(event(number, 1, EventKind::Approved))]
        });
        assert_eq!(results_of(&store, batches).await, (1, 999));
        let kept = store.verification(ours(), verification_id(1)).await.unwrap().unwrap();
        let events = store.events_of(ours(), verification_id(1)).await.unwrap();
        assert_eq!((kept.version, events.len()), (2, 1));
        let winner = event(kept.wrong_checks, 1, EventKind::Approved);
        assert_eq!(events, [winner], "both changes are of the same batch");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_sees_what_was_answered_before_it_began() {
    for place in backend::each() {
        let store = place.open().await;
        let mut tasks = JoinSet::new();
        for task in 0..8 {
            let store = store.clone();
            tasks.spawn(async move {
                write(&store, [Change::InsertVerification(verification(task))]).await;
                for round in 1..50 {
                    let read = store.verification(ours(), verification_id(task)).await.unwrap().unwrap();
                    assert_eq!(read.version, round);
                    write(&store, [Change::UpdateVerification(read)]).await;
                }
            });
        }
        tasks.join_all().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reads_decides_and_writes_again_after_a_conflict_loses_no_count() {
    for place in backend::each() {
        let store = place.open().await;
        write(&store, [Change::InsertVerification(Verification { wrong_checks: 0, ..verification(1) })]).await;
        let mut tasks = JoinSet::new();
        for _ in 0..40 {
            let store = store.clone();
            tasks.spawn(async move {
                loop {
                    let mut read = store.verification(ours(), verification_id(1)).await.unwrap().unwrap();
                    read.wrong_checks += 1;
                    match store.write(batch([Change::UpdateVerification(read)])).await {
                        Err(Error::Conflict) => {}
                        other => return other.unwrap(),
                    }
                }
            });
        }
        tasks.join_all().await;
        let kept = store.verification(ours(), verification_id(1)).await.unwrap().unwrap();
        assert_eq!(kept.wrong_checks, 40);
    }
}

#[tokio::test]
async fn a_write_goes_on_when_nobody_waits_for_it_any_more() {
    for place in backend::each() {
        let store = place.open().await;
        let mut outbox = store.waiter(Topic::Outbox(Channel::Email));
        {
            let changes = [Change::InsertVerification(verification(1)), Change::InsertMessage(message(1, 1, at(1)))];
            let abandoned = store.write(batch(changes));
            tokio::select! {
                biased;
                _ = abandoned => {}
                () = std::future::ready(()) => {}
            }
        }
        outbox.changed().await;
        assert!(store.verification(ours(), verification_id(1)).await.unwrap().is_some());
    }
}
