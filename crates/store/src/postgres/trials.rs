//! The table `trial`, and beside it `trial_count` ([`trial_counts`](super::trial_counts)), which the same statements keep true.
//! How a list is put together from the counts is told in `trial_days.rs` of the store.

use super::{
    Postgres, row,
    statement::{Statement, Value, values},
    trial_counts::{self, add_counts},
};
use crate::{
    Error, Page, Slice, TrialFilter, TrialTotals,
    trial_days::{DAY_MS, Kind},
};
use countersign_model::{BlindIndex, Channel, MessageId, ServiceId, TenantId, Timestamp, Trial, VerificationId};
use tokio_postgres::Row;

/// In the order of [`read`].
macro_rules! columns {
    () => {
        "tenant, id, verification, service, to_index, channel, country, successful, price_e4, currency, updated_at"
    };
}

/// For filters that leave few rows by themselves, in the order of [`narrow_values`].
macro_rules! narrow {
    ($key:literal) => {
        concat!(
            "tenant = $1 AND ",
            $key,
            " = $2 AND made_at >= $3 AND made_at < $4 AND ($5::bytea IS NULL OR to_index = $5)
             AND ($6::bytea IS NULL OR service = $6) AND ($7::text IS NULL OR channel = $7)
             AND ($8::text IS NULL OR country = $8) AND ($9::bigint IS NULL OR successful = $9)"
        )
    };
}

