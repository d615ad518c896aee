//! The table `message`, which is the outbox too.
//!
//! `due_at` is on the clock of the rules, `leased_until` on the one that nobody moves; the two are never compared. A state
//! in the condition of a query is written out, since only then SQLite takes the small index of that state.

use super::row;
use crate::{Error, group::Claim};
use countersign_model::{Message, MessageId, TenantId, Timestamp, VerificationId, message::MessageState};
use rusqlite::{Connection, Row, params};

pub(super) fn insert(connection: &Connection, message: &Message, leased_until: Option<Timestamp>) -> Result<(), Error> {
    row::change_one(
        connection,
        "INSERT INTO message (tenant, id, verification, version, channel, state, due_at, leased_until, updated_at, body)
         VALUES (?1, ?2, ?3, 1, ?4, ?5, ?6, ?7, ?8, ?9)",
        params![
            message.tenant.to_bytes(),
            message.id.to_bytes(),
            message.verification().map(VerificationId::to_bytes),
            message.channel.name(),
            message.state.name(),
            message.due_at.map(Timestamp::as_ms),
            leased_until.map(Timestamp::as_ms),
            message.updated_at.as_ms(),
            row::to_body(message)?
        ],
    )
}

/// The end of the lease stays as it is: it means nothing in another state, and a message that stays leased keeps it.
pub(super) fn update(connection: &Connection, message: &Message) -> Result<(), Error> {
    row::change_one(
        connection,
        "UPDATE message SET version = version + 1, state = ?4, due_at = ?5, updated_at = ?6, provider = ?7,
             reference = ?8, body = ?9
         WHERE tenant = ?1 AND id = ?2 AND version = ?3",
        params![
            message.tenant.to_bytes(),
            message.id.to_bytes(),
            message.version,
            message.state.name(),
            message.due_at.map(Timestamp::as_ms),
            message.updated_at.as_ms(),
            message.provider,
            message.reference,
            row::to_body(message)?
        ],
    )
}

pub(super) fn delete_of(connection: &Connection, tenant: TenantId, of: VerificationId) -> Result<(), Error> {
    row::change(
        connection,
        "DELETE FROM message WHERE tenant = ?1 AND verification = ?2",
        params![tenant.to_bytes(), of.to_bytes()],
    )?;
    Ok(())
}

/// Forgets texts of callers' own that were done with before.
pub(super) fn purge_texts(connection: &Connection, before: Timestamp, limit: u32) -> Result<(), Error> {
    row::change(
        connection,
        "DELETE FROM message WHERE place IN
             (SELECT place FROM message WHERE verification IS NULL AND updated_at < ?1
              AND state NOT IN ('queued', 'leased') ORDER BY updated_at LIMIT ?2)",
        params![before.as_ms(), limit],
    )?;
    Ok(())
}

/// Leases what is due, the longest due first.
pub(super) fn claim(connection: &Connection, claim: &Claim) -> Result<Vec<Message>, Error> {
    // The same limit inside and outside: of each kind no more than could be taken is looked at.
    let found = row::many(
        connection,
        "SELECT place, version, state, due_at, body FROM
             (SELECT * FROM (SELECT place, version, state, due_at, body FROM message
              WHERE state = 'queued' AND channel = ?4 AND due_at <= ?1 ORDER BY due_at, place LIMIT ?3)
              UNION ALL
              SELECT * FROM (SELECT place, version, state, due_at, body FROM message
              WHERE state = 'leased' AND channel = ?4 AND leased_until <= ?2 ORDER BY leased_until, place LIMIT ?3))
         ORDER BY due_at, place LIMIT ?3",
        params![claim.now.as_ms(), claim.wall.as_ms(), claim.limit, claim.channel.name()],
        |row| Ok((row.get::<_, i64>(0)?, read_from(row, 1)?)),
    )?;
    let lease = |(place, message): (i64, Message)| {
        row::change_one(
            connection,
            "UPDATE message SET version = version + 1, state = 'leased', leased_until = ?2 WHERE place = ?1",
            params![place, claim.lease_until.as_ms()],
        )?;
        Ok(Message { version: message.version + 1, state: MessageState::Leased, ..message })
    };
    found.into_iter().map(lease).collect()
}

/// What was leased belongs to nobody now. For a server that starts: it is the only one.
pub(super) fn end_all_leases(connection: &Connection) -> Result<(), Error> {
    row::change(connection, "UPDATE message SET version = version + 1, state = 'queued' WHERE state = 'leased'", [])?;
    Ok(())
}

pub(crate) fn with_id(connection: &Connection, tenant: TenantId, id: MessageId) -> Result<Option<Message>, Error> {
    row::one(
        connection,
        "SELECT version, state, due_at, body FROM message WHERE tenant = ?1 AND id = ?2",
        params![tenant.to_bytes(), id.to_bytes()],
        read,
    )
}

