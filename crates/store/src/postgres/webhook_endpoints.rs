//! The table `webhook_endpoint`.

use super::{
    Postgres, row,
    statement::{Statement, values},
};
use crate::Error;
use countersign_model::{TenantId, WebhookEndpoint, WebhookEndpointId};
use tokio_postgres::Row;

pub(super) fn put(endpoint: &WebhookEndpoint) -> Result<Statement, Error> {
    let (tenant, id, body) = (endpoint.tenant.to_bytes(), endpoint.id.to_bytes(), row::to_body(endpoint)?);
    Ok(if endpoint.version == 0 {
        Statement::one(
            "INSERT INTO webhook_endpoint (tenant, id, version, body) VALUES ($1, $2, 1, $3) ON CONFLICT DO NOTHING",
            values![tenant, id, body],
        )
    } else {
        Statement::one(
            "UPDATE webhook_endpoint SET version = version + 1, body = $3 WHERE tenant = $1 AND id = $2 AND version = $4",
            values![tenant, id, body, endpoint.version],
        )
    })
}

pub(super) fn delete(tenant: TenantId, id: WebhookEndpointId, version: u32) -> Statement {
    Statement::one(
        "DELETE FROM webhook_endpoint WHERE tenant = $1 AND id = $2 AND version = $3",
        values![tenant.to_bytes(), id.to_bytes(), version],
    )
}

pub(crate) async fn with_id(
    database: &Postgres,
    tenant: TenantId,
    id: WebhookEndpointId,
) -> Result<Option<WebhookEndpoint>, Error> {
    row::one(
        database,
        "SELECT version, body FROM webhook_endpoint WHERE tenant = $1 AND id = $2",
        values![tenant.to_bytes(), id.to_bytes()],
        read,
    )
    .await
}

pub(crate) async fn all(database: &Postgres) -> Result<Vec<WebhookEndpoint>, Error> {
    row::many(database, "SELECT version, body FROM webhook_endpoint ORDER BY tenant, id", values![], read).await
}

fn read(row: &Row) -> Result<WebhookEndpoint, Error> {
    Ok(WebhookEndpoint { version: row::small(row, 0)?, ..row::from_body(row, 1)? })
}
