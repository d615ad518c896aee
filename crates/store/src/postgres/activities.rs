//! The table `activity`.

use super::{
    Postgres,
    periods::patience,
    row,
    statement::{Statement, values},
};
use crate::{ActivityFilter, Cursor, Error};
use countersign_model::{Activity, TenantId, Timestamp};

pub(super) fn insert(activity: &Activity) -> Result<Statement, Error> {
    Ok(Statement::row(
        "INSERT INTO activity (tenant, id, at, kind, body)
         SELECT * FROM unnest($1::bytea[], $2::bytea[], $3::bigint[], $4::text[], $5::text[])",
        values![
            activity.tenant.to_bytes(),
            activity.id.to_bytes(),
            activity.at.as_ms(),
            row::to_body(&activity.kind)?.trim_matches('"'),
            row::to_body(activity)?
        ],
    ))
}

/// Forgets what was done before and leaves with no period.
pub(super) fn purge(before: Timestamp, limit: u32) -> Statement {
    Statement::any(
        concat!(
            "WITH early AS MATERIALIZED
                 (SELECT tenant, id FROM activity_before WHERE at < $1 ORDER BY at LIMIT $2 FOR UPDATE SKIP LOCKED),
             late AS MATERIALIZED
                 (SELECT tenant, id FROM activity WHERE at < $1 - ",
            patience!(),
            " ORDER BY at LIMIT $2 FOR UPDATE SKIP LOCKED)
             DELETE FROM activity WHERE (tenant, id) IN (SELECT * FROM early UNION SELECT * FROM late LIMIT $2)"
        ),
        values![before.as_ms(), limit],
    )
}

pub(crate) async fn newest(
    database: &Postgres,
    tenant: TenantId,
    filter: &ActivityFilter,
) -> Result<Vec<(Cursor, Activity)>, Error> {
    let before = filter.before.unwrap_or(Cursor { at: filter.until, place: 0 });
    row::many(
        database,
        "SELECT place, body FROM activity
         WHERE tenant = $1 AND at >= $2 AND (at, place) < ($3, $4)
             AND kind IN (SELECT json_array_elements_text($5::text::json))
         ORDER BY at DESC, place DESC LIMIT $6",
        values![
            tenant.to_bytes(),
            filter.from.as_ms(),
            before.at.as_ms(),
            before.place,
            row::to_body(&filter.kinds)?,
            filter.limit
        ],
        |row| {
            let activity: Activity = row::from_body(row, 1)?;
            Ok((Cursor { at: activity.at, place: row::get(row, 0)? }, activity))
        },
    )
    .await
}
