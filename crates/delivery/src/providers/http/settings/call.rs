//! What is said in a call, in the vendor's form.

use super::Extract;
use serde::Deserialize;

/// A call that the vendor places, and then asks us about, at `{{ call_url }}`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// Whether the code is said only after the key 1 was pressed, so that a voice mail never gets one.
    #[serde(default = "yes")]
    pub key_press: bool,
    /// Where it stands which key was pressed. It is missing there when the call has just begun, and empty when nobody pressed one.
    #[serde(default)]
    pub pressed: Option<Extract>,
    /// How somebody is asked for a key.
    #[serde(default)]
    pub ask: Option<Document>,
    /// How a text is said.
    pub say: Document,
    /// How the call ends without a word.
    #[serde(default)]
    pub end: Option<Document>,
}

const fn yes() -> bool {
    true
}

/// What the vendor is told: its texts are templates.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Document {
    /// XML, as one template.
    Xml(String),
    /// JSON whose texts are templates.
    Json(serde_json::Value),
}
