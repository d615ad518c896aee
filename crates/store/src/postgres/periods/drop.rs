//! A period is dropped as soon as nothing in it is needed, in steps that can each be interrupted: it is noted as over, its tables are
//! taken out of the divided ones, what they counted is taken off the counts, and they are dropped.
//!
//! Taking a table out needs the divided table alone for a moment. Nothing else is done meanwhile: a table may be large.

use super::{Period, TABLES};
use crate::{
    Error,
    postgres::{link::Session, trial_counts::add_counts},
};
use countersign_model::Timestamp;

/// Drops what is over, and what was being dropped when somebody was interrupted.
pub(super) async fn past(session: &Session, before: Timestamp) -> Result<(), Error> {
    let sql = "SELECT name, first_ms, end_ms, is_over FROM period WHERE name <> 'before' AND (is_over OR end_ms <= $1) ORDER BY end_ms";
    for row in session.patiently(session.client().query(sql, &[&before.as_ms()])).await? {
        let period = Period { name: row.try_get(0)?, first_ms: row.try_get(1)?, end_ms: row.try_get(2)? };
        if !row.try_get::<_, bool>(3)? {
            if is_needed(session, &period, before).await? {
                continue;
            }
            let note = format!("UPDATE period SET is_over = true WHERE name = '{}'", period.name);
            session.patiently(session.client().batch_execute(&note)).await?;
        }
        drop_period(session, &period).await?;
    }
    Ok(())
}

/// Whether anything in it has not ended, or not long enough ago, or waits for something. Each question is one look into an index. What
/// began before the end of a period did not end much later, so these are few.
async fn is_needed(session: &Session, period: &Period, before: Timestamp) -> Result<bool, Error> {
    let end = &period.name;
    let sql = format!(
        "SELECT EXISTS (SELECT 1 FROM verification_{end} WHERE open_until IS NOT NULL)
             OR EXISTS (SELECT 1 FROM verification_{end} WHERE decided_at IS NULL AND open_until IS NULL)
             OR EXISTS (SELECT 1 FROM verification_{end} WHERE decided_at >= $1)
             OR EXISTS (SELECT 1 FROM message_{end} WHERE state = 'queued' AND channel >= '')
             OR EXISTS (SELECT 1 FROM message_{end} WHERE state = 'leased' AND channel >= '')
             OR EXISTS (SELECT 1 FROM message_{end} WHERE state = 'accepted' AND due_at IS NOT NULL)
             OR EXISTS (SELECT 1 FROM message_{end} WHERE verification IS NULL AND updated_at >= $1)
             OR EXISTS (SELECT 1 FROM activity_{end} WHERE at >= $1)"
    );
    Ok(session.patiently(session.client().query_one(&sql, &[&before.as_ms()])).await?.try_get(0)?)
}

async fn drop_period(session: &Session, period: &Period) -> Result<(), Error> {
    for table in TABLES {
        let (whole, part) = (table.name, period.of(table));
        let is_part = format!("SELECT relispartition FROM pg_class WHERE oid = '{part}'::regclass");
        let is_part = session.client().query_one(&is_part, &[]);
        if session.patiently(is_part).await?.try_get(0)? {
            let detach = format!("ALTER TABLE {whole} DETACH PARTITION {part}");
            session.client().batch_execute(&detach).await?;
        }
    }
    session.client().batch_execute(&forget(period)).await?;
    tracing::info!(period = period.name, "a period was dropped, with all that ended in it");
    Ok(())
}

/// In one transaction, so that no row is counted off twice, and however long that takes: nobody else has these tables. A count of
/// nothing is not kept for ever.
fn forget(period: &Period) -> String {
    let (name, end_ms) = (&period.name, period.end_ms);
    let tables: Vec<_> = TABLES.iter().map(|table| period.of(table)).collect();
    let counted = add_counts!("SELECT *, -1 AS change FROM trial_PERIOD").replace("PERIOD", name);
    format!(
        "SET statement_timeout = 0; {counted};
         DELETE FROM trial_count WHERE (tenant, service, day, channel, country, successful) IN
             (SELECT tenant, service, day, channel, country, successful FROM trial_count
              WHERE day < {end_ms} / 86400000 GROUP BY 1, 2, 3, 4, 5, 6 HAVING sum(count) = 0);
         DROP TABLE {};
         DELETE FROM period WHERE name = '{name}'; SET statement_timeout = '2s'",
        tables.join(", ")
    )
}
