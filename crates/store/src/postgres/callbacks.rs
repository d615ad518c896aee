//! The table `callback`. A worker takes one by writing the end of its lease into it, which only the first of two can.

use super::{
    Postgres, row,
    statement::{Statement, values},
};
use crate::Error;
use countersign_model::{Callback, CallbackId, TenantId, Timestamp};
use tokio_postgres::Row;

pub(super) fn insert(callback: &Callback) -> Result<Statement, Error> {
    Ok(Statement::row(
        "INSERT INTO callback (tenant, id, version, due_at, leased_until, body)
         SELECT tenant, id, 1, due_at, leased_until, body
         FROM unnest($1::bytea[], $2::bytea[], $3::bigint[], $4::bigint[], $5::text[])
             AS new (tenant, id, due_at, leased_until, body)
         ON CONFLICT DO NOTHING",
        values![
            callback.tenant.to_bytes(),
            callback.id.to_bytes(),
            callback.due_at.as_ms(),
            callback.leased_until.as_ms(),
            row::to_body(callback)?
        ],
    ))
}

pub(super) fn update(callback: &Callback) -> Result<Statement, Error> {
    Ok(Statement::row(
        "UPDATE callback SET version = callback.version + 1, due_at = new.due_at, leased_until = new.leased_until,
             body = new.body
         FROM unnest($1::bytea[], $2::bytea[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[])
             AS new (tenant, id, version, due_at, leased_until, body)
         WHERE callback.tenant = new.tenant AND callback.id = new.id AND callback.version = new.version",
        values![
            callback.tenant.to_bytes(),
            callback.id.to_bytes(),
            callback.version,
            callback.due_at.as_ms(),
            callback.leased_until.as_ms(),
            row::to_body(callback)?
        ],
    ))
}

pub(super) fn delete(tenant: TenantId, id: CallbackId, version: u32) -> Statement {
    Statement::row(
        "DELETE FROM callback USING unnest($1::bytea[], $2::bytea[], $3::bigint[]) AS old (tenant, id, version)
         WHERE callback.tenant = old.tenant AND callback.id = old.id AND callback.version = old.version",
        values![tenant.to_bytes(), id.to_bytes(), version],
    )
}

/// What is due and nobody has, the longest due first.
pub(crate) async fn due(
    database: &Postgres,
    now: Timestamp,
    wall: Timestamp,
    limit: u32,
) -> Result<Vec<Callback>, Error> {
    row::many(
        database,
        "SELECT version, due_at, leased_until, body FROM callback WHERE due_at <= $1 AND leased_until <= $2
         ORDER BY due_at LIMIT $3",
        values![now.as_ms(), wall.as_ms(), limit],
        read,
    )
    .await
}

fn read(row: &Row) -> Result<Callback, Error> {
    Ok(Callback {
        version: row::small(row, 0)?,
        due_at: row::moment(row, 1)?,
        leased_until: row::moment(row, 2)?,
        ..row::from_body(row, 3)?
    })
}
