//! Old rows go in bounded batches, each with all that belongs to it.

use crate::{backend, backend::write, samples::*};
use countersign_model::{BucketKind, BucketRule, Destination, EventKind, Message, Verification, message::MessageState};
use countersign_store::{Change, Store};

async fn insert(store: &Store, verification: Verification, number: u32) {
    write(
        store,
        [
            Change::InsertVerification(verification),
            Change::InsertMessage(message(number, number, at(1))),
            Change::InsertEvent(event(number, number, EventKind::Approved)),
            Change::InsertEvent(event(number + 1000, number, EventKind::Cancelled)),
        ],
    )
    .await;
}

/// How many verifications, messages and events are left of these numbers.
async fn left(store: &Store, numbers: std::ops::Range<u32>) -> (usize, usize, usize) {
    let mut counts = (0, 0, 0);
    for id in numbers.map(verification_id) {
        counts.0 += usize::from(store.verification(ours(), id).await.unwrap().is_some());
        counts.1 += store.messages_of(ours(), id).await.unwrap().len();
        counts.2 += store.events_of(ours(), id).await.unwrap().len();
    }
    counts
}

fn purge(before: i64, limit: u32) -> Change {
    Change::PurgeVerifications { before: at(before), limit }
}

fn purge_destinations(before: i64, limit: u32) -> Change {
    Change::PurgeDestinations { before: at(before), limit }
}

#[tokio::test]
async fn verifications_that_ended_before_go_with_their_messages_and_events_and_the_others_stay() {
    for place in backend::each() {
        let store = place.open().await;
        insert(&store, ended(1, at(99)), 1).await;
        insert(&store, ended(2, at(100)), 2).await;
        insert(&store, verification(3), 3).await;
        write(&store, [purge(100, 10)]).await;
        assert_eq!(left(&store, 1..2).await, (0, 0, 0));
        assert_eq!(left(&store, 2..4).await, (2, 2, 4));
        assert_eq!(store.next_due().await, Ok(Some(at(1))), "the messages that are left still wait");
    }
}

#[tokio::test]
async fn a_purge_takes_no_more_than_its_limit_and_the_oldest_first() {
    for place in backend::each() {
        let store = place.open().await;
        for number in 0..10 {
            insert(&store, ended(number, at(50 - i64::from(number))), number).await;
        }
        write(&store, [purge(100, 4)]).await;
        assert_eq!(left(&store, 0..6).await, (6, 6, 12));
        assert_eq!(left(&store, 6..10).await, (0, 0, 0));
        write(&store, [purge(100, 4), purge(100, 4)]).await;
        assert_eq!(left(&store, 0..10).await, (0, 0, 0));
    }
}

#[tokio::test]
async fn texts_of_callers_own_go_by_age_and_one_on_its_way_stays() {
    for place in backend::each() {
        let store = place.open().await;
        let waiting = Message { state: MessageState::Queued, ..text(2) };
        write(&store, [Change::InsertMessage(text(1)), Change::InsertMessage(waiting), purge(7, 10)]).await;
        let is_there = async |number| store.message(ours(), message_id(number)).await.unwrap().is_some();
        assert!(is_there(1).await, "it was done with at second 7, which is not before it");
        write(&store, [purge(8, 10)]).await;
        assert_eq!((is_there(1).await, is_there(2).await), (false, true));
    }
}

#[tokio::test]
async fn a_destination_goes_once_it_is_quiet_and_no_verification_of_it_is_left() {
    for place in backend::each() {
        let store = place.open().await;
        let mut held = destination(at(1));
        for _ in 0..20 {
            held.count_failed_check(&limits(), at(1));
        }
        write(&store, [put_destination(1, &destination(at(50))), put_destination(2, &destination(at(50)))]).await;
        write(&store, [put_destination(3, &destination(at(200))), put_destination(4, &held)]).await;
        insert(&store, ended(1, at(150)), 1).await;
        let is_left = async |number| {
            let found = store.destination(ours(), service_of_ours(), address(number)).await.unwrap();
            found != Destination::default()
        };
        write(&store, [purge(100, 10), purge_destinations(100, 10)]).await;
        assert!(is_left(1).await, "its verification could have counted wrong codes until second 150");
        assert!(!is_left(2).await);
        assert!(is_left(3).await, "it has sent since");
        assert!(is_left(4).await, "it is held until after that");
        write(&store, [purge(151, 10), purge_destinations(151, 10)]).await;
        assert!(!is_left(1).await, "its verification is gone by the same purge");
        write(&store, [purge(3602, 10), purge_destinations(3602, 10)]).await;
        assert!(!is_left(3).await && !is_left(4).await);
    }
}

