//! Writes down that verifications have expired. Nothing depends on when it comes by: an expired one counts as expired from
//! the moment its time ran out. The event is what is new.

use super::Progress;
use crate::{Engine, Error};
use countersign_model::{Event, EventKind};
use countersign_store::{Batch, Change, Error as StoreError};

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
        for verification in overdue {
            let Some(expired) = verification.expire(now) else { continue };
            let at = expired.decided_at.unwrap_or(now);
            let event = Event::new((expired.tenant, expired.id), EventKind::Expired, at, engine.random());
            let batch = Batch::new().with(Change::UpdateVerification(expired)).with(Change::InsertEvent(event));
            match engine.store().write(batch).await {
                // Somebody else changed it in between: the next step looks again.
                Ok(()) | Err(StoreError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(if found == AT_ONCE as usize { Progress::More } else { Progress::Idle })
    }
}
