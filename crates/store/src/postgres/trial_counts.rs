//! The table `trial_count`: how many trials of each kind a day has. It is written by the statements that write `trial`, and never
//! says anything else than counting that one would.
//!
//! A count is the sum of several rows, one for each `slot`: connections add to rows of their own, as a rule, so that nodes which
//! count the same kind do not queue for one row until the disk has synced.

use super::{Postgres, row, statement::values, trials};
use crate::{
    Error, TrialFilter,
    trial_days::{Days, Kind, part_of_day},
};
use countersign_model::{Channel, ServiceId, TenantId};

/// The text of a statement that adds the column `change` of rows with the columns of `trial`. Sorted, so that two who write the
/// same rows meet in the same order.
macro_rules! add_counts {
    ($rows:expr) => {
        concat!(
            "INSERT INTO trial_count (tenant, service, day, channel, country, successful, slot, count)
             SELECT tenant, service, floor(made_at / 86400000.0)::bigint AS day, channel, country, successful,
                 pg_backend_pid() % 32, sum(change)
             FROM (",
            $rows,
            ") AS counted
             GROUP BY tenant, service, day, channel, country, successful
             ORDER BY tenant, service, day, channel, country, successful
             ON CONFLICT (tenant, service, day, channel, country, successful, slot)
                 DO UPDATE SET count = trial_count.count + excluded.count"
        )
    };
}
pub(super) use add_counts;

/// Of what the filter lets through. A day of which it takes only a part is counted anew.
pub(super) async fn days(database: &Postgres, tenant: TenantId, filter: &TrialFilter) -> Result<Days, Error> {
    let found = row::many(
        database,
        "SELECT day, service, channel, country, successful, sum(count)::bigint FROM trial_count
         WHERE tenant = $1 AND ($2::bytea IS NULL OR service = $2) AND ($3::text IS NULL OR channel = $3)
             AND ($4::text IS NULL OR country = $4) AND ($5::bigint IS NULL OR successful = $5)
             AND day >= $6 AND day <= $7
         GROUP BY day, service, channel, country, successful HAVING sum(count) > 0",
        values![
            tenant.to_bytes(),
            filter.service.map(ServiceId::to_bytes),
            filter.channel.map(Channel::name),
            filter.country.as_deref(),
            filter.successful.map(i64::from),
            filter.first_day(),
            filter.last_day()
        ],
        |row| {
            let kind = Kind {
                service: row::bytes(row, 1)?,
                channel: row::get(row, 2)?,
                country: row::get(row, 3)?,
                successful: row::get::<i64>(row, 4)? == 1,
            };
            Ok((row::get::<i64>(row, 0)?, kind, row::whole(row, 5)?))
        },
    );
    let mut days = Days::default();
    for (day, kind, whole) in found.await? {
        let count = match part_of_day(filter, day) {
            None => whole,
            Some(part) => trials::count_between(database, tenant, &kind, part).await?,
        };
        days.add(day, kind, count);
    }
    Ok(days)
}
