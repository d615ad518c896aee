//! Writes down that verifications have expired. Nothing depends on when it comes by: an expired one counts as expired from
//! the moment its time ran out. The event is what is new.

use super::Progress;
use crate::{Engine, Error};
use countersign_model::{Event, EventKind};
use countersign_store::{Batch, Change, Error as StoreError};
use futures_util::future::try_join_all;

/// The job.
#[derive(Clone)]
pub struct Expire(pub Engine);

const AT_ONCE: u32 = 256;

impl Expire {
    /// Expires what is due, at most 256 of them.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub async fn run_once(&self) -> Result<Progress, Error> {
        let (engine, now) = (&self.0, self.0.now());
        let overdue = engine.store().overdue_verifications(now, AT_ONCE).await?;
        let found = overdue.len();
        // Side by side, so that they share their commits.
        let written = overdue.into_iter().filter_map(|verification| verification.expire(now)).map(async |expired| {
            let at = expired.decided_at.unwrap_or(now);
            let event = Event::new((expired.tenant, expired.id), EventKind::Expired, at, engine.random());
            let batch = Batch::new().with(Change::UpdateVerification(expired)).with(Change::InsertEvent(event));
            match engine.write(batch).await {
                // Somebody else changed it in between: the next step looks again.
                Ok(()) | Err(StoreError::Conflict) => Ok(()),
                Err(error) => Err(Error::from(error)),
            }
        });
        try_join_all(written).await?;
        Ok(if found == AT_ONCE as usize { Progress::More } else { Progress::Idle })
    }
}
