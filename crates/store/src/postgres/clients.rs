//! The table `client`.

use super::{
    Postgres, row,
    statement::{Statement, values},
};
use crate::Error;
use countersign_model::{Client, TenantId};
use tokio_postgres::Row;

pub(super) fn put(client: &Client) -> Result<Statement, Error> {
    let (tenant, body) = (client.tenant.to_bytes(), row::to_body(client)?);
    Ok(if client.version == 0 {
        Statement::one(
            "INSERT INTO client (id, tenant, version, body) VALUES ($1, $2, 1, $3) ON CONFLICT DO NOTHING",
            values![&client.id, tenant, body],
        )
    } else {
        Statement::one(
            "UPDATE client SET version = version + 1, body = $3 WHERE id = $1 AND tenant = $2 AND version = $4",
            values![&client.id, tenant, body, client.version],
        )
    })
}

pub(super) fn delete(tenant: TenantId, id: &str) -> Statement {
    Statement::one("DELETE FROM client WHERE id = $1 AND tenant = $2", values![id, tenant.to_bytes()])
}

pub(crate) async fn with_id(database: &Postgres, id: &str) -> Result<Option<Client>, Error> {
    row::one(database, "SELECT version, body FROM client WHERE id = $1", values![id], read).await
}

pub(crate) async fn of(database: &Postgres, tenant: TenantId) -> Result<Vec<Client>, Error> {
    row::many(
        database,
        "SELECT version, body FROM client WHERE tenant = $1 ORDER BY id",
        values![tenant.to_bytes()],
        read,
    )
    .await
}

/// There are few clients and fewer origins: all are looked through.
pub(crate) async fn has_origin(database: &Postgres, origin: &str) -> Result<bool, Error> {
    let found =
        row::one(database, "SELECT 1 FROM client WHERE body::jsonb -> 'origins' ? $1 LIMIT 1", values![origin], |_| {
            Ok(())
        });
    Ok(found.await?.is_some())
}

fn read(row: &Row) -> Result<Client, Error> {
    Ok(Client { version: row::small(row, 0)?, ..row::from_body(row, 1)? })
}
