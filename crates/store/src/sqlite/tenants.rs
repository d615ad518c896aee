//! The table `tenant`.

use super::row;
use crate::Error;
use countersign_model::{Tenant, TenantId};
use rusqlite::{Connection, Row, params};

pub(super) fn insert(connection: &Connection, tenant: &Tenant) -> Result<(), Error> {
    row::change_one(
        connection,
        "INSERT INTO tenant (id, name, body) VALUES (?1, ?2, ?3)",
        params![tenant.id.to_bytes(), tenant.name, row::to_body(tenant)?],
    )
}

pub(crate) fn with_id(connection: &Connection, id: TenantId) -> Result<Option<Tenant>, Error> {
    row::one(connection, "SELECT body FROM tenant WHERE id = ?1", [id.to_bytes()], read)
}

pub(crate) fn named(connection: &Connection, name: &str) -> Result<Option<Tenant>, Error> {
    row::one(connection, "SELECT body FROM tenant WHERE name = ?1", [name], read)
}

pub(crate) fn all(connection: &Connection) -> Result<Vec<Tenant>, Error> {
    row::many(connection, "SELECT body FROM tenant ORDER BY name", [], read)
}

fn read(row: &Row<'_>) -> Result<Tenant, Error> {
    row::from_body(row, 0)
}
