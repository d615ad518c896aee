//! From the wire to values: JSON bodies, path segments, the idempotency key. Whatever is wrong is a [`Problem`] that names
//! the place.

use super::Problem;
use crate::{
    Web,
    body::{self, BodyError},
};
use axum::{
    extract::{FromRequest, FromRequestParts, Path, Request},
    http::{HeaderMap, Method, StatusCode, header::CONTENT_TYPE, request::Parts},
};
use countersign_engine::Idempotency;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, IgnoredAny, MapAccess, Visitor, value::MapAccessDeserializer},
};
use std::{fmt, marker::PhantomData, str::FromStr};

/// A JSON body, and the idempotency key that came with it. No body at all is the same as `{}`.
pub(super) struct Input<T> {
    pub value: T,
    pub idempotency: Option<Idempotency>,
}

impl<T: DeserializeOwned> FromRequest<Web> for Input<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, web: &Web) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let bytes = body::read(&parts.headers, body, web.body_timeout()).await.map_err(unreadable)?;
        if !bytes.is_empty() {
            must_be_json(&parts.method, &parts.headers)?;
        }
        let key = idempotency_key(&parts.headers)?;
        let what = [parts.method.as_str().as_bytes(), b" ", parts.uri.path().as_bytes(), b"\n", &bytes].concat();
        let idempotency = key.map(|key| Idempotency { key, request: what });
        Ok(Self { value: parse(if bytes.is_empty() { b"{}" } else { &bytes })?, idempotency })
    }
}

fn unreadable(error: BodyError) -> Problem {
    match error {
        BodyError::TooLarge => {
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", "A body has at most 65536 bytes.")
        }
        BodyError::TooSlow => {
            Problem::new(StatusCode::REQUEST_TIMEOUT, "body_too_slow", "The body did not arrive in time.")
        }
        BodyError::Broken => Problem::new(StatusCode::BAD_REQUEST, "body_incomplete", "The body broke off."),
    }
}

/// A merge patch has a name of its own (RFC 7396, 4); most clients call it JSON, and it is.
fn must_be_json(method: &Method, headers: &HeaderMap) -> Result<(), Problem> {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    let is_merge_patch = essence.eq_ignore_ascii_case(MERGE_PATCH) && method == Method::PATCH;
    if essence.eq_ignore_ascii_case("application/json") || is_merge_patch {
        return Ok(());
    }
    let detail = "Send the body as JSON, with the header “Content-Type: application/json”.";
    Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail))
}

/// What RFC 7396 calls the bodies of our PATCH requests.
pub(super) const MERGE_PATCH: &str = "application/merge-patch+json";

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let key = value.to_str().unwrap_or_default();
    if (1..=255).contains(&key.len()) {
        return Ok(Some(key.to_owned()));
    }
    let detail = "An Idempotency-Key has 1 to 255 visible ASCII characters.";
    Err(Problem::new(StatusCode::BAD_REQUEST, "invalid_idempotency_key", detail))
}

pub(super) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let malformed = |error: serde_json::Error| {
        let detail = format!("The body is not JSON: {error}.");
        Problem::new(StatusCode::BAD_REQUEST, "malformed_json", detail)
    };
    // What is no JSON is told as that, however early something else in it is wrong.
    let of_json = |problem| match serde_json::from_slice::<IgnoredAny>(bytes) {
        Ok(_) => problem,
        Err(error) => malformed(error),
    };
    must_be_an_object(bytes).map_err(of_json)?;
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let pointer = pointer(error.path());
        let inner = error.into_inner();
        if inner.is_data() { of_json(Problem::field(pointer, field_detail(&inner))) } else { malformed(inner) }
    })?;
    json.end().map_err(malformed)?;
    Ok(value)
}

/// serde takes a list of values for an object of fields, in the order in which we happen to write them. Nobody means that.
fn must_be_an_object(bytes: &[u8]) -> Result<(), Problem> {
    match bytes.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'[') => Err(Problem::field("", "must be a JSON object, not a list")),
        Some(b'{') | None => Ok(()),
        Some(_) => Err(Problem::field("", "must be a JSON object")),
    }
}

/// For an object inside of a body: the same.
pub(super) fn object<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Option<T>, D::Error> {
    Ok(Option::<Fields<T>>::deserialize(from)?.map(|Fields(object)| object))
}

/// What is only read from an object of fields.
struct Fields<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Fields<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct OfFields<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for OfFields<T> {
            type Value = Fields<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<Fields<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(fields)).map(Fields)
            }
        }
        from.deserialize_map(OfFields(PhantomData))
    }
}

/// A value that was put together from JSON already.
pub(super) fn from_json<T: DeserializeOwned>(value: serde_json::Value) -> Result<T, Problem> {
    serde_path_to_error::deserialize(value)
        .map_err(|error| Problem::field(pointer(error.path()), field_detail(error.inner())))
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter()
        .filter_map(|segment| match segment {
            Segment::Map { key } => Some(format!("/{}", key.replace('~', "~0").replace('/', "~1"))),
            Segment::Seq { index } => Some(format!("/{index}")),
            Segment::Enum { .. } | Segment::Unknown => None,
        })
        .collect()
}

/// serde's words without the position, which the pointer tells better. They may repeat the value that was sent; the caller
/// sent it, and only the caller reads it.
fn field_detail(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let text = text.split(" at line ").next().unwrap_or_default();
    // What an object is called in our own code says nothing to whoever has sent something else.
    let text = match text.split_once(", expected struct ") {
        Some((found, _)) => format!("{found}, expected an object"),
        None => text.to_owned(),
    };
    format!("is not as expected: {text}")
}

/// A path segment that must be an identifier or a name. One that is none can name nothing, and so is "not found".
pub(super) struct Segment<T>(pub T);

impl<T: FromStr + Send> FromRequestParts<Web> for Segment<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Problem> {
        let text = Path::<String>::from_request_parts(parts, web).await.map_err(|_| not_found())?;
        text.parse().map(Self).map_err(|_| not_found())
    }
}

/// What nothing is called.
pub(super) fn not_found() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not_found", "There is nothing of this name.")
}
