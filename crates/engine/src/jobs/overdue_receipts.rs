//! Stops waiting for receipts that never came.

use super::Progress;
use crate::{Engine, Error};
use countersign_model::{Event, EventKind, Message, Timestamp};
use countersign_store::{Batch, Change, Error as StoreError};
use futures_util::future::try_join_all;

/// The job.
#[derive(Clone)]
pub struct OverdueReceipts(pub Engine);

const AT_ONCE: u32 = 256;

impl OverdueReceipts {
    /// Gives up on what is overdue, at most 256 messages.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub async fn run_once(&self) -> Result<Progress, Error> {
        let (engine, now) = (&self.0, self.0.now());
        let overdue = engine.store().overdue_receipts(now, AT_ONCE).await?;
        let found = overdue.len();
        // Side by side, so that they share their commits.
        try_join_all(overdue.into_iter().map(|message| self.give_up(message, now))).await?;
        Ok(if found == AT_ONCE as usize { Progress::More } else { Progress::Idle })
    }

    async fn give_up(&self, mut message: Message, now: Timestamp) -> Result<(), Error> {
        let engine = &self.0;
        message.give_up_waiting(now);
        let mut batch = Batch::new();
        if let Some(verification) = message.verification() {
            let kind = EventKind::MessageUnconfirmed { message: message.id };
            batch.push(Change::InsertEvent(Event::new((message.tenant, verification), kind, now, engine.random())));
        }
        if let Some(report) = engine.report_of(&message, now).await? {
            batch.push(report);
        }
        batch.push(Change::UpdateMessage(message));
        match engine.store().write(batch).await {
            Ok(()) | Err(StoreError::Conflict) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}
