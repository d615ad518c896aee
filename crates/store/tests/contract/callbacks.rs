//! What is to be told to callers' servers: taken by one worker at a time, on the clock that nobody moves.

use crate::{
    backend,
    samples::{at, callback},
};
use countersign_model::Callback;
use countersign_store::{Batch, Change, Error, Store, Topic};

async fn write(store: &Store, change: Change) -> Result<(), Error> {
    store.write(Batch::new().with(change)).await
}

async fn due(store: &Store, now: i64, wall: i64) -> Vec<Callback> {
    store.due_callbacks(at(now), at(wall), 100).await.unwrap()
}

#[tokio::test]
async fn a_callback_comes_back_whole_when_it_is_due_and_the_longest_due_first() {
    for place in backend::each() {
        let store = place.open().await;
        write(&store, Change::InsertCallback(callback(1, at(20)))).await.unwrap();
        write(&store, Change::InsertCallback(callback(2, at(10)))).await.unwrap();
        assert!(due(&store, 9, 0).await.is_empty());
        let whole = |number, seconds| Callback { version: 1, ..callback(number, at(seconds)) };
        assert_eq!(due(&store, 20, 0).await, [whole(2, 10), whole(1, 20)]);
        assert_eq!(store.due_callbacks(at(20), at(0), 1).await.unwrap().len(), 1);
        assert_eq!(store.next_due().await.unwrap(), Some(at(10)));
    }
}

#[tokio::test]
async fn of_two_workers_one_takes_it_until_its_lease_is_over() {
    for place in backend::each() {
        let store = place.open().await;
        write(&store, Change::InsertCallback(callback(1, at(10)))).await.unwrap();
        let seen = due(&store, 10, 100).await.remove(0);
        let taken = Callback { leased_until: at(160), ..seen };
        assert_eq!(write(&store, Change::UpdateCallback(taken.clone())).await, Ok(()));
        assert_eq!(write(&store, Change::UpdateCallback(taken)).await, Err(Error::Conflict));
        assert!(due(&store, 1_000_000, 159).await.is_empty(), "moving the rules' clock takes nothing away");
        assert_eq!(due(&store, 10, 160).await.len(), 1);
    }
}

#[tokio::test]
async fn what_was_told_is_gone_and_cannot_be_told_again() {
    for place in backend::each() {
        let store = place.open().await;
        write(&store, Change::InsertCallback(callback(1, at(10)))).await.unwrap();
        assert_eq!(write(&store, Change::InsertCallback(callback(1, at(10)))).await, Err(Error::Conflict));
        let told = due(&store, 10, 0).await.remove(0);
        let gone = |version| Change::DeleteCallback { tenant: told.tenant, id: told.id, version };
        assert_eq!(write(&store, gone(7)).await, Err(Error::Conflict));
        assert_eq!(write(&store, gone(told.version)).await, Ok(()));
        assert!(due(&store, 10, 0).await.is_empty());
    }
}

#[tokio::test]
async fn a_new_callback_wakes_whoever_tells() {
    for place in backend::each() {
        let store = place.open().await;
        let mut waiter = store.waiter(Topic::Callbacks);
        write(&store, Change::InsertCallback(callback(1, at(10)))).await.unwrap();
        waiter.changed().await;
    }
}
