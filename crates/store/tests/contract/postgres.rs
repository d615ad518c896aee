//! What PostgreSQL promises beyond the contract: several nodes on one database, and a database that goes and comes back.

use crate::{
    backend::{batch, write},
    samples::*,
};
use countersign_model::{Channel, Message, Verification, message::MessageState};
use countersign_store::{Batch, Change, DatabaseUrl, Error, OpenError, Settings, Store, Topic, sandbox, testing};
use std::collections::HashSet;
use tokio::task::JoinSet;

async fn open(url: &str) -> Result<Store, OpenError> {
    Store::open(Settings::Postgres(DatabaseUrl::new(url))).await
}

/// Two nodes on a database of their own.
async fn two() -> (Store, Store, String) {
    let url = testing::database().await;
    (open(&url).await.unwrap(), open(&url).await.unwrap(), url)
}

#[tokio::test]
async fn what_one_node_was_answered_the_other_sees_and_hears_of() {
    let (one, other, _) = two().await;
    let (mut outbox, mut inbox) = (other.waiter(Topic::Outbox(Channel::Email)), other.waiter(Topic::Inbox));
    let mut clock = other.waiter(Topic::Clock);
    write(&one, [Change::InsertMessage(message(1, 1, at(1)))]).await;
    assert!(other.message(ours(), message_id(1)).await.unwrap().is_some());
    outbox.changed().await;
    write(&one, [Change::Sandbox(sandbox::Change::AdvanceClock { by_ms: 7 })]).await;
    clock.changed().await;
    assert_eq!(other.clock_offset_ms().await, Ok(7));
    tokio::select! { biased;
        () = inbox.changed() => panic!("nothing is in the inbox"),
        () = std::future::ready(()) => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_two_nodes_claim_the_same_message() {
    let (one, other, _) = two().await;
    for hundred in 0..3 {
        let new = (0..100).map(|number| Change::InsertMessage(message(hundred * 100 + number, 1, at(1))));
        one.write(Batch::of(new)).await.unwrap();
    }
    let mut nodes = JoinSet::new();
    for store in [one.clone(), other.clone(), one, other] {
        nodes.spawn(async move {
            let mut taken = Vec::new();
            while store.next_due().await.unwrap().is_some() {
                taken.extend(store.claim_messages(claim_of(at(1), at(1), at(99), 7)).await.unwrap());
            }
            taken
        });
    }
    let taken: Vec<Message> = nodes.join_all().await.into_iter().flatten().collect();
    let different: HashSet<_> = taken.iter().map(|message| message.id).collect();
    assert_eq!((taken.len(), different.len()), (300, 300));
}

#[tokio::test]
async fn a_node_that_starts_leaves_the_leases_of_the_others_until_they_end() {
    let (one, _, url) = two().await;
    write(&one, [Change::InsertMessage(message(1, 1, at(1)))]).await;
    let held = one.claim_messages(claim_of(at(1), at(1), at(99), 1)).await.unwrap().pop().unwrap();
    let late = open(&url).await.unwrap();
    assert!(late.claim_messages(claim_of(at(50), at(50), at(999), 1)).await.unwrap().is_empty());
    let taken = late.claim_messages(claim_of(at(99), at(99), at(999), 1)).await.unwrap().pop().unwrap();
    assert_eq!(taken.version, held.version + 1);
    let accepted = Change::UpdateMessage(Message { state: MessageState::Accepted, ..held });
    assert_eq!(one.write(batch([accepted])).await, Err(Error::Conflict), "its lease is over");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_changes_of_one_version_by_two_nodes_exactly_one_is_made() {
    let (one, other, _) = two().await;
    write(&one, [Change::InsertVerification(verification(1))]).await;
    let mut tasks = JoinSet::new();
    for number in 0..200 {
        let store = if number % 2 == 0 { one.clone() } else { other.clone() };
        let changed = Verification { version: 1, wrong_checks: number, ..verification(1) };
        tasks.spawn(async move { store.write(batch([Change::UpdateVerification(changed)])).await });
    }
    let outcomes = tasks.join_all().await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Ok(()) | Err(Error::Conflict))));
}

