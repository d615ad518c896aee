//! The table `verification`.

use super::{
    Postgres,
    periods::patience,
    row,
    statement::{Statement, values},
    trial_counts::add_counts,
};
use crate::{
    Error, Page, Slice,
    verification_columns::{checkable_until, open_until},
};
use countersign_model::{BlindIndex, ServiceId, TenantId, Timestamp, Verification, VerificationId};
use tokio_postgres::Row;

pub(super) fn insert(verification: &Verification) -> Result<Statement, Error> {
    Ok(Statement::row(
        "INSERT INTO verification
             (tenant, id, service, to_index, version, open_until, checkable_until, decided_at, body, link)
         SELECT tenant, id, service, to_index, 1, open_until, checkable_until, decided_at, body, link
         FROM unnest($1::bytea[], $2::bytea[], $3::bytea[], $4::bytea[], $5::bigint[], $6::bigint[], $7::bigint[],
                 $8::text[], $9::bytea[])
             AS new (tenant, id, service, to_index, open_until, checkable_until, decided_at, body, link)",
        values![
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
    ))
}

pub(super) fn update(verification: &Verification) -> Result<Statement, Error> {
    Ok(Statement::row(
        "UPDATE verification SET version = verification.version + 1, open_until = new.open_until,
             checkable_until = new.checkable_until, decided_at = new.decided_at, body = new.body
         FROM unnest($1::bytea[], $2::bytea[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::text[])
             AS new (tenant, id, version, open_until, checkable_until, decided_at, body)
         WHERE verification.tenant = new.tenant AND verification.id = new.id AND verification.version = new.version",
        values![
            verification.tenant.to_bytes(),
            verification.id.to_bytes(),
            verification.version,
            open_until(verification),
            checkable_until(verification),
            verification.decided_at.map(Timestamp::as_ms),
            row::to_body(verification)?
        ],
    ))
}

/// The row stays as it is until the commit, so that whoever changes it writes after this batch what it writes.
pub(super) fn assert(tenant: TenantId, id: VerificationId, version: u32) -> Statement {
    Statement::row(
        "SELECT 1 FROM verification JOIN unnest($1::bytea[], $2::bytea[], $3::bigint[]) AS read (tenant, id, version)
             ON verification.tenant = read.tenant AND verification.id = read.id AND verification.version = read.version
         FOR SHARE OF verification",
        values![tenant.to_bytes(), id.to_bytes(), version],
    )
}

/// Deletes those that ended before a moment and leave with no period ([`periods`](super::periods)), and in the same statement what
/// belongs to them in other tables: between nodes nobody else knows which they were. What another node is deleting at this
/// moment is passed over.
pub(super) fn purge(before: Timestamp, limit: u32) -> Statement {
    Statement::any(
        concat!(
            "WITH early AS MATERIALIZED
                 (SELECT tenant, id FROM verification_before WHERE decided_at < $1 ORDER BY decided_at LIMIT $2
                  FOR UPDATE SKIP LOCKED),
             late AS MATERIALIZED
                 (SELECT tenant, id FROM verification WHERE decided_at < $1 - ",
            patience!(),
            " ORDER BY decided_at LIMIT $2 FOR UPDATE SKIP LOCKED),
             gone AS MATERIALIZED
                 (DELETE FROM verification WHERE (tenant, id) IN
                      (SELECT * FROM early UNION SELECT * FROM late LIMIT $2)
                  RETURNING tenant, id),
             messages AS
                 (DELETE FROM message USING gone WHERE message.tenant = gone.tenant AND message.verification = gone.id),
             trials AS
                 (DELETE FROM trial USING gone WHERE trial.tenant = gone.tenant AND trial.verification = gone.id
                  RETURNING trial.*),
             counted AS (",
            add_counts!("SELECT *, -1 AS change FROM trials"),
            ") DELETE FROM event USING gone WHERE event.tenant = gone.tenant AND event.verification = gone.id"
        ),
        values![before.as_ms(), limit],
    )
}

pub(crate) async fn with_id(
    database: &Postgres,
    tenant: TenantId,
    id: VerificationId,
) -> Result<Option<Verification>, Error> {
    row::one(
        database,
        "SELECT version, body FROM verification WHERE tenant = $1 AND id = $2",
        values![tenant.to_bytes(), id.to_bytes()],
        read,
    )
    .await
}

/// Of any tenant: a link knows none.
pub(crate) async fn with_link(database: &Postgres, link: BlindIndex) -> Result<Option<Verification>, Error> {
    row::one(database, "SELECT version, body FROM verification WHERE link = $1", values![link.0], read).await
}

pub(crate) async fn latest(
    database: &Postgres,
    tenant: TenantId,
    service: ServiceId,
    to: BlindIndex,
) -> Result<Option<Verification>, Error> {
    row::one(
        database,
        "SELECT version, body FROM verification
         WHERE substr(to_index, 1, 8) = substr($3::bytea, 1, 8) AND to_index = $3 AND tenant = $1 AND service = $2
         ORDER BY place DESC LIMIT 1",
        values![tenant.to_bytes(), service.to_bytes(), to.0],
        read,
    )
    .await
}

/// Few: a pending one has an end, and the job writes it down soon after.
pub(crate) async fn pending(
    database: &Postgres,
    tenant: TenantId,
    service: ServiceId,
    to: BlindIndex,
) -> Result<Vec<Verification>, Error> {
    row::many(
        database,
        "SELECT version, body FROM verification
         WHERE substr(to_index, 1, 8) = substr($3::bytea, 1, 8) AND to_index = $3 AND tenant = $1 AND service = $2
             AND decided_at IS NULL ORDER BY place",
        values![tenant.to_bytes(), service.to_bytes(), to.0],
        read,
    )
    .await
}

/// The expression in the order is the index's.
pub(crate) async fn checkable(
    database: &Postgres,
    tenant: TenantId,
    service: ServiceId,
    now: Timestamp,
    slice: Slice,
) -> Result<Page<Verification>, Error> {
    let (tenant, service, now) = (tenant.to_bytes(), service.to_bytes(), now.as_ms());
    let items = row::many(
        database,
        "SELECT version, body FROM verification
         WHERE tenant = $1 AND service = $2 AND checkable_until IS NOT NULL AND checkable_until > $3
         ORDER BY substr(id, 1, 6) DESC, place DESC LIMIT $4 OFFSET $5",
        values![tenant, service, now, slice.take, slice.skip_for_sql()],
        read,
    );
    let total = row::one(
        database,
        "SELECT count(*) FROM verification
         WHERE tenant = $1 AND service = $2 AND checkable_until IS NOT NULL AND checkable_until > $3",
        values![tenant, service, now],
        |row| row::whole(row, 0),
    );
    let (items, total) = tokio::try_join!(items, total)?;
    Ok(Page { total: total.unwrap_or(0), items })
}

pub(crate) async fn overdue(database: &Postgres, now: Timestamp, limit: u32) -> Result<Vec<Verification>, Error> {
    row::many(
        database,
        "SELECT version, body FROM verification WHERE open_until <= $1 ORDER BY open_until, place LIMIT $2",
        values![now.as_ms(), limit],
        read,
    )
    .await
}

/// Whether anything is left that a purge would take one by one: an answer, a verification, or a text of a caller's own.
pub(crate) async fn is_more_to_purge(database: &Postgres, answers: Timestamp, ended: Timestamp) -> Result<bool, Error> {
    let found = row::one(
        database,
        concat!(
            "SELECT EXISTS (SELECT 1 FROM answer WHERE created_at < $1)
                 OR EXISTS (SELECT 1 FROM verification_before WHERE decided_at < $2)
                 OR EXISTS (SELECT 1 FROM verification WHERE decided_at < $2 - ",
            patience!(),
            ") OR EXISTS (SELECT 1 FROM message_before WHERE verification IS NULL AND updated_at < $2
                        AND state NOT IN ('queued', 'leased'))
                 OR EXISTS (SELECT 1 FROM message WHERE verification IS NULL AND updated_at < $2 - ",
            patience!(),
            " AND state NOT IN ('queued', 'leased'))"
        ),
        values![answers.as_ms(), ended.as_ms()],
        |row| row::get(row, 0),
    )
    .await?;
    Ok(found.unwrap_or(false))
}

fn read(row: &Row) -> Result<Verification, Error> {
    Ok(Verification { version: row::small(row, 0)?, ..row::from_body(row, 1)? })
}
