//! The table of tenants.

use crate::{backend, backend::write, samples::*};
use countersign_model::Tenant;
use countersign_store::{Change, Error};

#[tokio::test]
async fn a_tenant_is_found_by_its_id_and_by_its_name() {
    for place in backend::each() {
        let store = place.open().await;
        write(&store, [Change::InsertTenant(tenant(2)), Change::InsertTenant(tenant(1))]).await;
        assert_eq!(store.tenant(tenant_id(1)).await, Ok(Some(tenant(1))));
        assert_eq!(store.tenant_named("tenant-2").await, Ok(Some(tenant(2))));
        assert_eq!(store.tenants().await, Ok(vec![tenant(1), tenant(2)]));
        assert_eq!(store.tenant(tenant_id(3)).await, Ok(None));
        assert_eq!(store.tenant_named("tenant").await, Ok(None));
    }
}

#[tokio::test]
async fn a_tenant_needs_an_id_and_a_name_of_its_own() {
    for place in backend::each() {
        let store = place.open().await;
        write(&store, [Change::InsertTenant(tenant(1))]).await;
        let same_id = Tenant { name: "other".to_owned(), ..tenant(1) };
        let same_name = Tenant { id: tenant_id(2), ..tenant(1) };
        for other in [same_id, same_name] {
            let refused = store.write(backend::batch([Change::InsertTenant(other)])).await;
            assert_eq!(refused, Err(Error::Conflict));
        }
        assert_eq!(store.tenants().await, Ok(vec![tenant(1)]));
    }
}
