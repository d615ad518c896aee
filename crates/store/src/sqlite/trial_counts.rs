//! The table `trial_count`: how many trials of each kind a day has. It is written together with the table `trial`, and never says
//! anything else than counting that one would.

use super::{row, trials};
use crate::{
    Error, TrialFilter,
    trial_days::{DAY_MS, Days, Kind, part_of_day},
};
use countersign_model::TenantId;
use rusqlite::{Connection, params, params_from_iter, types::Value};

/// So many more of a kind on the day of that moment.
pub(super) fn add(
    connection: &Connection,
    tenant: TenantId,
    kind: &Kind,
    made_at_ms: i64,
    change: i64,
) -> Result<(), Error> {
    row::change_one(
        connection,
        "INSERT INTO trial_count (tenant, service, day, channel, country, successful, count)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT DO UPDATE SET count = count + ?7",
        params![
            tenant.to_bytes(),
            kind.service,
            made_at_ms.div_euclid(DAY_MS),
            kind.channel,
            kind.country,
            kind.successful,
            change
        ],
    )
}

/// Of what the filter lets through. A day of which it takes only a part is counted anew.
pub(super) fn days(connection: &Connection, tenant: TenantId, filter: &TrialFilter) -> Result<Days, Error> {
    let mut conditions = "tenant = ? AND count > 0".to_owned();
    let mut values = vec![Value::from(tenant.to_bytes().to_vec())];
    let mut and = |condition: &str, value: Value| {
        conditions += condition;
        values.push(value);
    };
    if let Some(service) = filter.service {
        and(" AND service = ?", Value::from(service.to_bytes().to_vec()));
    }
    if let Some(channel) = filter.channel {
        and(" AND channel = ?", Value::from(channel.name().to_owned()));
    }
    if let Some(country) = &filter.country {
        and(" AND country = ?", Value::from(country.clone()));
    }
    if let Some(successful) = filter.successful {
        and(" AND successful = ?", Value::from(successful));
    }
    and(" AND day >= ?", Value::from(filter.first_day()));
    and(" AND day <= ?", Value::from(filter.last_day()));
    let sql = format!("SELECT day, service, channel, country, successful, count FROM trial_count WHERE {conditions}");
    let found = row::many(connection, &sql, params_from_iter(values), |row| {
        let kind = Kind { service: row.get(1)?, channel: row.get(2)?, country: row.get(3)?, successful: row.get(4)? };
        Ok((row.get::<_, i64>(0)?, kind, row::whole(row, 5)?))
    })?;
    let mut days = Days::default();
    for (day, kind, whole) in found {
        let count = match part_of_day(filter, day) {
            None => whole,
            Some(part) => trials::count_between(connection, tenant, &kind, part)?,
        };
        days.add(day, kind, count);
    }
    Ok(days)
}