#[tokio::test]
async fn what_asserts_a_version_waits_for_somebody_who_is_about_to_change_it() {
    let url = testing::database().await;
    let store = open(&url).await.unwrap();
    write(&store, [Change::InsertVerification(verification(1))]).await;
    let other = testing::hold(&url, "BEGIN; UPDATE verification SET version = version + 1").await;
    let assert = Change::AssertVerification { tenant: ours(), id: verification_id(1), version: 1 };
    let told = batch([assert, Change::InsertWebhookDelivery(webhook_delivery(1, 1, at(1)))]);
    let writing = tokio::spawn({
        let store = store.clone();
        async move { store.write(told).await }
    });
    let waiters =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while testing::number(&url, waiters).await == 0 {
        assert!(!writing.is_finished(), "it does not wait");
    }
    // What was about to be changed is not.
    drop(other);
    assert_eq!(writing.await.unwrap(), Ok(()));
}

#[tokio::test]
async fn several_nodes_make_the_tables_of_an_empty_database_at_once() {
    let url = testing::empty_database().await;
    let (one, two, three) = tokio::join!(open(&url), open(&url), open(&url));
    for store in [one.unwrap(), two.unwrap(), three.unwrap()] {
        assert_eq!(store.ping().await, Ok(()));
    }
}

#[tokio::test]
async fn the_time_is_the_databases() {
    let (one, other, _) = two().await;
    assert!(one.is_shared());
    let (first, second) = (one.shared_time().await.unwrap().unwrap(), other.shared_time().await.unwrap().unwrap());
    assert!(first.as_ms() > 1_700_000_000_000 && second >= first);
}

#[tokio::test]
async fn while_the_database_is_away_everything_is_refused_and_afterwards_it_works_again() {
    let (store, _, url) = two().await;
    write(&store, [Change::InsertVerification(verification(1))]).await;
    testing::take_away(&url).await;
    for _ in 0..3 {
        let insert = batch([Change::InsertVerification(verification(2))]);
        assert!(matches!(store.write(insert).await, Err(Error::Unavailable(_))));
        let read = store.verification(ours(), verification_id(1)).await;
        assert!(matches!(read, Err(Error::Unavailable(_))), "refused, and not told that it does not exist");
    }
    testing::give_back(&url).await;
    while store.ping().await.is_err() {
        tokio::task::yield_now().await;
    }
    assert!(store.verification(ours(), verification_id(1)).await.unwrap().is_some());
    assert!(store.verification(ours(), verification_id(2)).await.unwrap().is_none());
    write(&store, [Change::InsertVerification(verification(2))]).await;
}

#[tokio::test]
async fn a_database_that_cannot_be_written_to_is_refused_as_such() {
    let (store, _, url) = two().await;
    let name = testing::name_of(&url);
    testing::run(&format!("ALTER DATABASE {name} SET default_transaction_read_only = on")).await;
    testing::end_sessions(&url).await;
    while store.ping().await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(matches!(store.ping().await, Err(Error::Unavailable(_))));
    assert!(matches!(open(&url).await, Err(OpenError::NoDatabase { .. })));
}

#[tokio::test]
async fn a_text_that_no_column_can_hold_is_not_found_and_harms_nobody_beside_it() {
    let (store, _, _) = two().await;
    assert_eq!(store.tenant_named("a\0b").await, Ok(None));
    let bad = Change::PutAccount(account("a\0b", 1));
    let mut tasks = JoinSet::new();
    for number in 0..20 {
        let (store, bad) = (store.clone(), bad.clone());
        let good = Change::InsertVerification(verification(number));
        tasks.spawn(async move { store.write(batch([if number == 7 { bad } else { good }])).await.is_ok() });
    }
    assert_eq!(tasks.join_all().await.into_iter().filter(|good| *good).count(), 19);
}

