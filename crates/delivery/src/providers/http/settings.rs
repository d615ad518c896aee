//! What can be configured of an HTTP provider: here the request, in `auth.rs` who we are, in `answer.rs` what is looked at in
//! answers, in `receipt.rs` the provider's calls to us. The checks are made where the settings are put to use, at start.

mod answer;
mod auth;
mod call;
mod receipt;

use countersign_model::Channel;
use secrecy::SecretString;
use serde::Deserialize;
use std::{collections::BTreeMap, path::PathBuf};

pub(super) use answer::scalar;
pub use answer::{Answer, Condition, Extract, Extracts, Texts};
pub use auth::{Algorithm, Auth, Basic, Bearer, Encoding, HeaderKey, Hmac, Jwt, SigV4};
pub use call::{Call, Document};
pub use receipt::{Handshake, JwtSecret, OwnKey, QueryToken, Receipt, ReceiptAnswer, Signature};

/// One aggregator: `[providers.http.NAME]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// What it carries.
    pub channels: Vec<Channel>,
    /// Whom messages come from, if the service names nobody; of mail a whole address: `Acme <no-reply@acme.example>`.
    #[serde(default)]
    pub from: Option<String>,
    /// The codes that it can carry, as a regular expression; none: whatever a message says, it carries.
    #[serde(default)]
    pub codes: Option<String>,
    /// The languages in which it can say a message (BCP 47), and what it calls each; none: it says whatever it is given.
    #[serde(default)]
    pub languages: BTreeMap<String, String>,
    /// What is asked before: whether it can reach the person at all.
    #[serde(default)]
    pub reach: Option<Reach>,
    /// What is asked of it.
    pub request: Request,
    /// What its answers mean.
    #[serde(default)]
    pub answer: Answer,
    /// What it says in the calls that it places; none: it places none that we are asked about.
    #[serde(default)]
    pub call: Option<Call>,
    /// How it reports what became of a message; none: never.
    #[serde(default)]
    pub receipt: Option<Receipt>,
}

/// The question whether a person can be reached, which costs less than a message in vain.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reach {
    /// What is asked; it may name what the message itself may.
    pub request: Request,
    /// What the answers mean: where nobody is reached, the message is refused. Its reference is `{{ reach_reference }}`.
    #[serde(default)]
    pub answer: Answer,
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
