//! Forgets what is no longer needed: answers to idempotent requests after a day, ended verifications and what was done to
//! users after the retention time, spent tokens when they would have ended anyway. Whole periods at once where the store is
//! divided into such, and what is left in small batches, so that nobody waits behind one.

use super::Progress;
use crate::{Engine, Error};
use countersign_model::{MfaSession, Timestamp};
use countersign_store::{Batch, Change};
use std::time::Duration;

/// The job.
#[derive(Clone)]
pub struct Purge(pub Engine);

/// How long the answer to a request with an idempotency key is kept.
const ANSWERS_ARE_KEPT: Duration = Duration::from_hours(24);
/// The longest window that a limit can have: what it must remember is not forgotten before.
const LONGEST_WINDOW: Duration = Duration::from_hours(24 * 30);
const AT_ONCE: u32 = 500;

impl Purge {
    /// Forgets at most 500 of each kind, and says whether there is more.
    ///
    /// # Errors
    /// When the store cannot be written to.
    pub async fn run_once(&self) -> Result<Progress, Error> {
        let before = |span: Duration| {
            let ms = i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
            Timestamp::from_ms(self.0.now().as_ms().saturating_sub(ms))
        };
        let (answers, ended) = (before(ANSWERS_ARE_KEPT), before(self.0.retention()));
        let quiet = before(self.0.retention().max(LONGEST_WINDOW));
        let batch = Batch::new()
            .with(Change::PurgeAnswers { before: answers, limit: AT_ONCE })
            .with(Change::PurgeVerifications { before: ended, limit: AT_ONCE })
            .with(Change::PurgeDestinations { before: quiet, limit: AT_ONCE })
            .with(Change::PurgeActivities { before: ended, limit: AT_ONCE })
            .with(Change::PurgeSpentTokens { before: self.0.now(), limit: AT_ONCE })
            .with(Change::PurgeRefreshTokens { before: self.0.now(), limit: AT_ONCE })
            .with(Change::PurgeWebhookDeliveries { before: ended, limit: AT_ONCE })
            .with(Change::PurgeMfaSessions { before: before(MfaSession::KEPT_FOR), limit: AT_ONCE });
        if let Err(error) = self.0.store().tend_periods(self.0.now(), self.0.retention()).await {
            tracing::warn!(%error, "periods of the store were left as they are; the next purge tries again");
        }
        self.0.write(batch).await?;
        let is_more = self.0.store().is_more_to_purge(answers, ended).await?;
        Ok(if is_more { Progress::More } else { Progress::Idle })
    }
}
