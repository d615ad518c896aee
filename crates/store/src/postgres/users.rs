//! The table `user`, in quotes since the word is PostgreSQL's too.

use super::{
    Postgres, row,
    statement::{Statement, values},
};
use crate::Error;
use countersign_model::{BlindIndex, TenantId, User, UserId};
use tokio_postgres::Row;

pub(super) fn insert(user: &User) -> Result<Statement, Error> {
    Ok(Statement::row(
        "INSERT INTO \"user\" (tenant, id, name_index, version, body)
         SELECT tenant, id, name_index, 1, body FROM unnest($1::bytea[], $2::bytea[], $3::bytea[], $4::text[])
             AS new (tenant, id, name_index, body)
         ON CONFLICT DO NOTHING",
        values![user.tenant.to_bytes(), user.id.to_bytes(), user.name_index.map(|index| index.0), row::to_body(user)?],
    ))
}

pub(super) fn update(user: &User) -> Result<Statement, Error> {
    Ok(Statement::row(
        "UPDATE \"user\" AS old SET name_index = new.name_index, version = old.version + 1, body = new.body
         FROM unnest($1::bytea[], $2::bytea[], $3::bigint[], $4::bytea[], $5::text[])
             AS new (tenant, id, version, name_index, body)
         WHERE old.tenant = new.tenant AND old.id = new.id AND old.version = new.version",
        values![
            user.tenant.to_bytes(),
            user.id.to_bytes(),
            user.version,
            user.name_index.map(|index| index.0),
            row::to_body(user)?
        ],
    ))
}

pub(super) fn delete(tenant: TenantId, id: UserId, version: u32) -> Statement {
    Statement::one(
        "DELETE FROM \"user\" WHERE tenant = $1 AND id = $2 AND version = $3",
        values![tenant.to_bytes(), id.to_bytes(), version],
    )
}

pub(crate) async fn with_id(database: &Postgres, tenant: TenantId, id: UserId) -> Result<Option<User>, Error> {
    row::one(
        database,
        "SELECT version, body FROM \"user\" WHERE tenant = $1 AND id = $2",
        values![tenant.to_bytes(), id.to_bytes()],
        read,
    )
    .await
}

pub(crate) async fn with_name(database: &Postgres, tenant: TenantId, name: BlindIndex) -> Result<Option<User>, Error> {
    row::one(
        database,
        "SELECT version, body FROM \"user\" WHERE tenant = $1 AND name_index = $2",
        values![tenant.to_bytes(), name.0],
        read,
    )
    .await
}

fn read(row: &Row) -> Result<User, Error> {
    Ok(User { version: row::small(row, 0)?, ..row::from_body(row, 1)? })
}
