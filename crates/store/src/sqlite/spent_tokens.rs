//! The table `spent_token`: its primary key is what lets a thing be used once.

use super::row;
use crate::Error;
use countersign_model::{TenantId, Timestamp};
use rusqlite::{Connection, params};

pub(super) fn spend(connection: &Connection, tenant: TenantId, id: &[u8; 32], until: Timestamp) -> Result<(), Error> {
    row::change_one(
        connection,
        "INSERT INTO spent_token (tenant, id, until) VALUES (?1, ?2, ?3)",
        params![tenant.to_bytes(), id, until.as_ms()],
    )
}

pub(super) fn purge(connection: &Connection, before: Timestamp, limit: u32) -> Result<(), Error> {
    row::change(
        connection,
        "DELETE FROM spent_token WHERE (tenant, id) IN
             (SELECT tenant, id FROM spent_token WHERE until < ?1 ORDER BY until LIMIT ?2)",
        params![before.as_ms(), limit],
    )?;
    Ok(())
}

pub(crate) fn is_spent(connection: &Connection, tenant: TenantId, id: &[u8; 32]) -> Result<bool, Error> {
    let found = row::one(
        connection,
        "SELECT 1 FROM spent_token WHERE tenant = ?1 AND id = ?2",
        params![tenant.to_bytes(), id],
        |_| Ok(()),
    )?;
    Ok(found.is_some())
}
