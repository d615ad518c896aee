//! The keys that sign tokens. At any time one signs and one waits to be the next; both are published, so that whoever caches
//! them knows a key before it is used. Those that signed before stay published while a token of theirs can live.

use crate::{Sealed, Timestamp};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A key pair.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SigningKey {
    /// Its name in tokens: the thumbprint of its public half (RFC 7638).
    pub kid: String,
    /// Grows with each write; 0 before the first.
    #[serde(skip)]
    pub version: u32,
    /// What it does.
    pub state: SigningKeyState,
    /// Its private half (PKCS #8 as base 64), sealed.
    pub private: Sealed,
    /// The modulus, as JSON writes it (RFC 7518, 6.3.1): base 64 of big-endian bytes.
    pub n: String,
    /// The exponent, likewise.
    pub e: String,
    /// A certificate that it has signed itself (DER as base 64), for readers that want one.
    pub certificate: String,
    /// Since when it exists.
    pub created_at: Timestamp,
    /// Since when it no longer signs.
    pub retired_at: Option<Timestamp>,
}

/// What a key pair does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SigningKeyState {
    /// It signs.
    Current,
    /// It signs after the next rotation.
    Next,
    /// It has signed.
    Retired,
}

impl SigningKeyState {
    /// Its name for people and in the store.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Next => "next",
            Self::Retired => "retired",
        }
    }
}

/// Longer than any token lives.
pub const RETIRED_KEYS_ARE_PUBLISHED: Duration = Duration::from_hours(24 * 7);

impl SigningKey {
    /// Whether it is to be published, and tokens signed with it are good.
    #[must_use]
    pub fn is_published(&self, now: Timestamp) -> bool {
        self.retired_at.is_none_or(|since| now.since(since) < RETIRED_KEYS_ARE_PUBLISHED)
    }

    /// It signs no more.
    #[must_use]
    pub fn retire(self, now: Timestamp) -> Self {
        Self { state: SigningKeyState::Retired, retired_at: Some(now), ..self }
    }

    /// It signs from now on.
    #[must_use]
    pub fn promote(self) -> Self {
        Self { state: SigningKeyState::Current, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_has_signed_is_published_for_a_week() {
        let key = SigningKey {
            kid: "k".to_owned(),
            version: 1,
            state: SigningKeyState::Current,
            private: Sealed { key_version: 1, bytes: vec![] },
            n: String::new(),
            e: String::new(),
            certificate: String::new(),
            created_at: Timestamp::from_ms(0),
            retired_at: None,
        };
        let week = Timestamp::from_ms(0).plus(RETIRED_KEYS_ARE_PUBLISHED);
        assert!(key.is_published(week));
        let retired = key.retire(Timestamp::from_ms(0));
        assert_eq!(retired.state, SigningKeyState::Retired);
        assert!(retired.is_published(Timestamp::from_ms(week.as_ms() - 1)) && !retired.is_published(week));
    }
}
