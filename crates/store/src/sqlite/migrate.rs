//! Brings a file's tables up to date, one transaction for each step, so that a step is there whole or not at all. A file
//! says what it is in two numbers of its header: whose (`application_id`), and after which step (`user_version`).

use super::{error::opening_sqlite, files::Lock};
use crate::{OpenError, Role};
use rusqlite::{Connection, TransactionBehavior};
use std::path::Path;

/// The steps, oldest first. A step that was ever released is never edited: what it got wrong, the next one puts right.
const STEPS: &[&str] = &[
    include_str!("../../migrations/sqlite/V1__first_tables.sql"),
    include_str!("../../migrations/sqlite/V2__accounts.sql"),
];

/// "CSgn", as `file(1)` may one day show it.
const APPLICATION_ID: u32 = 0x4353_676e;

/// Files up to this size are read through at each start. Beyond it a start would take seconds, and damage shows when it is met.
const CHECKED_BYTES: u64 = 64 * 1024 * 1024;

/// Makes sure that the file is ours and sound, and runs the steps that it lacks.
pub(super) fn run(connection: &mut Connection, path: &Path, role: Role) -> Result<(), OpenError> {
    let failed = |error| opening_sqlite(path, error);
    let done = steps_done(connection, path)?;
    check(connection, path)?;
    if done == known() {
        return Ok(());
    }
    // A tool of a newer version must not change the tables under a server that runs.
    let _lock = match role {
        Role::Server => None,
        Role::Tool => Some(Lock::take(path)?),
    };
    let done = steps_done(connection, path)?;
    for (number, step) in (1_u32..).zip(STEPS).filter(|(number, _)| *number > done) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        transaction.execute_batch(step).map_err(failed)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID).map_err(failed)?;
        transaction.pragma_update(None, "user_version", number).map_err(failed)?;
        transaction.commit().map_err(failed)?;
        tracing::info!(step = number, "the tables of the store were brought up to date");
    }
    Ok(())
}

fn known() -> u32 {
    u32::try_from(STEPS.len()).unwrap_or(u32::MAX)
}

fn steps_done(connection: &Connection, path: &Path) -> Result<u32, OpenError> {
    let failed = |error| opening_sqlite(path, error);
    let number = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, u32>(0)).map_err(failed);
    let (owner, done) = (number("application_id")?, number("user_version")?);
    let things: u32 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(failed)?;
    match (owner, done, things) {
        (0, 0, 0) => Ok(0),
        (APPLICATION_ID, done, _) if done <= known() => Ok(done),
        (APPLICATION_ID, found, _) => Err(OpenError::Newer { path: path.to_owned(), found, known: known() }),
        _ => Err(OpenError::Foreign { path: path.to_owned() }),
    }
}

fn check(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    let failed = |error| opening_sqlite(path, error);
    if std::fs::metadata(path).is_ok_and(|file| file.len() > CHECKED_BYTES) {
        return Ok(());
    }
    let found: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(failed)?;
    if found == "ok" {
        return Ok(());
    }
    // A heading may come first.
    let reason = found.lines().last().unwrap_or_default().to_owned();
    Err(OpenError::Damaged { path: path.to_owned(), reason })
}
