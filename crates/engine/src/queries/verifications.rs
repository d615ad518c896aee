//! One verification, whole: where it stands, its messages, and all that happened to it.

use crate::{
    Caller, Engine, Error, Thing,
    commands::{Decided, OwnText},
    keys,
};
use countersign_model::{Address, Event, Message, Payment, Scope, Sealed, Verification, VerificationId};

/// What became of the messages of a verification, and of itself.
#[derive(Clone, Debug)]
pub struct VerificationHistory {
    /// Its messages, oldest first.
    pub messages: Vec<Message>,
    /// What happened, oldest first.
    pub events: Vec<Event>,
}

impl Engine {
    /// A verification as it stands now.
    ///
    /// # Errors
    /// When there is none, or the caller may not see it.
    pub async fn verification(&self, caller: &Caller, id: VerificationId) -> Result<Decided, Error> {
        caller.must_have(Scope::VerificationsRead)?;
        let found = self.store().verification(caller.tenant(), id).await?;
        Ok(Decided { verification: found.ok_or(Error::NotFound(Thing::Verification))?, at: self.now() })
    }

    /// What became of it and of its messages.
    ///
    /// # Errors
    /// When there is none, or the caller may not see it.
    pub async fn history(&self, caller: &Caller, id: VerificationId) -> Result<VerificationHistory, Error> {
        let verification = self.verification(caller, id).await?.verification;
        Ok(VerificationHistory {
            messages: self.store().messages_of(verification.tenant, id).await?,
            events: self.store().events_of(verification.tenant, id).await?,
        })
    }

    /// Where its messages go.
    ///
    /// # Errors
    /// When the key file lacks its key.
    pub fn address_of(&self, verification: &Verification) -> Result<Address, Error> {
        let context = keys::context(keys::ADDRESS, verification.tenant, &verification.id.to_bytes());
        let text = self.keys().open(&verification.to, &context)?;
        Address::from_normalised(&text).map_err(|_| Error::internal("a sealed address does not read back"))
    }

    /// What the person approves.
    ///
    /// # Errors
    /// When the key file lacks its key.
    pub fn payment_of(&self, verification: &Verification) -> Result<Option<Payment>, Error> {
        let Some(sealed) = &verification.payment else { return Ok(None) };
        let context = keys::context(keys::PAYMENT, verification.tenant, &verification.id.to_bytes());
        let text = self.keys().open(sealed, &context)?;
        serde_json::from_str(&text).map(Some).map_err(|_| Error::internal("sealed payment data does not read back"))
    }

    /// The caller's own words around the code, as they are kept.
    pub(crate) fn seal_text(&self, verification: &Verification, text: &OwnText) -> Result<Sealed, Error> {
        let context = keys::context(keys::TEXT, verification.tenant, &verification.id.to_bytes());
        let text = serde_json::to_string(text).map_err(|error| Error::Internal(error.to_string()))?;
        self.keys().seal(&text, &context, self.random())
    }

    /// The caller's own words around the code.
    pub(crate) fn own_text_of(&self, verification: &Verification) -> Result<Option<OwnText>, Error> {
        let Some(sealed) = &verification.text else { return Ok(None) };
        let context = keys::context(keys::TEXT, verification.tenant, &verification.id.to_bytes());
        let text = self.keys().open(sealed, &context)?;
        serde_json::from_str(&text).map(Some).map_err(|_| Error::internal("sealed words do not read back"))
    }

    /// Whether a number exists, as far as the configured lookup or the numbering plan can tell.
    ///
    /// # Errors
    /// When the caller may not ask.
    pub async fn number_exists(&self, caller: &Caller, to: &Address) -> Result<bool, Error> {
        caller.must_have(Scope::VerificationsWrite)?;
        match self.look_up(to).await {
            Ok(_) => Ok(true),
            Err(Error::NumberUnknown) => Ok(false),
            Err(error) => Err(error),
        }
    }
}
