//! A batch is applied whole or not at all, and no batch reaches into another tenant.

use crate::{
    backend,
    backend::{batch, write},
    samples::*,
};
use countersign_model::{
    ApiKey, Channel, Destination, Event, EventKind, Message, Service, Template, Verification,
    message::{MessageState, Purpose},
};
use countersign_store::{Batch, Change, Error, Store, TrialFilter, TrialTotals, sandbox};

/// One change of each kind that inserts, all of one tenant.
fn one_of_each() -> Vec<Change> {
    vec![
        Change::InsertTenant(tenant(1)),
        Change::InsertApiKey { key: api_key(1), hash: [1; 32] },
        Change::PutService(service(1)),
        Change::PutConfiguration(configuration(1, at(1))),
        Change::InsertTrial(trial(1, 1)),
        Change::PutTemplate(template(Channel::Sms, "de")),
        Change::PutAccount(account("", 5)),
        Change::InsertVerification(verification(1)),
        put_destination(1, &destination(at(1))),
        Change::InsertMessage(message(1, 1, at(1))),
        Change::InsertEvent(event(1, 1, EventKind::Approved)),
        Change::InsertAnswer(answer(1, at(1))),
        Change::InsertSetting { name: "fingerprint", value: "a".to_owned() },
        Change::Sandbox(sandbox::Change::AdvanceClock { by_ms: 5 }),
    ]
}

async fn assert_empty(store: &Store) {
    assert_eq!(store.tenants().await, Ok(vec![]));
    assert_eq!(store.api_keys(ours()).await, Ok(vec![]));
    assert_eq!(store.services(ours()).await, Ok(vec![]));
    assert_eq!(store.configuration(ours(), service_id(1)).await, Ok(None));
    assert_eq!(store.trial_totals(ours(), &TrialFilter::default()).await, Ok(TrialTotals::default()));
    assert_eq!(store.templates(ours()).await, Ok(vec![]));
    assert_eq!(store.account(ours(), "").await, Ok(None));
    assert_eq!(store.verification(ours(), verification_id(1)).await, Ok(None));
    let destination = store.destination(ours(), service_of_ours(), address(1)).await;
    assert_eq!(destination, Ok(Destination::default()));
    assert_eq!(store.message(ours(), message_id(1)).await, Ok(None));
    assert_eq!(store.events_of(ours(), verification_id(1)).await, Ok(vec![]));
    assert!(store.answer(ours(), &[1; 32]).await.unwrap().is_none());
    assert_eq!(store.setting("fingerprint").await, Ok(None));
    assert_eq!(store.clock_offset_ms().await, Ok(0));
}

#[tokio::test]
async fn a_batch_whose_last_change_conflicts_leaves_nothing_of_the_others() {
    for place in backend::each() {
        let store = place.open().await;
        let whole = one_of_each().into_iter().fold(Batch::new(), Batch::with);
        let broken = whole.clone().with(Change::InsertTenant(tenant(1)));
        assert_eq!(store.write(broken).await, Err(Error::Conflict));
        assert_empty(&store).await;
        assert_eq!(store.write(whole).await, Ok(()), "and nothing of it stands in the way");
    }
}

#[tokio::test]
async fn a_change_sees_those_before_it_in_its_batch() {
    for place in backend::each() {
        let store = place.open().await;
        let ended = Verification { version: 1, ..ended(1, at(1)) };
        write(&store, [Change::InsertVerification(verification(1)), Change::UpdateVerification(ended)]).await;
        let kept = store.verification(ours(), verification_id(1)).await.unwrap().unwrap();
        assert_eq!((kept.version, kept.decided_at), (2, Some(at(1))));
    }
}

