//! The table `api_key`. When a key was used and revoked stands in columns, and counts more than what its body says.

use super::row;
use crate::Error;
use countersign_model::{ApiKey, KeyId, TenantId, Timestamp};
use rusqlite::{Connection, Row, params};

pub(super) fn insert(connection: &Connection, key: &ApiKey, hash: &[u8; 32]) -> Result<(), Error> {
    row::change_one(
        connection,
        "INSERT INTO api_key (tenant, id, hash, last_used_at, revoked_at, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            key.tenant.to_bytes(),
            key.id.to_bytes(),
            hash,
            key.last_used_at.map(Timestamp::as_ms),
            key.revoked_at.map(Timestamp::as_ms),
            row::to_body(key)?
        ],
    )
}

/// Asserts nothing: a key that is gone needs no note, and a late note never hides an earlier use.
pub(super) fn touch(connection: &Connection, tenant: TenantId, id: KeyId, at: Timestamp) -> Result<(), Error> {
    row::change(
        connection,
        "UPDATE api_key SET last_used_at = max(coalesce(last_used_at, ?3), ?3) WHERE tenant = ?1 AND id = ?2",
        params![tenant.to_bytes(), id.to_bytes(), at.as_ms()],
    )?;
    Ok(())
}

pub(super) fn revoke(connection: &Connection, tenant: TenantId, id: KeyId, at: Timestamp) -> Result<(), Error> {
    row::change_one(
        connection,
        "UPDATE api_key SET revoked_at = ?3 WHERE tenant = ?1 AND id = ?2 AND revoked_at IS NULL",
        params![tenant.to_bytes(), id.to_bytes(), at.as_ms()],
    )
}

pub(crate) fn with_hash(connection: &Connection, hash: &[u8; 32]) -> Result<Option<ApiKey>, Error> {
    row::one(connection, "SELECT last_used_at, revoked_at, body FROM api_key WHERE hash = ?1", [hash], read)
}

pub(crate) fn of(connection: &Connection, tenant: TenantId) -> Result<Vec<ApiKey>, Error> {
    row::many(
        connection,
        "SELECT last_used_at, revoked_at, body FROM api_key WHERE tenant = ?1 ORDER BY id",
        [tenant.to_bytes()],
        read,
    )
}

fn read(row: &Row<'_>) -> Result<ApiKey, Error> {
    let moment = |ms: Option<i64>| ms.map(Timestamp::from_ms);
    Ok(ApiKey { last_used_at: moment(row.get(0)?), revoked_at: moment(row.get(1)?), ..row::from_body(row, 2)? })
}
