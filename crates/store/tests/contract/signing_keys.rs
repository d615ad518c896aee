//! The table of keys that sign tokens.

use crate::{
    backend,
    backend::{batch, write},
    samples::*,
};
use countersign_model::{SigningKey, SigningKeyState};
use countersign_store::{Change, Error};

const CURRENT: SigningKeyState = SigningKeyState::Current;
const NEXT: SigningKeyState = SigningKeyState::Next;

#[tokio::test]
async fn keys_come_back_whole() {
    for place in backend::each() {
        let store = place.open().await;
        let (current, next) = (signing_key("a", CURRENT), signing_key("b", NEXT));
        let retired = signing_key("c", SigningKeyState::Retired);
        write(&store, [current, next, retired].map(Change::PutSigningKey)).await;
        let kept = [signing_key("a", CURRENT), signing_key("b", NEXT), signing_key("c", SigningKeyState::Retired)];
        let kept = kept.map(|key| SigningKey { version: 1, ..key });
        assert_eq!(store.signing_keys().await, Ok(kept.to_vec()));
    }
}

#[tokio::test]
async fn there_is_one_current_key_and_one_next_whoever_makes_them() {
    for place in backend::each() {
        let store = place.open().await;
        write(
            &store,
            [Change::PutSigningKey(signing_key("a", CURRENT)), Change::PutSigningKey(signing_key("b", NEXT))],
        )
        .await;
        for another in [signing_key("x", CURRENT), signing_key("x", NEXT), signing_key("a", SigningKeyState::Retired)] {
            assert_eq!(store.write(batch([Change::PutSigningKey(another)])).await, Err(Error::Conflict));
        }
        let read = |key| SigningKey { version: 1, ..key };
        let rotate = || {
            [
                Change::PutSigningKey(read(signing_key("a", CURRENT)).retire(at(9))),
                Change::PutSigningKey(read(signing_key("b", NEXT)).promote()),
                Change::PutSigningKey(signing_key("c", NEXT)),
            ]
        };
        write(&store, rotate()).await;
        assert_eq!(store.write(batch(rotate())).await, Err(Error::Conflict), "two rotations at once are one");
        let states: Vec<_> = store.signing_keys().await.unwrap().into_iter().map(|key| (key.kid, key.state)).collect();
        let expected = [("b", CURRENT), ("c", NEXT), ("a", SigningKeyState::Retired)];
        assert_eq!(states, expected.map(|(kid, state)| (kid.to_owned(), state)));
    }
}

#[tokio::test]
async fn a_key_goes_only_from_the_version_that_was_read() {
    for place in backend::each() {
        let store = place.open().await;
        write(&store, [Change::PutSigningKey(signing_key("a", CURRENT))]).await;
        let delete = |version| Change::DeleteSigningKey { kid: "a".to_owned(), version };
        assert_eq!(store.write(batch([delete(2)])).await, Err(Error::Conflict));
        write(&store, [delete(1)]).await;
        assert_eq!(store.signing_keys().await, Ok(vec![]));
    }
}
