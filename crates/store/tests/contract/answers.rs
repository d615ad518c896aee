//! The table of answers to requests with an idempotency key.

use crate::{
    backend,
    backend::{batch, write},
    samples::*,
};
use countersign_model::Sealed;
use countersign_store::{Answer, Change, Error};

#[tokio::test]
async fn an_answer_comes_back_whole() {
    for place in backend::each() {
        let store = place.open().await;
        write(&store, [Change::InsertAnswer(answer(1, at(1)))]).await;
        let kept = store.answer(ours(), &[1; 32]).await.unwrap().unwrap();
        let wanted = answer(1, at(1));
        assert_eq!((kept.tenant, kept.key, kept.request), (wanted.tenant, wanted.key, wanted.request));
        assert_eq!((kept.outcome, kept.created_at), (wanted.outcome, wanted.created_at));
        assert!(store.answer(ours(), &[2; 32]).await.unwrap().is_none());
        assert!(store.answer(tenant_id(1), &[1; 32]).await.unwrap().is_none());
    }
}

#[tokio::test]
async fn the_first_answer_stays() {
    for place in backend::each() {
        let store = place.open().await;
        write(&store, [Change::InsertAnswer(answer(1, at(1)))]).await;
        let other = Answer { outcome: Sealed { key_version: 1, bytes: vec![] }, ..answer(1, at(2)) };
        assert_eq!(store.write(batch([Change::InsertAnswer(other)])).await, Err(Error::Conflict));
        let kept = store.answer(ours(), &[1; 32]).await.unwrap().unwrap();
        assert_eq!(kept.created_at, at(1));
        write(&store, [Change::InsertAnswer(Answer { tenant: tenant_id(1), ..answer(1, at(2)) })]).await;
    }
}
