//! The table `configuration`.

use super::row;
use crate::{Error, Page, Slice};
use countersign_model::{Configuration, ServiceId, TenantId};
use rusqlite::{Connection, Row, params};

pub(super) fn put(connection: &Connection, configuration: &Configuration) -> Result<(), Error> {
    let (tenant, id) = (configuration.tenant.to_bytes(), configuration.id.to_bytes());
    let (name, body) = (&configuration.rules.name, row::to_body(configuration)?);
    if configuration.version == 0 {
        row::change_one(
            connection,
            "INSERT INTO configuration (tenant, id, name, version, created_at, body) VALUES (?1, ?2, ?3, 1, ?4, ?5)",
            params![tenant, id, name, configuration.created_at.as_ms(), body],
        )
    } else {
        row::change_one(
            connection,
            "UPDATE configuration SET name = ?3, version = version + 1, body = ?4
             WHERE tenant = ?1 AND id = ?2 AND version = ?5",
            params![tenant, id, name, body, configuration.version],
        )
    }
}

pub(super) fn delete(connection: &Connection, tenant: TenantId, id: ServiceId, version: u32) -> Result<(), Error> {
    row::change_one(
        connection,
        "DELETE FROM configuration WHERE tenant = ?1 AND id = ?2 AND version = ?3",
        params![tenant.to_bytes(), id.to_bytes(), version],
    )
}

pub(crate) fn with_id(
    connection: &Connection,
    tenant: TenantId,
    id: ServiceId,
) -> Result<Option<Configuration>, Error> {
    row::one(
        connection,
        "SELECT version, body FROM configuration WHERE tenant = ?1 AND id = ?2",
        params![tenant.to_bytes(), id.to_bytes()],
        read,
    )
}

pub(crate) fn named(connection: &Connection, tenant: TenantId, name: &str) -> Result<Option<Configuration>, Error> {
    row::one(
        connection,
        "SELECT version, body FROM configuration WHERE tenant = ?1 AND name = ?2",
        params![tenant.to_bytes(), name],
        read,
    )
}

pub(crate) fn of(connection: &Connection, tenant: TenantId, slice: Slice) -> Result<Page<Configuration>, Error> {
    let items = row::many(
        connection,
        "SELECT version, body FROM configuration WHERE tenant = ?1
         ORDER BY created_at DESC, place DESC LIMIT ?2 OFFSET ?3",
        params![tenant.to_bytes(), slice.take, slice.skip_for_sql()],
        read,
    )?;
    let total =
        row::one(connection, "SELECT count(*) FROM configuration WHERE tenant = ?1", [tenant.to_bytes()], |row| {
            row::whole(row, 0)
        })?;
    Ok(Page { total: total.unwrap_or(0), items })
}

fn read(row: &Row<'_>) -> Result<Configuration, Error> {
    Ok(Configuration { version: row.get(0)?, ..row::from_body(row, 1)? })
}
