//! How a message *leaves*. A [`Provider`] hands one message to the outside world and says how that went; which providers
//! there are is in `providers/mod.rs`, whether routes lead to them in `routing.rs`, what the message says in `render.rs`,
//! what is said in a call while it lasts in `call.rs`, what a tenant's own text must hold in `lint.rs`, how long a text message is in `gsm7.rs`, what a provider calls back
//! with in `receipt.rs`, what a provider with connections of its own is given and tells of them in `opening.rs`, and how
//! callers' own servers are called in `callback.rs`.
//! When to try, try again or give up is not decided here: that is the rule of `countersign_model::message`, run by
//! `countersign-engine`'s `jobs/deliver.rs`.
//!
//! How to add a provider: for one that speaks HTTP a file in `aggregators/` and no code; else one file in `providers/` with
//! its settings and its `impl Provider`, and its line in `providers/mod.rs`. How to add a language: its file in `templates/` and its name in
//! `render/builtin.rs`; the tests judge it, and write it down in `docs/languages.md` (`UPDATE=1 cargo test -p countersign-delivery
//! --test it languages`).

pub mod call;
pub mod callback;
pub mod gsm7;
pub mod lint;
pub mod lookup;
pub mod opening;
pub mod providers;
pub mod receipt;
pub mod render;
pub mod routing;

use async_trait::async_trait;
use countersign_model::{
    Address, Channel, Code, EmailAddress, MessageId, TenantId, Timestamp, VerificationId, message::ReceiptPlan,
};
use std::fmt;

pub use call::{CallStep, Line, Told, Unsaid};
pub use countersign_model::{Routes, SendError};
pub use lint::lint;
pub use lookup::NumberLookup;
pub use opening::{LinkState, LinkStatus, NotTaken, Opening, ReceiptSink};
pub use providers::Providers;
pub use receipt::{About, BadReceipt, ReceiptNote, ReceiptRequest, Receipts};
pub use render::{Rendered, Templates};

/// One message, ready to leave. It holds a token in its `receipt_url`, so printing it for debugging shows its names only.
pub struct Outgoing {
    /// Its name, for providers that take a client's id: the same at each attempt.
    pub id: MessageId,
    /// Whose it is.
    pub tenant: TenantId,
    /// The tenant's name.
    pub tenant_name: String,
    /// What it belongs to; none for a text of a caller's own.
    pub verification: Option<VerificationId>,
    /// Its way.
    pub channel: Channel,
    /// Where it goes.
    pub to: Address,
    /// Whom it comes from, if the service says so.
    pub from: Option<String>,
    /// The mail address that it is to come from, in place of the relay's own: whether the caller may choose it was decided before.
    pub from_address: Option<EmailAddress>,
    /// The ids under which sender and text are registered, where the country asks for them (India's DLT).
    pub dlt: Option<DltIds>,
    /// What it says.
    pub content: Rendered,
    /// In which language (BCP 47), one of [`Provider::languages`].
    pub language: String,
    /// For how many seconds from now on its code can be used; none: there is no end, or no code.
    pub life_seconds: Option<u32>,
    /// For how many minutes a code of its policy can be used, begun ones counted; none as above.
    pub life_minutes: Option<u32>,
    /// The code it carries, for providers that build the message themselves; none for a text of a caller's own.
    pub code: Option<Code>,
    /// The link it carries in place of a code. Whoever has it can open it.
    pub link: Option<String>,
    /// Where the provider is to report what becomes of it: this server's address for just this message. None: nowhere, since
    /// nobody outside can reach this server.
    pub receipt_url: Option<String>,
    /// Where the provider is to ask what it shall say in the call, for one that asks. None as above.
    pub call_url: Option<String>,
    /// The time of this attempt on the wall's clock, for providers whose requests are signed together with the time.
    pub now: Timestamp,
}

/// The ids that India's operators compare with what is registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DltIds {
    /// Of the principal entity.
    pub entity: String,
    /// Of the text.
    pub template: String,
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Outgoing");
        shown
            .field("id", &self.id)
            .field("tenant", &self.tenant)
            .field("channel", &self.channel)
            .finish_non_exhaustive()
    }
}

/// A provider has taken a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The provider's name for it.
    pub reference: Option<String>,
    /// What it will still say of it.
    pub receipt: ReceiptPlan,
}

/// Somebody who carries messages.
#[async_trait]
pub trait Provider: Send + Sync {
    /// Hands over one message. Must end within a few seconds: a provider that does not answer is
    /// [`SendError::Unknown`], and the next one gets its chance.
    ///
    /// # Errors
    /// When it was not taken, or when nobody can tell.
    async fn send(&self, message: &Outgoing) -> Result<Accepted, SendError>;

    /// The channels it serves.
    fn channels(&self) -> &[Channel];

    /// Like [`Self::send`], and shows each step to `watch`: a title, and what there is to see, without secrets. For the
    /// operator's own test messages only: what is shown has the address and the code in it.
    ///
    /// # Errors
    /// As [`Self::send`].
    async fn send_watched(&self, message: &Outgoing, _watch: Watch<'_>) -> Result<Accepted, SendError> {
        self.send(message).await
    }

    /// Reads what the provider called back with.
    ///
    /// # Errors
    /// When it is forged or makes no sense, or when this provider never calls back.
    fn receipts(&self, _request: &ReceiptRequest<'_>) -> Result<Receipts, BadReceipt> {
        Err(BadReceipt::NotExpected)
    }

    /// The languages in which it can say a message (BCP 47); empty: it says whatever it is given.
    fn languages(&self) -> &[String] {
        &[]
    }

    /// Reads what the provider asks about a call that it has placed.
    ///
    /// # Errors
    /// When it is forged, or when this provider never asks.
    fn call_step(&self, _request: &ReceiptRequest<'_>) -> Result<CallStep, BadReceipt> {
        Err(BadReceipt::NotExpected)
    }

    /// What the provider is told to say, in its own form.
    ///
    /// # Errors
    /// When there is no such form.
    fn tell(&self, _line: &Line<'_>) -> Told {
        Err(Unsaid("this provider never asks".to_owned()))
    }

    /// Begins to work, if it keeps connections: to be called once, before the first [`Self::send`], inside of a tokio runtime.
    fn open(&self, _opening: Opening) {}

    /// Ends its connections, within a few seconds.
    async fn close(&self) {}

    /// The connections that it keeps.
    fn links(&self) -> Vec<LinkStatus> {
        Vec::new()
    }
}

/// Who looks on while a message is sent.
pub type Watch<'a> = &'a (dyn Fn(&str, &str) + Send + Sync);

#[cfg(test)]
mod testing {
    //! A message for the tests of this crate.

    use super::*;

    pub fn outgoing() -> Outgoing {
        Outgoing {
            id: MessageId::from_bytes([1; 16]),
            tenant: TenantId::from_bytes([2; 16]),
            tenant_name: "acme".into(),
            verification: Some(VerificationId::from_bytes([3; 16])),
            channel: Channel::Email,
            to: Address::from_normalised("ana@example.com").unwrap(),
            from: None,
            from_address: None,
            dlt: None,
            content: Rendered { subject: Some("Your code".into()), text: "123456".into(), html: None },
            language: "en".into(),
            life_seconds: Some(300),
            life_minutes: Some(5),
            code: Some(Code::own("123456").unwrap()),
            link: None,
            receipt_url: None,
            call_url: None,
            now: Timestamp::from_ms(1_767_225_600_000),
        }
    }
}
