//! Tokens: what a client gets for a user, or for itself, and shows again later.
//!
//! | file | token | kept |
//! |---|---|---|
//! | `transaction.rs` | of a log-in that waits for its second factor, and of a code on its way in it | nowhere: sealed, in the client's hand |
//! | `push.rs` | of a question to a device, and of the device's right to register and to answer | nowhere |
//! | `signed.rs`, `signing_keys.rs` | for APIs: JSON web tokens, signed | nowhere: whoever has the public key can read them |
//! | `refresh.rs` | for new ones of those | its keyed hash |
//!
//! What is kept nowhere survives every restart, and is good in every process that has the key file. That such a token is
//! used once is the store's doing: its use is a row that can be inserted once ([`countersign_store::Change::SpendToken`]).
//! The words in a token are a dialect's business; the engine takes and gives JSON.

mod layout;
mod push;
mod refresh;
mod signed;
mod signing_keys;
mod transaction;

pub use push::{DeviceTicket, PushOnItsWay};
pub use signed::NotOurs;
pub use signing_keys::PublishedKey;
pub use transaction::{CodeOnItsWay, Origin, Transaction, Unreadable};

pub(crate) use refresh::fresh_refresh_token;
pub(crate) use signed::signature_only;
pub(crate) use signing_keys::{OpenKeys, make_key};

use serde::{Deserialize, Serialize};

/// What a client asks a token for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenRequest {
    /// The API; none: nothing but the user's own profile.
    #[serde(rename = "a")]
    pub audience: Option<String>,
    /// What is to be allowed there: words with blanks between.
    #[serde(rename = "s")]
    pub scope: String,
}

impl TokenRequest {
    /// Whether it asks for this.
    #[must_use]
    pub fn has(&self, scope: &str) -> bool {
        self.scope.split(' ').any(|word| word == scope)
    }
}

/// What a client gets: the dialect makes tokens of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Granted {
    /// For whom it may speak.
    pub user: countersign_model::UserId,
    /// What was asked for.
    pub request: TokenRequest,
    /// Whether a second factor was shown.
    pub after_mfa: bool,
    /// A new refresh token, if one was asked for. A request that is repeated does not bring it again.
    pub refresh_token: Option<String>,
    /// A new recovery code, in place of the one that was used.
    pub recovery_code: Option<String>,
}
