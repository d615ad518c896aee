//! From a request to parameters. A body is a form or JSON, and is taken for what it looks like: the vendor's own samples send
//! JSON under the content type of a form, or under none.

use super::error::{INVALID_REQUEST, Refused};
use crate::{Web, body};
use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    http::request::Parts,
};
use form_urlencoded::parse;
use serde_json::{Map, Value};

/// The members of a body. What is null or empty is as if it were absent; whoever sends unknown ones is not bothered.
pub(super) struct Params(Map<String, Value>);

/// A request: its head, and the parameters in its body.
pub(super) struct Call {
    pub parts: Parts,
    pub params: Params,
}

impl FromRequest<Web> for Call {
    type Rejection = Refused;

    async fn from_request(request: Request, web: &Web) -> Result<Self, Refused> {
        let (parts, body) = request.into_parts();
        let bytes = body::read(&parts.headers, body, web.body_timeout()).await?;
        Ok(Self { params: Params::read(&bytes.into())?, parts })
    }
}

impl Params {
    fn read(bytes: &Bytes) -> Result<Self, Refused> {
        let start = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
        if matches!(start, Some(b'{' | b'[')) {
            let object = serde_json::from_slice(bytes);
            return object
                .map(Self)
                .map_err(|_| Refused::new(INVALID_REQUEST, "The request body is not a JSON object."));
        }
        let mut members = Map::new();
        for (name, value) in parse(bytes) {
            if members.insert(name.clone().into_owned(), value.into_owned().into()).is_some() {
                return Err(Refused::new(INVALID_REQUEST, format!("Duplicate parameter: {name}")));
            }
        }
        Ok(Self(members))
    }

    /// A member of any kind.
    pub(super) fn value(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// A text, if it is there.
    pub(super) fn text(&self, name: &str) -> Result<Option<&str>, Refused> {
        match self.value(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.as_str()).filter(|text| !text.is_empty())),
            Some(Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
                Err(Refused::not_a_string(name))
            }
        }
    }

    /// A text that must be there.
    pub(super) fn required(&self, name: &str) -> Result<&str, Refused> {
        self.text(name)?.ok_or_else(|| Refused::missing(name))
    }

    /// A list of texts that must be there and not be empty.
    pub(super) fn texts(&self, name: &str) -> Result<Vec<&str>, Refused> {
        let bad = || Refused::new(INVALID_REQUEST, format!("{name} must be an array of strings"));
        let list = self.value(name).ok_or_else(|| Refused::missing(name))?.as_array().ok_or_else(bad)?;
        if list.is_empty() {
            return Err(Refused::missing(name));
        }
        list.iter().map(|item| item.as_str().ok_or_else(bad)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &'static str) -> Result<Params, Refused> {
        Params::read(&Bytes::from_static(body.as_bytes()))
    }

    #[test]
    fn forms_and_json_are_told_apart_by_what_they_look_like() {
        for body in ["a=Fe26.2*x&b=", "a=Fe26.2%2Ax", " {\"a\":\"Fe26.2*x\",\"b\":null}"] {
            let params = read(body).unwrap();
            assert_eq!(params.text("a").unwrap(), Some("Fe26.2*x"), "{body}");
            assert_eq!(params.text("b").unwrap(), None, "{body}");
        }
        assert!(read("").unwrap().value("a").is_none());
    }

    #[test]
    fn what_is_no_text_is_told_by_name() {
        let params = read(r#"{"otp":123456,"list":["a",1]}"#).unwrap();
        assert_eq!(params.text("otp"), Err(Refused::new(INVALID_REQUEST, "otp must be a string")));
        assert!(params.texts("list").is_err() && params.texts("none").is_err());
        assert!(read("[1]").is_err() && read("{").is_err() && read("a=1&a=2").is_err());
    }
}
