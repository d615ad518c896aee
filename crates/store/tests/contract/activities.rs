//! The table of what was done to users and by them.

use crate::{backend, backend::write, samples::*};
use countersign_model::{Activity, ActivityKind, Actor, FactorPurpose, KeyId, Means, TenantId, id::ActivityId};
use countersign_store::{ActivityFilter, Change, Store};

fn activity(number: u8, second: i64, kind: ActivityKind) -> Activity {
    Activity {
        id: ActivityId::from_bytes([number; 16]),
        tenant: ours(),
        at: at(second),
        user: user(1).id,
        name: user(1).name,
        actor: Actor::Application(Some(KeyId::from_bytes([7; 16]))),
        kind,
        means: Some(Means::Sms),
        verification: Some(verification_id(3)),
        purpose: Some(FactorPurpose::Prove),
    }
}

fn all() -> ActivityFilter {
    ActivityFilter { from: at(0), until: at(1000), kinds: ActivityKind::ALL.to_vec(), before: None, limit: 100 }
}

/// The first byte of each id.
async fn ids(store: &Store, tenant: TenantId, filter: &ActivityFilter) -> Vec<u8> {
    let found = store.activities(tenant, filter).await.unwrap();
    found.iter().map(|(_, activity)| activity.id.to_bytes()[0]).collect()
}

#[tokio::test]
async fn they_come_back_whole_and_the_newest_first_in_their_tenant_only() {
    for place in backend::each() {
        let store = place.open().await;
        let (old, new) = (activity(1, 5, ActivityKind::Proved), activity(2, 6, ActivityKind::CodeRejected));
        let theirs = Activity { tenant: tenant_id(1), ..activity(3, 6, ActivityKind::Proved) };
        // Written out of order: what counts is when it was done, and for one moment the order of writing.
        let twin = activity(4, 5, ActivityKind::Proved);
        let written = [new.clone(), old.clone(), theirs.clone(), twin.clone()].map(Change::InsertActivity);
        write(&store, written).await;
        let found = store.activities(ours(), &all()).await.unwrap();
        assert_eq!(found.into_iter().map(|(_, it)| it).collect::<Vec<_>>(), [new, twin, old]);
        assert_eq!(ids(&store, tenant_id(1), &all()).await, [3]);
    }
}

#[tokio::test]
async fn they_are_chosen_by_kind_and_time_and_read_in_pages() {
    for place in backend::each() {
        let store = place.open().await;
        for number in 1..=6 {
            let kind = if number % 2 == 0 { ActivityKind::Enrolled } else { ActivityKind::UserDeleted };
            write(&store, [Change::InsertActivity(activity(number, i64::from(number), kind))]).await;
        }
        let enrolled = ActivityFilter { kinds: vec![ActivityKind::Enrolled], ..all() };
        assert_eq!(ids(&store, ours(), &enrolled).await, [6, 4, 2]);
        let none = ActivityFilter { kinds: vec![], ..all() };
        assert!(ids(&store, ours(), &none).await.is_empty());
        let between = ActivityFilter { from: at(2), until: at(5), ..all() };
        assert_eq!(ids(&store, ours(), &between).await, [4, 3, 2]);
        let first = ActivityFilter { limit: 4, ..all() };
        let page = store.activities(ours(), &first).await.unwrap();
        assert_eq!(page.len(), 4);
        let rest = ActivityFilter { before: page.last().map(|(place, _)| *place), ..all() };
        assert_eq!(ids(&store, ours(), &rest).await, [2, 1]);
    }
}

#[tokio::test]
async fn old_ones_go_and_no_more_than_the_limit_at_once() {
    for place in backend::each() {
        let store = place.open().await;
        for number in 1..=5 {
            write(&store, [Change::InsertActivity(activity(number, i64::from(number), ActivityKind::Proved))]).await;
        }
        write(&store, [Change::PurgeActivities { before: at(4), limit: 2 }]).await;
        assert_eq!(ids(&store, ours(), &all()).await, [5, 4, 3]);
        write(&store, [Change::PurgeActivities { before: at(4), limit: 2 }]).await;
        assert_eq!(ids(&store, ours(), &all()).await, [5, 4]);
    }
}
