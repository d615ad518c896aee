//! What can be configured of an HTTP provider: here the request and who we are, in `answer.rs` what is looked at in answers, in
//! `receipt.rs` the provider's calls to us. The checks are made where the settings are put to use, at start.

mod answer;
mod receipt;

use countersign_model::Channel;
use secrecy::SecretString;
use serde::Deserialize;
use std::{collections::BTreeMap, path::PathBuf};

pub(super) use answer::scalar;
pub use answer::{Answer, Condition, Extract, Texts};
pub use receipt::{Ed25519, QueryToken, Receipt, ReceiptAnswer, Signature};

/// One aggregator: `[providers.http.NAME]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// What it carries.
    pub channels: Vec<Channel>,
    /// Whom messages come from, if the service names nobody.
    #[serde(default)]
    pub from: Option<String>,
    /// What is asked of it.
    pub request: Request,
    /// What its answers mean.
    #[serde(default)]
    pub answer: Answer,
    /// How it reports what became of a message; none: never.
    #[serde(default)]
    pub receipt: Option<Receipt>,
}

/// A number look-up: `[lookup.http]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lookup {
    /// What is asked.
    pub request: Request,
    /// Answers by which the number exists.
    pub exists: Vec<Condition>,
    /// Answers by which it does not. Every other answer tells nothing.
    pub missing: Vec<Condition>,
    /// Where the number's operator stands.
    #[serde(default)]
    pub operator: Option<Extract>,
}

/// A request as a set of templates.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// POST unless it is said otherwise.
    #[serde(default)]
    pub method: Method,
    /// The address; no variable of a message may stand in its host.
    pub url: String,
    /// Who we are.
    #[serde(default)]
    pub auth: Option<Auth>,
    /// Further headers.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Added to the address.
    #[serde(default)]
    pub query: BTreeMap<String, String>,
    /// The body: any JSON, whose texts are templates.
    #[serde(default)]
    pub json: Option<serde_json::Value>,
    /// The body: a form.
    #[serde(default)]
    pub form: Option<BTreeMap<String, String>>,
    /// The body: XML.
    #[serde(default)]
    pub xml: Option<String>,
    /// The body: any other text.
    #[serde(default)]
    pub text: Option<String>,
    /// The type of the body, if not the usual one of its kind.
    #[serde(default)]
    pub content_type: Option<String>,
    /// Own variables for the templates: account numbers, say.
    #[serde(default)]
    pub values: BTreeMap<String, String>,
    /// Own secret variables: `{{ secrets.NAME }}`. A name that ends in `_file` names a file whose content it is.
    #[serde(default)]
    pub secrets: BTreeMap<String, SecretString>,
    /// How long one request may take, all in all, from 1 to 14 seconds.
    #[serde(default = "six")]
    pub timeout_seconds: u32,
    /// A PEM file of certificates that are trusted besides those of the system.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// Whether `http://` is taken for a host that is not this machine.
    #[serde(default)]
    pub allow_plaintext: bool,
}

const fn six() -> u32 {
    6
}

/// How the request is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// Everything stands in the address.
    Get,
    /// The usual one.
    #[default]
    Post,
    /// Seldom.
    Put,
}

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
    pub header: String,
    /// The key.
    #[serde(default)]
    pub secret: Option<SecretString>,
    /// Or the file that holds it.
    #[serde(default)]
    pub secret_file: Option<PathBuf>,
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
