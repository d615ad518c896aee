//! The table `spent_token`: its primary key is what lets a thing be used once.

use super::{
    Postgres, row,
    statement::{Statement, values},
};
use crate::Error;
use countersign_model::{TenantId, Timestamp};

pub(super) fn spend(tenant: TenantId, id: &[u8; 32], until: Timestamp) -> Statement {
    Statement::row(
        "INSERT INTO spent_token (tenant, id, until) SELECT * FROM unnest($1::bytea[], $2::bytea[], $3::bigint[])
         ON CONFLICT DO NOTHING",
        values![tenant.to_bytes(), *id, until.as_ms()],
    )
}

pub(super) fn purge(before: Timestamp, limit: u32) -> Statement {
    Statement::any(
        "DELETE FROM spent_token WHERE (tenant, id) IN
             (SELECT tenant, id FROM spent_token WHERE until < $1 ORDER BY until LIMIT $2 FOR UPDATE SKIP LOCKED)",
        values![before.as_ms(), limit],
    )
}

pub(crate) async fn is_spent(database: &Postgres, tenant: TenantId, id: &[u8; 32]) -> Result<bool, Error> {
    let sql = "SELECT 1 FROM spent_token WHERE tenant = $1 AND id = $2";
    Ok(row::one(database, sql, values![tenant.to_bytes(), *id], |_| Ok(())).await?.is_some())
}
