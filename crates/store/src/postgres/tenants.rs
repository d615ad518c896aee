//! The table `tenant`.

use super::{
    Postgres, row,
    statement::{Statement, values},
};
use crate::Error;
use countersign_model::{Tenant, TenantId};
use tokio_postgres::Row;

pub(super) fn insert(tenant: &Tenant) -> Result<Statement, Error> {
    Ok(Statement::one(
        "INSERT INTO tenant (id, name, body) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        values![tenant.id.to_bytes(), &tenant.name, row::to_body(tenant)?],
    ))
}

pub(crate) async fn with_id(database: &Postgres, id: TenantId) -> Result<Option<Tenant>, Error> {
    row::one(database, "SELECT body FROM tenant WHERE id = $1", values![id.to_bytes()], read).await
}

pub(crate) async fn named(database: &Postgres, name: &str) -> Result<Option<Tenant>, Error> {
    row::one(database, "SELECT body FROM tenant WHERE name = $1", values![name], read).await
}

pub(crate) async fn all(database: &Postgres) -> Result<Vec<Tenant>, Error> {
    row::many(database, "SELECT body FROM tenant ORDER BY name", vec![], read).await
}

fn read(row: &Row) -> Result<Tenant, Error> {
    row::from_body(row, 0)
}
