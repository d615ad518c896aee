//! Brings a file's tables up to date in one transaction, so that all that was lacking is there, or nothing. A file
//! says what it is in two numbers of its header: whose (`application_id`), and after which step (`user_version`).

use super::{error::opening_sqlite, files::Lock};
use crate::{OpenError, Role};
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::{fs::File, io::Read as _, path::Path};

/// The steps, oldest first. A step that was ever released is never edited: what it got wrong, the next one puts right.
const STEPS: &[&str] = &[
    include_str!("../../migrations/sqlite/V1__first_tables.sql"),
    include_str!("../../migrations/sqlite/V2__accounts.sql"),
    include_str!("../../migrations/sqlite/V3__users.sql"),
    include_str!("../../migrations/sqlite/V4__clients.sql"),
    include_str!("../../migrations/sqlite/V5__leaner_rows.sql"),
    include_str!("../../migrations/sqlite/V6__activities.sql"),
    include_str!("../../migrations/sqlite/V7__clickatell.sql"),
    include_str!("../../migrations/sqlite/V8__trials.sql"),
    include_str!("../../migrations/sqlite/V9__mfa_sessions.sql"),
    include_str!("../../migrations/sqlite/V10__webhooks.sql"),
];

/// "CSgn", as `file(1)` may one day show it.
const APPLICATION_ID: u32 = 0x4353_676e;

/// Files up to this size are read through at each start. Beyond it a start would take seconds, and damage shows when it is met.
const CHECKED_BYTES: u64 = 64 * 1024 * 1024;

/// Looks at the head of a file before anything around it is touched: one of somebody else's stays as it is, its mode included. What the
/// head does not tell, [`run`] does. (The SQLite file format, 1.3 and 1.6.)
pub(super) fn must_not_be_foreign(path: &Path) -> Result<(), OpenError> {
    let mut head = Vec::new();
    // One that is not there or cannot be read is met when it is opened.
    let Ok(file) = File::open(path) else { return Ok(()) };
    if file.take(HEAD).read_to_end(&mut head).is_err() || head.is_empty() {
        return Ok(());
    }
    let is_database = head.starts_with(b"SQLite format 3\0");
    let application_id = head.get(68..72);
    let is_without_tables = application_id == Some(&[0; 4]) && head.get(103..105) == Some(&[0; 2]);
    if is_database && (application_id == Some(&APPLICATION_ID.to_be_bytes()) || is_without_tables) {
        return Ok(());
    }
    Err(OpenError::Foreign { path: path.to_owned() })
}

/// The header of a file, and the number of entries in the root of its schema.
const HEAD: u64 = 105;

/// Makes sure that the file is ours and sound, and runs the steps that it lacks.
pub(super) fn run(connection: &mut Connection, path: &Path, role: Role) -> Result<(), OpenError> {
    let found = look(connection, path)?;
    check(connection, path)?;
    match found {
        Found::Steps(done) if done == known() => Ok(()),
        Found::Steps(_) => {
            // A tool of a newer version must not change the tables under a server that runs.
            let _lock = match role {
                Role::Server => None,
                Role::Tool => Some(Lock::take(path)?),
            };
            make_tables(connection, path)
        }
        // Nobody runs on a file without tables. Of several that make them at once, one does, and the others find them.
        Found::Nothing => make_tables(connection, path),
    }
}

/// Runs the steps that are lacking, all in one transaction: nobody sees a file in between two of them.
fn make_tables(connection: &mut Connection, path: &Path) -> Result<(), OpenError> {
    let failed = |error| opening_sqlite(path, error);
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    let done = match look_within(&transaction, path)? {
        Found::Nothing => 0,
        Found::Steps(done) => done,
    };
    let lacking = || (1_u32..).zip(STEPS).filter(|(number, _)| *number > done);
    for (_, step) in lacking() {
        transaction.execute_batch(step).map_err(failed)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID).map_err(failed)?;
    transaction.pragma_update(None, "user_version", known()).map_err(failed)?;
    transaction.commit().map_err(failed)?;
    for (step, _) in lacking() {
        tracing::info!(step, "the tables of the store were brought up to date");
    }
    Ok(())
}

fn known() -> u32 {
    u32::try_from(STEPS.len()).unwrap_or(u32::MAX)
}

/// What a file of ours, or one that may become ours, has.
#[derive(Clone, Copy)]
enum Found {
    /// Nothing at all.
    Nothing,
    /// The tables as they are after this step.
    Steps(u32),
}

/// Looks at one moment of the file, which another process may be making just now.
fn look(connection: &Connection, path: &Path) -> Result<Found, OpenError> {
    let failed = |error| opening_sqlite(path, error);
    let moment = connection.unchecked_transaction().map_err(failed)?;
    let found = look_within(&moment, path)?;
    moment.finish().map_err(failed)?;
    Ok(found)
}

fn look_within(transaction: &Transaction<'_>, path: &Path) -> Result<Found, OpenError> {
    let failed = |error| opening_sqlite(path, error);
    let number = |pragma| transaction.pragma_query_value(None, pragma, |row| row.get::<_, u32>(0)).map_err(failed);
    let things: u32 =
        transaction.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(failed)?;
    match (number("application_id")?, number("user_version")?, things) {
        (0, 0, 0) => Ok(Found::Nothing),
        (APPLICATION_ID, done, _) if done <= known() => Ok(Found::Steps(done)),
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