#[tokio::test]
async fn what_a_batch_says_of_a_verification_it_can_assert_without_changing_it() {
    for place in backend::each() {
        let store = place.open().await;
        write(&store, [Change::InsertVerification(verification(1))]).await;
        let assert =
            |number, version| Change::AssertVerification { tenant: ours(), id: verification_id(number), version };
        let with_event = |number, assert| batch([Change::InsertEvent(event(number, 1, EventKind::Approved)), assert]);
        assert_eq!(store.write(with_event(1, assert(1, 0))).await, Err(Error::Conflict));
        assert_eq!(store.write(with_event(1, assert(2, 1))).await, Err(Error::Conflict));
        let foreign = Change::AssertVerification { tenant: tenant_id(9), id: verification_id(1), version: 1 };
        assert_eq!(store.write(with_event(1, foreign)).await, Err(Error::Conflict));
        assert_eq!(store.write(with_event(1, assert(1, 1))).await, Ok(()));
        assert_eq!(store.write(with_event(2, assert(1, 1))).await, Ok(()), "nothing was changed");
        assert_eq!(store.events_of(ours(), verification_id(1)).await.unwrap().len(), 2);
    }
}

#[tokio::test]
async fn an_empty_batch_is_written_and_changes_nothing() {
    for place in backend::each() {
        let store = place.open().await;
        assert_eq!(store.write(Batch::new()).await, Ok(()));
        assert_eq!(store.ping().await, Ok(()));
        assert_empty(&store).await;
    }
}

#[tokio::test]
async fn rows_of_two_tenants_with_the_same_ids_do_not_touch_each_other() {
    for place in backend::each() {
        let store = place.open().await;
        let theirs = tenant_id(9);
        write(
            &store,
            [
                Change::InsertApiKey { key: api_key(1), hash: [1; 32] },
                Change::InsertApiKey { key: ApiKey { tenant: theirs, ..api_key(1) }, hash: [2; 32] },
                Change::PutService(service(1)),
                Change::PutService(Service { tenant: theirs, ..service(1) }),
                Change::PutTemplate(template(Channel::Sms, "de")),
                Change::PutTemplate(Template { tenant: theirs, ..template(Channel::Sms, "de") }),
                Change::InsertVerification(verification(1)),
                Change::InsertVerification(Verification { tenant: theirs, ..verification(1) }),
                Change::InsertMessage(message(1, 1, at(1))),
                Change::InsertMessage(Message { tenant: theirs, ..message(1, 1, at(1)) }),
                Change::InsertEvent(event(1, 1, EventKind::Approved)),
                Change::InsertEvent(Event { tenant: theirs, ..event(1, 1, EventKind::Approved) }),
            ],
        )
        .await;
        let cancelled = |message: Message| Message { version: 1, state: MessageState::Dropped, ..message };
        write(
            &store,
            [
                Change::RevokeApiKey { tenant: theirs, id: key_id(1), at: at(2) },
                Change::DeleteService { tenant: theirs, id: service_id(1), version: 1 },
                Change::DeleteTemplate {
                    tenant: theirs,
                    message: Purpose::Payment,
                    channel: Channel::Sms,
                    locale: "de".to_owned(),
                },
                Change::UpdateVerification(Verification { version: 1, tenant: theirs, ..ended(1, at(2)) }),
                Change::UpdateMessage(Message { tenant: theirs, ..cancelled(message(1, 1, at(1))) }),
            ],
        )
        .await;
        assert_eq!(store.api_key_by_hash(&[1; 32]).await, Ok(Some(api_key(1))));
        assert_eq!(store.services(ours()).await.unwrap().len(), 1);
        assert_eq!(store.templates(ours()).await.unwrap().len(), 1);
        let kept = store.latest_verification(ours(), service_of_ours(), address(1)).await;
        assert_eq!(kept, Ok(Some(Verification { version: 1, ..verification(1) })));
        let kept = store.messages_of(ours(), verification_id(1)).await;
        assert_eq!(kept, Ok(vec![Message { version: 1, ..message(1, 1, at(1)) }]));
        assert_eq!(store.events_of(ours(), verification_id(1)).await.unwrap().len(), 1);
        assert_eq!(store.write(batch([Change::InsertVerification(verification(1))])).await, Err(Error::Conflict));
    }
}
