//! Periods are made ahead of their time, so that no row waits for one. A table is made for itself, and then becomes part of the
//! divided one: that locks nobody out of what there was, only of `<table>_rest`, in which there is nothing as a rule.

use super::{Period, TABLES};
use crate::{Error, postgres::link::Session};
use countersign_model::Timestamp;
use std::time::Duration;

const HOUR_MS: i64 = 3_600_000;
/// Of the time for which rows are kept.
const PARTS: i64 = 8;
/// However long that is.
const LONGEST_MS: i64 = 366 * 24 * HOUR_MS;

/// Until a whole one lies ahead.
pub(super) async fn ahead(session: &Session, now: Timestamp, kept: Duration) -> Result<(), Error> {
    let last = session.client().query_one("SELECT max(end_ms) FROM period", &[]);
    let mut last_ms: i64 = session.patiently(last).await?.try_get(0)?;
    while last_ms < needed_until_ms(now, kept) {
        let first_ms = first_ms(last_ms, now.as_ms());
        last_ms = first_ms + length_ms(kept);
        let name = "SELECT to_char(to_timestamp($1::bigint / 1000) AT TIME ZONE 'UTC', 'YYYYMMDD_HH24')";
        let name = session.patiently(session.client().query_one(name, &[&first_ms])).await?.try_get(0)?;
        let period = Period { name, first_ms, end_ms: last_ms };
        session.client().batch_execute(&make(&period)).await?;
        tracing::info!(period = period.name, "a period was made");
    }
    Ok(())
}

/// The periods that there are must reach so far.
pub(super) fn needed_until_ms(now: Timestamp, kept: Duration) -> i64 {
    now.as_ms().saturating_add(length_ms(kept))
}

/// Where a moment is among identifiers: what they begin with.
fn bound(ms: i64) -> String {
    format!("\\x{ms:012x}")
}

/// In whole hours, as the names of tables are.
fn length_ms(kept: Duration) -> i64 {
    let kept_ms = i64::try_from(kept.as_millis()).unwrap_or(i64::MAX);
    (kept_ms / PARTS / HOUR_MS * HOUR_MS).clamp(HOUR_MS, LONGEST_MS)
}

/// Where the last one ends. If rows may have been written after that, they are in no period, and none can be made around them: then
/// the next one begins when nobody can have written yet.
fn first_ms(end_ms: i64, now_ms: i64) -> i64 {
    let early = now_ms + HOUR_MS;
    if end_ms >= early { end_ms } else { (early / HOUR_MS + 1) * HOUR_MS }
}

/// What is sent at once is one transaction: there is all of a period, or nothing. Its locks come last, and so are kept for a moment.
fn make(period: &Period) -> String {
    let Period { name, first_ms, end_ms } = period;
    let (first, end) = (bound(*first_ms), bound(*end_ms));
    let tables = TABLES.iter().map(|table| {
        let (whole, part, with) = (table.name, period.of(table), table.with);
        format!("CREATE TABLE {part} (LIKE {whole}_before INCLUDING ALL) WITH ({with});")
    });
    let parts = TABLES.iter().map(|table| {
        let (whole, part) = (table.name, period.of(table));
        format!("ALTER TABLE {whole} ATTACH PARTITION {part} FOR VALUES FROM ('{first}') TO ('{end}');")
    });
    let note = format!("INSERT INTO period (name, first_ms, end_ms) VALUES ('{name}', {first_ms}, {end_ms});");
    [note].into_iter().chain(tables).chain(parts).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_hours(24);

    #[test]
    fn a_period_is_an_eighth_of_the_time_for_which_rows_are_kept_in_whole_hours() {
        let hours = |days: u32| length_ms(DAY * days) / HOUR_MS;
        assert_eq!([0, 1, 2, 30, 90, u32::MAX].map(hours), [1, 3, 6, 90, 270, 366 * 24]);
    }

    #[test]
    fn a_period_begins_where_the_last_one_ends_or_else_when_nobody_has_written_yet() {
        let hour = |number| number * HOUR_MS;
        assert_eq!(first_ms(hour(9), hour(5)), hour(9));
        assert_eq!(first_ms(hour(9), hour(8)), hour(9));
        assert_eq!(first_ms(hour(9), hour(8) + 1), hour(10));
        assert_eq!(first_ms(hour(9), hour(100) + 7), hour(102));
    }
}
