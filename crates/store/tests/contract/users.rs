//! The tables of users, of their factors, and of what can be used once.

use crate::{
    backend,
    backend::{batch, write},
    samples::*,
};
use countersign_model::{Factor, FactorId, User, UserId};
use countersign_store::{Change, Error};

#[tokio::test]
async fn a_user_is_found_by_id_and_by_name_in_its_tenant_only() {
    for place in backend::each() {
        let store = place.open().await;
        write(&store, [Change::InsertUser(user(1)), Change::InsertUser(User { name_index: None, ..user(2) })]).await;
        let found = User { version: 1, ..user(1) };
        assert_eq!(store.user(ours(), user_id(1)).await, Ok(Some(found.clone())));
        assert_eq!(store.user_with_name(ours(), address(1)).await, Ok(Some(found)));
        assert_eq!(store.user_with_name(ours(), address(2)).await, Ok(None));
        assert_eq!(store.user(tenant_id(1), user_id(1)).await, Ok(None));
        assert_eq!(store.user_with_name(tenant_id(1), address(1)).await, Ok(None));
    }
}

#[tokio::test]
async fn a_name_is_taken_once_in_a_tenant_and_no_name_any_number_of_times() {
    for place in backend::each() {
        let store = place.open().await;
        write(&store, [Change::InsertUser(user(1))]).await;
        let namesake = User { name_index: user(1).name_index, ..user(2) };
        assert_eq!(store.write(batch([Change::InsertUser(namesake.clone())])).await, Err(Error::Conflict));
        let elsewhere = User { tenant: tenant_id(1), ..namesake };
        let nameless = |number| Change::InsertUser(User { name_index: None, ..user(number) });
        write(&store, [Change::InsertUser(elsewhere), nameless(3), nameless(4)]).await;
    }
}

#[tokio::test]
async fn a_user_changes_only_from_the_version_that_was_read_and_goes_with_its_factors() {
    for place in backend::each() {
        let store = place.open().await;
        write(&store, [Change::InsertUser(user(1)), Change::InsertUser(user(2))]).await;
        write(&store, [Change::InsertFactor(factor(1, 1)), Change::InsertFactor(factor(2, 2))]).await;
        let changed = User { version: 1, last_success_at: Some(at(9)), ..user(1) };
        write(&store, [Change::UpdateUser(changed.clone())]).await;
        assert_eq!(store.write(batch([Change::UpdateUser(changed)])).await, Err(Error::Conflict));
        let delete = |version| Change::DeleteUser { tenant: ours(), id: user_id(1), version };
        assert_eq!(store.write(batch([delete(1)])).await, Err(Error::Conflict));
        write(&store, [delete(2)]).await;
        assert_eq!(store.user(ours(), user_id(1)).await, Ok(None));
        assert_eq!(store.factors_of(ours(), user_id(1)).await, Ok(vec![]));
        assert_eq!(store.factors_of(ours(), user_id(2)).await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn factors_come_back_whole_and_change_only_from_the_version_that_was_read() {
    for place in backend::each() {
        let store = place.open().await;
        write(&store, [Change::InsertFactor(factor(2, 1)), Change::InsertFactor(factor(1, 1))]).await;
        let kept = |number| Factor { version: 1, ..factor(number, 1) };
        assert_eq!(store.factors_of(ours(), user_id(1)).await, Ok(vec![kept(1), kept(2)]));
        assert_eq!(store.factor(ours(), factor_id(2)).await, Ok(Some(kept(2))));
        assert_eq!(store.factor(tenant_id(1), factor_id(2)).await, Ok(None));
        write(&store, [Change::UpdateFactor(kept(1).used(at(8)))]).await;
        assert_eq!(store.write(batch([Change::UpdateFactor(kept(1))])).await, Err(Error::Conflict));
        let delete = |version| Change::DeleteFactor { tenant: ours(), id: factor_id(1), version };
        assert_eq!(store.write(batch([delete(1)])).await, Err(Error::Conflict));
        write(&store, [delete(2)]).await;
        assert_eq!(store.factor(ours(), factor_id(1)).await, Ok(None));
    }
}

#[tokio::test]
async fn what_can_be_used_once_is_used_once_until_it_is_forgotten() {
    for place in backend::each() {
        let store = place.open().await;
        let spend = |tenant, number| Change::SpendToken { tenant, id: [number; 32], until: at(100) };
        write(&store, [spend(ours(), 1), spend(tenant_id(1), 1)]).await;
        assert_eq!(store.write(batch([spend(ours(), 2), spend(ours(), 1)])).await, Err(Error::Conflict));
        assert_eq!(store.is_spent(ours(), &[1; 32]).await, Ok(true));
        assert_eq!(store.is_spent(ours(), &[2; 32]).await, Ok(false), "the whole batch was refused");
        write(&store, [Change::PurgeSpentTokens { before: at(100), limit: 10 }]).await;
        assert_eq!(store.is_spent(ours(), &[1; 32]).await, Ok(true));
        write(&store, [Change::PurgeSpentTokens { before: at(101), limit: 1 }]).await;
        let left = [store.is_spent(ours(), &[1; 32]).await, store.is_spent(tenant_id(1), &[1; 32]).await];
        assert_eq!(left.iter().filter(|spent| **spent == Ok(true)).count(), 1, "no more than the limit");
    }
}

fn user_id(number: u8) -> UserId {
    UserId::from_bytes([number; 16])
}

fn factor_id(number: u8) -> FactorId {
    FactorId::from_bytes([number; 16])
}
