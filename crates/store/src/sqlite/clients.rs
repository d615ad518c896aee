//! The table `client`.

use super::row;
use crate::Error;
use countersign_model::{Client, TenantId};
use rusqlite::{Connection, Row, params};

pub(super) fn put(connection: &Connection, client: &Client) -> Result<(), Error> {
    let (tenant, body) = (client.tenant.to_bytes(), row::to_body(client)?);
    if client.version == 0 {
        row::change_one(
            connection,
            "INSERT INTO client (id, tenant, version, body) VALUES (?1, ?2, 1, ?3)",
            params![client.id, tenant, body],
        )
    } else {
        row::change_one(
            connection,
            "UPDATE client SET version = version + 1, body = ?3 WHERE id = ?1 AND tenant = ?2 AND version = ?4",
            params![client.id, tenant, body, client.version],
        )
    }
}

pub(super) fn delete(connection: &Connection, tenant: TenantId, id: &str) -> Result<(), Error> {
    row::change_one(connection, "DELETE FROM client WHERE id = ?1 AND tenant = ?2", params![id, tenant.to_bytes()])
}

pub(crate) fn with_id(connection: &Connection, id: &str) -> Result<Option<Client>, Error> {
    row::one(connection, "SELECT version, body FROM client WHERE id = ?1", [id], read)
}

pub(crate) fn of(connection: &Connection, tenant: TenantId) -> Result<Vec<Client>, Error> {
    row::many(connection, "SELECT version, body FROM client WHERE tenant = ?1 ORDER BY id", [tenant.to_bytes()], read)
}

/// There are few clients and fewer origins: all are looked through.
pub(crate) fn has_origin(connection: &Connection, origin: &str) -> Result<bool, Error> {
    let found = row::one(
        connection,
        "SELECT 1 FROM client, json_each(client.body, '$.origins') AS origin WHERE origin.value = ?1 LIMIT 1",
        [origin],
        |_| Ok(()),
    )?;
    Ok(found.is_some())
}

fn read(row: &Row<'_>) -> Result<Client, Error> {
    Ok(Client { version: row.get(0)?, ..row::from_body(row, 1)? })
}
