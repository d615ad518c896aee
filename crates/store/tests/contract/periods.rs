//! Where old rows leave as whole tables: periods are made ahead, take the rows of their time, and are dropped when nothing in them
//! is needed; and whatever goes wrong with that, no row is refused and none is lost.

use crate::{backend::write, samples::*};
use countersign_model::{
    Activity, ActivityKind, Actor, Event, EventId, EventKind, Message, MessageId, Timestamp, Trial, Verification,
    VerificationId, id::ActivityId, message::MessageState,
};
use countersign_store::{
    ActivityFilter, Batch, Change, DatabaseUrl, Error, Settings, Slice, Store, TrialFilter, TrialTotals, testing,
};
use std::time::Duration;
use tokio_postgres::{Client, NoTls};

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;
/// So a period has a day.
const KEPT: Duration = Duration::from_hours(24 * 8);
const KEPT_MS: i64 = 8 * DAY;

/// A database with two periods, of which the first begins at `start`.
struct Divided {
    store: Store,
    client: Client,
    url: String,
    start: i64,
}

async fn client(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

impl Divided {
    async fn new() -> Self {
        let url = testing::database().await;
        let store = Store::open(Settings::Postgres(DatabaseUrl::new(&url))).await.unwrap();
        let client = client(&url).await;
        let start = client.query_one("SELECT end_ms FROM period", &[]).await.unwrap().get(0);
        let new = Self { store, client, url, start };
        new.tend(start - HOUR).await.unwrap();
        new.tend(start + DAY - HOUR).await.unwrap();
        assert_eq!(new.periods().await, [(start, start + DAY), (start + DAY, start + 2 * DAY)]);
        new
    }

    async fn tend(&self, now: i64) -> Result<(), Error> {
        self.store.tend_periods(Timestamp::from_ms(now), KEPT).await
    }

    async fn periods(&self) -> Vec<(i64, i64)> {
        let sql = "SELECT first_ms, end_ms FROM period WHERE name <> 'before' ORDER BY end_ms";
        self.client.query(sql, &[]).await.unwrap().iter().map(|row| (row.get(0), row.get(1))).collect()
    }

    /// How many tables of periods there are, attached or not.
    async fn tables(&self) -> i64 {
        let sql = "SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relname ~ '_[0-9]{8}_[0-9]{2}$'";
        self.client.query_one(sql, &[]).await.unwrap().get(0)
    }

    /// In which table the verification of that moment is: the end of its name.
    async fn place_of(&self, ms: i64) -> String {
        let sql = "SELECT substr(tableoid::regclass::text, 14) FROM verification WHERE id = $1";
        self.client.query_one(sql, &[&verification_at(ms).to_bytes().as_slice()]).await.unwrap().get(0)
    }

    async fn has(&self, ms: i64) -> [usize; 4] {
        let of = verification_at(ms);
        [
            usize::from(self.store.verification(ours(), of).await.unwrap().is_some()),
            self.store.messages_of(ours(), of).await.unwrap().len(),
            self.store.events_of(ours(), of).await.unwrap().len(),
            usize::from(self.store.trial(ours(), message_at(ms)).await.unwrap().is_some()),
        ]
    }

    async fn trials(&self) -> (u64, usize) {
        let TrialTotals { successful, unsuccessful } =
            self.store.trial_totals(ours(), &TrialFilter::default()).await.unwrap();
        let listed = self.store.trials(ours(), &TrialFilter::default(), Slice { skip: 0, take: 100 }).await.unwrap();
        assert_eq!(listed.total, successful + unsuccessful);
        (listed.total, listed.items.len())
    }

    async fn activities(&self) -> usize {
        let all = ActivityFilter {
            from: at(0),
            until: Timestamp::from_ms(self.start + 1000 * DAY),
            kinds: ActivityKind::ALL.to_vec(),
            before: None,
            limit: 100,
        };
        self.store.activities(ours(), &all).await.unwrap().len()
    }
}

const fn id_at(ms: i64) -> [u8; 16] {
    (ms.cast_unsigned() as u128).wrapping_shl(80).to_be_bytes()
}

const fn verification_at(ms: i64) -> VerificationId {
    VerificationId::from_bytes(id_at(ms))
}

const fn message_at(ms: i64) -> MessageId {
    MessageId::from_bytes(id_at(ms))
}

fn started(ms: i64) -> Verification {
    Verification { id: verification_at(ms), grid: None, trial: None, ..verification(1) }
}

fn over(ms: i64) -> Verification {
    let decided_at = Timestamp::from_ms(ms);
    Verification { id: verification_at(ms), grid: None, trial: None, ..ended(1, decided_at) }
}

fn sent(ms: i64) -> Message {
    let mut message =
        Message { id: message_at(ms), state: MessageState::Delivered, due_at: None, ..message(1, 1, at(1)) };
    if let countersign_model::message::Content::Code { verification, .. } = &mut message.content {
        *verification = verification_at(ms);
    }
    message
}

fn done(ms: i64) -> Activity {
    Activity {
        id: ActivityId::from_bytes(id_at(ms)),
        tenant: ours(),
        at: Timestamp::from_ms(ms),
        user: user(1).id,
        name: None,
        actor: Actor::Application(None),
        kind: ActivityKind::Proved,
        means: None,
        verification: None,
        purpose: None,
    }
}

/// All that there is of one that began and ended at a moment.
fn all_of(ms: i64) -> [Change; 6] {
    let event = |last| Event {
        id: EventId::from_bytes(last),
        tenant: ours(),
        verification: verification_at(ms),
        at: Timestamp::from_ms(ms),
        kind: EventKind::Approved,
    };
    [
        Change::InsertVerification(over(ms)),
        Change::InsertMessage(sent(ms)),
        Change::InsertEvent(event([1; 16])),
        Change::InsertEvent(event([2; 16])),
        Change::InsertTrial(Trial { verification: verification_at(ms), ..trial(0, ms) }),
        Change::InsertActivity(done(ms)),
    ]
}

#[tokio::test]
async fn each_row_is_in_the_period_of_its_moment_to_the_millisecond() {
    let divided = Divided::new().await;
    let (start, end) = (divided.start, divided.start + DAY);
    let moments = [start - 1, start, end - 1, end, end + DAY - 1, end + DAY];
    for ms in moments {
        write(&divided.store, all_of(ms)).await;
    }
    let mut places = Vec::new();
    for ms in moments {
        assert_eq!(divided.has(ms).await, [1, 1, 2, 1]);
        places.push(divided.place_of(ms).await);
    }
    assert_eq!((places[0].as_str(), places[5].as_str()), ("before", "rest"));
    assert!(places[1] == places[2] && places[3] == places[4] && places[2] != places[3], "{places:?}");
    assert_eq!(divided.trials().await, (6, 6));
}

#[tokio::test]
async fn a_period_goes_with_all_that_ended_in_it_and_what_is_kept_still_stays() {
    let divided = Divided::new().await;
    let (first, last, next) = (divided.start, divided.start + DAY - 1, divided.start + DAY);
    for ms in [first, last, next] {
        write(&divided.store, all_of(ms)).await;
    }
    // Its second message was sent in the next period.
    let again = Trial { verification: verification_at(last), ..trial(0, next + 1) };
    write(
        &divided.store,
        [Change::InsertTrial(again), Change::TrialSucceeded { tenant: ours(), id: message_at(next + 1), at: at(1) }],
    )
    .await;
    assert_eq!(divided.trials().await, (4, 4));
    let too_early = next + KEPT_MS - 1;
    divided.tend(too_early).await.unwrap();
    assert_eq!(divided.has(first).await, [1, 1, 2, 1]);
    divided.tend(too_early + 1).await.unwrap();
    for ms in [first, last] {
        assert_eq!(divided.has(ms).await, [0; 4]);
    }
    assert_eq!(divided.has(next).await, [1, 1, 2, 1]);
    assert_eq!((divided.trials().await, divided.activities().await), ((1, 1), 1));
    assert_eq!(divided.periods().await.first(), Some(&(next, next + DAY)));
    let tables = i64::try_from(5 * divided.periods().await.len()).unwrap();
    assert_eq!(divided.tables().await, tables, "nothing is left of a period that went");
    let counts = format!("SELECT count(*) FROM trial_count WHERE day < {}", next / DAY);
    let counts = divided.client.query_one(&counts, &[]).await.unwrap();
    assert_eq!(counts.get::<_, i64>(0), 0, "a count of nothing is not kept");
}

#[tokio::test]
async fn what_is_still_needed_keeps_its_period_until_it_is_not() {
    let never = |ms: i64| {
        let mut verification = started(ms);
        verification.codes.iter_mut().for_each(|code| code.expires_at = None);
        verification
    };
    let own = |ms, at_ms| Message { id: message_at(ms), updated_at: Timestamp::from_ms(at_ms), ..text(1) };
    let late = |ms| Verification { decided_at: Some(Timestamp::from_ms(ms + 2 * DAY)), ..over(ms) };
    let in_state = |ms, state, due_at| Message { state, due_at, ..sent(ms) };
    let due = Some(at(1));
    for (why, change) in [
        ("pending", (&|ms| Change::InsertVerification(started(ms))) as &dyn Fn(i64) -> Change),
        ("its code never ends", &|ms| Change::InsertVerification(never(ms))),
        ("it ended late", &|ms| Change::InsertVerification(late(ms))),
        ("queued", &|ms| Change::InsertMessage(in_state(ms, MessageState::Queued, due))),
        ("leased", &|ms| Change::InsertMessage(in_state(ms, MessageState::Leased, due))),
        ("without its receipt", &|ms| Change::InsertMessage(in_state(ms, MessageState::Accepted, due))),
        ("a text that was sent late", &|ms| Change::InsertMessage(own(ms, ms + 2 * DAY))),
    ] {
        let divided = Divided::new().await;
        let ms = divided.start + DAY - HOUR;
        write(&divided.store, all_of(ms)).await;
        write(&divided.store, [change(ms - 1)]).await;
        let over = divided.start + DAY + KEPT_MS;
        divided.tend(over).await.unwrap();
        assert_eq!(divided.has(ms).await, [1, 1, 2, 1], "{why}");
        divided
            .client
            .batch_execute(
                "
            UPDATE verification SET open_until = NULL, decided_at = coalesce(decided_at, 1);
            UPDATE message SET state = 'delivered'",
            )
            .await
            .unwrap();
        divided.tend(over + 2 * DAY).await.unwrap();
        assert_eq!(divided.has(ms).await, [0; 4], "{why}");
    }
}

#[tokio::test]
async fn what_should_have_gone_with_a_period_that_stays_is_deleted_by_itself_two_periods_later() {
    let divided = Divided::new().await;
    let ms = divided.start;
    write(&divided.store, all_of(ms)).await;
    write(&divided.store, [Change::InsertVerification(started(ms + 1))]).await;
    let purge = |before| Change::PurgeVerifications { before: Timestamp::from_ms(before), limit: 9 };
    let purge_activities = |before| Change::PurgeActivities { before: Timestamp::from_ms(before), limit: 9 };
    write(&divided.store, [purge(ms + 2 * DAY), purge_activities(ms + 2 * DAY)]).await;
    assert_eq!((divided.has(ms).await, divided.activities().await), ([1, 1, 2, 1], 1));
    write(&divided.store, [purge(ms + 2 * DAY + 1), purge_activities(ms + 2 * DAY + 1)]).await;
    assert_eq!((divided.has(ms).await, divided.activities().await, divided.trials().await), ([0; 4], 0, (0, 0)));
    assert!(divided.store.verification(ours(), verification_at(ms + 1)).await.unwrap().is_some());
}

#[tokio::test]
async fn where_a_period_is_missing_rows_are_taken_all_the_same_and_the_next_one_begins_after_them() {
    let divided = Divided::new().await;
    let far = divided.start + 100 * DAY + 7;
    write(&divided.store, all_of(far)).await;
    assert_eq!((divided.has(far).await, divided.place_of(far).await), ([1, 1, 2, 1], "rest".to_owned()));
    divided.tend(far).await.unwrap();
    let (first, _) = *divided.periods().await.last().unwrap();
    let first = if first > far { first } else { panic!("{first} is not after {far}") };
    write(&divided.store, all_of(far + 1)).await;
    let all = divided.periods().await;
    let begins = all.iter().map(|(first, _)| *first).filter(|first| *first > far).min().unwrap();
    assert!(begins > far + HOUR && begins <= first, "{all:?}");
    write(&divided.store, all_of(begins)).await;
    assert!(!["rest", "before"].contains(&divided.place_of(begins).await.as_str()));
    assert_eq!(divided.place_of(far + 1).await, "rest");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_nodes_each_period_is_made_once() {
    let divided = Divided::new().await;
    let other = Store::open(Settings::Postgres(DatabaseUrl::new(&divided.url))).await.unwrap();
    let now = Timestamp::from_ms(divided.start + 2 * DAY - HOUR);
    let both = [&divided.store, &other, &divided.store, &other].map(|store| store.tend_periods(now, KEPT));
    for tended in futures_util::future::join_all(both).await {
        tended.unwrap();
    }
    assert_eq!(divided.periods().await.len(), 3);
    assert_eq!(divided.tables().await, 15);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_reader_keeps_a_period_and_holds_up_nobody_who_writes() {
    let divided = Divided::new().await;
    let ms = divided.start;
    write(&divided.store, all_of(ms)).await;
    let reader = client(&divided.url).await;
    reader.batch_execute("BEGIN; SELECT count(*) FROM verification; SELECT count(*) FROM event").await.unwrap();
    let now = ms + DAY + KEPT_MS;
    let tended = divided.tend(now);
    let written = async {
        // All the time that it is tried, and longer.
        for number in 0..200 {
            let change = Change::InsertVerification(over(now + number));
            // A batch that waits for a lock longer than three seconds is refused.
            divided.store.write(Batch::new().with(change)).await.unwrap();
        }
    };
    let (tended, ()) = tokio::join!(tended, written);
    assert!(matches!(tended, Err(Error::Unavailable(_))), "{tended:?}");
    assert_eq!(divided.has(ms).await, [1, 1, 2, 1], "whole, as it was");
    reader.batch_execute("COMMIT").await.unwrap();
    divided.tend(now).await.unwrap();
    assert_eq!((divided.has(ms).await, divided.trials().await), ([0; 4], (0, 0)));
}

impl Divided {
    /// Waits for the end of all others: a session that has ended has told what it did. And tells what this one did.
    async fn only_session(&self) {
        let others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
             AND pid <> pg_backend_pid() AND backend_type = 'client backend'";
        while self.client.query_one(others, &[]).await.unwrap().get::<_, i64>(0) > 0 {
            tokio::task::yield_now().await;
        }
        self.client.batch_execute("SELECT pg_stat_force_next_flush()").await.unwrap();
    }

    /// How often each table was looked into by what `asked` did in sessions of its own: by an index, and from its beginning to its end.
    async fn looks(&self, asked: impl AsyncFnOnce(&Store)) -> Vec<(String, i64, i64)> {
        self.only_session().await;
        self.client.batch_execute("SELECT pg_stat_reset()").await.unwrap();
        let store = Store::open(Settings::Postgres(DatabaseUrl::new(&self.url))).await.unwrap();
        asked(&store).await;
        store.close().await;
        self.only_session().await;
        let sql = "SELECT relname::text, coalesce(idx_scan, 0), seq_scan FROM pg_stat_user_tables WHERE relid IN
                 (SELECT inhrelid FROM pg_inherits)";
        let rows = self.client.query(sql, &[]).await.unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect()
    }
}

#[tokio::test]
async fn what_is_asked_for_by_its_id_is_looked_for_in_its_period_only_and_nothing_is_read_from_end_to_end() {
    let divided = Divided::new().await;
    let (ms, next) = (divided.start, divided.start + DAY);
    for ms in [ms, next] {
        write(&divided.store, all_of(ms)).await;
    }
    let period = divided.place_of(ms).await;
    divided.store.close().await;
    let by_id = async |store: &Store| {
        // More often than a plan for these values would be made.
        for version in 1..20 {
            let verification = store.verification(ours(), verification_at(ms)).await.unwrap().unwrap();
            let message = store.message(ours(), message_at(ms)).await.unwrap().unwrap();
            assert_eq!((verification.version, message.version), (version, version));
            assert_eq!(store.events_of(ours(), verification_at(ms)).await.unwrap().len(), 2);
            assert!(store.trial(ours(), message_at(ms)).await.unwrap().is_some());
            write(store, [Change::UpdateVerification(verification), Change::UpdateMessage(message)]).await;
        }
    };
    for (table, looks, reads) in divided.looks(by_id).await {
        // A trial is asked for by its message, and is in the period of its verification.
        let is_used = table.starts_with("trial") || table.ends_with(&period) && !table.starts_with("activity");
        // Whoever opens the store looks once into each for leases of the dead.
        assert_eq!((looks > 1, reads), (is_used, 0), "{table}: {looks}");
    }
    let by_anything = async |store: &Store| {
        for _ in 0..20 {
            store.latest_verification(ours(), service_of_ours(), address(1)).await.unwrap().unwrap();
            store.pending_verifications(ours(), service_of_ours(), address(1)).await.unwrap();
            store.messages_of(ours(), verification_at(ms)).await.unwrap();
            store.message_with_reference("relay", "x").await.unwrap();
            store.overdue_verifications(at(1), 9).await.unwrap();
            store.overdue_receipts(at(1), 9).await.unwrap();
            store.next_due().await.unwrap();
            store.next_lease_end().await.unwrap();
            store.claim_messages(claim_of(at(1), at(1), at(99), 7)).await.unwrap();
            store.is_more_to_purge(at(1), at(1)).await.unwrap();
            let purge = Change::PurgeVerifications { before: at(1), limit: 9 };
            write(store, [purge, Change::PurgeActivities { before: at(1), limit: 9 }]).await;
        }
    };
    for (table, looks, reads) in divided.looks(by_anything).await {
        assert!(reads == 0, "{table}: {looks} {reads}");
    }
}

/// As an interruption leaves it: noted as over, and some of its tables taken out.
#[tokio::test]
async fn what_was_begun_to_be_dropped_is_ended_by_whoever_comes_next() {
    let divided = Divided::new().await;
    let (ms, next) = (divided.start, divided.start + DAY);
    write(&divided.store, all_of(ms)).await;
    write(&divided.store, all_of(next)).await;
    let note = "UPDATE period SET is_over = true WHERE first_ms = $1 RETURNING name";
    let name: String = divided.client.query_one(note, &[&ms]).await.unwrap().get(0);
    let detach = format!("ALTER TABLE verification DETACH PARTITION verification_{name}");
    divided.client.batch_execute(&detach).await.unwrap();
    divided.tend(next).await.unwrap();
    assert_eq!((divided.has(ms).await, divided.has(next).await), ([0; 4], [1, 1, 2, 1]));
    assert_eq!(divided.trials().await, (1, 1));
}

/// The tables of the first version, with what is in those of today.
async fn as_before_periods(url: &str) {
    let first = include_str!("../../migrations/postgres/V1__first_tables.sql");
    let client = client(url).await;
    client.batch_execute(&format!("CREATE SCHEMA old; SET search_path TO old; {first}")).await.unwrap();
    let tables = "SELECT relname::text FROM pg_class WHERE relnamespace = 'old'::regnamespace AND relkind = 'r'";
    for row in client.query(tables, &[]).await.unwrap() {
        let name: String = row.get(0);
        client
            .batch_execute(&format!(
                "
            DELETE FROM \"{name}\"; INSERT INTO \"{name}\" SELECT * FROM public.\"{name}\";
            DO $$ BEGIN PERFORM setval(pg_get_serial_sequence('\"{name}\"', 'place'), 1000);
                EXCEPTION WHEN undefined_column THEN NULL; END $$"
            ))
            .await
            .unwrap();
    }
    client.batch_execute("
        CREATE TABLE migration AS SELECT * FROM public.migration WHERE step = 1; ALTER TABLE migration ADD PRIMARY KEY (step);
        DROP SCHEMA public CASCADE; ALTER SCHEMA old RENAME TO public").await.unwrap();
}

#[tokio::test]
async fn a_database_of_the_first_version_is_divided_with_all_that_it_holds() {
    let divided = Divided::new().await;
    // Of the past, and of today.
    let (old, ms) = (at(1_700_000_000).as_ms(), divided.start - 2 * DAY);
    write(&divided.store, all_of(old)).await;
    write(&divided.store, all_of(ms)).await;
    write(&divided.store, [Change::InsertVerification(started(ms + 1))]).await;
    divided.store.close().await;
    as_before_periods(&divided.url).await;

    let store = Store::open(Settings::Postgres(DatabaseUrl::new(&divided.url))).await.unwrap();
    let divided = Divided { store, ..divided };
    for ms in [old, ms] {
        assert_eq!((divided.has(ms).await, divided.place_of(ms).await), ([1, 1, 2, 1], "before".to_owned()));
    }
    assert_eq!((divided.trials().await, divided.activities().await), ((2, 2), 2));
    // What is written now comes after what was written then.
    let event = Event { verification: verification_at(ms), ..event(9, 1, EventKind::Cancelled) };
    write(&divided.store, [Change::InsertEvent(event)]).await;
    assert_eq!(divided.store.events_of(ours(), verification_at(ms)).await.unwrap()[2].kind, EventKind::Cancelled);
    // It goes on in periods, and the old rows leave as they always did.
    divided.tend(divided.start - HOUR).await.unwrap();
    assert_eq!(divided.periods().await, [(divided.start, divided.start + DAY)]);
    write(&divided.store, [Change::PurgeVerifications { before: Timestamp::from_ms(ms), limit: 9 }]).await;
    assert_eq!((divided.has(old).await, divided.has(ms).await), ([0; 4], [1, 1, 3, 1]));
    let twice = divided.store.write(Batch::of(all_of(ms))).await;
    assert_eq!(twice, Err(Error::Conflict));
}
