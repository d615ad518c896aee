//! The table of configurations.

use crate::{
    backend,
    backend::{batch, write},
    samples::*,
};
use countersign_model::{Configuration, ConfigurationRules};
use countersign_store::{Change, Error, Slice};

fn named(name: &str, configuration: Configuration) -> Configuration {
    Configuration { rules: ConfigurationRules { name: name.to_owned(), ..configuration.rules }, ..configuration }
}

#[tokio::test]
async fn a_configuration_is_found_by_its_id_and_by_its_name_and_only_by_its_tenant() {
    for place in backend::each() {
        let store = place.open().await;
        write(&store, [Change::PutConfiguration(configuration(1, at(1)))]).await;
        let kept = Some(Configuration { version: 1, ..configuration(1, at(1)) });
        assert_eq!(store.configuration(ours(), service_id(1)).await, Ok(kept.clone()));
        assert_eq!(store.configuration_named(ours(), "Größe 1").await, Ok(kept));
        assert_eq!(store.configuration(tenant_id(1), service_id(1)).await, Ok(None));
        assert_eq!(store.configuration_named(tenant_id(1), "Größe 1").await, Ok(None));
        let same = Configuration { tenant: tenant_id(1), ..configuration(1, at(1)) };
        write(&store, [Change::PutConfiguration(same)]).await;
    }
}

#[tokio::test]
async fn a_configuration_changes_and_goes_only_in_the_version_that_was_read() {
    for place in backend::each() {
        let store = place.open().await;
        write(&store, [Change::PutConfiguration(configuration(1, at(1)))]).await;
        let changed = named("other", Configuration { version: 1, ..configuration(1, at(1)) });
        write(&store, [Change::PutConfiguration(changed.clone())]).await;
        assert_eq!(store.write(batch([Change::PutConfiguration(changed.clone())])).await, Err(Error::Conflict));
        assert_eq!(store.configuration_named(ours(), "Größe 1").await, Ok(None));
        let delete = |version| Change::DeleteConfiguration { tenant: ours(), id: service_id(1), version };
        assert_eq!(store.write(batch([delete(1)])).await, Err(Error::Conflict));
        write(&store, [delete(2)]).await;
        assert_eq!(store.configuration(ours(), service_id(1)).await, Ok(None));
    }
}

#[tokio::test]
async fn a_configuration_never_takes_the_name_of_another_one_of_its_tenant() {
    for place in backend::each() {
        let store = place.open().await;
        let [first, second] = [1, 2].map(|number| configuration(number, at(1)));
        write(&store, [Change::PutConfiguration(first), Change::PutConfiguration(second.clone())]).await;
        let new = named("Größe 1", configuration(3, at(1)));
        let renamed = named("Größe 1", Configuration { version: 1, ..second });
        for taken in [new, renamed] {
            assert_eq!(store.write(batch([Change::PutConfiguration(taken)])).await, Err(Error::Conflict));
        }
    }
}

#[tokio::test]
async fn configurations_are_listed_newest_first_and_of_one_moment_the_one_written_last() {
    for place in backend::each() {
        let store = place.open().await;
        for (number, made_at) in [(5, 1), (3, 2), (4, 2), (1, 3)] {
            write(&store, [Change::PutConfiguration(configuration(number, at(made_at)))]).await;
        }
        let theirs = Configuration { tenant: tenant_id(1), ..configuration(9, at(9)) };
        write(&store, [Change::PutConfiguration(theirs)]).await;
        let listed = async |skip, take| {
            let page = store.configurations(ours(), Slice { skip, take }).await.unwrap();
            (page.total, page.items.into_iter().map(|it| it.id).collect::<Vec<_>>())
        };
        assert_eq!(listed(0, 3).await, (4, [1, 4, 3].map(service_id).to_vec()));
        assert_eq!(listed(3, 3).await, (4, vec![service_id(5)]));
        assert_eq!(listed(u64::MAX, 3).await, (4, vec![]));
    }
}
