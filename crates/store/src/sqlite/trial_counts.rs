//! The table `trial_count`: how many trials of each kind a day has. It is written together with the table `trial`, and never says
//! anything else than counting that one would.

use super::{row, trials};
use crate::{Error, TrialFilter};
use countersign_model::{TenantId, Trial};
use rusqlite::{Connection, params, params_from_iter, types::Value};
use std::collections::BTreeMap;

pub(super) const DAY_MS: i64 = 86_400_000;

/// What trials can have in common but for their time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Kind {
    pub service: [u8; 16],
    pub channel: String,
    pub country: String,
    pub successful: bool,
}

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

/// How many of each kind each day has, of what the filter lets through. A day of which it takes only a part is counted anew.
pub(super) type Days = BTreeMap<i64, Vec<(Kind, u64)>>;

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
    if let Some(from) = filter.from {
        and(" AND day >= ?", Value::from(from.as_ms().div_euclid(DAY_MS)));
    }
    if let Some(until) = filter.until {
        and(" AND day <= ?", Value::from(until.as_ms().saturating_sub(1).div_euclid(DAY_MS)));
    }
    let sql = format!("SELECT day, service, channel, country, successful, count FROM trial_count WHERE {conditions}");
    let found = row::many(connection, &sql, params_from_iter(values), |row| {
        let kind = Kind { service: row.get(1)?, channel: row.get(2)?, country: row.get(3)?, successful: row.get(4)? };
        Ok((row.get::<_, i64>(0)?, kind, row::whole(row, 5)?))
    })?;
    let mut days = Days::new();
    for (day, kind, whole) in found {
        let (from, until) = (day.saturating_mul(DAY_MS), (day + 1).saturating_mul(DAY_MS));
        let (wanted_from, wanted_until) = (filter.first_ms().max(from), filter.end_ms().min(until));
        let count = if (wanted_from, wanted_until) == (from, until) {
            whole
        } else {
            trials::count_between(connection, tenant, &kind, (wanted_from, wanted_until))?
        };
        if count > 0 {
            days.entry(day).or_default().push((kind, count));
        }
    }
    Ok(days)
}

impl Kind {
    pub(super) fn of(trial: &Trial) -> Self {
        Self {
            service: trial.service.to_bytes(),
            channel: trial.channel.name().to_owned(),
            country: trial.country.clone().unwrap_or_default(),
            successful: trial.successful,
        }
    }
}
