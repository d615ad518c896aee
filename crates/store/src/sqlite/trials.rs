//! The table `trial`. How many of each kind a day has stands in `trial_count` ([`trial_counts`]), so that no list and no sum has to read
//! a million rows: a list over many kinds is put together from the newest of each, which an index has in order, from the day on in
//! which the wanted part begins.

use super::{row, trial_counts};
use crate::{
    Error, Page, Slice, TrialFilter, TrialTotals,
    trial_days::{Days, Kind},
};
use countersign_model::{BlindIndex, Channel, MessageId, ServiceId, TenantId, Timestamp, Trial, VerificationId};
use rusqlite::{Connection, Row, params, params_from_iter, types::Value};

/// In the order of [`read`].
macro_rules! columns {
    () => {
        "tenant, id, verification, service, to_index, channel, country, successful, price_e4, currency, updated_at"
    };
}

pub(super) fn insert(connection: &Connection, trial: &Trial) -> Result<(), Error> {
    row::change_one(
        connection,
        "INSERT INTO trial (tenant, id, verification, service, to_index, channel, country, successful, made_at, price_e4,
             currency, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        params![
            trial.tenant.to_bytes(),
            trial.id.to_bytes(),
            trial.verification.to_bytes(),
            trial.service.to_bytes(),
            trial.to.0,
            trial.channel.name(),
            trial.country.as_deref().unwrap_or_default(),
            trial.successful,
            trial.made_at().as_ms(),
            trial.price_e4,
            trial.currency,
            trial.updated_at.as_ms()
        ],
    )?;
    trial_counts::add(connection, trial.tenant, &Kind::of(trial), trial.made_at().as_ms(), 1)
}

/// The trial's code was accepted. Asserts that it is there, and was not accepted before.
pub(super) fn succeed(connection: &Connection, tenant: TenantId, id: MessageId, at: Timestamp) -> Result<(), Error> {
    let trial = with_id(connection, tenant, id)?.filter(|trial| !trial.successful).ok_or(Error::Conflict)?;
    row::change_one(
        connection,
        "UPDATE trial SET successful = 1, updated_at = ?3 WHERE tenant = ?1 AND id = ?2",
        params![tenant.to_bytes(), id.to_bytes(), at.as_ms()],
    )?;
    let (before, made_at) = (Kind::of(&trial), trial.made_at().as_ms());
    trial_counts::add(connection, tenant, &before, made_at, -1)?;
    trial_counts::add(connection, tenant, &Kind { successful: true, ..before }, made_at, 1)
}

pub(super) fn delete_of(connection: &Connection, tenant: TenantId, of: VerificationId) -> Result<(), Error> {
    let gone = row::many(
        connection,
        concat!("DELETE FROM trial WHERE tenant = ?1 AND verification = ?2 RETURNING ", columns!()),
        params![tenant.to_bytes(), of.to_bytes()],
        read,
    )?;
    gone.iter()
        .try_for_each(|trial| trial_counts::add(connection, tenant, &Kind::of(trial), trial.made_at().as_ms(), -1))
}

pub(crate) fn with_id(connection: &Connection, tenant: TenantId, id: MessageId) -> Result<Option<Trial>, Error> {
    row::one(
        connection,
        concat!("SELECT ", columns!(), " FROM trial WHERE tenant = ?1 AND id = ?2"),
        params![tenant.to_bytes(), id.to_bytes()],
        read,
    )
}

pub(crate) fn totals(connection: &Connection, tenant: TenantId, filter: &TrialFilter) -> Result<TrialTotals, Error> {
    let mut totals = TrialTotals::default();
    let mut add = |successful: bool, count: u64| {
        *(if successful { &mut totals.successful } else { &mut totals.unsuccessful }) += count;
    };
    if filter.is_narrow() {
        let (conditions, values) = conditions(tenant, filter);
        let sql = format!("SELECT successful, count(*) FROM trial WHERE {conditions} GROUP BY successful");
        let found =
            row::many(connection, &sql, params_from_iter(values), |row| Ok((row.get(0)?, row::whole(row, 1)?)))?;
        for (successful, count) in found {
            add(successful, count);
        }
    } else {
        for (kind, count) in trial_counts::days(connection, tenant, filter)?.kinds() {
            add(kind.successful, *count);
        }
    }
    Ok(totals)
}

