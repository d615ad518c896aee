//! The table of settings.

use crate::{
    backend,
    backend::{batch, write},
};
use countersign_store::{Change, Error};

#[tokio::test]
async fn a_setting_is_written_once() {
    for place in backend::each() {
        let store = place.open().await;
        let insert = |value: &str| Change::InsertSetting { name: "fingerprint", value: value.to_owned() };
        assert_eq!(store.setting("fingerprint").await, Ok(None));
        write(&store, [insert("a")]).await;
        assert_eq!(store.write(batch([insert("b")])).await, Err(Error::Conflict));
        assert_eq!(store.setting("fingerprint").await, Ok(Some("a".to_owned())));
    }
}
