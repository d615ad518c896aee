//! The table of verifications.

use crate::{
    backend,
    backend::{batch, write},
    samples::*,
};
use countersign_model::{BlindIndex, OnFailure, Policy, State, Verification, VerificationId, verification::LiveCode};
use countersign_store::{Change, Error, Slice, Store};
use proptest::prelude::*;

async fn overdue(store: &Store, seconds: i64, limit: u32) -> Vec<VerificationId> {
    let found = store.overdue_verifications(at(seconds), limit).await.unwrap();
    found.into_iter().map(|verification| verification.id).collect()
}

#[tokio::test]
async fn a_verification_comes_back_whole() {
    for place in backend::each() {
        let store = place.open().await;
        write(&store, [Change::InsertVerification(verification(1))]).await;
        let kept = Verification { version: 1, ..verification(1) };
        assert_eq!(store.verification(ours(), kept.id).await, Ok(Some(kept.clone())));
        let decided = Verification { phone: None, payment: None, ..kept.cancel(at(9)).unwrap() };
        write(&store, [Change::UpdateVerification(decided.clone())]).await;
        let kept = Verification { version: 2, ..decided };
        assert_eq!(store.verification(ours(), kept.id).await, Ok(Some(kept)));
    }
}

#[tokio::test]
async fn a_grid_is_found_by_its_link_whosever_it_is_and_no_two_have_the_same() {
    for place in backend::each() {
        let store = place.open().await;
        let with_link = |number, link| Verification { grid: Some(grid(link)), ..verification(number) };
        let theirs = Verification { tenant: tenant_id(1), ..with_link(2, 8) };
        write(&store, [Change::InsertVerification(with_link(1, 7)), Change::InsertVerification(theirs.clone())]).await;
        write(&store, [Change::InsertVerification(verification(3)), Change::InsertVerification(verification(4))]).await;
        let found = async |link| store.verification_of_link(BlindIndex([link; 32])).await.unwrap();
        assert_eq!(found(7).await, Some(Verification { version: 1, ..with_link(1, 7) }));
        assert_eq!(found(8).await, Some(Verification { version: 1, ..theirs }));
        assert_eq!(found(9).await, None);
        let same = Change::InsertVerification(with_link(5, 7));
        assert_eq!(store.write(batch([same])).await, Err(Error::Conflict));
        let ended = found(7).await.unwrap().cancel(at(9)).unwrap();
        write(&store, [Change::UpdateVerification(ended.clone())]).await;
        assert_eq!(found(7).await, Some(Verification { version: 2, ..ended }), "a link leads there after the end, too");
    }
}

#[tokio::test]
async fn a_verification_is_inserted_once_and_changes_only_from_the_version_that_was_read() {
    for place in backend::each() {
        let store = place.open().await;
        write(&store, [Change::InsertVerification(verification(1))]).await;
        let read = Verification { version: 1, ..verification(1) };
        write(&store, [Change::UpdateVerification(Verification { sends: 4, ..read.clone() })]).await;
        for refused in [
            Change::InsertVerification(verification(1)),
            Change::UpdateVerification(read),
            Change::UpdateVerification(verification(1)),
            Change::UpdateVerification(Verification { version: 1, ..verification(2) }),
        ] {
            assert_eq!(store.write(batch([refused])).await, Err(Error::Conflict));
        }
        let kept = store.verification(ours(), verification_id(1)).await.unwrap().unwrap();
        assert_eq!((kept.version, kept.sends), (2, 4));
    }
}

#[tokio::test]
async fn the_latest_of_an_address_is_the_one_written_last_whatever_its_state() {
    for place in backend::each() {
        let store = place.open().await;
        // The ids of one millisecond have no order, so the later one may have the smaller id.
        write(&store, [Change::InsertVerification(verification(2)), Change::InsertVerification(ended(1, at(9)))]).await;
        let elsewhere = Verification { to_index: address(2), ..verification(3) };
        let other_service = Verification { service: service_id(1), ..verification(4) };
        write(&store, [Change::InsertVerification(elsewhere), Change::InsertVerification(other_service)]).await;
        let latest = store.latest_verification(ours(), service_of_ours(), address(1)).await;
        assert_eq!(latest, Ok(Some(Verification { version: 1, ..ended(1, at(9)) })));
        assert_eq!(store.latest_verification(ours(), service_of_ours(), address(9)).await, Ok(None));
    }
}

