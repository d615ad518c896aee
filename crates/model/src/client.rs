//! Applications that ask for tokens on behalf of users or of themselves (RFC 6749, 2), and what is kept of the tokens that
//! live longer than a day.

use crate::{TenantId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

/// An application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Client {
    /// Its public name: 32 letters and digits. It is what tells the tenant of a request, so it is unique among all tenants.
    pub id: String,
    /// Whose it is.
    pub tenant: TenantId,
    /// Grows with each write; 0 before the first.
    #[serde(skip)]
    pub version: u32,
    /// What its owner calls it.
    pub name: String,
    /// How it proves to be itself.
    pub proof: ClientProof,
    /// In which ways it may get tokens.
    pub grants: Vec<Grant>,
    /// The APIs for which it may have tokens.
    pub apis: Vec<Api>,
    /// What it may do in the management API; nothing: it gets no token for that.
    pub management: Vec<String>,
    /// Where a hosted page may send the browser back to.
    pub return_to: Vec<String>,
    /// The origins whose pages may call with it.
    pub origins: Vec<String>,
    /// Since when it exists.
    pub created_at: Timestamp,
}

/// How a client proves to be itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientProof {
    /// It cannot keep a secret (a browser, a phone), and so proves nothing.
    Public,
    /// With a secret, of which the keyed hash is kept, in hexadecimal.
    Secret(String),
    /// With assertions that it signs with the private half of this public key (PEM).
    Key(String),
}

/// A way to get tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grant {
    /// A user's name and password.
    Password,
    /// A refresh token.
    RefreshToken,
    /// Nothing but the client itself.
    ClientCredentials,
    /// A second factor, after the first.
    Mfa,
}

impl Grant {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Password, Self::RefreshToken, Self::ClientCredentials, Self::Mfa];

    /// Its name at the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::RefreshToken => "refresh-token",
            Self::ClientCredentials => "client-credentials",
            Self::Mfa => "mfa",
        }
    }

    /// The opposite of [`Self::name`].
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|grant| grant.name() == name)
    }
}

/// Something that takes tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Api {
    /// Its name in the tokens.
    pub audience: String,
    /// What the client may ask for there.
    pub scopes: Vec<String>,
}

impl Client {
    /// Whether it may get tokens in this way.
    #[must_use]
    pub fn may(&self, grant: Grant) -> bool {
        self.grants.contains(&grant)
    }

    /// The API of that name, if it may have tokens for it.
    #[must_use]
    pub fn api(&self, audience: &str) -> Option<&Api> {
        self.apis.iter().find(|api| api.audience == audience)
    }
}

/// A refresh token: the store has the keyed hash of its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefreshToken {
    /// Whose it is.
    pub tenant: TenantId,
    /// Keyed hash of the text.
    #[serde(skip)]
    pub hash: [u8; 32],
    /// The client that has it.
    pub client: String,
    /// For whom it speaks.
    pub user: UserId,
    /// The API of its tokens; none for none but the user's profile.
    pub audience: Option<String>,
    /// What its tokens allow, at most.
    pub scope: String,
    /// Whether a second factor was used.
    pub after_mfa: bool,
    /// When it was given out.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}