#[tokio::test]
async fn a_bucket_that_fills_is_not_quiet_before_that() {
    for place in backend::each() {
        let store = place.open().await;
        let mut spent = Destination::default();
        let rule = BucketRule { size: 10, refill_seconds: 360 };
        assert!(spent.take(BucketKind::WrongCodes, rule, at(100)).is_ok());
        write(&store, [put_destination(1, &spent), purge_destinations(100, 10)]).await;
        let kept = store.destination(ours(), service_of_ours(), address(1)).await.unwrap();
        assert_eq!(kept.level(BucketKind::WrongCodes, rule, at(100)).remaining, 9);
        write(&store, [purge_destinations(101, 10)]).await;
        assert_eq!(store.destination(ours(), service_of_ours(), address(1)).await, Ok(Destination::default()));
    }
}

#[tokio::test]
async fn a_purge_takes_no_more_destinations_than_its_limit() {
    for place in backend::each() {
        let store = place.open().await;
        for number in 0..5 {
            write(&store, [put_destination(number, &destination(at(number.into())))]).await;
        }
        write(&store, [purge(100, 3), purge_destinations(100, 3)]).await;
        let mut left = vec![];
        for number in 0..5 {
            let found = store.destination(ours(), service_of_ours(), address(number)).await.unwrap();
            left.extend((found.version > 0).then_some(number));
        }
        assert_eq!(left, [3, 4]);
    }
}

#[tokio::test]
async fn answers_go_by_age_and_no_more_of_them_than_the_limit() {
    for place in backend::each() {
        let store = place.open().await;
        for number in 0..5 {
            write(&store, [Change::InsertAnswer(answer(number, at(10 - i64::from(number))))]).await;
        }
        let left = async || {
            let mut left = vec![];
            for number in 0..5 {
                left.extend(store.answer(ours(), &[number; 32]).await.unwrap().map(|_| number));
            }
            left
        };
        write(&store, [Change::PurgeAnswers { before: at(9), limit: 2 }]).await;
        assert_eq!(left().await, [0, 1, 2]);
        write(&store, [Change::PurgeAnswers { before: at(9), limit: 2 }]).await;
        assert_eq!(left().await, [0, 1]);
    }
}

#[tokio::test]
async fn whether_there_is_more_to_purge_is_known_without_purging() {
    for place in backend::each() {
        let store = place.open().await;
        write(&store, [Change::InsertAnswer(answer(1, at(50))), Change::InsertMessage(text(9))]).await;
        insert(&store, ended(1, at(70)), 1).await;
        let is_more = async |answers, ended| store.is_more_to_purge(at(answers), at(ended)).await.unwrap();
        assert!(is_more(51, 0).await && !is_more(50, 7).await, "an answer");
        assert!(is_more(0, 71).await, "a verification");
        write(&store, [purge(71, 10)]).await;
        assert!(!is_more(0, 71).await);
    }
}

#[tokio::test]
async fn a_destination_that_remembers_a_wrong_code_is_quiet_only_since_then() {
    for place in backend::each() {
        let store = place.open().await;
        let mut guessed = Destination::default();
        guessed.count_failed_check(&limits(), at(50));
        let find = async || store.destination(ours(), service_of_ours(), address(1)).await.unwrap().version;
        write(&store, [put_destination(1, &guessed), purge_destinations(50, 10)]).await;
        assert_eq!(find().await, 1);
        write(&store, [purge_destinations(51, 10)]).await;
        assert_eq!(find().await, 0);
    }
}
