//! Carries a store over from a file to a PostgreSQL database, row by row: the tables of the two have the same names and columns.
//!
//! Rows go in the order of their keys, a page in one commit. So the last key that the database has is the place to go on from
//! when it was interrupted, and nothing else needs to be remembered but that it has begun: until it has ended, no server opens
//! the database. At the end every row is read back from both sides and compared.

mod read_file;
mod write_database;

use crate::{DatabaseUrl, Error, OpenError, Role, group, group::Queue, sqlite::Sqlite, wake::Wake};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};
use write_database::Target;

/// A value of a column, the same on both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Cell {
    Null,
    Integer(i64),
    Text(String),
    Bytes(Vec<u8>),
}

type Row = Vec<Cell>;

/// A table that is carried over, and the columns that its rows are found by.
struct Table {
    name: &'static str,
    key: &'static [&'static str],
}

/// What production never fills (the sandbox) and what nobody reads (the probe) stay behind. The settings come last: with them
/// the database belongs to a key file.
const TABLES: &[Table] = &[
    Table { name: "tenant", key: &["id"] },
    Table { name: "api_key", key: &["tenant", "id"] },
    Table { name: "service", key: &["tenant", "id"] },
    Table { name: "configuration", key: &["tenant", "id"] },
    Table { name: "template", key: &["tenant", "message", "channel", "locale"] },
    Table { name: "account", key: &["tenant", "name"] },
    Table { name: "user", key: &["tenant", "id"] },
    Table { name: "factor", key: &["tenant", "id"] },
    Table { name: "spent_token", key: &["tenant", "id"] },
    Table { name: "client", key: &["id"] },
    Table { name: "signing_key", key: &["kid"] },
    Table { name: "refresh_token", key: &["hash"] },
    Table { name: "mfa_choice", key: &["tenant"] },
    Table { name: "mfa_session", key: &["id"] },
    Table { name: "destination", key: &["tenant", "service", "to_index"] },
    Table { name: "verification", key: &["tenant", "id"] },
    Table { name: "message", key: &["tenant", "id"] },
    Table { name: "event", key: &["tenant", "verification", "id"] },
    Table { name: "callback", key: &["tenant", "id"] },
    Table { name: "webhook_endpoint", key: &["tenant", "id"] },
    Table { name: "webhook_delivery", key: &["tenant", "id"] },
    Table { name: "answer", key: &["tenant", "key"] },
    Table { name: "activity", key: &["tenant", "id"] },
    Table { name: "trial", key: &["tenant", "id"] },
    Table { name: "trial_count", key: &["tenant", "service", "day", "channel", "country", "successful"] },
    Table { name: "setting", key: &["name"] },
];

/// Those with a column `place` that counts on by itself. Elsewhere it is only where a file keeps the row.
const COUNTING: &[&str] =
    &["configuration", "verification", "message", "event", "activity", "trial", "webhook_delivery"];

/// Rows in one commit.
const PAGE: u32 = 500;

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is being done.
    pub phase: Phase,
    /// The table.
    pub table: &'static str,
    /// Rows that this phase is through with.
    pub done: u64,
    /// Rows that there are.
    pub all: u64,
}

/// What is being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Rows are carried over.
    Copying,
    /// Rows are read back and compared.
    Comparing,
}

/// Why a store was not carried over.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransferError {
    /// One of the two cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// There is no such file.
    #[error("there is no file {}", .0.display())]
    NoFile(PathBuf),
    /// One of the two does not answer. It goes on where it was when it is started again.
    #[error("{0}; start it again: it goes on where it was")]
    Broken(Error),
    /// The database is not empty.
    #[error("the database {0} holds something already; name an empty one")]
    NotEmpty(String),
    /// A row is not the same on both sides.
    #[error("a row of the table {0} is not the same on both sides; empty the database, and start again")]
    Different(&'static str),
}

impl From<Error> for TransferError {
    fn from(error: Error) -> Self {
        Self::Broken(error)
    }
}

