//! The table `factor`.

use super::{
    Postgres, row,
    statement::{Statement, values},
};
use crate::Error;
use countersign_model::{Factor, FactorId, TenantId, UserId};
use tokio_postgres::Row;

pub(super) fn insert(factor: &Factor) -> Result<Statement, Error> {
    Ok(Statement::row(
        "INSERT INTO factor (tenant, id, \"user\", version, body)
         SELECT tenant, id, owner, 1, body FROM unnest($1::bytea[], $2::bytea[], $3::bytea[], $4::text[])
             AS new (tenant, id, owner, body)
         ON CONFLICT DO NOTHING",
        values![factor.tenant.to_bytes(), factor.id.to_bytes(), factor.user.to_bytes(), row::to_body(factor)?],
    ))
}

pub(super) fn update(factor: &Factor) -> Result<Statement, Error> {
    Ok(Statement::row(
        "UPDATE factor SET version = factor.version + 1, body = new.body
         FROM unnest($1::bytea[], $2::bytea[], $3::bigint[], $4::text[]) AS new (tenant, id, version, body)
         WHERE factor.tenant = new.tenant AND factor.id = new.id AND factor.version = new.version",
        values![factor.tenant.to_bytes(), factor.id.to_bytes(), factor.version, row::to_body(factor)?],
    ))
}

pub(super) fn delete(tenant: TenantId, id: FactorId, version: u32) -> Statement {
    Statement::one(
        "DELETE FROM factor WHERE tenant = $1 AND id = $2 AND version = $3",
        values![tenant.to_bytes(), id.to_bytes(), version],
    )
}

/// Of a user that goes. Asserts nothing: most have none or a few.
pub(super) fn delete_of(tenant: TenantId, user: UserId) -> Statement {
    Statement::any(
        "DELETE FROM factor WHERE tenant = $1 AND \"user\" = $2",
        values![tenant.to_bytes(), user.to_bytes()],
    )
}

pub(crate) async fn with_id(database: &Postgres, tenant: TenantId, id: FactorId) -> Result<Option<Factor>, Error> {
    row::one(
        database,
        "SELECT version, body FROM factor WHERE tenant = $1 AND id = $2",
        values![tenant.to_bytes(), id.to_bytes()],
        read,
    )
    .await
}

pub(crate) async fn of(database: &Postgres, tenant: TenantId, user: UserId) -> Result<Vec<Factor>, Error> {
    row::many(
        database,
        "SELECT version, body FROM factor WHERE tenant = $1 AND \"user\" = $2 ORDER BY id",
        values![tenant.to_bytes(), user.to_bytes()],
        read,
    )
    .await
}

fn read(row: &Row) -> Result<Factor, Error> {
    Ok(Factor { version: row::small(row, 0)?, ..row::from_body(row, 1)? })
}
