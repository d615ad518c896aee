//! What providers call back with. The provider reads and checks the call; here its notes become state, and only when that is on
//! the disk is the provider told that it was taken.

use crate::{
    Caller, Engine, Error,
    commands::{ReceiptRecorded, RecordReceipt},
    health::{Way, outcome_of},
};
use countersign_delivery::receipt::{About, BadReceipt, ReceiptAnswer, ReceiptNote, ReceiptRequest};
use countersign_model::{Address, Message, MessageId, TenantId, message::Receipt};

pub use countersign_delivery::receipt as wire;

/// Why a call was not taken.
#[derive(Debug, thiserror::Error)]
pub enum ReceiptError {
    /// There is no such provider, or its address is not right.
    #[error("nobody expects a receipt here")]
    Unknown,
    /// The provider's check of it failed.
    #[error(transparent)]
    Bad(#[from] BadReceipt),
    /// It names a message that is not known (yet): it may have come before the provider's answer was written down.
    #[error("the message is not known (yet)")]
    NoSuchMessage,
    /// It could not be written down.
    #[error(transparent)]
    Engine(#[from] Error),
}

/// The message whose own address was called.
#[derive(Clone, Debug)]
pub struct OwnAddress {
    /// Whose.
    pub tenant: TenantId,
    /// Which.
    pub message: MessageId,
    /// What proves that the caller was given the address.
    pub token: String,
}

impl Engine {
    /// Where a provider is to report what becomes of a message; none if nobody outside knows how to reach this server.
    pub(crate) fn receipt_url(&self, provider: &str, tenant: TenantId, message: MessageId) -> Option<String> {
        let base = self.public_url()?.trim_end_matches('/');
        Some(format!("{base}/callbacks/{provider}/{tenant}/{message}/{}", self.keys().receipt_token(tenant, message)))
    }

    /// Takes a provider's call: what it is to be answered, once everything that it says is written down.
    ///
    /// # Errors
    /// When it is not to be taken, or cannot be written down; the provider may call again.
    pub async fn record_receipts(
        &self,
        provider: &str,
        own: Option<&OwnAddress>,
        mut request: ReceiptRequest<'_>,
    ) -> Result<ReceiptAnswer, ReceiptError> {
        let carrier = self.providers().get(provider).ok_or(ReceiptError::Unknown)?;
        if own.is_some_and(|own| !self.keys().is_receipt_token(own.tenant, own.message, &own.token)) {
            return Err(ReceiptError::Unknown);
        }
        request.message = own.map(|own| own.message);
        let receipts = carrier.receipts(&request)?;
        let mut is_known = true;
        for note in receipts.notes {
            match self.record(provider, own, &note).await {
                Ok(()) => {}
                // One message that nobody knows (yet) does not keep the others of the call waiting.
                Err(ReceiptError::NoSuchMessage) => is_known = false,
                Err(error) => return Err(error),
            }
        }
        if is_known { Ok(receipts.answer) } else { Err(ReceiptError::NoSuchMessage) }
    }

    pub(crate) async fn record(
        &self,
        provider: &str,
        own: Option<&OwnAddress>,
        note: &ReceiptNote,
    ) -> Result<(), ReceiptError> {
        let found = match &note.about {
            About::Message(id) => own.filter(|own| own.message == *id).map(|own| (own.tenant, *id)),
            About::Reference(reference) => {
                let message = self.store().message_with_reference(provider, reference).await.map_err(Error::from)?;
                message.map(|message| (message.tenant, message.id))
            }
            About::Names { names, to } => self.named(provider, names, to).await?.map(|found| (found.tenant, found.id)),
        };
        let (tenant, message) = found.ok_or(ReceiptError::NoSuchMessage)?;
        let command = RecordReceipt { message, receipt: note.receipt };
        match self.run(&Caller::operator(tenant), None, &command).await {
            Ok(ReceiptRecorded { news, tells_of }) => {
                tracing::info!(message_id = %message, provider, receipt = ?note.receipt, news, "a receipt came");
                if news {
                    self.metrics().receipt(provider, told(note.receipt));
                }
                if let Some((channel, country)) = tells_of {
                    let way = Way { channel, country: country.as_deref() };
                    self.note_health(way, provider, message, outcome_of(note.receipt), self.now());
                }
                Ok(())
            }
            Err(Error::NotFound(_)) => Err(ReceiptError::NoSuchMessage),
            Err(error) => Err(error.into()),
        }
    }

    /// The message that a provider knows under one of these names. A number that is written in decimal here and in hexadecimal there
    /// may mean two messages, so the one counts that went to the number which the receipt names; without such a one, that
    /// whose name is the same to the letter.
    async fn named(&self, provider: &str, names: &[String], to: &str) -> Result<Option<Message>, Error> {
        let mut to_the_letter = None;
        for (at, name) in names.iter().enumerate() {
            let Some(message) = self.store().message_with_reference(provider, name).await? else { continue };
            if self.went_to(&message, to).await? {
                return Ok(Some(message));
            }
            if at == 0 {
                to_the_letter = Some(message);
            }
        }
        Ok(to_the_letter)
    }

    /// Whether a message went to the number of these digits; some carriers leave out what they know anyway.
    async fn went_to(&self, message: &Message, digits: &str) -> Result<bool, Error> {
        let verification = match message.verification() {
            Some(id) => self.store().verification(message.tenant, id).await?,
            None => None,
        };
        let Some((Address::Phone(number), _)) = self.ends_with(message, verification.as_ref())? else {
            return Ok(false);
        };
        let (number, told) = (number.e164().trim_start_matches('+'), digits.trim_start_matches('0'));
        Ok(told.len() >= FEWEST_DIGITS && number.ends_with(told))
    }
}

/// As metrics name it.
const fn told(receipt: Receipt) -> &'static str {
    match receipt {
        Receipt::Delivered => "delivered",
        Receipt::Undelivered => "undelivered",
    }
}
/// A number is not told from others by fewer digits.
const FEWEST_DIGITS: usize = 7;
