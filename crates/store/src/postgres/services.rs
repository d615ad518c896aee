//! The table `service`.

use super::{
    Postgres, row,
    statement::{Statement, values},
};
use crate::Error;
use countersign_model::{Service, ServiceId, TenantId};
use tokio_postgres::Row;

pub(super) fn put(service: &Service) -> Result<Statement, Error> {
    let (tenant, id, body) = (service.tenant.to_bytes(), service.id.to_bytes(), row::to_body(service)?);
    Ok(if service.version == 0 {
        Statement::one(
            "INSERT INTO service (tenant, id, name, version, body) VALUES ($1, $2, $3, 1, $4) ON CONFLICT DO NOTHING",
            values![tenant, id, &service.name, body],
        )
    } else {
        Statement::one(
            "UPDATE service SET name = $3, version = version + 1, body = $4
             WHERE tenant = $1 AND id = $2 AND version = $5",
            values![tenant, id, &service.name, body, service.version],
        )
    })
}

pub(super) fn delete(tenant: TenantId, id: ServiceId, version: u32) -> Statement {
    Statement::one(
        "DELETE FROM service WHERE tenant = $1 AND id = $2 AND version = $3",
        values![tenant.to_bytes(), id.to_bytes(), version],
    )
}

pub(crate) async fn with_id(database: &Postgres, tenant: TenantId, id: ServiceId) -> Result<Option<Service>, Error> {
    row::one(
        database,
        "SELECT version, body FROM service WHERE tenant = $1 AND id = $2",
        values![tenant.to_bytes(), id.to_bytes()],
        read,
    )
    .await
}

pub(crate) async fn named(database: &Postgres, tenant: TenantId, name: &str) -> Result<Option<Service>, Error> {
    row::one(
        database,
        "SELECT version, body FROM service WHERE tenant = $1 AND name = $2",
        values![tenant.to_bytes(), name],
        read,
    )
    .await
}

pub(crate) async fn of(database: &Postgres, tenant: TenantId) -> Result<Vec<Service>, Error> {
    row::many(
        database,
        "SELECT version, body FROM service WHERE tenant = $1 ORDER BY name",
        values![tenant.to_bytes()],
        read,
    )
    .await
}

fn read(row: &Row) -> Result<Service, Error> {
    Ok(Service { version: row::small(row, 0)?, ..row::from_body(row, 1)? })
}
