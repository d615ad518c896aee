//! What a tenant has chosen about second factors: which there are, and what their messages say.

use crate::TenantId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A tenant's choice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MfaChoice {
    /// Whose.
    pub tenant: TenantId,
    /// Grows with each write; 0 before the first.
    #[serde(skip)]
    pub version: u32,
    /// The kinds of factor that can be used.
    pub kinds: Vec<ChosenKind>,
    /// The tenant's own words around codes.
    pub texts: Option<MfaTexts>,
    /// What a dialect keeps beside, under names of its own; nothing here depends on it.
    #[serde(default)]
    pub notes: BTreeMap<String, String>,
}

/// A kind of factor that can be chosen or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChosenKind {
    /// A code by text message.
    Sms,
    /// A code read out in a call.
    Voice,
    /// A code by mail.
    Email,
    /// A code of an app.
    Totp,
    /// A question on a device.
    Push,
    /// Recovery codes.
    RecoveryCodes,
}

impl ChosenKind {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Sms, Self::Voice, Self::Email, Self::Totp, Self::Push, Self::RecoveryCodes];
}

/// Texts with variables, of a message to enrol and of one to verify.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MfaTexts {
    /// When a phone is enrolled.
    pub enrolment: String,
    /// When a phone is asked.
    pub verification: String,
}

impl MfaChoice {
    /// That of a tenant that has chosen nothing: every kind there is.
    #[must_use]
    pub fn of(tenant: TenantId) -> Self {
        Self { tenant, version: 0, kinds: ChosenKind::ALL.to_vec(), texts: None, notes: BTreeMap::new() }
    }

    /// Whether a kind of factor can be used.
    #[must_use]
    pub fn allows(&self, kind: ChosenKind) -> bool {
        self.kinds.contains(&kind)
    }

    /// Chooses a kind, or no longer.
    pub fn set(&mut self, kind: ChosenKind, is_chosen: bool) {
        self.kinds.retain(|chosen| *chosen != kind);
        if is_chosen {
            self.kinds.push(kind);
        }
    }
}
