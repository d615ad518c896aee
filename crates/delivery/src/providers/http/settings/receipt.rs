//! How a provider's calls to us are proved and read.

use super::{Basic, Bearer, Condition, Extract, Extracts, Hmac, Texts};
use secrecy::SecretString;
use serde::Deserialize;
use std::path::PathBuf;

/// How the provider reports what became of a message.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// How a call proves to be the provider's.
    #[serde(default)]
    pub signature: Signature,
    /// Where the list stands if one call holds several receipts: a JSON pointer, in which `*` is each entry of a list on the way.
    /// The other places are then within its entries.
    #[serde(default)]
    pub list: Option<String>,
    /// What must hold of an entry; others are about messages that are not ours, and passed over.
    #[serde(default)]
    pub only: Option<Condition>,
    /// How the provider makes sure of our address before it calls it.
    #[serde(default)]
    pub handshake: Option<Handshake>,
    /// Where the provider's name for the message stands.
    #[serde(default)]
    pub reference: Option<Extract>,
    /// Where it stands what became of it: the first of these places that has anything.
    pub status: Extracts,
    /// What stands there when it has arrived.
    pub delivered: Texts,
    /// What stands there when it will not. Everything else is an interim report, and passed over.
    pub undelivered: Texts,
    /// What the provider is told when its receipt was taken.
    #[serde(default)]
    pub answer: ReceiptAnswer,
}

/// How a call proves to be the provider's.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Signature {
    /// By calling the address that was made for just this message: `{{ receipt_url }}` in the request.
    #[default]
    Link,
    /// Not at all: only where nobody else can reach this server.
    None,
    /// By a signature with a shared key.
    Hmac(Hmac),
    /// By Twilio's: HMAC-SHA1 over the address and the sorted fields of the form.
    Twilio(Bearer),
    /// By a user name and a password.
    Basic(Basic),
    /// By a token in the address, for providers that sign nothing and call one address for all messages.
    Query(QueryToken),
    /// By a signature with the provider's own key (RFC 8032).
    Ed25519(OwnKey),
    /// By a signature with the provider's own key: ECDSA over P-256 and SHA-256 (FIPS 186-5), in ASN.1.
    Ecdsa(OwnKey),
    /// By a token as a bearer (RFC 7519, HS256) that names the SHA-256 digest of the body as `payload_hash`.
    Jwt(JwtSecret),
}

/// The secret that tokens are signed with.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JwtSecret {
    /// The secret.
    #[serde(default)]
    pub secret: Option<SecretString>,
    /// Or the file that holds it.
    #[serde(default)]
    pub secret_file: Option<PathBuf>,
}

/// A GET that shows a token, and is answered with what it brings.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Handshake {
    /// The parameter with the token.
    pub name: String,
    /// The token that was set at the provider.
    #[serde(default)]
    pub token: Option<SecretString>,
    /// Or the file that holds it.
    #[serde(default)]
    pub token_file: Option<PathBuf>,
    /// The parameter that is answered with.
    pub echo: String,
}

/// A token in the address that is called.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueryToken {
    /// The parameter.
    pub name: String,
    /// The token.
    #[serde(default)]
    pub token: Option<SecretString>,
    /// Or the file that holds it.
    #[serde(default)]
    pub token_file: Option<PathBuf>,
}

/// A signature with the provider's own key.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnKey {
    /// The header that holds it, in base 64.
    pub header: String,
    /// The provider's public key, in base 64: 32 bytes for Ed25519, a SubjectPublicKeyInfo (RFC 5280) for ECDSA.
    pub public_key: String,
    /// What is signed, as a template; the body if nothing is said.
    #[serde(default)]
    pub over: Option<String>,
}

/// What the provider is told when its receipt was taken.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReceiptAnswer {
    /// The status.
    pub status: u16,
    /// The type of the body.
    pub content_type: Option<String>,
    /// The body.
    pub body: String,
}

impl Default for ReceiptAnswer {
    fn default() -> Self {
        Self { status: 200, content_type: None, body: String::new() }
    }
}
