//! What conditions look at and values are taken from: an answer of a provider, or a call from it. Both are the same here.

use super::settings::scalar;
use crate::ReceiptRequest;
use http::{HeaderMap, HeaderName, StatusCode};
use serde_json::Value;
use std::borrow::Cow;

/// An answer or a call, taken apart.
pub(super) struct Seen<'a> {
    /// None for a call.
    pub status: Option<StatusCode>,
    headers: &'a HeaderMap,
    text: Cow<'a, str>,
    json: Cow<'a, Value>,
    query: &'a str,
    path: &'a str,
}

impl<'a> Seen<'a> {
    /// An answer.
    pub fn answer(status: StatusCode, headers: &'a HeaderMap, body: &'a [u8]) -> Self {
        Self { status: Some(status), ..Self::call(headers, body, "", "") }
    }

    /// A provider's call.
    pub fn of(call: &ReceiptRequest<'a>) -> Self {
        Self::call(call.headers, call.body, call.query, path_of(call.url))
    }

    /// A call, by its parts.
    pub fn call(headers: &'a HeaderMap, body: &'a [u8], query: &'a str, path: &'a str) -> Self {
        let json = serde_json::from_slice(body).unwrap_or(Value::Null);
        Self { status: None, headers, text: String::from_utf8_lossy(body), json: Cow::Owned(json), query, path }
    }

    /// One entry of the list in its body, as if it were the whole body. None: there is no list.
    pub fn entries(&'a self, list: &str) -> Option<impl Iterator<Item = Self>> {
        let entries = listed(&self.json, list)?;
        Some(entries.into_iter().map(move |entry| Self {
            status: self.status,
            headers: self.headers,
            text: Cow::Borrowed(&*self.text),
            json: Cow::Borrowed(entry),
            query: self.query,
            path: self.path,
        }))
    }

    /// The whole body as text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text or number at a place of the body.
    pub fn json(&self, pointer: &str) -> Option<Cow<'_, str>> {
        let value = self.json.pointer(pointer)?;
        value.as_str().map(Cow::Borrowed).or_else(|| scalar(value).map(Cow::Owned))
    }

    /// Whether anything but null is at a place of the body.
    pub fn has_json(&self, pointer: &str) -> bool {
        self.json.pointer(pointer).is_some_and(|value| !value.is_null())
    }

    /// The text of a header.
    pub fn header(&self, name: &HeaderName) -> Option<Cow<'_, str>> {
        self.headers.get(name)?.to_str().ok().map(Cow::Borrowed)
    }

    /// A parameter of the address.
    pub fn query(&self, name: &str) -> Option<Cow<'_, str>> {
        pair(self.query.as_bytes(), name)
    }

    /// A field of a form.
    pub fn form(&self, name: &str) -> Option<Cow<'_, str>> {
        pair(self.text.as_bytes(), name)
    }

    /// A part of the path, from 1.
    pub fn path_part(&self, number: usize) -> Option<Cow<'_, str>> {
        self.path.trim_start_matches('/').split('/').nth(number.checked_sub(1)?).map(Cow::Borrowed)
    }
}

/// The entries of the lists at a place: behind a `*` that of each entry which has one. None: not even the first list is there.
fn listed<'v>(value: &'v Value, place: &str) -> Option<Vec<&'v Value>> {
    match place.split_once("/*") {
        None => Some(value.pointer(place)?.as_array()?.iter().collect()),
        Some((before, "")) => Some(value.pointer(before)?.as_array()?.iter().collect()),
        Some((before, behind)) => {
            let entries = value.pointer(before)?.as_array()?;
            Some(entries.iter().filter_map(|entry| listed(entry, behind)).flatten().collect())
        }
    }
}

fn pair<'p>(encoded: &'p [u8], name: &str) -> Option<Cow<'p, str>> {
    form_urlencoded::parse(encoded).find(|(found, _)| found == name).map(|(_, value)| value)
}

/// The path of an address.
pub(super) fn path_of(url: &str) -> &str {
    let after_scheme = url.find("://").map_or(0, |at| at + 3);
    let rest = url.get(after_scheme..).unwrap_or_default();
    let (address, _) = rest.split_once('?').unwrap_or((rest, ""));
    address.find('/').and_then(|at| address.get(at..)).unwrap_or("/")
}
