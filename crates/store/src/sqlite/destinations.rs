//! The table `destination`.
//!
//! A destination does not say when it was written. It need not: it is written when a message is counted, of which it keeps
//! the moment, and when a code is checked, which takes a verification of the same address that is pending or ends with
//! that check. A bucket keeps the moment since which it fills, and where wrong codes of a window count, their moments are kept. So one whose own moments are past and that has no verification left was not written since.

use super::row;
use crate::Error;
use countersign_model::{BlindIndex, Destination, ServiceId, TenantId, Timestamp};
use rusqlite::{Connection, params};

pub(super) fn put(
    connection: &Connection,
    tenant: TenantId,
    service: ServiceId,
    index: BlindIndex,
    destination: &Destination,
) -> Result<(), Error> {
    let (tenant, service, body) = (tenant.to_bytes(), service.to_bytes(), row::to_body(destination)?);
    let quiet_since = destination.quiet_since().as_ms();
    if destination.version == 0 {
        row::change_one(
            connection,
            "INSERT INTO destination (tenant, service, to_index, version, quiet_since, body)
             VALUES (?1, ?2, ?3, 1, ?4, ?5)",
            params![tenant, service, index.0, quiet_since, body],
        )
    } else {
        row::change_one(
            connection,
            "UPDATE destination SET version = version + 1, quiet_since = ?4, body = ?5
             WHERE tenant = ?1 AND service = ?2 AND to_index = ?3 AND version = ?6",
            params![tenant, service, index.0, quiet_since, body, destination.version],
        )
    }
}

pub(super) fn purge(connection: &Connection, before: Timestamp, limit: u32) -> Result<(), Error> {
    row::change(
        connection,
        "DELETE FROM destination WHERE (tenant, service, to_index) IN
             (SELECT tenant, service, to_index FROM destination AS old
              WHERE quiet_since < ?1 AND NOT EXISTS
                  (SELECT 1 FROM verification
                   WHERE substr(to_index, 1, 8) = substr(old.to_index, 1, 8) AND to_index = old.to_index
                       AND tenant = old.tenant AND service = old.service)
              ORDER BY quiet_since LIMIT ?2)",
        params![before.as_ms(), limit],
    )?;
    Ok(())
}

pub(crate) fn find(
    connection: &Connection,
    tenant: TenantId,
    service: ServiceId,
    index: BlindIndex,
) -> Result<Destination, Error> {
    let found = row::one(
        connection,
        "SELECT version, body FROM destination WHERE tenant = ?1 AND service = ?2 AND to_index = ?3",
        params![tenant.to_bytes(), service.to_bytes(), index.0],
        |row| {
            let mut destination: Destination = row::from_body(row, 1)?;
            destination.version = row.get(0)?;
            Ok(destination)
        },
    )?;
    Ok(found.unwrap_or_default())
}
