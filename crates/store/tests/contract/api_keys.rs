//! The table of API keys.

use crate::{
    backend,
    backend::{batch, write},
    samples::*,
};
use countersign_model::{ApiKey, Timestamp};
use countersign_store::{Change, Error};

fn insert(number: u32, hash: u8) -> Change {
    Change::InsertApiKey { key: api_key(number), hash: [hash; 32] }
}

fn touch(number: u32, at: Timestamp) -> Change {
    Change::TouchApiKey { tenant: ours(), id: key_id(number), at }
}

fn revoke(number: u32, at: Timestamp) -> Change {
    Change::RevokeApiKey { tenant: ours(), id: key_id(number), at }
}

#[tokio::test]
async fn a_key_is_found_by_the_hash_of_its_secret() {
    for place in backend::each() {
        let store = place.open().await;
        write(&store, [insert(2, 0x22), insert(1, 0x11)]).await;
        assert_eq!(store.api_key_by_hash(&[0x11; 32]).await, Ok(Some(api_key(1))));
        assert_eq!(store.api_key_by_hash(&[0x12; 32]).await, Ok(None));
        assert_eq!(store.api_keys(ours()).await, Ok(vec![api_key(1), api_key(2)]));
        assert_eq!(store.api_keys(tenant_id(1)).await, Ok(vec![]));
    }
}

#[tokio::test]
async fn a_key_needs_an_id_and_a_hash_of_its_own() {
    for place in backend::each() {
        let store = place.open().await;
        write(&store, [insert(1, 0x11)]).await;
        for taken in [insert(1, 0x22), insert(2, 0x11)] {
            assert_eq!(store.write(batch([taken])).await, Err(Error::Conflict));
        }
    }
}

#[tokio::test]
async fn a_use_is_noted_and_a_late_note_never_hides_a_later_use() {
    for place in backend::each() {
        let store = place.open().await;
        write(&store, [insert(1, 0x11), touch(1, at(20)), touch(1, at(10)), touch(2, at(30))]).await;
        let used = ApiKey { last_used_at: Some(at(20)), ..api_key(1) };
        assert_eq!(store.api_keys(ours()).await, Ok(vec![used]));
    }
}

#[tokio::test]
async fn a_key_is_revoked_once_and_no_use_undoes_it() {
    for place in backend::each() {
        let store = place.open().await;
        write(&store, [insert(1, 0x11), revoke(1, at(10)), touch(1, at(20))]).await;
        for too_late in [revoke(1, at(30)), revoke(2, at(30))] {
            assert_eq!(store.write(batch([too_late])).await, Err(Error::Conflict));
        }
        let revoked = ApiKey { last_used_at: Some(at(20)), revoked_at: Some(at(10)), ..api_key(1) };
        assert_eq!(store.api_key_by_hash(&[0x11; 32]).await, Ok(Some(revoked)));
    }
}
