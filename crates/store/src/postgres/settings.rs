//! The table `setting`: facts about this installation.

use super::{
    Postgres, row,
    statement::{Statement, values},
};
use crate::Error;

pub(super) fn insert(name: &str, value: &str) -> Statement {
    Statement::one("INSERT INTO setting (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING", values![name, value])
}

pub(crate) async fn find(database: &Postgres, name: &str) -> Result<Option<String>, Error> {
    row::one(database, "SELECT value FROM setting WHERE name = $1", values![name], |row| row::get(row, 0)).await
}

/// Writes a row that nobody reads, and of 64 one that seldom anybody else writes at this moment.
pub(super) fn probe() -> Statement {
    Statement::one(
        "INSERT INTO probe (node, writes) VALUES (pg_backend_pid() % 64, 1)
         ON CONFLICT (node) DO UPDATE SET writes = probe.writes + 1",
        vec![],
    )
}
