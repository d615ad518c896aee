//! From a file to a database: every row arrives, an interruption costs nothing, and a row that differs is noticed.

use crate::{
    backend::{Place, write},
    samples::*,
};
use countersign_model::{Channel, EventKind, SigningKeyState, Verification};
use countersign_store::{
    Batch, Change, DatabaseUrl, OpenError, Settings, Slice, Store, TrialFilter, TrialTotals, testing,
    transfer::{Phase, TransferError, transfer},
};
use std::path::{Path, PathBuf};
use tokio::sync::Notify;

/// More than two pages of events, and a row in nearly every other table.
const EVENTS: u32 = 1200;
const ROWS: u64 = EVENTS as u64 + 23;

fn one_of_each() -> Vec<Change> {
    vec![
        Change::InsertTenant(tenant(1)),
        Change::InsertApiKey { key: api_key(1), hash: [1; 32] },
        Change::PutService(service(1)),
        Change::PutConfiguration(configuration(1, at(1))),
        Change::InsertTrial(trial(1, 5)),
        Change::InsertTrial(trial(2, 6)),
        Change::PutTemplate(template(Channel::Sms, "de")),
        Change::PutAccount(account("", 5)),
        Change::InsertVerification(verification(1)),
        put_destination(1, &destination(at(1))),
        Change::InsertMessage(message(1, 1, at(1))),
        Change::InsertCallback(callback(1, at(1))),
        Change::PutWebhookEndpoint(webhook_endpoint(1)),
        Change::InsertWebhookDelivery(webhook_delivery(1, 1, at(1))),
        Change::InsertAnswer(answer(1, at(1))),
        Change::InsertUser(user(1)),
        Change::InsertFactor(factor(1, 1)),
        Change::SpendToken { tenant: ours(), id: [3; 32], until: at(9) },
        Change::PutClient(client("shop")),
        Change::PutSigningKey(signing_key("one", SigningKeyState::Current)),
        Change::InsertRefreshToken(refresh_token(1, at(9))),
        Change::InsertSetting { name: "fingerprint", value: "a".to_owned() },
    ]
}

async fn filled() -> (Place, PathBuf) {
    let place = Place::sqlite();
    let store = place.open().await;
    store.write(Batch::of(one_of_each())).await.unwrap();
    let events = (0..EVENTS).map(|number| Change::InsertEvent(event(number, number % 7, EventKind::Approved)));
    store.write(Batch::of(events)).await.unwrap();
    store.close().await;
    let file = place.file();
    (place, file)
}

async fn carry(file: &Path, url: &str) -> Result<u64, TransferError> {
    transfer(file, &DatabaseUrl::new(url), |_| {}).await
}

async fn open(url: &str) -> Result<Store, OpenError> {
    Store::open(Settings::Postgres(DatabaseUrl::new(url))).await
}

async fn assert_arrived(url: &str) {
    let store = open(url).await.unwrap();
    assert_eq!(store.tenants().await, Ok(vec![tenant(1)]));
    assert_eq!(store.setting("fingerprint").await, Ok(Some("a".to_owned())));
    let kept = store.verification(ours(), verification_id(1)).await;
    assert_eq!(kept, Ok(Some(Verification { version: 1, ..verification(1) })));
    let of_one = store.events_of(ours(), verification_id(1)).await.unwrap();
    assert_eq!(of_one.len(), EVENTS.div_ceil(7) as usize);
    let totals = store.trial_totals(ours(), &TrialFilter::default()).await;
    assert_eq!(totals, Ok(TrialTotals { successful: 0, unsuccessful: 2 }));
    // What is new comes after what was carried over.
    write(&store, [Change::InsertEvent(event(5000, 1, EventKind::Cancelled)), Change::InsertTrial(trial(3, 6))]).await;
    let now = store.events_of(ours(), verification_id(1)).await.unwrap();
    assert_eq!(now.last().unwrap().kind, EventKind::Cancelled);
    let next = Change::InsertWebhookDelivery(webhook_delivery(2, 1, at(1)));
    write(&store, [next]).await;
    let line = webhook_delivery(1, 1, at(1)).line();
    let waiting = store.pending_webhook_deliveries(webhook_endpoint(1).id, &line).await.unwrap();
    assert_eq!(waiting.iter().map(|it| it.id).collect::<Vec<_>>(), [1, 2].map(webhook_delivery_id));
    let newest = store.trials(ours(), &TrialFilter::default(), Slice { skip: 0, take: 1 }).await.unwrap();
    assert_eq!(newest.items, [trial(3, 6)]);
}

#[tokio::test]
async fn every_row_arrives_and_the_file_is_needed_no_more() {
    let ((_place, file), url) = (filled().await, testing::empty_database().await);
    assert_eq!(carry(&file, &url).await, Ok(ROWS));
    assert_arrived(&url).await;
    assert!(matches!(carry(&file, &url).await, Err(TransferError::NotEmpty(_))), "it is in use");
}

#[tokio::test]
async fn what_is_interrupted_goes_on_where_it_was_and_no_server_opens_it_before() {
    let ((_place, file), url) = (filled().await, testing::empty_database().await);
    let (enough, database) = (Notify::new(), DatabaseUrl::new(&url));
    let cut_off = transfer(&file, &database, |progress| {
        if progress.table == "event" && progress.done > 500 {
            enough.notify_one();
        }
    });
    tokio::select! { biased;
        () = enough.notified() => {}
        done = cut_off => panic!("{done:?}"),
    }
    let Err(refused) = open(&url).await else { panic!("it is half full") };
    assert!(matches!(refused, OpenError::BeingFilled { .. }), "{refused}");
    let mut first = None;
    let again = transfer(&file, &database, |progress| {
        if progress.table == "event" {
            first.get_or_insert(progress.done);
        }
    });
    assert_eq!(again.await, Ok(ROWS));
    assert!(first.unwrap() > 500, "{first:?}");
    assert_arrived(&url).await;
}

#[tokio::test]
async fn a_row_that_is_not_the_same_is_noticed() {
    let ((_place, file), url) = (filled().await, testing::empty_database().await);
    let (mut is_changed, database) = (false, DatabaseUrl::new(&url));
    let carried = transfer(&file, &database, |progress| {
        if progress.phase == Phase::Comparing && !is_changed {
            is_changed = true;
            let url = url.clone();
            let change = move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(testing::execute(&url, "UPDATE message SET updated_at = updated_at + 1"));
            };
            std::thread::spawn(change).join().unwrap();
        }
    });
    assert_eq!(carried.await, Err(TransferError::Different("message")));
    assert!(matches!(open(&url).await, Err(OpenError::BeingFilled { .. })));
}

#[tokio::test]
async fn neither_a_file_that_is_not_there_nor_one_in_use_is_carried_over() {
    let url = testing::empty_database().await;
    let nowhere = PathBuf::from("/nowhere/countersign.sqlite");
    assert_eq!(carry(&nowhere, &url).await, Err(TransferError::NoFile(nowhere.clone())));
    let place = Place::sqlite();
    let _open = place.open().await;
    let refused = carry(&place.file(), &url).await;
    assert!(matches!(refused, Err(TransferError::Open(OpenError::InUse { .. }))), "{refused:?}");
}
