//! The table `mfa_session`.

use super::{
    Postgres, row,
    statement::{Statement, values},
};
use crate::Error;
use countersign_model::{BlindIndex, MfaSession, Timestamp};

pub(super) fn put(session: &MfaSession) -> Result<Statement, Error> {
    let (id, tenant, ends_at) = (session.id.0, session.tenant.to_bytes(), session.ends_at.as_ms());
    let body = row::to_body(session)?;
    Ok(if session.version == 0 {
        Statement::row(
            "INSERT INTO mfa_session (id, tenant, ends_at, version, body)
             SELECT id, tenant, ends_at, 1, body FROM unnest($1::bytea[], $2::bytea[], $3::bigint[], $4::text[])
                 AS new (id, tenant, ends_at, body)
             ON CONFLICT DO NOTHING",
            values![id, tenant, ends_at, body],
        )
    } else {
        Statement::row(
            "UPDATE mfa_session SET version = mfa_session.version + 1, ends_at = new.ends_at, body = new.body
             FROM unnest($1::bytea[], $2::bytea[], $3::bigint[], $4::text[], $5::bigint[])
                 AS new (id, tenant, ends_at, body, version)
             WHERE mfa_session.id = new.id AND mfa_session.tenant = new.tenant AND mfa_session.version = new.version",
            values![id, tenant, ends_at, body, session.version],
        )
    })
}

pub(super) fn purge(before: Timestamp, limit: u32) -> Statement {
    Statement::any(
        "DELETE FROM mfa_session WHERE id IN
             (SELECT id FROM mfa_session WHERE ends_at <= $1 ORDER BY ends_at LIMIT $2 FOR UPDATE SKIP LOCKED)",
        values![before.as_ms(), limit],
    )
}

pub(crate) async fn with_id(database: &Postgres, id: BlindIndex) -> Result<Option<MfaSession>, Error> {
    row::one(database, "SELECT version, body FROM mfa_session WHERE id = $1", values![id.0], |row| {
        Ok(MfaSession { id, version: row::small(row, 0)?, ..row::from_body(row, 1)? })
    })
    .await
}
