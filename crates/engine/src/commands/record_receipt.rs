//! Records what a provider says of a message after it had taken it. Late, double and out-of-order receipts are harmless. One that
//! says "it did not arrive" lets another message take over, where the route says so.

use super::Command;
use crate::{Caller, Engine, Error, Thing, take_over::Cause};
use countersign_model::{
    Channel, Event, EventKind, MessageId, Scope, Timestamp,
    message::{Message, Receipt},
};
use countersign_store::{Batch, Change};
use serde::{Deserialize, Serialize};

/// "It arrived", or "it did not".
#[derive(Debug)]
pub struct RecordReceipt {
    /// Which message.
    pub message: MessageId,
    /// What became of it.
    pub receipt: Receipt,
}

/// What came of a receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptRecorded {
    /// Whether it was news.
    pub news: bool,
    /// Whether it was waited for, and tells of the provider's health; then the message's way: its channel and its country.
    pub tells_of: Option<(Channel, Option<String>)>,
}

impl Command for RecordReceipt {
    type Outcome = ReceiptRecorded;
    const NEEDS: Scope = Scope::VerificationsWrite;

    async fn decide(
        &self,
        engine: &Engine,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<(ReceiptRecorded, Batch), Error> {
        let found = engine.store().message(caller.tenant(), self.message).await?;
        let mut message = found.ok_or(Error::NotFound(Thing::Message))?;
        let awaited = message.is_awaited();
        if !message.record_receipt(self.receipt, now) {
            return Ok((ReceiptRecorded { news: false, tells_of: None }, Batch::new()));
        }
        let mut batch = Batch::new();
        let mut tells_of = None;
        if let Some(verification) = message.verification() {
            let kind = settled(&message, self.receipt);
            batch.push(Change::InsertEvent(Event::new((message.tenant, verification), kind, now, engine.random())));
            if awaited {
                let of = engine.store().verification(message.tenant, verification).await?;
                tells_of = Some((message.channel, of.and_then(|of| of.phone).and_then(|phone| phone.country)));
            }
        }
        if self.receipt == Receipt::Undelivered {
            batch.extend(engine.take_over(&mut message, Cause::Undelivered, now).await?.batch());
        }
        batch.extend(engine.report_of(&mut message, now).await?);
        batch.push(Change::UpdateMessage(message));
        Ok((ReceiptRecorded { news: true, tells_of }, batch))
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
