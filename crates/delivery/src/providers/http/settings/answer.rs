//! What is looked at in an answer (and in a call), and what it then means.

use serde::{
    Deserialize, Deserializer,
    de::{
        Error as _, MapAccess, SeqAccess, Visitor,
        value::{MapAccessDeserializer, SeqAccessDeserializer},
    },
};
use std::fmt;

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

/// Where a value stands: a place, and perhaps a part of what stands there.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Extract {
    /// In a JSON body, at this pointer (RFC 6901).
    pub json: Option<String>,
    /// In this header.
    pub header: Option<String>,
    /// In this parameter of the address that was called.
    pub query: Option<String>,
    /// In this field of a form.
    pub form: Option<String>,
    /// In the path of the address that was called: its so many-th part, from 1.
    pub path: Option<usize>,
    /// The first group of this regular expression, looked for at the place; without one, in the body.
    pub matches: Option<String>,
}

/// One place or a list of them: the first at which anything stands.
#[derive(Clone, Debug, Default)]
pub struct Extracts(pub Vec<Extract>);

impl<'de> Deserialize<'de> for Extracts {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Places;
        impl<'de> Visitor<'de> for Places {
            type Value = Extracts;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a place such as { json = \"/status\" }, or a list of them")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Extracts, A::Error> {
                Extract::deserialize(MapAccessDeserializer::new(map)).map(|place| Extracts(vec![place]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Extracts, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(list)).map(Extracts)
            }
        }
        from.deserialize_any(Places)
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
pub fn scalar(value: &serde_json::Value) -> Option<String> {
    match value {
        serde_json::Value::String(text) => Some(text.clone()),
        serde_json::Value::Number(number) => Some(number.to_string()),
        serde_json::Value::Bool(truth) => Some(truth.to_string()),
        serde_json::Value::Null | serde_json::Value::Array(_) | serde_json::Value::Object(_) => None,
    }
}
