//! The table of destinations.

use crate::{
    backend,
    backend::{batch, write},
    samples::*,
};
use countersign_model::Destination;
use countersign_store::Error;

#[tokio::test]
async fn an_address_never_seen_is_the_default_and_one_that_was_comes_back_whole() {
    for place in backend::each() {
        let store = place.open().await;
        let find = async |number| store.destination(ours(), service_of_ours(), address(number)).await;
        assert_eq!(find(1).await, Ok(Destination::default()));
        let mut sample = destination(at(1));
        for _ in 0..20 {
            sample.count_failed_check(&limits(), at(2));
        }
        write(&store, [put_destination(1, &sample)]).await;
        sample.version = 1;
        assert!(sample.may_check(at(3)).is_err(), "it is held, which must be kept too");
        assert_eq!(find(1).await, Ok(sample));
        assert_eq!(find(2).await, Ok(Destination::default()));
        let elsewhere = store.destination(ours(), service_id(1), address(1)).await;
        assert_eq!(elsewhere, Ok(Destination::default()));
    }
}

#[tokio::test]
async fn a_destination_changes_only_from_the_version_that_was_read() {
    for place in backend::each() {
        let store = place.open().await;
        let new = destination(at(1));
        write(&store, [put_destination(1, &new)]).await;
        let mut read = store.destination(ours(), service_of_ours(), address(1)).await.unwrap();
        read.count_failed_check(&limits(), at(2));
        write(&store, [put_destination(1, &read)]).await;
        for stale in [new, read] {
            assert_eq!(store.write(batch([put_destination(1, &stale)])).await, Err(Error::Conflict));
        }
        let read = store.destination(ours(), service_of_ours(), address(1)).await.unwrap();
        assert_eq!(read.version, 2);
    }
}
