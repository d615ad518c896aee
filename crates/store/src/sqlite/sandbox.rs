//! The tables `sandbox_…`: dev mode only.

use super::row;
use crate::{
    Error,
    sandbox::{Call, Change, InboxFilter, InboxMessage, Lookup, PlannedOutcome},
};
use rusqlite::{Connection, Row, params};
use serde::{Serialize, de::DeserializeOwned};

pub(super) fn apply(connection: &Connection, change: &Change) -> Result<(), Error> {
    match change {
        Change::Deliver(message) => deliver(connection, message),
        Change::RecordCall(call) => {
            row::change_one(connection, "INSERT INTO sandbox_call (body) VALUES (?1)", [row::to_body(call)?])
        }
        Change::Empty => row::change(connection, "DELETE FROM sandbox_inbox", []).map(drop),
        Change::PlanOutcome { to, plan } => put(
            connection,
            "INSERT INTO sandbox_outcome (recipient, body) VALUES (?1, ?2)
             ON CONFLICT (recipient) DO UPDATE SET body = excluded.body",
            to,
            plan,
        ),
        Change::PlanLookup { to, lookup } => put(
            connection,
            "INSERT INTO sandbox_lookup (recipient, body) VALUES (?1, ?2)
             ON CONFLICT (recipient) DO UPDATE SET body = excluded.body",
            to,
            lookup,
        ),
        Change::AdvanceClock { by_ms } => advance_clock(connection, *by_ms),
    }
}

fn deliver(connection: &Connection, message: &InboxMessage) -> Result<(), Error> {
    row::change(
        connection,
        "INSERT INTO sandbox_inbox (message, recipient, channel, body) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (message) DO NOTHING",
        params![message.message.to_bytes(), message.to, message.channel.name(), row::to_body(message)?],
    )
    .map(drop)
}

fn put(connection: &Connection, sql: &str, to: &str, value: &impl Serialize) -> Result<(), Error> {
    row::change_one(connection, sql, params![to, row::to_body(value)?])
}

fn advance_clock(connection: &Connection, by_ms: u64) -> Result<(), Error> {
    // Added up here, since SQLite would turn a sum that is too large into a fraction.
    let offset = clock_offset_ms(connection)?.saturating_add(by_ms);
    let offset = i64::try_from(offset).unwrap_or(i64::MAX);
    row::change_one(connection, "UPDATE sandbox_clock SET offset_ms = ?1", [offset])
}

/// With an address the index of addresses is taken: a test may wait for one message among very many.
pub(crate) fn inbox(connection: &Connection, filter: &InboxFilter) -> Result<Vec<InboxMessage>, Error> {
    let channel = filter.channel.map(countersign_model::Channel::name);
    let after = i64::try_from(filter.after).unwrap_or(i64::MAX);
    match &filter.to {
        Some(to) => row::many(
            connection,
            "SELECT seq, body FROM sandbox_inbox WHERE recipient = ?4 AND seq > ?1 AND (?2 IS NULL OR channel = ?2)
             ORDER BY seq LIMIT ?3",
            params![after, channel, filter.limit, to],
            read,
        ),
        None => row::many(
            connection,
            "SELECT seq, body FROM sandbox_inbox WHERE seq > ?1 AND (?2 IS NULL OR channel = ?2)
             ORDER BY seq LIMIT ?3",
            params![after, channel, filter.limit],
            read,
        ),
    }
}

pub(crate) fn calls(connection: &Connection, after: u64, limit: u32) -> Result<Vec<Call>, Error> {
    row::many(
        connection,
        "SELECT seq, body FROM sandbox_call WHERE seq > ?1 ORDER BY seq LIMIT ?2",
        params![i64::try_from(after).unwrap_or(i64::MAX), limit],
        |row| Ok(Call { seq: row::whole(row, 0)?, ..row::from_body(row, 1)? }),
    )
}

pub(crate) fn planned_outcome(connection: &Connection, to: &str) -> Result<PlannedOutcome, Error> {
    find(connection, "SELECT body FROM sandbox_outcome WHERE recipient = ?1", to)
}

pub(crate) fn planned_lookup(connection: &Connection, to: &str) -> Result<Lookup, Error> {
    find(connection, "SELECT body FROM sandbox_lookup WHERE recipient = ?1", to)
}

fn find<T: Default + DeserializeOwned>(connection: &Connection, sql: &str, to: &str) -> Result<T, Error> {
    Ok(row::one(connection, sql, [to], |row| row::from_body(row, 0))?.unwrap_or_default())
}

pub(crate) fn clock_offset_ms(connection: &Connection) -> Result<u64, Error> {
    let found = row::one(connection, "SELECT offset_ms FROM sandbox_clock", [], |row| row::whole(row, 0))?;
    Ok(found.unwrap_or(0))
}

fn read(row: &Row<'_>) -> Result<InboxMessage, Error> {
    Ok(InboxMessage { seq: row::whole(row, 0)?, ..row::from_body(row, 1)? })
}
