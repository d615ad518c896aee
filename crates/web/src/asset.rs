//! Files that are compiled into the binary and served as they are, each page's files under that page's policy.

use axum::{
    http::{HeaderValue, header},
    response::{IntoResponse as _, Response},
};

/// One file of the binary.
#[derive(Clone, Copy)]
pub(crate) struct Asset {
    /// Its content type.
    pub kind: &'static str,
    /// What is in it.
    pub bytes: &'static [u8],
    /// The content security policy it is served under.
    pub policy: &'static str,
}

impl Asset {
    /// The file.
    pub(crate) fn answer(self) -> Response {
        let mut response = self.bytes.into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.kind));
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(self.policy));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        response
    }
}
