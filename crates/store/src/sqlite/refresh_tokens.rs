//! The table `refresh_token`.

use super::row;
use crate::Error;
use countersign_model::{RefreshToken, TenantId, Timestamp};
use rusqlite::{Connection, Row, params};

pub(super) fn insert(connection: &Connection, token: &RefreshToken) -> Result<(), Error> {
    row::change_one(
        connection,
        "INSERT INTO refresh_token (hash, tenant, expires_at, body) VALUES (?1, ?2, ?3, ?4)",
        params![token.hash, token.tenant.to_bytes(), token.expires_at.as_ms(), row::to_body(token)?],
    )
}

/// Asserts nothing: to end what is ended already is no fault (RFC 7009, 2.2).
pub(super) fn delete(connection: &Connection, tenant: TenantId, hash: &[u8; 32]) -> Result<(), Error> {
    row::change(
        connection,
        "DELETE FROM refresh_token WHERE hash = ?1 AND tenant = ?2",
        params![hash, tenant.to_bytes()],
    )?;
    Ok(())
}

pub(super) fn purge(connection: &Connection, now: Timestamp, limit: u32) -> Result<(), Error> {
    row::change(
        connection,
        "DELETE FROM refresh_token WHERE hash IN
             (SELECT hash FROM refresh_token WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)",
        params![now.as_ms(), limit],
    )?;
    Ok(())
}

pub(crate) fn with_hash(connection: &Connection, hash: &[u8; 32]) -> Result<Option<RefreshToken>, Error> {
    row::one(connection, "SELECT hash, body FROM refresh_token WHERE hash = ?1", [hash], read)
}

fn read(row: &Row<'_>) -> Result<RefreshToken, Error> {
    Ok(RefreshToken { hash: row.get(0)?, ..row::from_body(row, 1)? })
}
