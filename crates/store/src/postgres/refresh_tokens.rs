//! The table `refresh_token`.

use super::{
    Postgres, row,
    statement::{Statement, values},
};
use crate::Error;
use countersign_model::{RefreshToken, TenantId, Timestamp};
use tokio_postgres::Row;

pub(super) fn insert(token: &RefreshToken) -> Result<Statement, Error> {
    Ok(Statement::row(
        "INSERT INTO refresh_token (hash, tenant, expires_at, body)
         SELECT * FROM unnest($1::bytea[], $2::bytea[], $3::bigint[], $4::text[]) ON CONFLICT DO NOTHING",
        values![token.hash, token.tenant.to_bytes(), token.expires_at.as_ms(), row::to_body(token)?],
    ))
}

/// Asserts nothing: to end what is ended already is no fault (RFC 7009, 2.2).
pub(super) fn delete(tenant: TenantId, hash: &[u8; 32]) -> Statement {
    Statement::any("DELETE FROM refresh_token WHERE hash = $1 AND tenant = $2", values![*hash, tenant.to_bytes()])
}

pub(super) fn purge(now: Timestamp, limit: u32) -> Statement {
    Statement::any(
        "DELETE FROM refresh_token WHERE hash IN
             (SELECT hash FROM refresh_token WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED)",
        values![now.as_ms(), limit],
    )
}

pub(crate) async fn with_hash(database: &Postgres, hash: &[u8; 32]) -> Result<Option<RefreshToken>, Error> {
    row::one(database, "SELECT hash, body FROM refresh_token WHERE hash = $1", values![*hash], read).await
}

fn read(row: &Row) -> Result<RefreshToken, Error> {
    Ok(RefreshToken { hash: row::bytes(row, 0)?, ..row::from_body(row, 1)? })
}
