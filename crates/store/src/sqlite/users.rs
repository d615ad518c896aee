//! The table `user`.

use super::row;
use crate::Error;
use countersign_model::{BlindIndex, TenantId, User, UserId};
use rusqlite::{Connection, Row, params};

pub(super) fn insert(connection: &Connection, user: &User) -> Result<(), Error> {
    row::change_one(
        connection,
        "INSERT INTO user (tenant, id, name_index, version, body) VALUES (?1, ?2, ?3, 1, ?4)",
        params![user.tenant.to_bytes(), user.id.to_bytes(), user.name_index.map(|index| index.0), row::to_body(user)?],
    )
}

pub(super) fn update(connection: &Connection, user: &User) -> Result<(), Error> {
    row::change_one(
        connection,
        "UPDATE user SET name_index = ?4, version = version + 1, body = ?5 WHERE tenant = ?1 AND id = ?2 AND version = ?3",
        params![
            user.tenant.to_bytes(),
            user.id.to_bytes(),
            user.version,
            user.name_index.map(|index| index.0),
            row::to_body(user)?
        ],
    )
}

pub(super) fn delete(connection: &Connection, tenant: TenantId, id: UserId, version: u32) -> Result<(), Error> {
    row::change_one(
        connection,
        "DELETE FROM user WHERE tenant = ?1 AND id = ?2 AND version = ?3",
        params![tenant.to_bytes(), id.to_bytes(), version],
    )
}

pub(crate) fn with_id(connection: &Connection, tenant: TenantId, id: UserId) -> Result<Option<User>, Error> {
    row::one(
        connection,
        "SELECT version, body FROM user WHERE tenant = ?1 AND id = ?2",
        params![tenant.to_bytes(), id.to_bytes()],
        read,
    )
}

pub(crate) fn with_name(connection: &Connection, tenant: TenantId, name: BlindIndex) -> Result<Option<User>, Error> {
    row::one(
        connection,
        "SELECT version, body FROM user WHERE tenant = ?1 AND name_index = ?2",
        params![tenant.to_bytes(), name.0],
        read,
    )
}

fn read(row: &Row<'_>) -> Result<User, Error> {
    Ok(User { version: row.get(0)?, ..row::from_body(row, 1)? })
}
