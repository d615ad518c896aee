//! The table `api_key`. When a key was used and revoked stands in columns, and counts more than what its body says.

use super::{
    Postgres, row,
    statement::{Statement, values},
};
use crate::Error;
use countersign_model::{ApiKey, KeyId, TenantId, Timestamp};
use tokio_postgres::Row;

pub(super) fn insert(key: &ApiKey, hash: &[u8; 32]) -> Result<Statement, Error> {
    Ok(Statement::one(
        "INSERT INTO api_key (tenant, id, hash, last_used_at, revoked_at, body) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT DO NOTHING",
        values![
            key.tenant.to_bytes(),
            key.id.to_bytes(),
            *hash,
            key.last_used_at.map(Timestamp::as_ms),
            key.revoked_at.map(Timestamp::as_ms),
            row::to_body(key)?
        ],
    ))
}

/// Asserts nothing: a key that is gone needs no note, and a late note never hides an earlier use.
pub(super) fn touch(tenant: TenantId, id: KeyId, at: Timestamp) -> Statement {
    Statement::any(
        "UPDATE api_key SET last_used_at = greatest(last_used_at, $3) WHERE tenant = $1 AND id = $2",
        values![tenant.to_bytes(), id.to_bytes(), at.as_ms()],
    )
}

pub(super) fn revoke(tenant: TenantId, id: KeyId, at: Timestamp) -> Statement {
    Statement::one(
        "UPDATE api_key SET revoked_at = $3 WHERE tenant = $1 AND id = $2 AND revoked_at IS NULL",
        values![tenant.to_bytes(), id.to_bytes(), at.as_ms()],
    )
}

pub(crate) async fn with_hash(database: &Postgres, hash: &[u8; 32]) -> Result<Option<ApiKey>, Error> {
    row::one(database, "SELECT last_used_at, revoked_at, body FROM api_key WHERE hash = $1", values![*hash], read).await
}

pub(crate) async fn of(database: &Postgres, tenant: TenantId) -> Result<Vec<ApiKey>, Error> {
    row::many(
        database,
        "SELECT last_used_at, revoked_at, body FROM api_key WHERE tenant = $1 ORDER BY id",
        values![tenant.to_bytes()],
        read,
    )
    .await
}

fn read(row: &Row) -> Result<ApiKey, Error> {
    Ok(ApiKey {
        last_used_at: row::maybe_moment(row, 0)?,
        revoked_at: row::maybe_moment(row, 1)?,
        ..row::from_body(row, 2)?
    })
}
