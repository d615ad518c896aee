//! An aggregator or a mailer that is described by its configuration alone: what is sent to it, what its answers mean, and how its
//! receipts are read. `crates/delivery/aggregators/` has tested descriptions; `docs/providers.md` explains the settings.
//!
//! `settings.rs`: what can be configured · a request: `template.rs`, `values.rs`, `from.rs`, `body.rs`, `auth.rs` (`sigv4.rs` is one way), `origin.rs`, put
//! together in `request.rs` and sent in `client.rs` · an answer or a call: `seen.rs`, looked at by `matching.rs`; an answer is
//! judged in `verdict.rs`, a call in `signature.rs` and `receipts.rs`; `asking.rs` has both ends of a question · `lookup.rs`:
//! the same for number look-ups · `call.rs`: what is said in a call · `languages.rs`: in which language.
//!
//! Invariant: no error and no log holds an address, a code, a text or a secret; a provider's words are let through only as
//! far as `verdict.rs` finds them harmless.

mod asking;
mod auth;
mod body;
mod call;
mod client;
mod from;
mod jwt;
mod languages;
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
use crate::{
    Accepted, BadReceipt, CallStep, Line, Outgoing, Provider, ReceiptRequest, Receipts, SendError, Told, Unsaid, Watch,
};
use asking::Asking;
use async_trait::async_trait;
use call::Script;
use countersign_model::{Channel, Code, message::ReceiptPlan};
use from::DefaultFrom;
use languages::Languages;
use receipts::Reading;
use regex::Regex;
use std::fmt;
use template::Values;

pub use lookup::HttpLookup;
pub use settings::Settings;

/// One aggregator.
pub struct Http {
    channels: Vec<Channel>,
    from: DefaultFrom,
    codes: Option<Regex>,
    languages: Languages,
    reach: Option<Asking>,
    sending: Asking,
    call: Option<Script>,
    reading: Option<Reading>,
}

/// The variables that hold the code.
const SAYS_THE_CODE: [&str; 2] = ["text", "code"];
/// The longest that both questions of a message may take together, in seconds: an attempt has 25.
const LONGEST_TOGETHER: u32 = 20;

impl Http {
    /// An aggregator with these settings. Reads the files that they name; connects to nobody yet.
    ///
    /// # Errors
    /// Names the setting that cannot be.
    pub fn new(settings: &Settings) -> Result<Self, BadSetting> {
        if settings.channels.is_empty() {
            return Err(BadSetting::new("channels", "must name what it carries: [\"sms\"]"));
        }
        let reach = settings.reach.as_ref().map(|reach| ability(reach, &settings.request)).transpose()?;
        let given: Vec<&str> = values::OF_MESSAGE.into_iter().chain(reach.as_ref().map(|_| values::OF_REACH)).collect();
        let sending = Asking::new(&settings.request, &settings.answer, &given)?;
        let reading = settings.receipt.as_ref().map(Reading::new).transpose()?;
        if reading.as_ref().is_some_and(Reading::needs_link) && !sending.blueprint.names("receipt_url") {
            let problem = "receipts prove themselves by their link, but {{ receipt_url }} is nowhere in the request";
            return Err(BadSetting::new("receipt.signature", problem));
        }
        let names_sender = from::VARIABLES.into_iter().any(|variable| sending.blueprint.names(variable));
        Ok(Self {
            channels: settings.channels.clone(),
            from: DefaultFrom::new(settings, names_sender)?,
            codes: settings.codes.as_deref().map(|codes| matching::expression(codes, "codes")).transpose()?,
            languages: Languages::new(&settings.languages)?,
            reach,
            call: settings.call.as_ref().map(|call| script(call, settings, &sending)).transpose()?,
            sending,
            reading,
        })
    }

