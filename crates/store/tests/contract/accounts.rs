//! The table of accounts.

use crate::{
    backend,
    backend::{batch, write},
    samples::*,
};
use countersign_model::Account;
use countersign_store::{Change, Error};

#[tokio::test]
async fn an_account_comes_back_whole_under_its_tenant_and_name() {
    for place in backend::each() {
        let store = place.open().await;
        let (main, ana) = (account("", 120_000), account("Ana \u{1f600}", 5));
        write(&store, [Change::PutAccount(main.clone()), Change::PutAccount(ana.clone())]).await;
        assert_eq!(store.account(ours(), "").await, Ok(Some(Account { version: 1, ..main })));
        assert_eq!(store.account(ours(), &ana.name).await, Ok(Some(Account { version: 1, ..ana })));
        assert_eq!(store.account(ours(), "nobody").await, Ok(None));
        assert_eq!(store.account(tenant_id(1), "").await, Ok(None));
    }
}

#[tokio::test]
async fn an_account_changes_only_from_the_version_that_was_read() {
    for place in backend::each() {
        let store = place.open().await;
        write(&store, [Change::PutAccount(account("", 100))]).await;
        let spent = Account { version: 1, ..account("", 40) };
        write(&store, [Change::PutAccount(spent.clone())]).await;
        for stale in [spent.clone(), account("", 70), Account { version: 3, ..spent.clone() }] {
            assert_eq!(store.write(batch([Change::PutAccount(stale)])).await, Err(Error::Conflict));
        }
        assert_eq!(store.account(ours(), "").await, Ok(Some(Account { version: 2, ..spent })));
    }
}

#[tokio::test]
async fn money_leaves_one_account_and_reaches_the_other_together_or_not_at_all() {
    for place in backend::each() {
        let store = place.open().await;
        write(&store, [Change::PutAccount(account("", 100)), Change::PutAccount(account("ana", 0))]).await;
        let main = Account { version: 1, ..account("", 60) };
        let stale = Account { version: 7, ..account("ana", 40) };
        let torn = batch([Change::PutAccount(main), Change::PutAccount(stale)]);
        assert_eq!(store.write(torn).await, Err(Error::Conflict));
        let left = store.account(ours(), "").await.unwrap().map(|account| account.balance_e4);
        assert_eq!(left, Some(100));
    }
}
