//! Brings the tables up to date: all that is lacking in one transaction, of one node at a time.

use super::{error::opening, link::Session};
use crate::OpenError;
use tokio_postgres::error::SqlState;

/// The steps, oldest first. A step that was ever released is never edited: what it got wrong, the next one puts right.
const STEPS: &[&str] = &[
    include_str!("../../migrations/postgres/V1__first_tables.sql"),
    include_str!("../../migrations/postgres/V2__webhooks.sql"),
    include_str!("../../migrations/postgres/V3__periods.sql"),
];

/// "CSgn", so that nobody else's lock is meant.
const LOCK: i64 = 0x4353_676e;

/// A tool may wait for a server that is at it.
const PREPARE: &str = "BEGIN; SET LOCAL statement_timeout = '60s'; SET LOCAL lock_timeout = '60s'; \
     SET LOCAL client_min_messages = warning";

/// Makes sure that the database is ours, and runs the steps that it lacks.
pub(super) async fn run(session: &Session, place: &str) -> Result<(), OpenError> {
    let failed = |error| opening(place, &error);
    let client = session.client();
    client.batch_execute(PREPARE).await.map_err(failed)?;
    client.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK]).await.map_err(failed)?;
    let done = steps_done(session, place).await?;
    let known = i64::try_from(STEPS.len()).unwrap_or(i64::MAX);
    if done > known {
        return Err(OpenError::NewerTables { place: place.to_owned(), found: done, known });
    }
    for (number, step) in (1_i64..).zip(STEPS).filter(|(number, _)| *number > done) {
        client.batch_execute(step).await.map_err(|error| refused(place, &error))?;
        client.execute("INSERT INTO migration (step) VALUES ($1)", &[&number]).await.map_err(failed)?;
        tracing::info!(step = number, "the tables of the store were brought up to date");
    }
    client.batch_execute("COMMIT").await.map_err(failed)
}

/// How many; makes the table that tells it where there is none.
async fn steps_done(session: &Session, place: &str) -> Result<i64, OpenError> {
    let failed = |error| opening(place, &error);
    let client = session.client();
    let row = client.query_one("SELECT to_regclass('migration') IS NULL", &[]).await.map_err(failed)?;
    if row.try_get(0).map_err(failed)? {
        let make = "CREATE TABLE migration (step BIGINT PRIMARY KEY, at TIMESTAMPTZ NOT NULL DEFAULT now())";
        client.batch_execute(make).await.map_err(|error| refused(place, &error))?;
        return Ok(0);
    }
    let row = client.query_one("SELECT coalesce(max(step), 0) FROM migration", &[]).await.map_err(|error| {
        if error.code() == Some(&SqlState::UNDEFINED_COLUMN) { foreign(place) } else { failed(error) }
    })?;
    row.try_get(0).map_err(failed)
}

fn refused(place: &str, error: &tokio_postgres::Error) -> OpenError {
    if error.code() == Some(&SqlState::DUPLICATE_TABLE) { foreign(place) } else { opening(place, error) }
}

fn foreign(place: &str) -> OpenError {
    OpenError::ForeignDatabase { place: place.to_owned() }
}
