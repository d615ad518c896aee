//! The table `signing_key`.

use super::row;
use crate::Error;
use countersign_model::SigningKey;
use rusqlite::{Connection, Row, params};

pub(super) fn put(connection: &Connection, key: &SigningKey) -> Result<(), Error> {
    let body = row::to_body(key)?;
    if key.version == 0 {
        row::change_one(
            connection,
            "INSERT INTO signing_key (kid, state, version, body) VALUES (?1, ?2, 1, ?3)",
            params![key.kid, key.state.name(), body],
        )
    } else {
        row::change_one(
            connection,
            "UPDATE signing_key SET state = ?2, version = version + 1, body = ?3 WHERE kid = ?1 AND version = ?4",
            params![key.kid, key.state.name(), body, key.version],
        )
    }
}

pub(super) fn delete(connection: &Connection, kid: &str, version: u32) -> Result<(), Error> {
    row::change_one(connection, "DELETE FROM signing_key WHERE kid = ?1 AND version = ?2", params![kid, version])
}

pub(crate) fn all(connection: &Connection) -> Result<Vec<SigningKey>, Error> {
    row::many(connection, "SELECT version, body FROM signing_key ORDER BY state, kid", [], read)
}

fn read(row: &Row<'_>) -> Result<SigningKey, Error> {
    Ok(SigningKey { version: row.get(0)?, ..row::from_body(row, 1)? })
}
