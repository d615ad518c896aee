//! An aggregator or a mailer that is described by its configuration alone: what is sent to it, what its answers mean, and how its
//! receipts are read. `crates/delivery/aggregators/` has tested descriptions; `docs/providers.md` explains the settings.
//!
//! `settings.rs`: what can be configured · a request: `template.rs`, `values.rs`, `from.rs`, `body.rs`, `auth.rs` (`sigv4.rs` is one way), `origin.rs`, put
//! together in `request.rs` and sent in `client.rs` · an answer or a call: `seen.rs`, looked at by `matching.rs`; an answer is
//! judged in `verdict.rs`, a call in `signature.rs` and `receipts.rs` · `lookup.rs`: the same for number look-ups.
//!
//! Invariant: no error and no log holds an address, a code, a text or a secret; a provider's words are let through only as
//! far as `verdict.rs` finds them harmless.

mod auth;
mod body;
mod client;
mod from;
mod lookup;
mod matching;
mod origin;
mod receipts;
mod request;
mod secrets;
mod seen;
pub mod settings;
mod shown;
mod signature;
mod signing;
mod sigv4;
mod template;
mod values;
mod verdict;

use super::BadSetting;
use crate::{Accepted, BadReceipt, Outgoing, Provider, ReceiptRequest, Receipts, SendError, Watch};
use async_trait::async_trait;
use client::Exchange;
use countersign_model::{Channel, Code, message::ReceiptPlan};
use from::DefaultFrom;
use receipts::Reading;
use request::Blueprint;
use seen::Seen;
use std::fmt;
use verdict::{Rules, Verdict};

pub use lookup::HttpLookup;
pub use settings::Settings;

/// One aggregator.
pub struct Http {
    channels: Vec<Channel>,
    from: DefaultFrom,
    blueprint: Blueprint,
    exchange: Exchange,
    rules: Rules,
    reading: Option<Reading>,
}

impl Http {
    /// An aggregator with these settings. Reads the files that they name; connects to nobody yet.
    ///
    /// # Errors
    /// Names the setting that cannot be.
    pub fn new(settings: &Settings) -> Result<Self, BadSetting> {
        if settings.channels.is_empty() {
            return Err(BadSetting::new("channels", "must name what it carries: [\"sms\"]"));
        }
        let blueprint = Blueprint::new(&settings.request, &values::OF_MESSAGE)?;
        let reading = settings.receipt.as_ref().map(Reading::new).transpose()?;
        if reading.as_ref().is_some_and(Reading::needs_link) && !blueprint.names("receipt_url") {
            let problem = "receipts prove themselves by their link, but {{ receipt_url }} is nowhere in the request";
            return Err(BadSetting::new("receipt.signature", problem));
        }
        let names_sender = from::VARIABLES.into_iter().any(|variable| blueprint.names(variable));
        Ok(Self {
            channels: settings.channels.clone(),
            from: DefaultFrom::new(settings, names_sender)?,
            blueprint,
            exchange: Exchange::new(&settings.request)?,
            rules: Rules::new(&settings.answer)?,
            reading,
        })
    }

    async fn hand_over(&self, message: &Outgoing, watch: Option<Watch<'_>>) -> Result<Accepted, SendError> {
        if !message.to.suits(message.channel) || !self.channels.contains(&message.channel) {
            return Err(SendError::Refused("this provider carries no such messages".to_owned()));
        }
        let values = values::of_message(message, &self.from)?;
        if let Some(watch) = watch {
            shown::request(watch, &self.blueprint.prepare(values.clone(), true).map_err(SendError::Retry)?);
        }
        let prepared = self.blueprint.prepare(values, false).map_err(SendError::Retry)?;
        let answered = self.exchange.ask(prepared).await?;
        let seen = Seen::answer(answered.status, &answered.headers, &answered.body);
        let (verdict, rule) = self.rules.judge(&seen);
        let reference = self.rules.reference(&seen);
        if let Some(watch) = watch {
            shown::answer(watch, &answered, &rule, reference.as_deref());
        }
        match verdict {
            Verdict::Accepted => Ok(Accepted { reference, receipt: self.receipt_plan(message) }),
            Verdict::Refused | Verdict::Retry | Verdict::Unknown => {
                Err(self.rules.failure(verdict, &seen, message.code.as_ref().map(Code::expose)))
            }
        }
    }

    /// A receipt will come if there is a way for it: the address in the request, or one that the provider knows anyway.
    fn receipt_plan(&self, message: &Outgoing) -> ReceiptPlan {
        let has_way = || message.receipt_url.is_some() || !self.blueprint.names("receipt_url");
        if self.reading.is_some() && has_way() { ReceiptPlan::Expected } else { ReceiptPlan::Never }
    }
}

#[async_trait]
impl Provider for Http {
    async fn send(&self, message: &Outgoing) -> Result<Accepted, SendError> {
        self.hand_over(message, None).await
    }

    fn channels(&self) -> &[Channel] {
        &self.channels
    }

    async fn send_watched(&self, message: &Outgoing, watch: Watch<'_>) -> Result<Accepted, SendError> {
        self.hand_over(message, Some(watch)).await
    }

    fn receipts(&self, request: &ReceiptRequest<'_>) -> Result<Receipts, BadReceipt> {
        self.reading.as_ref().ok_or(BadReceipt::NotExpected)?.read(request)
    }
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http").field("channels", &self.channels).finish_non_exhaustive()
    }
}
