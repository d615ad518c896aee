//! Hands mail to a relay over SMTP (RFC 5321), by the library lettre: TLS from the first byte (RFC 8314) or by STARTTLS
//! (RFC 3207), which is then required, and AUTH PLAIN or LOGIN (RFC 4954). The relay signs (DKIM) and delivers; it never
//! reports here what became of a mail.
//!
//! `settings.rs`: what can be configured · `mail.rs`: what a mail looks like · `session.rs`: the dialogue with the relay ·
//! `reply.rs`: what its answers mean to us. Invariant: nothing that a relay says is repeated but its numbers, since relays
//! quote addresses.

mod mail;
mod reply;
mod session;
mod settings;

use crate::{Accepted, Outgoing, Provider, SendError};
use async_trait::async_trait;
use countersign_model::{Channel, message::ReceiptPlan};
use lettre::message::Mailbox;
use std::fmt;

use super::{BadSetting, sender};
pub use settings::{Settings, Tls};

/// One mail relay.
pub struct Smtp {
    relay: session::Relay,
    from: Mailbox,
}

impl Smtp {
    /// A relay with these settings. Reads the files that they name; connects to nobody yet.
    ///
    /// # Errors
    /// Names the setting that cannot be.
    pub fn new(settings: &Settings) -> Result<Self, BadSetting> {
        Ok(Self { from: sender::mailbox(&settings.from)?, relay: session::Relay::new(settings)? })
    }
}

#[async_trait]
impl Provider for Smtp {
    async fn send(&self, message: &Outgoing) -> Result<Accepted, SendError> {
        let mail = mail::compose(message, &self.from)?;
        let response = self.relay.hand_over(&mail).await?;
        Ok(Accepted { reference: reply::queue_id(&response), receipt: ReceiptPlan::Never })
    }

    fn channels(&self) -> &[Channel] {
        &[Channel::Email]
    }
}

impl fmt::Debug for Smtp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Smtp").finish_non_exhaustive()
    }
}
