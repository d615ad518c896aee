//! Sends a text of the caller's own: no code, nothing to check.

use super::Command;
use crate::{Caller, Engine, Error, keys, reports::ReportTo};
use countersign_model::{Address, Channel, Message, MessageId, Scope, Timestamp, message::Content};
use countersign_store::{Batch, Change};

/// "Send this person these words."
#[derive(Debug)]
pub struct SendText {
    /// To whom.
    pub to: Address,
    /// Whom it comes from.
    pub from: Option<String>,
    /// The words.
    pub text: String,
    /// Who is told what becomes of it.
    pub report: Option<ReportTo>,
    /// When; none: at once. A moment that has passed is at once.
    pub send_at: Option<Timestamp>,
}

impl Command for SendText {
    type Outcome = MessageId;
    const NEEDS: Scope = Scope::VerificationsWrite;

    async fn decide(&self, engine: &Engine, caller: &Caller, now: Timestamp) -> Result<(MessageId, Batch), Error> {
        engine.must_have_way(caller, (Channel::Sms, &self.to), None, now)?;
        let (tenant, id) = (caller.tenant(), MessageId::generate(now, engine.random()));
        let mut batch = Batch::new();
        engine.pay_for_message(caller, Channel::Sms, &mut batch).await?;
        let seal =
            |what, text: &str| engine.keys().seal(text, &keys::context(what, tenant, &id.to_bytes()), engine.random());
        let content = Content::Text {
            to: seal(keys::ADDRESS, self.to.as_str())?,
            from: self.from.clone(),
            text: seal(keys::TEXT, &self.text)?,
        };
        let start = self.send_at.map_or(now, |at| at.max(now));
        let mut message = Message::queued((tenant, id), Channel::Sms, content, start);
        Engine::withhold_test(caller, &mut message);
        message.report = self.report.as_ref().map(|report| engine.seal_report(tenant, report)).transpose()?;
        Ok((id, batch.with(Change::InsertMessage(message))))
    }
}