pub(super) fn insert(trial: &Trial) -> Statement {
    Statement::row(
        concat!(
            "WITH changed AS
                 (INSERT INTO trial (tenant, id, verification, service, to_index, channel, country, successful, made_at,
                      price_e4, currency, updated_at)
                  SELECT * FROM unnest($1::bytea[], $2::bytea[], $3::bytea[], $4::bytea[], $5::bytea[], $6::text[], $7::text[],
                      $8::bigint[], $9::bigint[], $10::bigint[], $11::text[], $12::bigint[])
                  ON CONFLICT DO NOTHING RETURNING *),
             counted AS (",
            add_counts!("SELECT *, 1 AS change FROM changed"),
            ") SELECT 1 FROM changed"
        ),
        values![
            trial.tenant.to_bytes(),
            trial.id.to_bytes(),
            trial.verification.to_bytes(),
            trial.service.to_bytes(),
            trial.to.0,
            trial.channel.name(),
            trial.country.as_deref().unwrap_or_default(),
            i64::from(trial.successful),
            trial.made_at().as_ms(),
            trial.price_e4,
            &trial.currency,
            trial.updated_at.as_ms()
        ],
    )
}

/// The trial's code was accepted. Asserts that it is there, and was not accepted before.
pub(super) fn succeed(tenant: TenantId, id: MessageId, at: Timestamp) -> Statement {
    Statement::row(
        concat!(
            "WITH changed AS
                 (UPDATE trial SET successful = 1, updated_at = new.at
                  FROM unnest($1::bytea[], $2::bytea[], $3::bigint[]) AS new (tenant, id, at)
                  WHERE trial.tenant = new.tenant AND trial.id = new.id AND trial.successful = 0
                  RETURNING trial.tenant, trial.service, trial.made_at, trial.channel, trial.country),
             counted AS (",
            add_counts!(
                "SELECT *, 0 AS successful, -1 AS change FROM changed
                 UNION ALL SELECT *, 1 AS successful, 1 AS change FROM changed"
            ),
            ") SELECT 1 FROM changed"
        ),
        values![tenant.to_bytes(), id.to_bytes(), at.as_ms()],
    )
}

pub(crate) async fn with_id(database: &Postgres, tenant: TenantId, id: MessageId) -> Result<Option<Trial>, Error> {
    row::one(
        database,
        concat!("SELECT ", columns!(), " FROM trial WHERE tenant = $1 AND id = $2"),
        values![tenant.to_bytes(), id.to_bytes()],
        read,
    )
    .await
}

pub(crate) async fn totals(database: &Postgres, tenant: TenantId, filter: &TrialFilter) -> Result<TrialTotals, Error> {
    let mut totals = TrialTotals::default();
    let mut add = |successful: bool, count: u64| {
        *(if successful { &mut totals.successful } else { &mut totals.unsuccessful }) += count;
    };
    if filter.is_narrow() {
        let sql = match filter.verification {
            Some(_) => {
                concat!(
                    "SELECT successful, count(*) FROM trial WHERE ",
                    narrow!("verification"),
                    " GROUP BY successful"
                )
            }
            None => {
                concat!("SELECT successful, count(*) FROM trial WHERE ", narrow!("to_index"), " GROUP BY successful")
            }
        };
        let found = row::many(database, sql, narrow_values(tenant, filter), |row| {
            Ok((row::get::<i64>(row, 0)? == 1, row::whole(row, 1)?))
        });
        found.await?.into_iter().for_each(|(successful, count)| add(successful, count));
    } else {
        for (kind, count) in trial_counts::days(database, tenant, filter).await?.kinds() {
            add(kind.successful, *count);
        }
    }
    Ok(totals)
}

/// The newest first; of one millisecond the one that was written last.
pub(crate) async fn of(
    database: &Postgres,
    tenant: TenantId,
    filter: &TrialFilter,
    slice: Slice,
) -> Result<Page<Trial>, Error> {
    if filter.is_narrow() {
        few(database, tenant, filter, slice).await
    } else {
        many(database, tenant, filter, slice).await
    }
}

async fn few(database: &Postgres, tenant: TenantId, filter: &TrialFilter, slice: Slice) -> Result<Page<Trial>, Error> {
    macro_rules! page {
        ($key:literal) => {
            concat!(
                "SELECT ",
                columns!(),
                " FROM trial WHERE ",
                narrow!($key),
                " ORDER BY made_at DESC, place DESC LIMIT $10 OFFSET $11"
            )
        };
    }
    let sql = if filter.verification.is_some() { page!("verification") } else { page!("to_index") };
    let mut values = narrow_values(tenant, filter);
    values.extend(values![slice.take, slice.skip_for_sql()]);
    let (totals, items) = tokio::try_join!(totals(database, tenant, filter), row::many(database, sql, values, read))?;
    Ok(Page { total: totals.all(), items })
}

async fn many(database: &Postgres, tenant: TenantId, filter: &TrialFilter, slice: Slice) -> Result<Page<Trial>, Error> {
    let days = trial_counts::days(database, tenant, filter).await?;
    let Some(part) = days.part(filter, slice) else { return Ok(Page { total: days.total(), items: Vec::new() }) };
    let kinds: Vec<_> = part.kinds.iter().map(as_json).collect();
    let to_sql = |number| i64::try_from(number).unwrap_or(i64::MAX);
    let items = row::many(
        database,
        concat!(
            "SELECT ",
            columns!(),
            " FROM json_to_recordset($2::text::json)
                 AS kind (of_service text, of_channel text COLLATE \"C\", of_country text COLLATE \"C\", was bigint),
             LATERAL
                 (SELECT * FROM trial
                  WHERE tenant = $1 AND service = decode(of_service, 'hex') AND channel = of_channel AND country = of_country
                      AND successful = was AND made_at >= $3 AND made_at < $4
                  ORDER BY made_at DESC, place DESC LIMIT $5) AS newest
             ORDER BY made_at DESC, place DESC LIMIT $6 OFFSET $7"
        ),
        values![
            tenant.to_bytes(),
            row::to_body(&kinds)?,
            filter.first_ms(),
            part.until_ms,
            to_sql(part.skip.saturating_add(slice.take.into())),
            slice.take,
            to_sql(part.skip)
        ],
        read,
    )
    .await?;
    Ok(Page { total: days.total(), items })
}

fn as_json(kind: &Kind) -> serde_json::Value {
    serde_json::json!({
        "of_service": format!("{:032x}", u128::from_be_bytes(kind.service)),
        "of_channel": kind.channel,
        "of_country": kind.country,
        "was": i64::from(kind.successful),
    })
}

/// How many of a kind were made between two moments of a day: for a day of which only a part is wanted.
pub(super) async fn count_between(
    database: &Postgres,
    tenant: TenantId,
    kind: &Kind,
    (from, until): (i64, i64),
) -> Result<u64, Error> {
    debug_assert!(until.saturating_sub(from) <= DAY_MS, "more than a day would be counted");
    let found = row::one(
        database,
        "SELECT count(*) FROM trial WHERE tenant = $1 AND service = $2 AND channel = $3 AND country = $4 AND successful = $5
             AND made_at >= $6 AND made_at < $7",
        values![
            tenant.to_bytes(),
            kind.service,
            &kind.channel,
            &kind.country,
            i64::from(kind.successful),
            from,
            until
        ],
        |row| row::whole(row, 0),
    );
    Ok(found.await?.unwrap_or(0))
}

fn narrow_values(tenant: TenantId, filter: &TrialFilter) -> Vec<Value> {
    let (verification, to) = (filter.verification.map(VerificationId::to_bytes), filter.to.map(|to| to.0));
    let key = verification.map_or_else(|| Value::from(to), Value::from);
    values![
        tenant.to_bytes(),
        key,
        filter.first_ms(),
        filter.end_ms(),
        to,
        filter.service.map(ServiceId::to_bytes),
        filter.channel.map(Channel::name),
        filter.country.as_deref(),
        filter.successful.map(i64::from)
    ]
}

fn read(row: &Row) -> Result<Trial, Error> {
    let unknown = || Error::Damaged("a trial has a channel that does not exist".to_owned());
    Ok(Trial {
        tenant: TenantId::from_bytes(row::bytes(row, 0)?),
        id: MessageId::from_bytes(row::bytes(row, 1)?),
        verification: VerificationId::from_bytes(row::bytes(row, 2)?),
        service: ServiceId::from_bytes(row::bytes(row, 3)?),
        to: BlindIndex(row::bytes(row, 4)?),
        channel: Channel::parse(row::get(row, 5)?).ok_or_else(unknown)?,
        country: Some(row::get::<String>(row, 6)?).filter(|country| !country.is_empty()),
        successful: row::get::<i64>(row, 7)? == 1,
        price_e4: row::get(row, 8)?,
        currency: row::get(row, 9)?,
        updated_at: row::moment(row, 10)?,
    })
}
