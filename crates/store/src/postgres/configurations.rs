//! The table `configuration`.

use super::{
    Postgres, row,
    statement::{Statement, values},
};
use crate::{Error, Page, Slice};
use countersign_model::{Configuration, ServiceId, TenantId};
use tokio_postgres::Row;

pub(super) fn put(configuration: &Configuration) -> Result<Statement, Error> {
    let (tenant, id) = (configuration.tenant.to_bytes(), configuration.id.to_bytes());
    let (name, body) = (&configuration.rules.name, row::to_body(configuration)?);
    Ok(if configuration.version == 0 {
        Statement::one(
            "INSERT INTO configuration (tenant, id, name, version, created_at, body) VALUES ($1, $2, $3, 1, $4, $5)
             ON CONFLICT DO NOTHING",
            values![tenant, id, name, configuration.created_at.as_ms(), body],
        )
    } else {
        Statement::one(
            "UPDATE configuration SET name = $3, version = version + 1, body = $4
             WHERE tenant = $1 AND id = $2 AND version = $5",
            values![tenant, id, name, body, configuration.version],
        )
    })
}

pub(super) fn delete(tenant: TenantId, id: ServiceId, version: u32) -> Statement {
    Statement::one(
        "DELETE FROM configuration WHERE tenant = $1 AND id = $2 AND version = $3",
        values![tenant.to_bytes(), id.to_bytes(), version],
    )
}

pub(crate) async fn with_id(
    database: &Postgres,
    tenant: TenantId,
    id: ServiceId,
) -> Result<Option<Configuration>, Error> {
    row::one(
        database,
        "SELECT version, body FROM configuration WHERE tenant = $1 AND id = $2",
        values![tenant.to_bytes(), id.to_bytes()],
        read,
    )
    .await
}

pub(crate) async fn named(database: &Postgres, tenant: TenantId, name: &str) -> Result<Option<Configuration>, Error> {
    row::one(
        database,
        "SELECT version, body FROM configuration WHERE tenant = $1 AND name = $2",
        values![tenant.to_bytes(), name],
        read,
    )
    .await
}

pub(crate) async fn of(database: &Postgres, tenant: TenantId, slice: Slice) -> Result<Page<Configuration>, Error> {
    let items = row::many(
        database,
        "SELECT version, body FROM configuration WHERE tenant = $1
         ORDER BY created_at DESC, place DESC LIMIT $2 OFFSET $3",
        values![tenant.to_bytes(), slice.take, slice.skip_for_sql()],
        read,
    );
    let total =
        row::one(database, "SELECT count(*) FROM configuration WHERE tenant = $1", values![tenant.to_bytes()], |row| {
            row::whole(row, 0)
        });
    let (items, total) = tokio::try_join!(items, total)?;
    Ok(Page { total: total.unwrap_or(0), items })
}

fn read(row: &Row) -> Result<Configuration, Error> {
    Ok(Configuration { version: row::small(row, 0)?, ..row::from_body(row, 1)? })
}