#[tokio::test]
async fn overdue_are_the_pending_ones_whose_last_code_is_dead_and_the_longest_overdue_comes_first() {
    for place in backend::each() {
        let store = place.open().await;
        let until = |seconds: Option<i64>| vec![LiveCode { generation: 0, expires_at: seconds.map(at) }];
        let [late, early, endless] = [(1, Some(20)), (2, Some(10)), (3, None)].map(|(number, end)| {
            Change::InsertVerification(Verification { codes: until(end), ..verification(number) })
        });
        let decided = Verification { codes: until(Some(5)), ..ended(4, at(4)) };
        write(&store, [late, early, endless, Change::InsertVerification(decided)]).await;
        assert_eq!(overdue(&store, 9, 10).await, []);
        assert_eq!(overdue(&store, 10, 10).await, [verification_id(2)]);
        assert_eq!(overdue(&store, 1_000_000, 10).await, [verification_id(2), verification_id(1)]);
        assert_eq!(overdue(&store, 1_000_000, 1).await, [verification_id(2)]);
        assert_eq!(store.next_due().await, Ok(Some(at(10))));
    }
}

#[tokio::test]
async fn a_new_code_moves_the_end_and_a_decision_takes_it_away() {
    for place in backend::each() {
        let store = place.open().await;
        write(&store, [Change::InsertVerification(verification(1))]).await;
        let mut read = store.verification(ours(), verification_id(1)).await.unwrap().unwrap();
        read.codes = vec![LiveCode { generation: 6, expires_at: Some(at(400)) }];
        write(&store, [Change::UpdateVerification(read)]).await;
        assert_eq!(overdue(&store, 399, 10).await, []);
        let read = store.overdue_verifications(at(400), 10).await.unwrap().pop().unwrap();
        let expired = read.expire(at(500)).unwrap();
        assert_eq!(expired.state, State::Expired);
        write(&store, [Change::UpdateVerification(expired)]).await;
        assert_eq!(overdue(&store, 500, 10).await, []);
        assert_eq!(store.next_due().await, Ok(None));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn whatever_texts_numbers_and_moments_it_holds_it_comes_back_whole(
        texts in prop::array::uniform4(any::<String>()),
        metadata in prop::collection::btree_map(any::<String>(), any::<String>(), 0..10),
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        numbers in any::<[u32; 3]>(),
        moments in any::<[i64; 3]>(),
    ) {
        let [service_name, brand, sender, locale] = texts;
        let [first, second, third] = moments.map(countersign_model::Timestamp::from_ms);
        let mut sample = verification(1);
        sample.to.bytes = bytes;
        let sample = Verification {
            service_name, brand: Some(brand), sender: Some(sender), locale, metadata,
            wrong_checks: numbers[0], sends: numbers[1],
            codes: vec![LiveCode { generation: numbers[2], expires_at: Some(first) }],
            created_at: second, decided_at: Some(third), ..sample
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            for place in backend::each() {
                let store = place.open().await;
                write(&store, [Change::InsertVerification(sample.clone())]).await;
                let kept = store.verification(ours(), sample.id).await;
                assert_eq!(kept, Ok(Some(Verification { version: 1, ..sample.clone() })));
            }
        });
    }
}

#[tokio::test]
async fn of_a_service_whose_messages_are_trials_those_that_can_be_checked_are_listed_newest_first() {
    for place in backend::each() {
        let store = place.open().await;
        let made = |number: u32, ms: u128| {
            let id = VerificationId::from_bytes((ms << 80 | u128::from(number)).to_be_bytes());
            Verification { id, ..verification(number) }
        };
        let held = Verification {
            policy: Policy { on_failure: OnFailure::Holds, ..verification(4).policy },
            wrong_checks: 5,
            ..made(4, 9)
        };
        let unlisted = Verification { trial: None, ..made(5, 9) };
        let elsewhere = Verification { service: service_id(1), ..made(6, 9) };
        for value in [made(9, 2), made(1, 3), made(2, 3), held, unlisted, elsewhere] {
            write(&store, [Change::InsertVerification(value)]).await;
        }
        write(&store, [Change::InsertVerification(Verification { id: made(7, 9).id, ..ended(7, at(1)) })]).await;
        let listed = async |seconds, skip, take| {
            let slice = Slice { skip, take };
            let page = store.checkable_verifications(ours(), service_of_ours(), at(seconds), slice).await.unwrap();
            (page.total, page.items.into_iter().map(|value| value.id).collect::<Vec<_>>())
        };
        let [oldest, first, second] = [made(9, 2).id, made(1, 3).id, made(2, 3).id];
        assert_eq!(listed(299, 0, 10).await, (3, vec![second, first, oldest]));
        assert_eq!(listed(299, 1, 1).await, (3, vec![first]));
        assert_eq!(listed(299, 3, 10).await, (3, vec![]));
        assert_eq!(listed(300, 0, 10).await, (0, vec![]), "their time is over");
    }
}
