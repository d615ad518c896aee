//! The table `activity`.

use super::row;
use crate::{ActivityFilter, Cursor, Error};
use countersign_model::{Activity, TenantId, Timestamp};
use rusqlite::{Connection, params};

pub(super) fn insert(connection: &Connection, activity: &Activity) -> Result<(), Error> {
    row::change_one(
        connection,
        "INSERT INTO activity (tenant, id, at, kind, body) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![
            activity.tenant.to_bytes(),
            activity.id.to_bytes(),
            activity.at.as_ms(),
            row::to_body(&activity.kind)?.trim_matches('"'),
            row::to_body(activity)?
        ],
    )
}

pub(super) fn purge(connection: &Connection, before: Timestamp, limit: u32) -> Result<(), Error> {
    row::change(
        connection,
        "DELETE FROM activity WHERE place IN (SELECT place FROM activity WHERE at < ?1 ORDER BY at LIMIT ?2)",
        params![before.as_ms(), limit],
    )?;
    Ok(())
}

pub(crate) fn newest(
    connection: &Connection,
    tenant: TenantId,
    filter: &ActivityFilter,
) -> Result<Vec<(Cursor, Activity)>, Error> {
    let before = filter.before.unwrap_or(Cursor { at: filter.until, place: 0 });
    row::many(
        connection,
        "SELECT place, body FROM activity
         WHERE tenant = ?1 AND at >= ?2 AND (at, place) < (?3, ?4) AND kind IN (SELECT value FROM json_each(?5))
         ORDER BY at DESC, place DESC LIMIT ?6",
        params![
            tenant.to_bytes(),
            filter.from.as_ms(),
            before.at.as_ms(),
            before.place,
            row::to_body(&filter.kinds)?,
            filter.limit
        ],
        |row| {
            let activity: Activity = row::from_body(row, 1)?;
            Ok((Cursor { at: activity.at, place: row.get(0)? }, activity))
        },
    )
}
