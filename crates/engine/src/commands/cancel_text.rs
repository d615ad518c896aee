//! Stops a text of a caller's own that has not left yet. One that has left, or is leaving, stays as it is.

use super::Command;
use crate::{Caller, Engine, Error};
use countersign_model::{Message, MessageId, Scope, Timestamp, message::MessageState};
use countersign_store::{Batch, Change};

/// "Do not send it."
#[derive(Debug)]
pub struct CancelText {
    /// Which one.
    pub message: MessageId,
}

impl Command for CancelText {
    /// The message after it.
    type Outcome = Message;
    const NEEDS: Scope = Scope::VerificationsWrite;

    async fn decide(&self, engine: &Engine, caller: &Caller, now: Timestamp) -> Result<(Message, Batch), Error> {
        let mut message = engine.text_message(caller.tenant(), self.message).await?;
        if message.state != MessageState::Queued {
            return Ok((message, Batch::new()));
        }
        message.drop_unsent("its sender has stopped it", now);
        let mut batch = Batch::new();
        batch.extend(engine.report_of(&mut message, now).await?);
        batch.push(Change::UpdateMessage(message.clone()));
        Ok((message, batch))
    }
}
