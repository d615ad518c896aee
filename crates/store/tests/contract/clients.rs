//! The table of clients.

use crate::{
    backend,
    backend::{batch, write},
    samples::*,
};
use countersign_model::Client;
use countersign_store::{Change, Error};

#[tokio::test]
async fn a_client_is_found_by_its_id_alone_and_comes_back_whole() {
    for place in backend::each() {
        let store = place.open().await;
        write(&store, [Change::PutClient(client("a")), Change::PutClient(client("b"))]).await;
        let found = Client { version: 1, ..client("a") };
        assert_eq!(store.client("a").await, Ok(Some(found.clone())));
        assert_eq!(store.client("c").await, Ok(None));
        assert_eq!(store.clients(ours()).await, Ok(vec![found, Client { version: 1, ..client("b") }]));
        assert_eq!(store.clients(tenant_id(1)).await, Ok(vec![]));
    }
}

#[tokio::test]
async fn the_id_of_a_client_is_taken_for_every_tenant() {
    for place in backend::each() {
        let store = place.open().await;
        write(&store, [Change::PutClient(client("a"))]).await;
        let theirs = Client { tenant: tenant_id(1), ..client("a") };
        assert_eq!(store.write(batch([Change::PutClient(theirs.clone())])).await, Err(Error::Conflict));
        let moved = Client { version: 1, ..theirs };
        assert_eq!(store.write(batch([Change::PutClient(moved)])).await, Err(Error::Conflict), "it stays where it is");
    }
}

#[tokio::test]
async fn a_client_changes_only_from_the_version_that_was_read_and_goes_only_from_its_tenant() {
    for place in backend::each() {
        let store = place.open().await;
        write(&store, [Change::PutClient(client("a"))]).await;
        let changed = Client { version: 1, name: "other".to_owned(), ..client("a") };
        write(&store, [Change::PutClient(changed.clone())]).await;
        assert_eq!(store.write(batch([Change::PutClient(changed)])).await, Err(Error::Conflict));
        let delete = |tenant| Change::DeleteClient { tenant, id: "a".to_owned() };
        assert_eq!(store.write(batch([delete(tenant_id(1))])).await, Err(Error::Conflict));
        write(&store, [delete(ours())]).await;
        assert_eq!(store.client("a").await, Ok(None));
        assert_eq!(store.write(batch([delete(ours())])).await, Err(Error::Conflict));
    }
}

#[tokio::test]
async fn an_origin_belongs_to_a_client_or_to_none() {
    for place in backend::each() {
        let store = place.open().await;
        let of = |origins: &[&str]| origins.iter().map(|origin| (*origin).to_owned()).collect();
        write(
            &store,
            [Change::PutClient(Client { origins: of(&["https://a.example", "https://b.example"]), ..client("a") })],
        )
        .await;
        for (origin, known) in [("https://b.example", true), ("https://c.example", false), ("", false)] {
            assert_eq!(store.is_origin_of_a_client(origin).await, Ok(known), "{origin}");
        }
    }
}
