//! What can be configured of an HTTP provider. The checks are made where the settings are put to use, at start.

use countersign_model::Channel;
use secrecy::SecretString;
use serde::{Deserialize, Deserializer, de::Error as _};
use std::{collections::BTreeMap, path::PathBuf};

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

/// What the answers mean: the first list with a condition that holds decides, in the order accept, refuse, retry; if
/// none holds, the status does.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Answer {
    /// The message was taken. Without any condition here every 2xx is that.
    pub accept: Vec<Condition>,
    /// This provider will never take it.
    pub refuse: Vec<Condition>,
    /// Trying again may help.
    pub retry: Vec<Condition>,
    /// Where the provider's name for the message stands.
    pub reference: Option<Extract>,
    /// Where its short code for what went wrong stands.
    pub error: Option<Extract>,
}

/// A condition: everything that is given must hold.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Condition {
    /// The status is one of these: `"200"`, `"2xx"`.
    pub status: Option<Texts>,
    /// Looks at this place of a JSON body (RFC 6901).
    pub json: Option<String>,
    /// Looks at this header.
    pub header: Option<String>,
    /// What is looked at is one of these texts or numbers.
    pub is: Option<Texts>,
    /// Whether it is there at all; null is not.
    pub exists: Option<bool>,
    /// What is looked at (without `json` and `header` the body) contains this text.
    pub contains: Option<String>,
    /// What is looked at matches this regular expression somewhere.
    pub matches: Option<String>,
}

/// Where a value stands.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Extract {
    /// In a JSON body, at this pointer (RFC 6901).
    Json(String),
    /// In this header.
    Header(String),
    /// In the body: the first group of this regular expression.
    Matches(String),
    /// In this parameter of the address that was called.
    Query(String),
    /// In this field of a form.
    Form(String),
    /// In the path of the address that was called: its so many-th part, from 1.
    Path(usize),
}

/// How the provider reports what became of a message.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// How a call proves to be the provider's.
    #[serde(default)]
    pub signature: Signature,
    /// Where the list stands if one call holds several receipts: a JSON pointer. The other places are then within its
    /// entries.
    #[serde(default)]
    pub list: Option<String>,
    /// Where our name for the message stands, if the provider repeats it.
    #[serde(default)]
    pub message: Option<Extract>,
    /// Where the provider's name for the message stands.
    #[serde(default)]
    pub reference: Option<Extract>,
    /// Where it stands what became of it.
    pub status: Extract,
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
    Ed25519(Ed25519),
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
pub struct Ed25519 {
    /// The header that holds it, in base 64.
    pub header: String,
    /// The provider's public key, in base 64.
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

/// A text, a number, a truth value, or a list of them; all become texts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts(pub Vec<String>);

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(from)?;
        let texts = match value.as_array() {
            Some(list) => list.iter().map(scalar).collect(),
            None => scalar(&value).map(|text| vec![text]),
        };
        texts.map(Self).ok_or_else(|| D::Error::custom("must be a text, a number or a list of them"))
    }
}

/// The text of a single value; none for null, lists and objects.
pub(super) fn scalar(value: &serde_json::Value) -> Option<String> {
    match value {
        serde_json::Value::String(text) => Some(text.clone()),
        serde_json::Value::Number(number) => Some(number.to_string()),
        serde_json::Value::Bool(truth) => Some(truth.to_string()),
        serde_json::Value::Null | serde_json::Value::Array(_) | serde_json::Value::Object(_) => None,
    }
}
