//! Connections: the one that writes, and a pool of those that read.

use super::error::opening_sqlite;
use crate::{Error, OpenError};
use rusqlite::{Connection, ErrorCode, OpenFlags, config::DbConfig};
use std::{
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// How long one process waits for another one's commit. A server's group takes milliseconds, and a tool's batch no longer.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// More than there are statements, so that each is prepared once for a connection.
const STATEMENTS: usize = 128;
/// More readers than this are closed after use. Reads run on the tasks' own threads, so there are seldom more than cores.
const IDLE_READERS: usize = 16;

/// What a commit waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Durability {
    /// The disk.
    Synced,
    /// Nothing: the file is gone with the process.
    Lost,
}

impl Durability {
    const fn synchronous(self) -> &'static str {
        match self {
            Self::Synced => "FULL",
            Self::Lost => "OFF",
        }
    }
}

/// Opens the connection that writes. `prepare` looks at the file and makes its tables before anything else is written to it,
/// since it may be somebody else's.
pub(super) fn open_writer(
    path: &Path,
    durability: Durability,
    prepare: impl FnOnce(&mut Connection) -> Result<(), OpenError>,
) -> Result<Connection, OpenError> {
    let failed = |error| opening_sqlite(path, error);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    set_up(&connection).map_err(failed)?;
    prepare(&mut connection)?;
    let mode = switch_to_wal(&connection).map_err(failed)?;
    if mode != "wal" {
        let reason = "its file system cannot share memory between processes, which the WAL needs".to_owned();
        return Err(OpenError::Failed { path: path.to_owned(), reason });
    }
    set_up_writing(&connection, durability).map_err(failed)?;
    Ok(connection)
}

/// SQLite does not wait by itself for others that look at the file while it is switched, as several processes do that make
/// it at once. An exclusive transaction waits for them.
fn switch_to_wal(connection: &Connection) -> rusqlite::Result<String> {
    let switch = || connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0));
    let mut tries_left: u8 = 100;
    loop {
        match switch() {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && tries_left > 0 => {
                tries_left -= 1;
                connection.execute_batch("BEGIN EXCLUSIVE; COMMIT")?;
            }
            switched => return switched,
        }
    }
}

/// Opens another connection that may write, for what the writer does not wait for.
pub(super) fn open_beside(path: &Path, durability: Durability) -> Result<Connection, Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    set_up(&connection)?;
    connection.pragma_update(None, "synchronous", durability.synchronous())?;
    Ok(connection)
}

/// What all connections have in common.
fn set_up(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // Without this guarantee SQLite prepares some statements anew for each new value that is bound.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(drop)
}

fn set_up_writing(connection: &Connection, durability: Durability) -> rusqlite::Result<()> {
    connection.pragma_update(None, "synchronous", durability.synchronous())?;
    // The pages that a savepoint may have to put back stay in memory instead of in a file.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    // After a burst the log gives its space back.
    connection.pragma_update(None, "journal_size_limit", 64 * 1024 * 1024)?;
    connection.pragma_update(None, "cache_size", -16 * 1024)
}

/// Readers that wait for their next question.
pub(super) struct Pool {
    path: PathBuf,
    /// None once closed.
    idle: Mutex<Option<Vec<Connection>>>,
}

impl Pool {
    pub(super) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), idle: Mutex::new(Some(Vec::new())) }
    }

    /// Lends a reader to one question. A new one is opened when all are lent, so no question waits for another.
    pub(super) fn with<T>(&self, question: impl FnOnce(&Connection) -> Result<T, Error>) -> Result<T, Error> {
        let connection = match self.take()? {
            Some(connection) => connection,
            None => open_reader(&self.path)?,
        };
        let answer = question(&connection);
        self.put_back(connection);
        answer
    }

    /// Closes the readers: those that wait now, the lent ones as they come back.
    pub(super) fn close(&self) {
        self.idle().take();
    }

    fn take(&self) -> Result<Option<Connection>, Error> {
        match self.idle().as_mut() {
            Some(idle) => Ok(idle.pop()),
            None => Err(Error::Unavailable("it is closed".to_owned())),
        }
    }

    fn put_back(&self, connection: Connection) {
        if let Some(idle) = self.idle().as_mut().filter(|idle| idle.len() < IDLE_READERS) {
            idle.push(connection);
        }
    }

    fn idle(&self) -> MutexGuard<'_, Option<Vec<Connection>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn open_reader(path: &Path) -> Result<Connection, Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    set_up(&connection)?;
    Ok(connection)
}
