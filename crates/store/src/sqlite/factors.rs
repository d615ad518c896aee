//! The table `factor`.

use super::row;
use crate::Error;
use countersign_model::{Factor, FactorId, TenantId, UserId};
use rusqlite::{Connection, Row, params};

pub(super) fn insert(connection: &Connection, factor: &Factor) -> Result<(), Error> {
    row::change_one(
        connection,
        "INSERT INTO factor (tenant, id, user, version, body) VALUES (?1, ?2, ?3, 1, ?4)",
        params![factor.tenant.to_bytes(), factor.id.to_bytes(), factor.user.to_bytes(), row::to_body(factor)?],
    )
}

pub(super) fn update(connection: &Connection, factor: &Factor) -> Result<(), Error> {
    row::change_one(
        connection,
        "UPDATE factor SET version = version + 1, body = ?4 WHERE tenant = ?1 AND id = ?2 AND version = ?3",
        params![factor.tenant.to_bytes(), factor.id.to_bytes(), factor.version, row::to_body(factor)?],
    )
}

pub(super) fn delete(connection: &Connection, tenant: TenantId, id: FactorId, version: u32) -> Result<(), Error> {
    row::change_one(
        connection,
        "DELETE FROM factor WHERE tenant = ?1 AND id = ?2 AND version = ?3",
        params![tenant.to_bytes(), id.to_bytes(), version],
    )
}

/// Of a user that goes. Asserts nothing: most have none or a few.
pub(super) fn delete_of(connection: &Connection, tenant: TenantId, user: UserId) -> Result<(), Error> {
    row::change(
        connection,
        "DELETE FROM factor WHERE tenant = ?1 AND user = ?2",
        params![tenant.to_bytes(), user.to_bytes()],
    )?;
    Ok(())
}

pub(crate) fn with_id(connection: &Connection, tenant: TenantId, id: FactorId) -> Result<Option<Factor>, Error> {
    row::one(
        connection,
        "SELECT version, body FROM factor WHERE tenant = ?1 AND id = ?2",
        params![tenant.to_bytes(), id.to_bytes()],
        read,
    )
}

pub(crate) fn of(connection: &Connection, tenant: TenantId, user: UserId) -> Result<Vec<Factor>, Error> {
    row::many(
        connection,
        "SELECT version, body FROM factor WHERE tenant = ?1 AND user = ?2 ORDER BY id",
        params![tenant.to_bytes(), user.to_bytes()],
        read,
    )
}

fn read(row: &Row<'_>) -> Result<Factor, Error> {
    Ok(Factor { version: row.get(0)?, ..row::from_body(row, 1)? })
}
