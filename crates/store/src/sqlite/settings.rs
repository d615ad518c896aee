//! The table `setting`: facts about this installation.

use super::row;
use crate::Error;
use rusqlite::{Connection, params};

pub(super) fn insert(connection: &Connection, name: &str, value: &str) -> Result<(), Error> {
    row::change_one(connection, "INSERT INTO setting (name, value) VALUES (?1, ?2)", params![name, value])
}

pub(crate) fn find(connection: &Connection, name: &str) -> Result<Option<String>, Error> {
    row::one(connection, "SELECT value FROM setting WHERE name = ?1", [name], |row| Ok(row.get(0)?))
}

/// Writes a row that nobody reads.
pub(super) fn probe(connection: &Connection) -> Result<(), Error> {
    row::change_one(connection, "UPDATE probe SET writes = writes + 1", [])
}
