//! Records what a provider says of a message after it had taken it. Late, double and out-of-order receipts are harmless.

use super::Command;
use crate::{Caller, Engine, Error, Thing};
use countersign_model::{
    Event, EventKind, MessageId, Scope, Timestamp,
    message::{Message, Receipt},
};
use countersign_store::{Batch, Change};

/// "It arrived", or "it did not".
#[derive(Debug)]
pub struct RecordReceipt {
    /// Which message.
    pub message: MessageId,
    /// What became of it.
    pub receipt: Receipt,
}

impl Command for RecordReceipt {
    /// Whether it was news.
    type Outcome = bool;
    const NEEDS: Scope = Scope::VerificationsWrite;

    async fn decide(&self, engine: &Engine, caller: &Caller, now: Timestamp) -> Result<(bool, Batch), Error> {
        let found = engine.store().message(caller.tenant(), self.message).await?;
        let mut message = found.ok_or(Error::NotFound(Thing::Message))?;
        if !message.record_receipt(self.receipt, now) {
            return Ok((false, Batch::new()));
        }
        let mut batch = Batch::new();
        if let Some(verification) = message.verification() {
            let kind = settled(&message, self.receipt);
            batch.push(Change::InsertEvent(Event::new((message.tenant, verification), kind, now, engine.random())));
        }
        if let Some(report) = engine.report_of(&message, now).await? {
            batch.push(report);
        }
        batch.push(Change::UpdateMessage(message));
        Ok((true, batch))
    }
}

/// The event of a receipt that decided.
pub(crate) fn settled(message: &Message, receipt: Receipt) -> EventKind {
    match receipt {
        Receipt::Delivered => EventKind::MessageDelivered { message: message.id },
        Receipt::Undelivered => {
            EventKind::MessageFailed { message: message.id, reason: message.reason.clone().unwrap_or_default() }
        }
    }
}
