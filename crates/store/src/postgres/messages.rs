//! The table `message`, which is the outbox too.
//!
//! `due_at` is on the clock of the rules, `leased_until` on the one that nobody moves; the two are never compared. A state
//! in the condition of a query is written out, since only then the small index of that state is taken.

use super::{
    Postgres,
    periods::patience,
    row,
    statement::{Statement, values},
};
use crate::{Error, group::Claim};
use countersign_model::{Message, MessageId, TenantId, Timestamp, VerificationId, message::MessageState};
use tokio_postgres::Row;

pub(super) fn insert(message: &Message, leased_until: Option<Timestamp>) -> Result<Statement, Error> {
    Ok(Statement::row(
        "INSERT INTO message (tenant, id, verification, version, channel, state, due_at, leased_until, updated_at, body)
         SELECT tenant, id, verification, 1, channel, state, due_at, leased_until, updated_at, body
         FROM unnest($1::bytea[], $2::bytea[], $3::bytea[], $4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::bigint[],
                 $9::text[])
             AS new (tenant, id, verification, channel, state, due_at, leased_until, updated_at, body)",
        values![
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
    ))
}

/// The end of the lease stays as it is: it means nothing in another state, and a message that stays leased keeps it.
pub(super) fn update(message: &Message) -> Result<Statement, Error> {
    Ok(Statement::row(
        "UPDATE message SET version = message.version + 1, state = new.state, due_at = new.due_at,
             updated_at = new.updated_at, provider = new.provider, reference = new.reference, body = new.body
         FROM unnest($1::bytea[], $2::bytea[], $3::bigint[], $4::text[], $5::bigint[], $6::bigint[], $7::text[], $8::text[],
                 $9::text[]) AS new (tenant, id, version, state, due_at, updated_at, provider, reference, body)
         WHERE message.tenant = new.tenant AND message.id = new.id AND message.version = new.version",
        values![
            message.tenant.to_bytes(),
            message.id.to_bytes(),
            message.version,
            message.state.name(),
            message.due_at.map(Timestamp::as_ms),
            message.updated_at.as_ms(),
            message.provider.as_deref(),
            message.reference.as_deref(),
            row::to_body(message)?
        ],
    ))
}

/// Forgets texts of callers' own that were done with before and leave with no period.
pub(super) fn purge_texts(before: Timestamp, limit: u32) -> Statement {
    Statement::any(
        concat!(
            "WITH early AS MATERIALIZED
                 (SELECT tenant, id FROM message_before WHERE verification IS NULL AND updated_at < $1
                  AND state NOT IN ('queued', 'leased') ORDER BY updated_at LIMIT $2 FOR UPDATE SKIP LOCKED),
             late AS MATERIALIZED
                 (SELECT tenant, id FROM message WHERE verification IS NULL AND updated_at < $1 - ",
            patience!(),
            " AND state NOT IN ('queued', 'leased') ORDER BY updated_at LIMIT $2 FOR UPDATE SKIP LOCKED)
             DELETE FROM message WHERE (tenant, id) IN (SELECT * FROM early UNION SELECT * FROM late LIMIT $2)"
        ),
        values![before.as_ms(), limit],
    )
}

/// Leases what is due, and passes over what another node is looking at just now. The same limit inside and outside: of each kind
/// no more than could be taken is looked at.
pub(super) const CLAIM: &str = "
    WITH waiting AS MATERIALIZED
        (SELECT tenant, id, due_at, place FROM message WHERE state = 'queued' AND channel = $5 AND due_at <= $1
         ORDER BY due_at, place LIMIT $3 FOR UPDATE SKIP LOCKED),
    abandoned AS MATERIALIZED
        (SELECT tenant, id, due_at, place FROM message WHERE state = 'leased' AND channel = $5 AND leased_until <= $2
         ORDER BY leased_until, place LIMIT $3 FOR UPDATE SKIP LOCKED),
    taken AS (SELECT * FROM waiting UNION ALL SELECT * FROM abandoned ORDER BY due_at, place LIMIT $3)
    UPDATE message SET version = message.version + 1, state = 'leased', leased_until = $4
    FROM taken WHERE message.tenant = taken.tenant AND message.id = taken.id
    RETURNING message.version, message.state, message.due_at, message.body, message.place";

pub(super) fn claim(claim: &Claim) -> Statement {
    Statement::any(
        CLAIM,
        values![claim.now.as_ms(), claim.wall.as_ms(), claim.limit, claim.lease_until.as_ms(), claim.channel.name()],
    )
}

/// What was taken, the longest due first.
pub(super) fn claimed(rows: &[Row]) -> Result<Vec<Message>, Error> {
    let with_place = |row| Ok::<_, Error>((row::get::<i64>(row, 4)?, read(row)?));
    let mut taken = rows.iter().map(with_place).collect::<Result<Vec<_>, _>>()?;
    taken.sort_by_key(|(place, message)| (message.due_at, *place));
    Ok(taken.into_iter().map(|(_, message)| message).collect())
}

pub(crate) async fn with_id(database: &Postgres, tenant: TenantId, id: MessageId) -> Result<Option<Message>, Error> {
    row::one(
        database,
        "SELECT version, state, due_at, body FROM message WHERE tenant = $1 AND id = $2",
        values![tenant.to_bytes(), id.to_bytes()],
        read,
    )
    .await
}

/// Of any tenant: a provider knows none.
pub(crate) async fn with_reference(
    database: &Postgres,
    provider: &str,
    reference: &str,
) -> Result<Option<Message>, Error> {
    row::one(
        database,
        "SELECT version, state, due_at, body FROM message WHERE provider = $1 AND reference = $2
         ORDER BY place DESC LIMIT 1",
        values![provider, reference],
        read,
    )
    .await
}

pub(crate) async fn of(database: &Postgres, tenant: TenantId, of: VerificationId) -> Result<Vec<Message>, Error> {
    row::many(
        database,
        "SELECT version, state, due_at, body FROM message WHERE tenant = $1 AND verification = $2 ORDER BY place",
        values![tenant.to_bytes(), of.to_bytes()],
        read,
    )
    .await
}

pub(crate) async fn overdue_receipts(database: &Postgres, now: Timestamp, limit: u32) -> Result<Vec<Message>, Error> {
    row::many(
        database,
        "SELECT version, state, due_at, body FROM message WHERE state = 'accepted' AND due_at <= $1
         ORDER BY due_at, place LIMIT $2",
        values![now.as_ms(), limit],
        read,
    )
    .await
}

/// Of verifications and callbacks too, since one sleep serves all. Each channel is written out: so each is one look into its
/// index. A channel that is missing here waits for the next nap of the jobs, which the contract notices.
pub(crate) async fn next_due(database: &Postgres) -> Result<Option<Timestamp>, Error> {
    first_moment(
        database,
        "SELECT least(
             (SELECT min(due_at) FROM message WHERE state = 'queued' AND channel = 'sms'),
             (SELECT min(due_at) FROM message WHERE state = 'queued' AND channel = 'voice'),
             (SELECT min(due_at) FROM message WHERE state = 'queued' AND channel = 'email'),
             (SELECT min(due_at) FROM message WHERE state = 'queued' AND channel = 'whatsapp'),
             (SELECT min(due_at) FROM message WHERE state = 'queued' AND channel = 'telegram'),
             (SELECT min(due_at) FROM message WHERE state = 'accepted' AND due_at IS NOT NULL),
             (SELECT min(due_at) FROM callback),
             (SELECT min(open_until) FROM verification WHERE open_until IS NOT NULL))",
    )
    .await
}

pub(crate) async fn next_lease_end(database: &Postgres) -> Result<Option<Timestamp>, Error> {
    first_moment(
        database,
        "SELECT least(
             (SELECT min(leased_until) FROM message WHERE state = 'leased' AND channel = 'sms'),
             (SELECT min(leased_until) FROM message WHERE state = 'leased' AND channel = 'voice'),
             (SELECT min(leased_until) FROM message WHERE state = 'leased' AND channel = 'email'),
             (SELECT min(leased_until) FROM message WHERE state = 'leased' AND channel = 'whatsapp'),
             (SELECT min(leased_until) FROM message WHERE state = 'leased' AND channel = 'telegram'))",
    )
    .await
}

async fn first_moment(database: &Postgres, sql: &'static str) -> Result<Option<Timestamp>, Error> {
    Ok(row::one(database, sql, vec![], |row| row::maybe_moment(row, 0)).await?.flatten())
}

pub(crate) async fn counts(database: &Postgres) -> Result<Vec<(MessageState, u64)>, Error> {
    let found = row::one(
        database,
        "SELECT (SELECT count(*) FROM message WHERE state = 'queued'),
                (SELECT count(*) FROM message WHERE state = 'leased')",
        vec![],
        |row| Ok(vec![(MessageState::Queued, row::whole(row, 0)?), (MessageState::Leased, row::whole(row, 1)?)]),
    )
    .await?;
    Ok(found.unwrap_or_default())
}

fn read(row: &Row) -> Result<Message, Error> {
    let name: &str = row::get(row, 1)?;
    let state = MessageState::ALL.into_iter().find(|state| state.name() == name);
    let unknown = || Error::Damaged("a message is in a state that does not exist".to_owned());
    Ok(Message {
        version: row::small(row, 0)?,
        state: state.ok_or_else(unknown)?,
        due_at: row::maybe_moment(row, 2)?,
        ..row::from_body(row, 3)?
    })
}