/// Of any tenant: a provider knows none.
pub(crate) fn with_reference(
    connection: &Connection,
    provider: &str,
    reference: &str,
) -> Result<Option<Message>, Error> {
    row::one(
        connection,
        "SELECT version, state, due_at, body FROM message WHERE provider = ?1 AND reference = ?2 ORDER BY place DESC",
        params![provider, reference],
        read,
    )
}

pub(crate) fn of(connection: &Connection, tenant: TenantId, of: VerificationId) -> Result<Vec<Message>, Error> {
    row::many(
        connection,
        "SELECT version, state, due_at, body FROM message WHERE tenant = ?1 AND verification = ?2 ORDER BY place",
        params![tenant.to_bytes(), of.to_bytes()],
        read,
    )
}

pub(crate) fn overdue_receipts(connection: &Connection, now: Timestamp, limit: u32) -> Result<Vec<Message>, Error> {
    row::many(
        connection,
        "SELECT version, state, due_at, body FROM message WHERE state = 'accepted' AND due_at <= ?1
         ORDER BY due_at, place LIMIT ?2",
        params![now.as_ms(), limit],
        read,
    )
}

/// Of verifications and callbacks too, since one sleep serves all. Each channel is written out: so each is one look into its
/// index. A channel that is missing here waits for the next nap of the jobs, which the contract notices.
pub(crate) fn next_due(connection: &Connection) -> Result<Option<Timestamp>, Error> {
    first_moment(
        connection,
        "SELECT min(moment) FROM
             (SELECT min(due_at) AS moment FROM message WHERE state = 'queued' AND channel = 'sms'
              UNION ALL SELECT min(due_at) FROM message WHERE state = 'queued' AND channel = 'voice'
              UNION ALL SELECT min(due_at) FROM message WHERE state = 'queued' AND channel = 'email'
              UNION ALL SELECT min(due_at) FROM message WHERE state = 'queued' AND channel = 'whatsapp'
              UNION ALL SELECT min(due_at) FROM message WHERE state = 'queued' AND channel = 'telegram'
              UNION ALL SELECT min(due_at) FROM message WHERE state = 'accepted' AND due_at IS NOT NULL
              UNION ALL SELECT min(due_at) FROM callback
              UNION ALL SELECT min(open_until) FROM verification WHERE open_until IS NOT NULL)",
    )
}

pub(crate) fn next_lease_end(connection: &Connection) -> Result<Option<Timestamp>, Error> {
    first_moment(
        connection,
        "SELECT min(moment) FROM
             (SELECT min(leased_until) AS moment FROM message WHERE state = 'leased' AND channel = 'sms'
              UNION ALL SELECT min(leased_until) FROM message WHERE state = 'leased' AND channel = 'voice'
              UNION ALL SELECT min(leased_until) FROM message WHERE state = 'leased' AND channel = 'email'
              UNION ALL SELECT min(leased_until) FROM message WHERE state = 'leased' AND channel = 'whatsapp'
              UNION ALL SELECT min(leased_until) FROM message WHERE state = 'leased' AND channel = 'telegram')",
    )
}

fn first_moment(connection: &Connection, sql: &str) -> Result<Option<Timestamp>, Error> {
    let found = row::one(connection, sql, [], |row| Ok(row.get::<_, Option<i64>>(0)?))?;
    Ok(found.flatten().map(Timestamp::from_ms))
}

pub(crate) fn counts(connection: &Connection) -> Result<Vec<(MessageState, u64)>, Error> {
    let found = row::one(
        connection,
        "SELECT (SELECT count(*) FROM message WHERE state = 'queued'),
                (SELECT count(*) FROM message WHERE state = 'leased')",
        [],
        |row| Ok(vec![(MessageState::Queued, row::whole(row, 0)?), (MessageState::Leased, row::whole(row, 1)?)]),
    )?;
    Ok(found.unwrap_or_default())
}

fn read(row: &Row<'_>) -> Result<Message, Error> {
    read_from(row, 0)
}

fn read_from(row: &Row<'_>, column: usize) -> Result<Message, Error> {
    let name = row.get_ref(column + 1)?.as_str().map_err(rusqlite::Error::from)?;
    let state = MessageState::ALL.into_iter().find(|state| state.name() == name);
    let unknown = || Error::Damaged("a message is in a state that does not exist".to_owned());
    Ok(Message {
        version: row.get(column)?,
        state: state.ok_or_else(unknown)?,
        due_at: row.get::<_, Option<i64>>(column + 2)?.map(Timestamp::from_ms),
        ..row::from_body(row, column + 3)?
    })
}
