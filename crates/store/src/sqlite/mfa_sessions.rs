//! The table `mfa_session`.

use super::row;
use crate::Error;
use countersign_model::{BlindIndex, MfaSession, Timestamp};
use rusqlite::{Connection, Row, params};

pub(super) fn put(connection: &Connection, session: &MfaSession) -> Result<(), Error> {
    let (id, tenant, ends_at) = (session.id.0, session.tenant.to_bytes(), session.ends_at.as_ms());
    let body = row::to_body(session)?;
    if session.version == 0 {
        row::change_one(
            connection,
            "INSERT INTO mfa_session (id, tenant, ends_at, version, body) VALUES (?1, ?2, ?3, 1, ?4)",
            params![id, tenant, ends_at, body],
        )
    } else {
        row::change_one(
            connection,
            "UPDATE mfa_session SET version = version + 1, ends_at = ?3, body = ?4
             WHERE id = ?1 AND tenant = ?2 AND version = ?5",
            params![id, tenant, ends_at, body, session.version],
        )
    }
}

pub(super) fn purge(connection: &Connection, before: Timestamp, limit: u32) -> Result<(), Error> {
    row::change(
        connection,
        "DELETE FROM mfa_session WHERE id IN (SELECT id FROM mfa_session WHERE ends_at <= ?1 ORDER BY ends_at LIMIT ?2)",
        params![before.as_ms(), limit],
    )?;
    Ok(())
}

pub(crate) fn with_id(connection: &Connection, id: BlindIndex) -> Result<Option<MfaSession>, Error> {
    row::one(connection, "SELECT version, body FROM mfa_session WHERE id = ?1", [id.0], |row| read(id, row))
}

fn read(id: BlindIndex, row: &Row<'_>) -> Result<MfaSession, Error> {
    Ok(MfaSession { id, version: row.get(0)?, ..row::from_body(row, 1)? })
}
