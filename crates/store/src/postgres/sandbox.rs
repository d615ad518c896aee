//! The tables `sandbox_…`: dev mode only.

use super::{
    Postgres, row,
    statement::{Statement, values},
};
use crate::{
    Error,
    sandbox::{Call, Change, InboxFilter, InboxMessage, Lookup, PlannedOutcome},
};
use serde::{Serialize, de::DeserializeOwned};
use tokio_postgres::Row;

pub(super) fn statement(change: &Change) -> Result<Statement, Error> {
    Ok(match change {
        Change::Deliver(message) => deliver(message)?,
        Change::RecordCall(call) => Statement::one(
            "WITH turn AS MATERIALIZED (SELECT pg_advisory_xact_lock_shared(1129531246, 2))
             INSERT INTO sandbox_call (body) SELECT $1 FROM turn",
            values![row::to_body(call)?],
        ),
        Change::Empty => Statement::any("DELETE FROM sandbox_inbox", vec![]),
        Change::PlanOutcome { to, plan } => put(
            "INSERT INTO sandbox_outcome (recipient, body) VALUES ($1, $2)
             ON CONFLICT (recipient) DO UPDATE SET body = excluded.body",
            to,
            plan,
        )?,
        Change::PlanLookup { to, lookup } => put(
            "INSERT INTO sandbox_lookup (recipient, body) VALUES ($1, $2)
             ON CONFLICT (recipient) DO UPDATE SET body = excluded.body",
            to,
            lookup,
        )?,
        Change::AdvanceClock { by_ms } => advance_clock(*by_ms),
    })
}

/// Shares a lock with others who deliver until the commit; see [`settled`].
fn deliver(message: &InboxMessage) -> Result<Statement, Error> {
    Ok(Statement::row_or_none(
        "WITH turn AS MATERIALIZED (SELECT pg_advisory_xact_lock_shared(1129531246, 1))
         INSERT INTO sandbox_inbox (message, recipient, channel, body)
         SELECT new.* FROM turn, unnest($1::bytea[], $2::text[], $3::text[], $4::text[]) AS new
         ON CONFLICT (message) DO NOTHING",
        values![message.message.to_bytes(), &message.to, message.channel.name(), row::to_body(message)?],
    ))
}

fn put(sql: &'static str, to: &str, value: &impl Serialize) -> Result<Statement, Error> {
    Ok(Statement::one(sql, values![to, row::to_body(value)?]))
}

/// A sum that is too large stays at the end.
fn advance_clock(by_ms: u64) -> Statement {
    let by_ms = i64::try_from(by_ms).unwrap_or(i64::MAX);
    Statement::one(
        "UPDATE sandbox_clock SET offset_ms = least(offset_ms::numeric + $1::bigint, 9223372036854775807)::bigint",
        values![by_ms],
    )
}

/// Up to which place everything is there that ever will be. Whoever has read up to a place must never find something new before it:
/// places are taken in their order, but commits have an order of their own. So a reader waits until nobody is between the two, and
/// reads no further than what had a place by then; those who write do not wait for each other.
async fn settled(database: &Postgres, sql: &'static str) -> Result<i64, Error> {
    Ok(row::one(database, sql, vec![], |row| row::get(row, 1)).await?.unwrap_or(0))
}

pub(crate) async fn inbox(database: &Postgres, filter: &InboxFilter) -> Result<Vec<InboxMessage>, Error> {
    let sql =
        "SELECT pg_advisory_xact_lock(1129531246, 1), coalesce(pg_sequence_last_value('sandbox_inbox_seq_seq'), 0)";
    let (after, until) = (i64::try_from(filter.after).unwrap_or(i64::MAX), settled(database, sql).await?);
    let channel = filter.channel.map(countersign_model::Channel::name);
    if let Some(to) = &filter.to {
        let sql = "SELECT seq, body FROM sandbox_inbox WHERE recipient = $5
                 AND seq > $1 AND seq <= $2 AND ($3::text IS NULL OR channel = $3) ORDER BY seq LIMIT $4";
        return row::many(database, sql, values![after, until, channel, filter.limit, to], read).await;
    }
    let sql = "SELECT seq, body FROM sandbox_inbox
         WHERE seq > $1 AND seq <= $2 AND ($3::text IS NULL OR channel = $3) ORDER BY seq LIMIT $4";
    row::many(database, sql, values![after, until, channel, filter.limit], read).await
}

pub(crate) async fn calls(database: &Postgres, after: u64, limit: u32) -> Result<Vec<Call>, Error> {
    let sql =
        "SELECT pg_advisory_xact_lock(1129531246, 2), coalesce(pg_sequence_last_value('sandbox_call_seq_seq'), 0)";
    let until = settled(database, sql).await?;
    row::many(
        database,
        "SELECT seq, body FROM sandbox_call WHERE seq > $1 AND seq <= $2 ORDER BY seq LIMIT $3",
        values![i64::try_from(after).unwrap_or(i64::MAX), until, limit],
        |row| Ok(Call { seq: row::whole(row, 0)?, ..row::from_body(row, 1)? }),
    )
    .await
}

pub(crate) async fn planned_outcome(database: &Postgres, to: &str) -> Result<PlannedOutcome, Error> {
    find(database, "SELECT body FROM sandbox_outcome WHERE recipient = $1", to).await
}

pub(crate) async fn planned_lookup(database: &Postgres, to: &str) -> Result<Lookup, Error> {
    find(database, "SELECT body FROM sandbox_lookup WHERE recipient = $1", to).await
}

async fn find<T: Default + DeserializeOwned>(database: &Postgres, sql: &'static str, to: &str) -> Result<T, Error> {
    Ok(row::one(database, sql, values![to], |row| row::from_body(row, 0)).await?.unwrap_or_default())
}

pub(crate) async fn clock_offset_ms(database: &Postgres) -> Result<u64, Error> {
    let found = row::one(database, "SELECT offset_ms FROM sandbox_clock", vec![], |row| row::whole(row, 0)).await?;
    Ok(found.unwrap_or(0))
}

fn read(row: &Row) -> Result<InboxMessage, Error> {
    Ok(InboxMessage { seq: row::whole(row, 0)?, ..row::from_body(row, 1)? })
}
