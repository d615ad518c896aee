//! Answers, in the form that the request asks for: JSON, or XML with one element for each field, in which true and false are 1 and 0.

use super::{error::Refused, xml};
use crate::Web;
use axum::{
    Json,
    extract::FromRequestParts,
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{ACCEPT, CONNECTION, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
        request::Parts,
    },
    response::{IntoResponse as _, Response},
};
use serde::{Serialize, Serializer};
use std::convert::Infallible;

/// A value of an answer. Fields keep the order in which the vendor shows them.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    Text(String),
    Flag(bool),
    Number(f64),
    List(Vec<Node>),
    Object(Vec<(&'static str, Node)>),
}

impl From<&str> for Node {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Node {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => to.serialize_str(text),
            Self::Flag(flag) => to.serialize_bool(*flag),
            Self::Number(number) => to.serialize_f64(*number),
            Self::List(list) => to.collect_seq(list),
            Self::Object(fields) => to.collect_map(fields.iter().map(|(name, node)| (name, node))),
        }
    }
}

/// What is answered when it went well.
pub(super) struct Reply {
    pub status: StatusCode,
    pub data: Node,
}

/// How an answer is written.
#[derive(Clone, Debug)]
pub(super) struct Form {
    is_xml: bool,
    /// The address of this server, for links in answers.
    pub base: String,
}

impl FromRequestParts<Web> for Form {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.headers, web))
    }
}

impl Form {
    pub(super) fn of(headers: &HeaderMap, web: &Web) -> Self {
        let base = web.engine().public_url().unwrap_or_default();
        Self { is_xml: wants_xml(headers), base: base.trim_end_matches('/').to_owned() }
    }

    pub(super) fn answer(&self, outcome: Result<Reply, Refused>) -> Response {
        match outcome {
            Ok(Reply { status, data }) => self.write(status, ("data", data)),
            Err(refused) => self.refuse(&refused),
        }
    }

    pub(super) fn refuse(&self, refused: &Refused) -> Response {
        let mut response = self.write(refused.status, ("error", refused.node(&self.base)));
        let headers = response.headers_mut();
        if let Some(value) = refused.retry_after.and_then(|seconds| HeaderValue::try_from(seconds.to_string()).ok()) {
            headers.insert(RETRY_AFTER, value);
        }
        if refused.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if matches!(refused.status, StatusCode::REQUEST_TIMEOUT | StatusCode::PAYLOAD_TOO_LARGE) {
            // The rest of the body is still on its way: nothing more can be read from this connection.
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }

    fn write(&self, status: StatusCode, (name, node): (&'static str, Node)) -> Response {
        if self.is_xml {
            let body = xml::write(name, &node);
            (status, [(CONTENT_TYPE, "application/xml")], body).into_response()
        } else {
            (status, Json(Node::Object(vec![(name, node)]))).into_response()
        }
    }
}

/// Whether XML is named before JSON, or with more weight. What names neither is answered in JSON.
fn wants_xml(headers: &HeaderMap) -> bool {
    let written = headers.get_all(ACCEPT).into_iter().filter_map(|value| value.to_str().ok());
    let ranges = written.flat_map(|value| value.split(',')).filter_map(|range| {
        let mut parts = range.split(';').map(str::trim);
        let kind = parts.next()?.to_ascii_lowercase();
        let weight = parts.find_map(|part| part.strip_prefix("q=")).and_then(|q| q.parse::<f32>().ok()).unwrap_or(1.0);
        let is_xml = match kind.as_str() {
            "application/xml" | "text/xml" => true,
            "application/json" | "*/*" | "application/*" => false,
            _ => return None,
        };
        (weight > 0.0).then_some((is_xml, weight))
    });
    let best = ranges.reduce(|best, next| if next.1 > best.1 { next } else { best });
    best.is_some_and(|(is_xml, _)| is_xml)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xml_is_answered_to_whom_it_pleases_most() {
        let wants = |accept: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, accept.parse().unwrap());
            wants_xml(&headers)
        };
        for xml in [
            "application/xml",
            "APPLICATION/XML",
            "text/xml; charset=utf-8",
            "application/xml, application/json",
            "application/json;q=0.5, application/xml",
        ] {
            assert!(wants(xml), "{xml}");
        }
        for json in [
            "",
            "*/*",
            "application/json",
            "application/JSON",
            "text/html",
            "application/json, application/xml",
            "*/*, application/xml;q=0.1",
            "application/xml;q=0",
        ] {
            assert!(!wants(json), "{json}");
        }
        assert!(!wants_xml(&HeaderMap::new()));
    }
}
