//! What a request must be like before any API looks at it, whatever hyper lets through: one `Host` that makes sense, and no
//! coding of the body that nobody here undoes. A proxy in front might read such a request differently from us.

use crate::dialects::Refusal;
use axum::http::{HeaderMap, Version, header, uri::Authority};

/// Why a request with this head is refused; none if it is not.
pub(crate) fn refusal(version: Version, headers: &HeaderMap) -> Option<Refusal> {
    if !has_good_host(version, headers) {
        return Some(Refusal::BadHost);
    }
    if !every(headers, &header::TRANSFER_ENCODING, &["chunked"]) {
        return Some(Refusal::TransferCoding);
    }
    let is_plain = every(headers, &header::CONTENT_ENCODING, &["identity", ""]);
    (!is_plain).then_some(Refusal::ContentCoding)
}

/// RFC 9112, 3.2: exactly one on HTTP/1.1. On HTTP/2 the authority is a part of the request's own.
fn has_good_host(version: Version, headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) => version != Version::HTTP_11,
        (Some(host), None) => host.to_str().is_ok_and(is_host),
        (Some(_), Some(_)) => false,
    }
}

/// Empty is what a client writes whose target has none.
fn is_host(text: &str) -> bool {
    text.is_empty() || !text.contains('@') && text.parse::<Authority>().is_ok()
}

/// Whether every word of a header that is a list is one of these.
fn every(headers: &HeaderMap, name: &header::HeaderName, allowed: &[&str]) -> bool {
    headers.get_all(name).iter().all(|value| {
        let words = value.to_str().unwrap_or("?").split(',').map(str::trim);
        words.into_iter().all(|word| allowed.iter().any(|allowed| word.eq_ignore_ascii_case(allowed)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderName, HeaderValue};

    fn of(version: Version, head: &[(&str, &str)]) -> Option<Refusal> {
        let pair = |(name, value): &(&str, &str)| {
            (name.parse::<HeaderName>().unwrap(), HeaderValue::from_bytes(value.as_bytes()).unwrap())
        };
        let mut headers = HeaderMap::new();
        head.iter().map(pair).for_each(|(name, value)| _ = headers.append(name, value));
        refusal(version, &headers)
    }

    #[test]
    fn a_request_has_one_host_that_makes_sense() {
        for good in ["example.com", "example.com:80", "[::1]:80", "127.0.0.1", ""] {
            assert_eq!(of(Version::HTTP_11, &[("host", good)]), None, "{good}");
        }
        for bad in ["a b", "user@example.com", "a/b", "[::1", "\u{e9}"] {
            assert_eq!(of(Version::HTTP_11, &[("host", bad)]), Some(Refusal::BadHost), "{bad}");
        }
        assert_eq!(of(Version::HTTP_11, &[]), Some(Refusal::BadHost));
        for without in [Version::HTTP_10, Version::HTTP_2] {
            assert_eq!(of(without, &[]), None, "{without:?}");
            assert_eq!(of(without, &[("host", "a"), ("host", "a")]), Some(Refusal::BadHost), "{without:?}");
        }
    }

    #[test]
    fn a_body_has_no_coding_that_nobody_undoes() {
        let with = |name, value| of(Version::HTTP_11, &[("host", "a"), (name, value)]);
        for plain in ["identity", "Identity", "identity, identity", ""] {
            assert_eq!(with("content-encoding", plain), None, "{plain}");
        }
        for coded in ["gzip", "identity, gzip", "br", "\u{e9}"] {
            assert_eq!(with("content-encoding", coded), Some(Refusal::ContentCoding), "{coded}");
        }
        assert_eq!(with("transfer-encoding", "Chunked"), None);
        for coded in ["gzip, chunked", "identity", "chunked, gzip"] {
            assert_eq!(with("transfer-encoding", coded), Some(Refusal::TransferCoding), "{coded}");
        }
    }
}
