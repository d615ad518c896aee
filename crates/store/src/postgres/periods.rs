//! What grows with every verification is kept in periods: tables that are divided by the time which an identifier tells, so that
//! old rows leave as whole tables and nothing is left to vacuum. The migration `V3__periods.sql` says how they lie.
//!
//! A period is an eighth of the time for which rows are kept, so there are about ten of them whatever that time is, and a row stays
//! an eighth longer at most. Events and trials are in the period of their verification, messages and activities in their own. It is made a whole period ahead, and dropped once nothing in it is needed. Both are done by whichever
//! node comes first, with locks that it waits for only briefly: who does not get one leaves it to the next time. Until then rows are
//! in `<table>_rest`, or stay a little longer.

mod drop;
mod make;

use super::{
    Postgres,
    link::{Link, Session},
    row,
    statement::values,
};
use crate::Error;
use countersign_model::Timestamp;
use std::{sync::Arc, time::Duration};

/// The tables, in the order in which the rows of a verification are looked for.
const TABLES: &[Table] = &[
    Table {
        name: "verification",
        with: "autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05",
    },
    Table { name: "message", with: "autovacuum_vacuum_scale_factor = 0.01, autovacuum_analyze_scale_factor = 0.05" },
    Table { name: "event", with: "autovacuum_analyze_scale_factor = 0.05" },
    Table { name: "trial", with: "autovacuum_analyze_scale_factor = 0.05" },
    Table { name: "activity", with: "autovacuum_analyze_scale_factor = 0.05" },
];

/// A table that is divided, and how those that it consists of are kept.
struct Table {
    name: &'static str,
    with: &'static str,
}

/// "CSgp": of all nodes one tends the periods.
const LOCK: i64 = 0x4353_6770;

/// While a lock on a divided table is waited for, its readers and writers wait, too. So this is what a long reader costs the others, for
/// each table, whenever somebody wants to change the periods. What is done under such a lock takes milliseconds, or is not done.
const SET_UP: &str = "SET lock_timeout = '100ms'; SET statement_timeout = '2s'";

/// How long a row that should have left with a period waits for that, before it is deleted by itself: two periods, in milliseconds.
/// For rows in a period that cannot be dropped, since something in it is needed, and for those in none.
macro_rules! patience {
    () => {
        "2 * (SELECT coalesce(max(end_ms - first_ms), 0) FROM period WHERE name <> 'before')"
    };
}
pub(super) use patience;

impl Postgres {
    /// Makes the periods that will be needed, and drops those in which nothing is needed any more: all of it ended before a moment
    /// that is `kept` ago. Does nothing while another node is at it.
    pub(crate) async fn tend_periods(&self, now: Timestamp, kept: Duration) -> Result<(), Error> {
        if self.are_periods_tended(now, kept).await? {
            return Ok(());
        }
        let link = Link::new(Arc::clone(&self.target));
        let session = link.session().await?;
        let tended = if is_first(&session).await? { tend(&session, now, kept).await } else { Ok(()) };
        // With the connection the lock is given back; this does it before the next one asks.
        let freed = session.patiently(session.client().execute("SELECT pg_advisory_unlock($1)", &[&LOCK])).await;
        link.close();
        tended.and(freed.map(drop).map_err(Error::from))
    }

    /// Nearly always they are: so nobody makes a connection to find that out.
    async fn are_periods_tended(&self, now: Timestamp, kept: Duration) -> Result<bool, Error> {
        let found = row::one(
            self,
            "SELECT max(end_ms) >= $1 AND NOT bool_or(is_over OR (end_ms <= $2 AND name <> 'before')) FROM period",
            values![make::needed_until_ms(now, kept), past(now, kept).as_ms()],
            |row| row::get(row, 0),
        );
        Ok(found.await?.unwrap_or(false))
    }
}

/// What ended before that is not kept.
fn past(now: Timestamp, kept: Duration) -> Timestamp {
    Timestamp::from_ms(now.as_ms().saturating_sub(i64::try_from(kept.as_millis()).unwrap_or(i64::MAX)))
}

async fn is_first(session: &Session) -> Result<bool, Error> {
    session.patiently(session.client().batch_execute(SET_UP)).await?;
    let asked = session.client().query_one("SELECT pg_try_advisory_lock($1)", &[&LOCK]);
    Ok(session.patiently(asked).await?.try_get(0)?)
}

async fn tend(session: &Session, now: Timestamp, kept: Duration) -> Result<(), Error> {
    let made = make::ahead(session, now, kept).await;
    // The one is no reason to leave the other.
    let dropped = drop::past(session, past(now, kept)).await;
    made.and(dropped)
}

/// A span of time, and the end of the names of its tables.
struct Period {
    name: String,
    first_ms: i64,
    end_ms: i64,
}

impl Period {
    /// What its part of a table is called: two words of letters, digits and underscores, which need no quotes.
    fn of(&self, table: &Table) -> String {
        format!("{}_{}", table.name, self.name)
    }
}
