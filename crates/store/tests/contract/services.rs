//! The table of services.

use crate::{
    backend,
    backend::{batch, write},
    samples::*,
};
use countersign_model::Service;
use countersign_store::{Change, Error};

#[tokio::test]
async fn a_service_is_found_by_its_id_and_by_its_name() {
    for place in backend::each() {
        let store = place.open().await;
        write(&store, [Change::PutService(service(2)), Change::PutService(service(1))]).await;
        let [first, second] = [1, 2].map(|number| Service { version: 1, ..service(number) });
        assert_eq!(store.service(ours(), service_id(1)).await, Ok(Some(first.clone())));
        assert_eq!(store.service_named(ours(), "service-2").await, Ok(Some(second.clone())));
        assert_eq!(store.services(ours()).await, Ok(vec![first, second]));
    }
}

#[tokio::test]
async fn a_service_changes_only_from_the_version_that_was_read() {
    for place in backend::each() {
        let store = place.open().await;
        write(&store, [Change::PutService(service(1))]).await;
        let renamed = Service { version: 1, name: "renamed".to_owned(), brand: None, ..service(1) };
        write(&store, [Change::PutService(renamed.clone())]).await;
        for stale in [renamed.clone(), service(1), Service { version: 3, ..service(1) }] {
            assert_eq!(store.write(batch([Change::PutService(stale)])).await, Err(Error::Conflict));
        }
        assert_eq!(store.service_named(ours(), "service-1").await, Ok(None));
        assert_eq!(store.service_named(ours(), "renamed").await, Ok(Some(Service { version: 2, ..renamed })));
    }
}

#[tokio::test]
async fn a_service_never_takes_the_name_of_another_one_of_its_tenant() {
    for place in backend::each() {
        let store = place.open().await;
        write(&store, [Change::PutService(service(1)), Change::PutService(service(2))]).await;
        let new = Service { name: "service-1".to_owned(), ..service(3) };
        let renamed = Service { version: 1, name: "service-1".to_owned(), ..service(2) };
        for taken in [new, renamed] {
            assert_eq!(store.write(batch([Change::PutService(taken)])).await, Err(Error::Conflict));
        }
        write(&store, [Change::PutService(Service { tenant: tenant_id(1), ..service(1) })]).await;
    }
}

#[tokio::test]
async fn a_service_goes_only_in_the_version_that_was_read() {
    for place in backend::each() {
        let store = place.open().await;
        write(&store, [Change::PutService(service(1))]).await;
        let delete = |version| Change::DeleteService { tenant: ours(), id: service_id(1), version };
        assert_eq!(store.write(batch([delete(2)])).await, Err(Error::Conflict));
        write(&store, [delete(1)]).await;
        assert_eq!(store.write(batch([delete(1)])).await, Err(Error::Conflict));
        assert_eq!(store.services(ours()).await, Ok(vec![]));
    }
}
