//! The table `event`.

use super::{
    Postgres, row,
    statement::{Statement, values},
};
use crate::Error;
use countersign_model::{Event, EventId, EventKind, TenantId, VerificationId};

pub(super) fn insert(event: &Event) -> Result<Statement, Error> {
    Ok(Statement::row(
        "INSERT INTO event (tenant, verification, id, at, body)
         SELECT * FROM unnest($1::bytea[], $2::bytea[], $3::bytea[], $4::bigint[], $5::text[])",
        values![
            event.tenant.to_bytes(),
            event.verification.to_bytes(),
            event.id.to_bytes(),
            event.at.as_ms(),
            row::to_body(&event.kind)?
        ],
    ))
}

/// In the order of writing: two ids of one millisecond have none.
pub(crate) async fn of(database: &Postgres, tenant: TenantId, of: VerificationId) -> Result<Vec<Event>, Error> {
    row::many(
        database,
        "SELECT id, at, body FROM event WHERE tenant = $1 AND verification = $2 ORDER BY place",
        values![tenant.to_bytes(), of.to_bytes()],
        |row| {
            let (id, at) = (EventId::from_bytes(row::bytes(row, 0)?), row::moment(row, 1)?);
            let kind: EventKind = row::from_body(row, 2)?;
            Ok(Event { id, tenant, verification: of, at, kind })
        },
    )
    .await
}
