//! The table `answer`: no JSON, since every part of it is bytes.

use super::{
    Postgres, row,
    statement::{Statement, values},
};
use crate::{Answer, Error};
use countersign_model::{Sealed, TenantId, Timestamp};

pub(super) fn insert(answer: &Answer) -> Statement {
    Statement::row(
        "INSERT INTO answer (tenant, key, request, key_version, outcome, created_at)
         SELECT * FROM unnest($1::bytea[], $2::bytea[], $3::bytea[], $4::bigint[], $5::bytea[], $6::bigint[])
         ON CONFLICT DO NOTHING",
        values![
            answer.tenant.to_bytes(),
            answer.key,
            answer.request,
            i64::from(answer.outcome.key_version),
            answer.outcome.bytes.as_slice(),
            answer.created_at.as_ms()
        ],
    )
}

pub(super) fn purge(before: Timestamp, limit: u32) -> Statement {
    Statement::any(
        "DELETE FROM answer WHERE (tenant, key) IN
             (SELECT tenant, key FROM answer WHERE created_at < $1 ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED)",
        values![before.as_ms(), limit],
    )
}

pub(crate) async fn find(database: &Postgres, tenant: TenantId, key: &[u8; 32]) -> Result<Option<Answer>, Error> {
    row::one(
        database,
        "SELECT request, key_version, outcome, created_at FROM answer WHERE tenant = $1 AND key = $2",
        values![tenant.to_bytes(), *key],
        |row| {
            let outcome = Sealed { key_version: row::small(row, 1)?, bytes: row::get(row, 2)? };
            Ok(Answer { tenant, key: *key, request: row::bytes(row, 0)?, outcome, created_at: row::moment(row, 3)? })
        },
    )
    .await
}