    async fn hand_over(&self, message: &Outgoing, watch: Option<Watch<'_>>) -> Result<Accepted, SendError> {
        if !message.to.suits(message.channel) || !self.channels.contains(&message.channel) {
            return Err(SendError::Refused("this provider carries no such messages".to_owned()));
        }
        if self.call.is_some() && message.call_url.is_none() {
            let why = "nobody could ask what to say in the call: it needs server.public_url, and a server that runs";
            return Err(SendError::Refused(why.to_owned()));
        }
        let secret = message.code.as_ref().map(Code::expose);
        if self.codes.as_ref().is_some_and(|codes| !secret.is_some_and(|code| codes.is_match(code))) {
            return Err(SendError::Refused("this provider carries no codes of this form, and nothing else".to_owned()));
        }
        let language = self.languages.theirs(&message.language);
        let mut values = values::of_message(message, &self.from, language)?;
        if let Some(reach) = &self.reach {
            // Nothing was sent by that, whatever became of the answer.
            let asked = reach.ask(values.clone(), secret, watch).await.map_err(|error| match error {
                SendError::Unknown(why) => SendError::Retry(why),
                SendError::Retry(_) | SendError::Refused(_) => error,
            })?;
            values.insert(values::OF_REACH.to_owned(), asked.unwrap_or_default().into());
        }
        let reference = self.sending.ask(values, secret, watch).await?;
        Ok(Accepted { reference, receipt: self.receipt_plan(message) })
    }

    /// A receipt will come if there is a way for it: the address in the request, or one that the provider knows anyway.
    fn receipt_plan(&self, message: &Outgoing) -> ReceiptPlan {
        let has_way = || message.receipt_url.is_some() || !self.sending.blueprint.names("receipt_url");
        if self.reading.is_some() && has_way() { ReceiptPlan::Expected } else { ReceiptPlan::Never }
    }
}

fn ability(reach: &settings::Reach, request: &settings::Request) -> Result<Asking, BadSetting> {
    let at = |bad: BadSetting| BadSetting::new("reach", format!("{}: {}", bad.setting, bad.problem));
    if reach.request.timeout_seconds.saturating_add(request.timeout_seconds) > LONGEST_TOGETHER {
        let problem =
            format!("its timeout_seconds and that of the request must be at most {LONGEST_TOGETHER} together");
        return Err(BadSetting::new("reach", problem));
    }
    Asking::new(&reach.request, &reach.answer, &values::OF_MESSAGE).map_err(at)
}

fn script(call: &settings::Call, settings: &Settings, sending: &Asking) -> Result<Script, BadSetting> {
    if settings.channels != [Channel::Voice] {
        return Err(BadSetting::new("call", "is for a provider that places calls, and nothing else: [\"voice\"]"));
    }
    if !sending.blueprint.names("call_url") {
        return Err(BadSetting::new("call", "nobody would ask: {{ call_url }} is nowhere in the request"));
    }
    if let Some(variable) = SAYS_THE_CODE.into_iter().find(|variable| sending.blueprint.names(variable)) {
        let problem =
            format!("the vendor would know the code before it is to be said: {{{{ {variable} }}}} is in the request");
        return Err(BadSetting::new("call", problem));
    }
    let own = settings.request.values.iter().map(|(name, value)| (name.clone(), value.as_str().into()));
    Script::new(call, own.collect::<Values>())
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

    fn languages(&self) -> &[String] {
        self.languages.ours()
    }

    fn call_step(&self, request: &ReceiptRequest<'_>) -> Result<CallStep, BadReceipt> {
        let script = self.call.as_ref().ok_or(BadReceipt::NotExpected)?;
        let is_proved = self.reading.as_ref().is_none_or(|reading| reading.is_shown_by(request));
        if request.message.is_none() || !is_proved {
            return Err(BadReceipt::Forged);
        }
        Ok(script.step(request))
    }

    fn tell(&self, line: &Line<'_>) -> Told {
        let script = self.call.as_ref().ok_or_else(|| Unsaid("this provider places no calls".to_owned()))?;
        script.tell(line, self.languages.theirs(line.language))
    }
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http").field("channels", &self.channels).finish_non_exhaustive()
    }
}
