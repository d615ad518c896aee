//! How a request says who we are, and the parts of that which receipts have in common with it.

use super::Extract;
use secrecy::SecretString;
use serde::Deserialize;
use std::{collections::BTreeMap, path::PathBuf};

/// Who we are to the provider.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Auth {
    /// RFC 7617.
    Basic(Basic),
    /// RFC 6750.
    Bearer(Bearer),
    /// A key in a header of the provider's choice.
    Header(HeaderKey),
    /// A signature in a header.
    Hmac(Hmac),
    /// AWS Signature Version 4.
    SigV4(SigV4),
    /// A token that is signed with our own key (RFC 7519, RS256), as a bearer.
    Jwt(Jwt),
}

/// A token that is signed with our own key.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Jwt {
    /// The RSA key, in PEM form.
    #[serde(default)]
    pub private_key: Option<SecretString>,
    /// Or the file that holds it.
    #[serde(default)]
    pub private_key_file: Option<PathBuf>,
    /// What it says, as templates. `iat` and `exp` are added.
    #[serde(default)]
    pub claims: BTreeMap<String, String>,
    /// How long it can be used.
    #[serde(default = "quarter_of_an_hour")]
    pub life_seconds: u32,
}

const fn quarter_of_an_hour() -> u32 {
    900
}

/// A user name and its password.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Basic {
    /// The user name.
    pub username: String,
    /// The password.
    #[serde(default)]
    pub password: Option<SecretString>,
    /// Or the file that holds it.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
}

/// A token.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bearer {
    /// The token.
    #[serde(default)]
    pub token: Option<SecretString>,
    /// Or the file that holds it.
    #[serde(default)]
    pub token_file: Option<PathBuf>,
}

/// A key in a header.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeaderKey {
    /// The header.
    pub name: String,
    /// What stands before the key: `"App "`.
    #[serde(default)]
    pub prefix: String,
    /// The key.
    #[serde(default)]
    pub secret: Option<SecretString>,
    /// Or the file that holds it.
    #[serde(default)]
    pub secret_file: Option<PathBuf>,
}

/// A signature with a shared key (RFC 2104), of requests to the provider and of its receipts.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hmac {
    /// The header that holds it.
    #[serde(default)]
    pub header: Option<String>,
    /// Of a receipt, the place that holds it if it is not a header.
    #[serde(default)]
    pub place: Option<Extract>,
    /// The key.
    #[serde(default)]
    pub secret: Option<SecretString>,
    /// Or the file that holds it.
    #[serde(default)]
    pub secret_file: Option<PathBuf>,
    /// The digest of the secret is the key, in place of the secret itself.
    #[serde(default)]
    pub key_digest: Option<Algorithm>,
    /// The digest.
    #[serde(default)]
    pub algorithm: Algorithm,
    /// How the signature is written.
    #[serde(default)]
    pub encoding: Encoding,
    /// What stands before it in the header: `"sha256="`.
    #[serde(default)]
    pub prefix: String,
    /// What is signed, as a template; the body if nothing is said.
    #[serde(default)]
    pub over: Option<String>,
}

/// A digest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Algorithm {
    /// SHA-256.
    #[default]
    Sha256,
    /// SHA-512.
    Sha512,
    /// SHA-1, for providers that know nothing better.
    Sha1,
}

/// How bytes are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// Lower or upper case.
    #[default]
    Hex,
    /// RFC 4648 with padding.
    Base64,
}

/// The signature of AWS, version 4, in the header `Authorization`
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html>).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SigV4 {
    /// The name under which the service signs: `ses`, `sns`.
    pub service: String,
    /// The region: `eu-west-1`.
    pub region: String,
    /// The access key's id.
    pub access_key_id: String,
    /// The secret access key.
    #[serde(default)]
    pub secret_access_key: Option<SecretString>,
    /// Or the file that holds it.
    #[serde(default)]
    pub secret_access_key_file: Option<PathBuf>,
    /// The session's token, of temporary credentials. It is read once, at start.
    #[serde(default)]
    pub session_token: Option<SecretString>,
    /// Or the file that holds it.
    #[serde(default)]
    pub session_token_file: Option<PathBuf>,
}
