//! The table of refresh tokens.

use crate::{
    backend,
    backend::{batch, write},
    samples::*,
};
use countersign_store::{Change, Error};

#[tokio::test]
async fn a_refresh_token_comes_back_whole_until_it_is_ended() {
    for place in backend::each() {
        let store = place.open().await;
        write(&store, [Change::InsertRefreshToken(refresh_token(1, at(100)))]).await;
        assert_eq!(store.refresh_token(&[1; 32]).await, Ok(Some(refresh_token(1, at(100)))));
        assert_eq!(store.refresh_token(&[2; 32]).await, Ok(None));
        let again = batch([Change::InsertRefreshToken(refresh_token(1, at(9)))]);
        assert_eq!(store.write(again).await, Err(Error::Conflict));
        let delete = |tenant| Change::DeleteRefreshToken { tenant, hash: [1; 32] };
        write(&store, [delete(tenant_id(1))]).await;
        assert!(store.refresh_token(&[1; 32]).await.unwrap().is_some(), "another tenant ends nothing here");
        write(&store, [delete(ours())]).await;
        assert_eq!(store.refresh_token(&[1; 32]).await, Ok(None));
        write(&store, [delete(ours())]).await;
    }
}

#[tokio::test]
async fn refresh_tokens_that_ended_go_and_no_more_of_them_than_the_limit() {
    for place in backend::each() {
        let store = place.open().await;
        for number in 0..5 {
            write(&store, [Change::InsertRefreshToken(refresh_token(number, at(10 + i64::from(number))))]).await;
        }
        let left = async || {
            let mut left = vec![];
            for number in 0..5 {
                left.extend(store.refresh_token(&[number; 32]).await.unwrap().map(|_| number));
            }
            left
        };
        write(&store, [Change::PurgeRefreshTokens { before: at(13), limit: 3 }]).await;
        assert_eq!(left().await, [3, 4]);
        write(&store, [Change::PurgeRefreshTokens { before: at(13), limit: 3 }]).await;
        assert_eq!(left().await, [4]);
    }
}
