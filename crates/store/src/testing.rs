//! For tests: a PostgreSQL server, and on it a database for each test. The server is that of the variable
//! `COUNTERSIGN_TEST_POSTGRES` (a URL whose user may make databases), or one that `scripts/postgres` starts and that ends
//! with this process. And work that is done step by step, in an order of the test's choice.

mod server;
mod steps;

pub use server::Server;
pub use steps::Stepped;
pub(crate) use steps::answered;

use crate::{Backend, DatabaseUrl, Settings, Store};
use std::{
    env,
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};
use tokio::sync::OnceCell;
use tokio_postgres::{Client, NoTls};

static SERVER: OnceLock<Server> = OnceLock::new();
static TEMPLATE: OnceCell<String> = OnceCell::const_new();
static NEXT: AtomicU32 = AtomicU32::new(0);

/// The settings of a store for one test: in memory, or, where `COUNTERSIGN_TEST_STORE` is `postgres`, a database of its own.
///
/// # Panics
/// When there is none: the test cannot run then.
pub async fn settings() -> Settings {
    if is_postgres() { Settings::Postgres(DatabaseUrl::new(database().await)) } else { Settings::Memory }
}

/// Whether the tests that take whatever store there is are to take PostgreSQL: `COUNTERSIGN_TEST_STORE` says so.
#[must_use]
pub fn is_postgres() -> bool {
    env::var_os("COUNTERSIGN_TEST_STORE").is_some_and(|store| store == "postgres")
}

/// A new database with the tables in it, which nobody else uses: its URL.
///
/// # Panics
/// When there is no server, or it makes none: the test cannot run then.
pub async fn database() -> String {
    let template = TEMPLATE.get_or_init(make_template).await;
    let name = name();
    run(&format!("CREATE DATABASE {name} TEMPLATE {template}")).await;
    url_of(&name)
}

/// A new database without anything in it: its URL.
///
/// # Panics
/// As [`database`].
pub async fn empty_database() -> String {
    let name = name();
    run(&format!("CREATE DATABASE {name}")).await;
    url_of(&name)
}

/// From now on each question to this store is asked as one of many, as under load, where that makes a difference.
pub fn crowd(store: &Store) {
    if let Backend::Postgres(postgres) = &store.0.backend {
        postgres.crowd();
    }
}

#[expect(clippy::expect_used, reason = "only tests call it")]
async fn make_template() -> String {
    let name = name();
    run(&format!("CREATE DATABASE {name}")).await;
    let store = Store::open(Settings::Postgres(DatabaseUrl::new(url_of(&name)))).await.expect("an empty one opens");
    store.close().await;
    // Its sessions end a moment after they were closed, and a template must have none.
    take_away(&url_of(&name)).await;
    name
}

fn name() -> String {
    format!("test_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

fn url_of(name: &str) -> String {
    let server = &SERVER.get_or_init(Server::shared).url;
    server.rsplit_once('/').map_or_else(String::new, |(base, _)| format!("{base}/{name}"))
}

/// Runs statements as the server's owner, in no particular database.
///
/// # Panics
/// When the server refuses them.
pub async fn run(sql: &str) {
    execute(&SERVER.get_or_init(Server::shared).url, sql).await;
}

/// Runs statements in a database of anybody's.
///
/// # Panics
/// When the server refuses them.
#[expect(clippy::expect_used, reason = "only tests call it")]
pub async fn execute(url: &str, sql: &str) {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("the server of the tests answers");
    let asked = async {
        client.batch_execute(sql).await.expect("the server of the tests obeys");
        drop(client);
    };
    let (_, ()) = tokio::join!(connection, asked);
}

/// The number that a question to a database of anybody's has for an answer.
///
/// # Panics
/// When there is no number.
#[expect(clippy::expect_used, reason = "only tests call it")]
pub async fn number(url: &str, sql: &str) -> i64 {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("the server of the tests answers");
    let asked = async {
        let row = client.query_one(sql, &[]).await.expect("the server of the tests obeys");
        drop(client);
        row.get(0)
    };
    tokio::join!(connection, asked).1
}

/// A session of somebody else. What it has locked it keeps as long as this value lives.
pub struct Holder(#[expect(dead_code, reason = "the session ends with it")] Client);

/// Runs statements in a database of anybody's, and leaves the session open.
///
/// # Panics
/// When the server refuses them.
#[expect(clippy::expect_used, reason = "only tests call it")]
pub async fn hold(url: &str, sql: &str) -> Holder {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("the server of the tests answers");
    tokio::spawn(connection);
    client.batch_execute(sql).await.expect("the server of the tests obeys");
    Holder(client)
}

/// Takes a database away from whoever uses it: they lose their connections and get no new ones.
///
/// # Panics
/// As [`run`].
pub async fn take_away(url: &str) {
    let name = name_of(url);
    run(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false")).await;
    end_sessions(url).await;
}

/// And gives it back.
///
/// # Panics
/// As [`run`].
pub async fn give_back(url: &str) {
    run(&format!("ALTER DATABASE {} ALLOW_CONNECTIONS true", name_of(url))).await;
}

/// Ends the connections of whoever uses a database, and waits until they are gone.
///
/// # Panics
/// As [`run`].
pub async fn end_sessions(url: &str) {
    let name = name_of(url);
    run(&format!("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}'")).await;
}

/// What a database is called on its server.
#[must_use]
pub fn name_of(url: &str) -> &str {
    url.rsplit('/').next().unwrap_or_default()
}
