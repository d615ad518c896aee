//! The table `callback`. A worker takes one by writing the end of its lease into it, which only the first of two can.

use super::row;
use crate::Error;
use countersign_model::{Callback, CallbackId, TenantId, Timestamp};
use rusqlite::{Connection, Row, params};

pub(super) fn insert(connection: &Connection, callback: &Callback) -> Result<(), Error> {
    row::change_one(
        connection,
        "INSERT INTO callback (tenant, id, version, due_at, leased_until, body) VALUES (?1, ?2, 1, ?3, ?4, ?5)",
        params![
            callback.tenant.to_bytes(),
            callback.id.to_bytes(),
            callback.due_at.as_ms(),
            callback.leased_until.as_ms(),
            row::to_body(callback)?
        ],
    )
}

pub(super) fn update(connection: &Connection, callback: &Callback) -> Result<(), Error> {
    row::change_one(
        connection,
        "UPDATE callback SET version = version + 1, due_at = ?4, leased_until = ?5, body = ?6
         WHERE tenant = ?1 AND id = ?2 AND version = ?3",
        params![
            callback.tenant.to_bytes(),
            callback.id.to_bytes(),
            callback.version,
            callback.due_at.as_ms(),
            callback.leased_until.as_ms(),
            row::to_body(callback)?
        ],
    )
}

pub(super) fn delete(connection: &Connection, tenant: TenantId, id: CallbackId, version: u32) -> Result<(), Error> {
    row::change_one(
        connection,
        "DELETE FROM callback WHERE tenant = ?1 AND id = ?2 AND version = ?3",
        params![tenant.to_bytes(), id.to_bytes(), version],
    )
}

/// What is due and nobody has, the longest due first.
pub(crate) fn due(
    connection: &Connection,
    now: Timestamp,
    wall: Timestamp,
    limit: u32,
) -> Result<Vec<Callback>, Error> {
    row::many(
        connection,
        "SELECT version, due_at, leased_until, body FROM callback WHERE due_at <= ?1 AND leased_until <= ?2
         ORDER BY due_at LIMIT ?3",
        params![now.as_ms(), wall.as_ms(), limit],
        read,
    )
}

fn read(row: &Row<'_>) -> Result<Callback, Error> {
    Ok(Callback {
        version: row.get(0)?,
        due_at: Timestamp::from_ms(row.get(1)?),
        leased_until: Timestamp::from_ms(row.get(2)?),
        ..row::from_body(row, 3)?
    })
}