/// Carries the store in the file over to an empty database, or goes on with what was begun. No server may run on the file, and
/// none can on the database before it has ended. Returns how many rows there are.
///
/// # Errors
/// When one of the two cannot be used, or a row does not arrive as it left.
pub async fn transfer(
    file: &Path,
    database: &DatabaseUrl,
    mut told: impl FnMut(Progress),
) -> Result<u64, TransferError> {
    if !file.exists() {
        return Err(TransferError::NoFile(file.to_owned()));
    }
    let source = Source::open(file)?;
    let target = Target::open(database).await?;
    target.begin().await?;
    let all = read_file::count(&source.file, TABLES).await?;
    let mut done = 0;
    for table in TABLES {
        let columns = read_file::columns(&source.file, table).await?;
        let mut last = target.last_key(table).await?;
        if let Some(key) = &last {
            done += read_file::count_until(&source.file, table, key).await?;
        }
        loop {
            told(Progress { phase: Phase::Copying, table: table.name, done, all });
            let rows = read_file::page(&source.file, table, &columns, last.as_deref(), PAGE).await?;
            let Some(row) = rows.last() else { break };
            last = Some(table.key_of(&columns, row));
            done += rows.len() as u64;
            target.write(table, &columns, &rows).await?;
        }
    }
    compare(&source.file, &target, all, &mut told).await?;
    target.end(&read_file::counts(&source.file, COUNTING).await?).await?;
    Ok(all)
}

/// The file, with the lock of a server, which keeps others away from it. Nothing is ever queued for its writer, which ends when the
/// queue is dropped: first.
struct Source {
    _queue: Queue,
    file: Sqlite,
}

impl Source {
    fn open(file: &Path) -> Result<Self, OpenError> {
        let (queue, groups) = group::queue();
        let file = Sqlite::open(file, Role::Server, groups, Arc::new(Wake::new()))?;
        Ok(Self { _queue: queue, file })
    }
}

async fn compare(
    source: &Sqlite,
    target: &Target,
    all: u64,
    told: &mut impl FnMut(Progress),
) -> Result<(), TransferError> {
    let mut done = 0;
    for table in TABLES {
        let columns = read_file::columns(source, table).await?;
        let mut last: Option<Row> = None;
        loop {
            told(Progress { phase: Phase::Comparing, table: table.name, done, all });
            let ours = read_file::page(source, table, &columns, last.as_deref(), PAGE).await?;
            let theirs = target.page(table, &columns, last.as_deref(), PAGE).await?;
            if ours != theirs {
                return Err(TransferError::Different(table.name));
            }
            let Some(row) = ours.last() else { break };
            last = Some(table.key_of(&columns, row));
            done += ours.len() as u64;
        }
    }
    Ok(())
}

impl Table {
    /// Of a row with these columns.
    fn key_of(&self, columns: &[String], row: &[Cell]) -> Row {
        let of = |key: &&str| columns.iter().zip(row).find(|(column, _)| column == key).map(|(_, cell)| cell.clone());
        self.key.iter().filter_map(of).collect()
    }

    /// The columns of its key, for a statement.
    fn key_list(&self) -> String {
        list(self.key.iter().copied())
    }
}

/// Names as both databases take them.
fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn no_table_is_forgotten() {
        let (queue, groups) = group::queue();
        let source = Source { file: Sqlite::open_temporary(groups, Arc::new(Wake::new())).unwrap(), _queue: queue };
        let tables: Vec<String> = source
            .file
            .read(|connection| {
                let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'
                     AND name NOT LIKE 'sandbox%' AND name <> 'probe' ORDER BY name";
                Ok(connection.prepare(sql)?.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?)
            })
            .await
            .unwrap();
        let mut known: Vec<&str> = TABLES.iter().map(|table| table.name).collect();
        known.sort_unstable();
        assert_eq!(tables, known);
    }
}