#[tokio::test]
async fn a_newer_database_and_one_of_somebody_else_are_told_apart() {
    let url = testing::database().await;
    testing::execute(&url, "INSERT INTO migration (step) VALUES (1000)").await;
    assert!(matches!(open(&url).await, Err(OpenError::NewerTables { found: 1000, .. })));
    let url = testing::empty_database().await;
    testing::execute(&url, "CREATE TABLE tenant (whatever TEXT)").await;
    assert!(matches!(open(&url).await, Err(OpenError::ForeignDatabase { .. })));
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_without_the_password() {
    let refused = open("postgres://me:hunter2@127.0.0.1:1/shop").await.unwrap_err();
    let OpenError::NoDatabase { place, .. } = &refused else { panic!("{refused:?}") };
    assert_eq!(place, "127.0.0.1:1/shop");
    assert!(!refused.to_string().contains("hunter2"));
}

#[tokio::test]
async fn every_channel_has_its_own_claims() {
    let (store, _, _) = two().await;
    let text = Message { channel: Channel::Sms, ..message(2, 1, at(1)) };
    write(&store, [Change::InsertMessage(message(1, 1, at(1))), Change::InsertMessage(text)]).await;
    assert_eq!(store.claim_messages(claim_of(at(1), at(1), at(9), 9)).await.unwrap().len(), 1);
}

/// What the server says when its disk is full, without filling a disk.
#[tokio::test]
async fn a_full_disk_is_told_as_such_and_nothing_of_the_batch_is_written() {
    let (store, _, url) = two().await;
    testing::execute(
        &url,
        "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN RAISE EXCEPTION SQLSTATE '53100' USING MESSAGE = 'could not extend file'; END $$;
         CREATE TRIGGER full_disk BEFORE INSERT ON event FOR EACH ROW EXECUTE FUNCTION full_disk()",
    )
    .await;
    let both = batch([
        Change::InsertVerification(verification(1)),
        Change::InsertEvent(event(1, 1, countersign_model::EventKind::Approved)),
    ]);
    assert!(matches!(store.write(both.clone()).await, Err(Error::Full(_))));
    assert_eq!(store.verification(ours(), verification_id(1)).await, Ok(None));
    testing::execute(&url, "DROP TRIGGER full_disk ON event").await;
    assert_eq!(store.write(both).await, Ok(()));
}

#[tokio::test]
async fn a_server_without_a_connection_to_spare_is_not_available_until_it_has_one() {
    let (store, _, url) = two().await;
    // The owner has no limit, so somebody else comes.
    let name = testing::name_of(&url);
    testing::execute(
        &url,
        &format!(
            "CREATE ROLE guest_of_{name} LOGIN; GRANT ALL ON ALL TABLES IN SCHEMA public TO guest_of_{name};
             GRANT ALL ON SCHEMA public TO guest_of_{name}"
        ),
    )
    .await;
    let guest = open(&url.replace("countersign@", &format!("guest_of_{name}@"))).await.unwrap();
    assert_eq!(guest.ping().await, Ok(()));
    testing::run(&format!("ALTER DATABASE {name} CONNECTION LIMIT 0")).await;
    testing::end_sessions(&url).await;
    write(&store, [Change::InsertVerification(verification(1))]).await;
    let refused = guest.verification(ours(), verification_id(1)).await;
    assert!(matches!(refused, Err(Error::Unavailable(_))), "{refused:?}");
    testing::run(&format!("ALTER DATABASE {name} CONNECTION LIMIT -1")).await;
    while guest.ping().await.is_err() {
        tokio::task::yield_now().await;
    }
    assert!(guest.verification(ours(), verification_id(1)).await.unwrap().is_some());
}

#[tokio::test]
async fn whoever_waits_too_long_for_a_lock_is_refused_and_the_lock_holds_up_nobody_else() {
    let (store, other, url) = two().await;
    write(&store, [Change::InsertVerification(verification(1)), Change::InsertVerification(verification(2))]).await;
    let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
    let driven = tokio::spawn(connection);
    client.batch_execute("BEGIN; UPDATE verification SET version = version WHERE tenant = tenant").await.unwrap();
    let change = |number| batch([Change::UpdateVerification(Verification { version: 1, ..verification(number) })]);
    let (late, beside) =
        tokio::join!(store.write(change(1)), other.write(batch([Change::InsertVerification(verification(3))])));
    assert!(matches!(late, Err(Error::Unavailable(_))), "{late:?}");
    assert_eq!(beside, Ok(()));
    client.batch_execute("ROLLBACK").await.unwrap();
    assert_eq!(store.write(change(1)).await, Ok(()));
    drop(client);
    driven.await.unwrap().unwrap();
}
