//! The table `verification`.

use super::row;
use crate::{
    Error, Page, Slice,
    verification_columns::{checkable_until, open_until},
};
use countersign_model::{BlindIndex, ServiceId, TenantId, Timestamp, Verification, VerificationId};
use rusqlite::{Connection, Row, params};

pub(super) fn insert(connection: &Connection, verification: &Verification) -> Result<(), Error> {
    row::change_one(
        connection,
        "INSERT INTO verification (tenant, id, service, to_index, version, open_until, checkable_until, decided_at, body, link)
         VALUES (?1, ?2, ?3, ?4, 1, ?5, ?6, ?7, ?8, ?9)",
        params![
            verification.tenant.to_bytes(),
            verification.id.to_bytes(),
            verification.service.to_bytes(),
            verification.to_index.0,
            open_until(verification),
            checkable_until(verification),
            verification.decided_at.map(Timestamp::as_ms),
            row::to_body(verification)?,
            verification.grid.as_ref().map(|grid| grid.link.0)
        ],
    )
}

pub(super) fn update(connection: &Connection, verification: &Verification) -> Result<(), Error> {
    row::change_one(
        connection,
        "UPDATE verification SET version = version + 1, open_until = ?4, checkable_until = ?5, decided_at = ?6, body = ?7
         WHERE tenant = ?1 AND id = ?2 AND version = ?3",
        params![
            verification.tenant.to_bytes(),
            verification.id.to_bytes(),
            verification.version,
            open_until(verification),
            checkable_until(verification),
            verification.decided_at.map(Timestamp::as_ms),
            row::to_body(verification)?
        ],
    )
}

pub(super) fn assert(connection: &Connection, tenant: TenantId, id: VerificationId, version: u32) -> Result<(), Error> {
    let found = row::one(
        connection,
        "SELECT 1 FROM verification WHERE tenant = ?1 AND id = ?2 AND version = ?3",
        params![tenant.to_bytes(), id.to_bytes(), version],
        |_| Ok(()),
    )?;
    found.ok_or(Error::Conflict)
}

/// Deletes those that ended before a moment, and tells which they were.
pub(super) fn purge(
    connection: &Connection,
    before: Timestamp,
    limit: u32,
) -> Result<Vec<(TenantId, VerificationId)>, Error> {
    row::many(
        connection,
        "DELETE FROM verification WHERE place IN
             (SELECT place FROM verification WHERE decided_at < ?1 ORDER BY decided_at LIMIT ?2)
         RETURNING tenant, id",
        params![before.as_ms(), limit],
        |row| Ok((TenantId::from_bytes(row.get(0)?), VerificationId::from_bytes(row.get(1)?))),
    )
}

pub(crate) fn with_id(
    connection: &Connection,
    tenant: TenantId,
    id: VerificationId,
) -> Result<Option<Verification>, Error> {
    row::one(
        connection,
        "SELECT version, body FROM verification WHERE tenant = ?1 AND id = ?2",
        params![tenant.to_bytes(), id.to_bytes()],
        read,
    )
}

/// Of any tenant: a link knows none.
pub(crate) fn with_link(connection: &Connection, link: BlindIndex) -> Result<Option<Verification>, Error> {
    row::one(connection, "SELECT version, body FROM verification WHERE link = ?1", params![link.0], read)
}

pub(crate) fn latest(
    connection: &Connection,
    tenant: TenantId,
    service: ServiceId,
    to: BlindIndex,
) -> Result<Option<Verification>, Error> {
    row::one(
        connection,
        "SELECT version, body FROM verification
         WHERE substr(to_index, 1, 8) = substr(?3, 1, 8) AND to_index = ?3 AND tenant = ?1 AND service = ?2
         ORDER BY place DESC LIMIT 1",
        params![tenant.to_bytes(), service.to_bytes(), to.0],
        read,
    )
}

/// Few: a pending one has an end, and the job writes it down soon after.
pub(crate) fn pending(
    connection: &Connection,
    tenant: TenantId,
    service: ServiceId,
    to: BlindIndex,
) -> Result<Vec<Verification>, Error> {
    row::many(
        connection,
        "SELECT version, body FROM verification
         WHERE substr(to_index, 1, 8) = substr(?3, 1, 8) AND to_index = ?3 AND tenant = ?1 AND service = ?2
             AND decided_at IS NULL ORDER BY place",
        params![tenant.to_bytes(), service.to_bytes(), to.0],
        read,
    )
}

/// The expression in the order is the index's.
pub(crate) fn checkable(
    connection: &Connection,
    tenant: TenantId,
    service: ServiceId,
    now: Timestamp,
    slice: Slice,
) -> Result<Page<Verification>, Error> {
    let (tenant, service, now) = (tenant.to_bytes(), service.to_bytes(), now.as_ms());
    let items = row::many(
        connection,
        "SELECT version, body FROM verification
         WHERE tenant = ?1 AND service = ?2 AND checkable_until IS NOT NULL AND checkable_until > ?3
         ORDER BY substr(id, 1, 6) DESC, place DESC LIMIT ?4 OFFSET ?5",
        params![tenant, service, now, slice.take, slice.skip_for_sql()],
        read,
    )?;
    let total = row::one(
        connection,
        "SELECT count(*) FROM verification
         WHERE tenant = ?1 AND service = ?2 AND checkable_until IS NOT NULL AND checkable_until > ?3",
        params![tenant, service, now],
        |row| row::whole(row, 0),
    )?;
    Ok(Page { total: total.unwrap_or(0), items })
}

pub(crate) fn overdue(connection: &Connection, now: Timestamp, limit: u32) -> Result<Vec<Verification>, Error> {
    row::many(
        connection,
        "SELECT version, body FROM verification WHERE open_until <= ?1 ORDER BY open_until, place LIMIT ?2",
        params![now.as_ms(), limit],
        read,
    )
}

/// Whether anything is left that a purge would take: an answer, a verification, or a text of a caller's own.
pub(crate) fn is_more_to_purge(connection: &Connection, answers: Timestamp, ended: Timestamp) -> Result<bool, Error> {
    let found = row::one(
        connection,
        "SELECT EXISTS (SELECT 1 FROM answer WHERE created_at < ?1)
             OR EXISTS (SELECT 1 FROM verification WHERE decided_at < ?2)
             OR EXISTS (SELECT 1 FROM message WHERE verification IS NULL AND updated_at < ?2
                        AND state NOT IN ('queued', 'leased'))",
        params![answers.as_ms(), ended.as_ms()],
        |row| Ok(row.get::<_, bool>(0)?),
    )?;
    Ok(found.unwrap_or(false))
}

fn read(row: &Row<'_>) -> Result<Verification, Error> {
    Ok(Verification { version: row.get(0)?, ..row::from_body(row, 1)? })
}
