//! Stops waiting for receipts: at the moment that the route sets another message takes over, if one can; and after two days
//! nobody expects any more of a provider that had promised one.

use super::Progress;
use crate::{
    Engine, Error,
    health::Way,
    take_over::{Cause, TakenOver},
};
use countersign_model::{Event, EventKind, Message, Timestamp, routing::Outcome};
use countersign_store::{Batch, Change, Error as StoreError};
use futures_util::future::try_join_all;
use std::time::Duration;

/// The job.
#[derive(Clone)]
pub struct OverdueReceipts(pub Engine);

const AT_ONCE: u32 = 256;

impl OverdueReceipts {
    /// Does what is due, for at most 256 messages.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub async fn run_once(&self) -> Result<Progress, Error> {
        let (engine, now) = (&self.0, self.0.now());
        let overdue = engine.store().overdue_receipts(now, AT_ONCE).await?;
        let found = overdue.len();
        // Side by side, so that they share their commits.
        try_join_all(overdue.into_iter().map(|message| self.step(message, now))).await?;
        Ok(if found == AT_ONCE as usize { Progress::More } else { Progress::Idle })
    }

    async fn step(&self, message: Message, now: Timestamp) -> Result<(), Error> {
        if message.is_overdue(now) { self.hand_on(message, now).await } else { self.give_up(message, now).await }
    }

    async fn hand_on(&self, mut message: Message, now: Timestamp) -> Result<(), Error> {
        let engine = &self.0;
        let taken_over = engine.take_over(&mut message, Cause::NoReceipt, now).await?;
        message.stop_waiting();
        let is_missing = message.miss_receipt();
        if let (TakenOver::Later, Some(patience)) = (&taken_over, self.patience(&message, now).await?) {
            // Whoever could take over has a rest: the same once more.
            message.wait_again(patience, now);
        }
        let mut batch = Batch::new();
        batch.extend(taken_over.batch());
        batch.push(Change::UpdateMessage(message.clone()));
        match engine.write(batch).await {
            Ok(()) => {
                if is_missing {
                    self.note_missing(&message, now).await?;
                }
                Ok(())
            }
            // A receipt has come at this very moment, perhaps: the next step looks again.
            Err(StoreError::Conflict) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    async fn patience(&self, message: &Message, now: Timestamp) -> Result<Option<Duration>, Error> {
        let Some(id) = message.verification() else { return Ok(None) };
        let Some(of) = self.0.store().verification(message.tenant, id).await? else { return Ok(None) };
        Ok(self.0.routes().take_over(message.first_of_chain().1, &self.0.destination(&of)?, now).after)
    }

    /// A receipt that was promised and did not come speaks against its provider.
    async fn note_missing(&self, message: &Message, now: Timestamp) -> Result<(), Error> {
        let (Some(provider), Some(id)) = (&message.provider, message.verification()) else { return Ok(()) };
        let of = self.0.store().verification(message.tenant, id).await?;
        let country = of.and_then(|of| of.phone).and_then(|phone| phone.country);
        let way = Way { channel: message.channel, country: country.as_deref() };
        self.0.metrics().receipt(provider, "missing");
        self.0.note_health(way, provider, message.id, Outcome::Failure, now);
        Ok(())
    }

    async fn give_up(&self, mut message: Message, now: Timestamp) -> Result<(), Error> {
        let engine = &self.0;
        message.give_up_waiting(now);
        let mut batch = Batch::new();
        if let Some(verification) = message.verification() {
            let kind = EventKind::MessageUnconfirmed { message: message.id };
            batch.push(Change::InsertEvent(Event::new((message.tenant, verification), kind, now, engine.random())));
        }
        batch.extend(engine.report_of(&mut message, now).await?);
        batch.push(Change::UpdateMessage(message));
        match engine.write(batch).await {
            Ok(()) | Err(StoreError::Conflict) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}
