//! The table `mfa_choice`.

use super::row;
use crate::Error;
use countersign_model::{MfaChoice, TenantId};
use rusqlite::{Connection, Row, params};

pub(super) fn put(connection: &Connection, choice: &MfaChoice) -> Result<(), Error> {
    let (tenant, body) = (choice.tenant.to_bytes(), row::to_body(choice)?);
    if choice.version == 0 {
        row::change_one(
            connection,
            "INSERT INTO mfa_choice (tenant, version, body) VALUES (?1, 1, ?2)",
            params![tenant, body],
        )
    } else {
        row::change_one(
            connection,
            "UPDATE mfa_choice SET version = version + 1, body = ?2 WHERE tenant = ?1 AND version = ?3",
            params![tenant, body, choice.version],
        )
    }
}

pub(crate) fn of(connection: &Connection, tenant: TenantId) -> Result<Option<MfaChoice>, Error> {
    row::one(connection, "SELECT version, body FROM mfa_choice WHERE tenant = ?1", [tenant.to_bytes()], read)
}

fn read(row: &Row<'_>) -> Result<MfaChoice, Error> {
    Ok(MfaChoice { version: row.get(0)?, ..row::from_body(row, 1)? })
}
