//! The table `event`.

use super::row;
use crate::Error;
use countersign_model::{Event, EventId, EventKind, TenantId, Timestamp, VerificationId};
use rusqlite::{Connection, params};

/// What `place` means is its order among the events of one verification: few, and beside each other.
pub(super) fn insert(connection: &Connection, event: &Event) -> Result<(), Error> {
    row::change_one(
        connection,
        "INSERT INTO event (tenant, verification, id, place, at, body)
         VALUES (?1, ?2, ?3,
             1 + coalesce((SELECT max(place) FROM event WHERE tenant = ?1 AND verification = ?2), 0), ?4, ?5)",
        params![
            event.tenant.to_bytes(),
            event.verification.to_bytes(),
            event.id.to_bytes(),
            event.at.as_ms(),
            row::to_body(&event.kind)?
        ],
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
        "SELECT id, at, body FROM event WHERE tenant = ?1 AND verification = ?2 ORDER BY place",
        params![tenant.to_bytes(), of.to_bytes()],
        |row| {
            let (id, at) = (EventId::from_bytes(row.get(0)?), Timestamp::from_ms(row.get(1)?));
            let kind: EventKind = row::from_body(row, 2)?;
            Ok(Event { id, tenant, verification: of, at, kind })
        },
    )
}
