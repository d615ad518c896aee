//! What was answered is there again after the store was closed.

use crate::{
    backend,
    backend::{batch, write},
    samples::*,
};
use countersign_model::{
    Channel, Configuration, EventKind, Message, Service, Verification, WebhookDelivery, message::MessageState,
};
use countersign_store::{Change, Error, sandbox};

#[tokio::test]
async fn everything_is_there_again_after_closing_and_opening() {
    for place in backend::each_lasting() {
        let store = place.open().await;
        write(
            &store,
            [
                Change::InsertTenant(tenant(1)),
                Change::InsertApiKey { key: api_key(1), hash: [1; 32] },
                Change::PutService(service(1)),
                Change::PutTemplate(template(Channel::Sms, "de")),
                Change::PutConfiguration(configuration(1, at(1))),
                Change::InsertTrial(trial(1, 1)),
                Change::InsertVerification(verification(1)),
                put_destination(1, &destination(at(1))),
                Change::InsertMessage(message(1, 1, at(1))),
                Change::InsertEvent(event(1, 1, EventKind::Approved)),
                Change::InsertAnswer(answer(1, at(1))),
                Change::InsertSetting { name: "fingerprint", value: "a".to_owned() },
                Change::Sandbox(sandbox::Change::AdvanceClock { by_ms: 5 }),
            ],
        )
        .await;
        store.close().await;
        let store = place.open().await;
        assert_eq!(store.tenants().await, Ok(vec![tenant(1)]));
        assert_eq!(store.api_keys(ours()).await, Ok(vec![api_key(1)]));
        assert_eq!(store.services(ours()).await, Ok(vec![Service { version: 1, ..service(1) }]));
        assert_eq!(store.templates(ours()).await, Ok(vec![template(Channel::Sms, "de")]));
        let kept = store.configuration(ours(), service_id(1)).await;
        assert_eq!(kept, Ok(Some(Configuration { version: 1, ..configuration(1, at(1)) })));
        assert_eq!(store.trial(ours(), trial(1, 1).id).await, Ok(Some(trial(1, 1))));
        let kept = store.verification(ours(), verification_id(1)).await;
        assert_eq!(kept, Ok(Some(Verification { version: 1, ..verification(1) })));
        let kept = store.destination(ours(), service_of_ours(), address(1)).await.unwrap();
        assert_eq!(kept.version, 1);
        let kept = store.message(ours(), message_id(1)).await;
        assert_eq!(kept, Ok(Some(Message { version: 1, ..message(1, 1, at(1)) })));
        assert_eq!(store.events_of(ours(), verification_id(1)).await.unwrap().len(), 1);
        assert!(store.answer(ours(), &[1; 32]).await.unwrap().is_some());
        assert_eq!(store.setting("fingerprint").await, Ok(Some("a".to_owned())));
        assert_eq!(store.clock_offset_ms().await, Ok(5));
    }
}

#[tokio::test]
async fn a_server_that_starts_ends_the_leases_of_the_one_before_where_it_is_the_only_one() {
    for place in backend::each_lasting() {
        let store = place.open().await;
        write(&store, [Change::InsertMessage(message(1, 1, at(1)))]).await;
        let held = store.claim_messages(claim_of(at(1), at(1), at(999), 1)).await.unwrap().pop().unwrap();
        let told = WebhookDelivery { leased_until: at(999), ..webhook_delivery(1, 1, at(1)) };
        write(&store, [Change::InsertWebhookDelivery(told)]).await;
        drop(store);
        let store = place.open().await;
        let freed = store.message(ours(), message_id(1)).await.unwrap().unwrap();
        assert_eq!((freed.state, freed.due_at), (MessageState::Queued, Some(at(1))));
        let late = store.write(batch([Change::UpdateMessage(held)])).await;
        assert_eq!(late, Err(Error::Conflict), "who had it before cannot write it");
        let claimed = store.claim_messages(claim_of(at(1), at(1), at(999), 1)).await.unwrap();
        assert_eq!(claimed.len(), 1);
        assert_eq!(store.due_webhook_deliveries(at(1), at(1), &[], 9).await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn what_was_queued_before_the_close_is_written_and_nothing_works_after_it() {
    for place in backend::each_lasting() {
        let store = place.open().await;
        let insert = |number| store.write(batch([Change::InsertTenant(tenant(number))]));
        let (first, second, ()) = tokio::join!(biased; insert(1), insert(2), store.close());
        assert_eq!((first, second), (Ok(()), Ok(())));
        assert!(matches!(insert(3).await, Err(Error::Unavailable(_))));
        assert!(matches!(store.tenants().await, Err(Error::Unavailable(_))));
        assert!(matches!(store.ping().await, Err(Error::Unavailable(_))));
        store.close().await;
        let reopened = place.open().await;
        assert_eq!(reopened.tenants().await, Ok(vec![tenant(1), tenant(2)]));
    }
}
