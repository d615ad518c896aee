//! The table `answer`: no JSON, since every part of it is bytes.

use super::row;
use crate::{Answer, Error};
use countersign_model::{Sealed, TenantId, Timestamp};
use rusqlite::{Connection, params};

pub(super) fn insert(connection: &Connection, answer: &Answer) -> Result<(), Error> {
    row::change_one(
        connection,
        "INSERT INTO answer (tenant, key, request, key_version, outcome, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            answer.tenant.to_bytes(),
            answer.key,
            answer.request,
            answer.outcome.key_version,
            answer.outcome.bytes,
            answer.created_at.as_ms()
        ],
    )
}

pub(super) fn purge(connection: &Connection, before: Timestamp, limit: u32) -> Result<(), Error> {
    row::change(
        connection,
        "DELETE FROM answer WHERE place IN
             (SELECT place FROM answer WHERE created_at < ?1 ORDER BY created_at LIMIT ?2)",
        params![before.as_ms(), limit],
    )?;
    Ok(())
}

pub(crate) fn find(connection: &Connection, tenant: TenantId, key: &[u8; 32]) -> Result<Option<Answer>, Error> {
    row::one(
        connection,
        "SELECT request, key_version, outcome, created_at FROM answer WHERE tenant = ?1 AND key = ?2",
        params![tenant.to_bytes(), key],
        |row| {
            Ok(Answer {
                tenant,
                key: *key,
                request: row.get(0)?,
                outcome: Sealed { key_version: row.get(1)?, bytes: row.get(2)? },
                created_at: Timestamp::from_ms(row.get(3)?),
            })
        },
    )
}
