//! The one thread that writes: a group is one transaction, each of its works under a savepoint of its own.

use super::{apply, connection::Pool, messages};
use crate::{
    Error,
    group::{Group, Groups, Outcome, Work},
    wake::Wake,
};
use rusqlite::Connection;
use std::{io, sync::Arc, thread};

/// Starts the writer. It ends with its queue, and then closes the file and the readers.
pub(super) fn spawn(
    connection: Connection,
    groups: Groups,
    pool: Arc<Pool>,
    wake: Arc<Wake>,
) -> io::Result<thread::JoinHandle<()>> {
    thread::Builder::new().name("store-writer".to_owned()).spawn(move || {
        let mut groups = groups;
        while let Some(group) = groups.next_blocking() {
            match commit(&connection, &group) {
                Ok(outcomes) => group.answer(outcomes, &wake),
                Err(error) => group.refuse(&error),
            }
        }
        pool.close();
        fold_log(&connection);
        drop(connection);
        // Last, since whoever waits for this must find the file closed.
        drop(groups);
    })
}

fn fold_log(connection: &Connection) {
    if let Err(error) = connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)") {
        // Nothing is lost: the next one to open the file does it.
        tracing::warn!(%error, "the log of the store was not folded into its file");
    }
}

/// One outcome for each work; or an error, and then nothing of the whole group is written.
fn commit(connection: &Connection, group: &Group) -> Result<Vec<Outcome>, Error> {
    let committed = apply_all(connection, group);
    if committed.is_err() && !connection.is_autocommit() {
        // Where even this fails, the next group cannot begin, and says so.
        run(connection, "ROLLBACK")?;
    }
    committed
}

fn apply_all(connection: &Connection, group: &Group) -> Result<Vec<Outcome>, Error> {
    // Immediate: a tool may write to the same file, and is waited for here rather than in the middle.
    run(connection, "BEGIN IMMEDIATE")?;
    let outcomes = group.works().map(|work| apply_one(connection, work)).collect::<Result<_, _>>()?;
    run(connection, "COMMIT")?;
    Ok(outcomes)
}

/// The outcome of one work, of which nothing is left if it failed. An error if that took the transaction along, which
/// SQLite does by itself when it has no room.
fn apply_one(connection: &Connection, work: &Work) -> Result<Outcome, Error> {
    run(connection, "SAVEPOINT work")?;
    let outcome = match work {
        Work::Write(batch) => batch.0.iter().try_for_each(|change| apply::apply(connection, change)).map(|()| vec![]),
        Work::Claim(claim) => messages::claim(connection, claim),
    };
    if let Err(error) = &outcome {
        if connection.is_autocommit() {
            return Err(error.clone());
        }
        run(connection, "ROLLBACK TO work")?;
    }
    run(connection, "RELEASE work")?;
    Ok(outcome)
}

fn run(connection: &Connection, sql: &str) -> Result<(), Error> {
    connection.prepare_cached(sql)?.execute([])?;
    Ok(())
}
