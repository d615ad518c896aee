//! The table `service`.

use super::row;
use crate::Error;
use countersign_model::{Service, ServiceId, TenantId};
use rusqlite::{Connection, Row, params};

pub(super) fn put(connection: &Connection, service: &Service) -> Result<(), Error> {
    let (tenant, id, body) = (service.tenant.to_bytes(), service.id.to_bytes(), row::to_body(service)?);
    if service.version == 0 {
        row::change_one(
            connection,
            "INSERT INTO service (tenant, id, name, version, body) VALUES (?1, ?2, ?3, 1, ?4)",
            params![tenant, id, service.name, body],
        )
    } else {
        row::change_one(
            connection,
            "UPDATE service SET name = ?3, version = version + 1, body = ?4
             WHERE tenant = ?1 AND id = ?2 AND version = ?5",
            params![tenant, id, service.name, body, service.version],
        )
    }
}

pub(super) fn delete(connection: &Connection, tenant: TenantId, id: ServiceId, version: u32) -> Result<(), Error> {
    row::change_one(
        connection,
        "DELETE FROM service WHERE tenant = ?1 AND id = ?2 AND version = ?3",
        params![tenant.to_bytes(), id.to_bytes(), version],
    )
}

pub(crate) fn with_id(connection: &Connection, tenant: TenantId, id: ServiceId) -> Result<Option<Service>, Error> {
    row::one(
        connection,
        "SELECT version, body FROM service WHERE tenant = ?1 AND id = ?2",
        params![tenant.to_bytes(), id.to_bytes()],
        read,
    )
}

pub(crate) fn named(connection: &Connection, tenant: TenantId, name: &str) -> Result<Option<Service>, Error> {
    row::one(
        connection,
        "SELECT version, body FROM service WHERE tenant = ?1 AND name = ?2",
        params![tenant.to_bytes(), name],
        read,
    )
}

pub(crate) fn of(connection: &Connection, tenant: TenantId) -> Result<Vec<Service>, Error> {
    row::many(
        connection,
        "SELECT version, body FROM service WHERE tenant = ?1 ORDER BY name",
        [tenant.to_bytes()],
        read,
    )
}

fn read(row: &Row<'_>) -> Result<Service, Error> {
    Ok(Service { version: row.get(0)?, ..row::from_body(row, 1)? })
}
