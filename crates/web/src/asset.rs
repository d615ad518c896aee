//! Files that are compiled into the binary and served as they are, each page's files under that page's policy.

use crate::packed::Packed;
use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

/// One file of the binary.
#[derive(Clone, Copy)]
pub(crate) struct Asset<Bytes = &'static [u8]> {
    /// Its content type.
    pub kind: &'static str,
    /// What is in it.
    pub bytes: Bytes,
    /// The content security policy it is served under.
    pub policy: &'static str,
}

impl Asset {
    /// The file.
    pub(crate) fn answer(self) -> Response {
        with_headers(self.bytes.into_response(), self.kind, self.policy)
    }
}

impl Asset<Packed> {
    /// The file: packed as it is, unless whoever asks with these headers takes no gzip.
    pub(crate) fn answer(self, asked: &HeaderMap) -> Response {
        let mut response = if takes_gzip(asked) {
            let mut response = self.bytes.0.into_response();
            response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            response
        } else {
            self.bytes
                .unpacked()
                .map_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response(), IntoResponse::into_response)
        };
        response.headers_mut().insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
        with_headers(response, self.kind, self.policy)
    }
}

fn with_headers(mut response: Response, kind: &'static str, policy: &'static str) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// RFC 9110, section 12.5.3: named, and not with a weight of nothing.
fn takes_gzip(asked: &HeaderMap) -> bool {
    let accepted = asked.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let weight = weight.trim().trim_start_matches("q=");
        name.trim().eq_ignore_ascii_case("gzip") && weight.parse::<f32>().unwrap_or(1.0) > 0.0
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packed::packed;
    use axum::body::to_bytes;

    async fn asked_with(encodings: &'static str) -> (Option<HeaderValue>, Vec<u8>) {
        let asset = Asset { kind: "text/css", bytes: packed!("swagger-ui.css"), policy: "default-src 'none'" };
        let headers = HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(encodings))]);
        let response = asset.answer(&headers);
        let encoding = response.headers().get(header::CONTENT_ENCODING).cloned();
        (encoding, to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec())
    }

    #[tokio::test]
    async fn a_packed_file_goes_packed_to_those_who_take_it_and_whole_to_others() {
        let whole = include_bytes!("../assets/docs/swagger-ui.css");
        for encodings in ["gzip", "br, GZIP;q=0.5", "deflate,gzip"] {
            let (encoding, body) = asked_with(encodings).await;
            assert_eq!(encoding.unwrap(), "gzip", "{encodings}");
            assert!(body.len() < whole.len() / 4, "{}", body.len());
        }
        for encodings in ["", "br", "gzip;q=0", "gzip; q=0.0, br"] {
            assert_eq!(asked_with(encodings).await, (None, whole.to_vec()), "{encodings}");
        }
    }
}
