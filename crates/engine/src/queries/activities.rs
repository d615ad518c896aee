//! What was done to users and by them, for a log that people read.

use crate::{Caller, Engine, Error};
use countersign_model::{Activity, ActivityKind, Scope, Timestamp};
use countersign_store::ActivityFilter;

/// Which activities are wanted.
#[derive(Clone, Debug)]
pub struct ActivityQuery {
    /// None older than this.
    pub from: Timestamp,
    /// All older than this.
    pub until: Timestamp,
    /// Only these.
    pub kinds: Vec<ActivityKind>,
    /// At most so many.
    pub most: u32,
}

/// An activity, and what its user was called then.
#[derive(Clone, Debug)]
pub struct ActivityRecord {
    /// The activity.
    pub activity: Activity,
    /// The name.
    pub name: Option<String>,
}

/// How many are read at a time: a reader is not held longer than a moment.
const PAGE: u32 = 1000;

impl Engine {
    /// What was done, the newest first. `wanted` chooses among what the query finds.
    ///
    /// # Errors
    /// When the caller may not see it.
    pub async fn activities(
        &self,
        caller: &Caller,
        query: &ActivityQuery,
        wanted: impl Fn(&ActivityRecord) -> bool,
    ) -> Result<Vec<ActivityRecord>, Error> {
        caller.must_have(Scope::VerificationsRead)?;
        let most = usize::try_from(query.most).unwrap_or(usize::MAX);
        let (from, until, kinds) = (query.from, query.until, query.kinds.clone());
        let mut page = ActivityFilter { from, until, kinds, before: None, limit: PAGE };
        let mut found = Vec::new();
        loop {
            let some = self.store().activities(caller.tenant(), &page).await?;
            let is_last = some.len() < usize::try_from(PAGE).unwrap_or(usize::MAX);
            page.before = some.last().map(|(place, _)| *place);
            for (_, activity) in some {
                let name = self.open_name(activity.tenant, activity.user, activity.name.as_ref())?;
                let record = ActivityRecord { activity, name };
                if wanted(&record) {
                    found.push(record);
                    if found.len() == most {
                        return Ok(found);
                    }
                }
            }
            if is_last {
                return Ok(found);
            }
            tokio::task::yield_now().await;
        }
    }
}
