//! The table `event`.

use super::row;
use crate::Error;
use countersign_model::{Event, TenantId, VerificationId};
use rusqlite::{Connection, params};

pub(super) fn insert(connection: &Connection, event: &Event) -> Result<(), Error> {
    row::change_one(
        connection,
        "INSERT INTO event (tenant, verification, id, body) VALUES (?1, ?2, ?3, ?4)",
        params![event.tenant.to_bytes(), event.verification.to_bytes(), event.id.to_bytes(), row::to_body(event)?],
    )
}

pub(super) fn delete_of(connection: &Connection, tenant: TenantId, of: VerificationId) -> Result<(), Error> {
    row::change(
        connection,
        "DELETE FROM event WHERE tenant = ?1 AND verification = ?2",
        params![tenant.to_bytes(), of.to_bytes()],
    )?;
    Ok(())
}

/// In the order of writing: two ids of one millisecond have none.
pub(crate) fn of(connection: &Connection, tenant: TenantId, of: VerificationId) -> Result<Vec<Event>, Error> {
    row::many(
        connection,
        "SELECT body FROM event WHERE tenant = ?1 AND verification = ?2 ORDER BY place",
        params![tenant.to_bytes(), of.to_bytes()],
        |row| row::from_body(row, 0),
    )
}
