//! The table `webhook_endpoint`.

use super::row;
use crate::Error;
use countersign_model::{TenantId, WebhookEndpoint, WebhookEndpointId};
use rusqlite::{Connection, Row, params};

pub(super) fn put(connection: &Connection, endpoint: &WebhookEndpoint) -> Result<(), Error> {
    let (tenant, id, body) = (endpoint.tenant.to_bytes(), endpoint.id.to_bytes(), row::to_body(endpoint)?);
    if endpoint.version == 0 {
        row::change_one(
            connection,
            "INSERT INTO webhook_endpoint (tenant, id, version, body) VALUES (?1, ?2, 1, ?3)",
            params![tenant, id, body],
        )
    } else {
        row::change_one(
            connection,
            "UPDATE webhook_endpoint SET version = version + 1, body = ?3 WHERE tenant = ?1 AND id = ?2 AND version = ?4",
            params![tenant, id, body, endpoint.version],
        )
    }
}

pub(super) fn delete(
    connection: &Connection,
    tenant: TenantId,
    id: WebhookEndpointId,
    version: u32,
) -> Result<(), Error> {
    row::change_one(
        connection,
        "DELETE FROM webhook_endpoint WHERE tenant = ?1 AND id = ?2 AND version = ?3",
        params![tenant.to_bytes(), id.to_bytes(), version],
    )
}

pub(crate) fn with_id(
    connection: &Connection,
    tenant: TenantId,
    id: WebhookEndpointId,
) -> Result<Option<WebhookEndpoint>, Error> {
    row::one(
        connection,
        "SELECT version, body FROM webhook_endpoint WHERE tenant = ?1 AND id = ?2",
        params![tenant.to_bytes(), id.to_bytes()],
        read,
    )
}

pub(crate) fn all(connection: &Connection) -> Result<Vec<WebhookEndpoint>, Error> {
    row::many(connection, "SELECT version, body FROM webhook_endpoint ORDER BY tenant, id", [], read)
}

fn read(row: &Row<'_>) -> Result<WebhookEndpoint, Error> {
    Ok(WebhookEndpoint { version: row.get(0)?, ..row::from_body(row, 1)? })
}
