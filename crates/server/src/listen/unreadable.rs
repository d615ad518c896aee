//! What a client hears whose head cannot be read. hyper refuses such a head by itself, with a status and nothing else;
//! here its refusal is held back, and one in the form of the API that the request line names is said in its place.

use axum::{
    body,
    http::{HeaderName, header},
};
use countersign_web::dialects::{self, Refusal};
use std::fmt::Write as _;

/// More than any of hyper's refusals, and less than an answer with a body.
const LONGEST_REFUSAL: usize = 256;
/// More than any refusal of an API.
const LONGEST_BODY: usize = 16 * 1024;

/// Headers that are written here, whatever the API says.
const OURS: [&HeaderName; 3] = [&header::CONNECTION, &header::CONTENT_LENGTH, &header::CACHE_CONTROL];

/// Where hyper's own refusal of a head begins in what it writes, and what it says. It is always the last that it writes on
/// a connection, and all that has no body and none of the headers of a routed answer.
pub(super) fn in_written(bytes: &[u8]) -> Option<(usize, Refusal)> {
    // Nearly all that is written ends here: a body does not end like a head.
    if !bytes.ends_with(b"\r\n\r\n") {
        return None;
    }
    let first = bytes.len().saturating_sub(LONGEST_REFUSAL);
    let tail = bytes.get(first..)?;
    let start = tail.windows(9).rposition(|window| window == b"HTTP/1.1 ")?;
    let head = std::str::from_utf8(tail.get(start..)?).ok()?;
    let refusal = match head.get(9..12)? {
        "400" => Refusal::NotHttp,
        "414" | "431" => Refusal::HeadTooLarge,
        _ => return None,
    };
    let is_bare = head.contains("\r\ncontent-length: 0\r\n") && !head.contains("\r\nx-request-id:");
    is_bare.then_some((first + start, refusal))
}

/// The whole answer to a request of which only the beginning of its head is known. `public_url` is the address of this server, if known.
pub(super) async fn answer(head: &[u8], refusal: &Refusal, public_url: Option<&str>) -> Vec<u8> {
    let (parts, body) = dialects::refuse(path(head), refusal, public_url).into_parts();
    let body = body::to_bytes(body, LONGEST_BODY).await.unwrap_or_default();
    let reason = parts.status.canonical_reason().unwrap_or_default();
    let mut text = format!("HTTP/1.1 {} {reason}\r\nconnection: close\r\n", parts.status.as_str());
    for (name, value) in &parts.headers {
        if !OURS.contains(&name)
            && let Ok(value) = value.to_str()
        {
            _ = write!(text, "{name}: {value}\r\n");
        }
    }
    _ = write!(text, "cache-control: no-store\r\ncontent-length: {}\r\n\r\n", body.len());
    let mut bytes = text.into_bytes();
    // RFC 9110, 9.3.2: who asks for a head gets one.
    if !head.starts_with(b"HEAD ") {
        bytes.extend_from_slice(&body);
    }
    bytes
}

/// The path that a request line names, as far as there is one: it tells whose words are wanted.
fn path(head: &[u8]) -> &str {
    let line = head.split(|byte| *byte == b'\r' || *byte == b'\n').next().unwrap_or_default();
    let mut words = line.split(|byte| *byte == b' ').skip(1);
    let target = words.next().and_then(|target| std::str::from_utf8(target).ok()).unwrap_or_default();
    target.split('?').next().filter(|path| path.starts_with('/')).unwrap_or("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_of_hypers_is_found_at_the_end_of_what_it_writes() {
        let refusal = "HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
        assert_eq!(in_written(refusal.as_bytes()), Some((0, Refusal::HeadTooLarge)));
        let earlier = format!("{{}}{}", "x".repeat(1000));
        let both = format!("{earlier}{}", refusal.replace("431", "400"));
        assert_eq!(in_written(both.as_bytes()), Some((earlier.len(), Refusal::NotHttp)));
    }

    #[test]
    fn an_answer_of_ours_is_left_alone() {
        for answer in [
            "HTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\n\r\n{}",
            "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nx-request-id: a\r\n\r\n",
            "HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 400 Bad Request\r\ncontent-length: 20\r\n\r\n",
            "\r\n\r\n",
        ] {
            assert_eq!(in_written(answer.as_bytes()), None, "{answer:?}");
        }
    }

    #[test]
    fn the_path_is_taken_from_as_much_of_a_head_as_there_is() {
        for (head, expected) in [
            ("GET /rest/auth?to=1 HTTP/1.1\r\nhost: a\r\n", "/rest/auth"),
            ("POST /api/2fa/req", "/api/2fa/req"),
            ("GET /a\r\n", "/a"),
            ("nonsense\r\n\r\n", "/"),
            ("GET http://elsewhere/a HTTP/1.1\r\n", "/"),
            ("", "/"),
        ] {
            assert_eq!(path(head.as_bytes()), expected, "{head:?}");
        }
        assert_eq!(path(b"GET /\xff HTTP/1.1"), "/");
    }
}
