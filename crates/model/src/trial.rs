//! One message of a verification as reports count it. It is kept for the services whose callers can ask for such reports, and
//! goes with its verification.

use crate::{BlindIndex, Channel, MessageId, ServiceId, TenantId, Timestamp, VerificationId};

/// One message, and whether its code was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trial {
    /// Whose it is.
    pub tenant: TenantId,
    /// The message, whose id says when it was made.
    pub id: MessageId,
    /// The verification.
    pub verification: VerificationId,
    /// The service that it ran under.
    pub service: ServiceId,
    /// Where it went, as look-ups see it.
    pub to: BlindIndex,
    /// Its way.
    pub channel: Channel,
    /// The number's country (ISO 3166-1 alpha-2); none for mail, and for numbers of no country.
    pub country: Option<String>,
    /// Whether the verification was approved, and this was its latest message then.
    pub successful: bool,
    /// What it cost, in ten-thousandths.
    pub price_e4: i64,
    /// ISO 4217 code.
    pub currency: String,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Trial {
    /// When it was made.
    #[must_use]
    pub fn made_at(&self) -> Timestamp {
        self.id.made_at()
    }
}