/// The newest first; of one millisecond the one that was written last.
pub(crate) fn of(
    connection: &Connection,
    tenant: TenantId,
    filter: &TrialFilter,
    slice: Slice,
) -> Result<Page<Trial>, Error> {
    if filter.is_narrow() {
        let (conditions, mut values) = conditions(tenant, filter);
        let total = totals(connection, tenant, filter)?.all();
        let sql = format!(
            "SELECT {} FROM trial WHERE {conditions} ORDER BY made_at DESC, place DESC LIMIT ? OFFSET ?",
            columns!()
        );
        values.extend([Value::from(slice.take), Value::from(slice.skip_for_sql())]);
        return Ok(Page { total, items: row::many(connection, &sql, params_from_iter(values), read)? });
    }
    let days = trial_counts::days(connection, tenant, filter)?;
    let places = places(connection, tenant, filter, &days, slice)?;
    let mut items = Vec::with_capacity(places.len());
    for place in places {
        let sql = concat!("SELECT ", columns!(), " FROM trial WHERE place = ?1");
        items.extend(row::one(connection, sql, [place], read)?);
    }
    Ok(Page { total: days.total(), items })
}

/// How many of a kind were made between two moments: for a day of which only a part is wanted.
pub(super) fn count_between(
    connection: &Connection,
    tenant: TenantId,
    kind: &Kind,
    (from, until): (i64, i64),
) -> Result<u64, Error> {
    let found = row::one(
        connection,
        "SELECT count(*) FROM trial WHERE tenant = ?1 AND service = ?2 AND channel = ?3 AND country = ?4 AND successful = ?5
             AND made_at >= ?6 AND made_at < ?7",
        params![tenant.to_bytes(), kind.service, kind.channel, kind.country, kind.successful, from, until],
        |row| row::whole(row, 0),
    )?;
    Ok(found.unwrap_or(0))
}

/// Where the rows of a part of the list are.
fn places(
    connection: &Connection,
    tenant: TenantId,
    filter: &TrialFilter,
    days: &Days,
    slice: Slice,
) -> Result<Vec<i64>, Error> {
    let Some(part) = days.part(filter, slice) else { return Ok(Vec::new()) };
    let reach = part.skip.saturating_add(slice.take.into());
    let mut newest = Vec::new();
    for kind in part.kinds {
        newest.extend(row::many(
            connection,
            "SELECT made_at, place FROM trial WHERE tenant = ?1 AND service = ?2 AND channel = ?3 AND country = ?4
                 AND successful = ?5 AND made_at >= ?6 AND made_at < ?7
             ORDER BY made_at DESC, place DESC LIMIT ?8",
            params![
                tenant.to_bytes(),
                kind.service,
                kind.channel,
                kind.country,
                kind.successful,
                filter.first_ms(),
                part.until_ms,
                i64::try_from(reach).unwrap_or(i64::MAX)
            ],
            |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)),
        )?);
    }
    newest.sort_unstable_by(|one, other| other.cmp(one));
    let skip = usize::try_from(part.skip).unwrap_or(usize::MAX);
    let take = usize::try_from(slice.take).unwrap_or(usize::MAX);
    Ok(newest.into_iter().skip(skip).take(take).map(|(_, place)| place).collect())
}

/// For filters that leave few rows by themselves.
fn conditions(tenant: TenantId, filter: &TrialFilter) -> (String, Vec<Value>) {
    let mut conditions = "tenant = ? AND made_at >= ? AND made_at < ?".to_owned();
    let mut values = vec![Value::from(tenant.to_bytes().to_vec())];
    values.extend([Value::from(filter.first_ms()), Value::from(filter.end_ms())]);
    let bytes = |bytes: &[u8]| Value::from(bytes.to_vec());
    let optional = [
        ("verification", filter.verification.map(|id| bytes(&id.to_bytes()))),
        ("to_index", filter.to.map(|to| bytes(&to.0))),
        ("service", filter.service.map(|id| bytes(&id.to_bytes()))),
        ("channel", filter.channel.map(|channel| Value::from(channel.name().to_owned()))),
        ("country", filter.country.clone().map(Value::from)),
        ("successful", filter.successful.map(Value::from)),
    ];
    for (column, value) in optional.into_iter().filter_map(|(column, value)| Some((column, value?))) {
        conditions.extend([" AND ", column, " = ?"]);
        values.push(value);
    }
    (conditions, values)
}

fn read(row: &Row<'_>) -> Result<Trial, Error> {
    let channel = row.get_ref(5)?.as_str().map_err(rusqlite::Error::from)?;
    let unknown = || Error::Damaged("a trial has a channel that does not exist".to_owned());
    Ok(Trial {
        tenant: TenantId::from_bytes(row.get(0)?),
        id: MessageId::from_bytes(row.get(1)?),
        verification: VerificationId::from_bytes(row.get(2)?),
        service: ServiceId::from_bytes(row.get(3)?),
        to: BlindIndex(row.get(4)?),
        channel: Channel::parse(channel).ok_or_else(unknown)?,
        country: Some(row.get::<_, String>(6)?).filter(|country| !country.is_empty()),
        successful: row.get(7)?,
        price_e4: row.get(8)?,
        currency: row.get(9)?,
        updated_at: Timestamp::from_ms(row.get(10)?),
    })
}
