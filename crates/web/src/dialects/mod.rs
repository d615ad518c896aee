//! The APIs that this server speaks, one folder each. A dialect knows the engine and its own vendor's words, and no other
//! dialect. To add one: a folder, its line in [`DIALECTS`], and a field in [`Settings`] if anything of it can be set.

pub mod auth0;
pub mod authentix;
pub mod clickatell;
pub mod gateway360;
pub mod native;
pub mod nevis;

use crate::Web;
use axum::{
    Router,
    http::{Method, StatusCode},
    response::Response,
};
use countersign_engine::{
    reports::ReportFormat,
    sandbox::{Credentials, TENANTS},
};
use serde::Deserialize;
use serde_json::Value;

/// One API.
pub struct Dialect {
    /// Its name for machines, which is also its folder's.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// What its paths begin with; one that ends in a slash is also a path of its own without it. Of all dialects the longest that fits
    /// a path decides who refuses there.
    pub prefixes: &'static [&'static str],
    /// Its paths.
    pub routes: fn() -> Router<Web>,
    /// How it refuses what never got as far as one of its calls. The text is the address of this server, for links; empty: it has none.
    pub refuse: fn(&Refusal, &str) -> Response,
    /// How it words delivery reports; none if it has none.
    pub reports: Option<fn(&Settings) -> ReportFormat>,
    /// With what a newcomer calls it in dev mode.
    pub credentials: fn(&Credentials) -> Value,
    /// What a newcomer pastes into a shell to try it in dev mode: label and command.
    pub examples: fn(&Credentials, &str) -> Vec<(&'static str, String)>,
}

/// All of them.
pub const DIALECTS: &[Dialect] =
    &[native::DIALECT, clickatell::DIALECT, gateway360::DIALECT, authentix::DIALECT, nevis::DIALECT, auth0::DIALECT];

/// What can be set, dialect by dialect: the section `[dialects]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a section")]
pub struct Settings {
    /// `[dialects.auth0]`
    pub auth0: auth0::Settings,
    /// `[dialects.clickatell]`
    pub clickatell: clickatell::Settings,
    /// `[dialects.gateway360]`
    pub gateway360: gateway360::Settings,
    /// `[dialects.authentix]`
    pub authentix: authentix::Settings,
    /// `[dialects.nevis]`
    pub nevis: nevis::Settings,
}

impl Settings {
    /// The mail relays that must be among the providers, each with the setting that names it.
    pub fn relays(&self) -> impl Iterator<Item = (String, &str)> {
        self.authentix.relays()
    }

    /// The same with what the tenants of dev mode have besides; their mails are carried by this provider.
    #[must_use]
    pub fn with_sandbox(mut self, relay: &str) -> Self {
        self.authentix.add_sandbox(&TENANTS, relay);
        self
    }
}

/// Why a request is refused before any call of a dialect has seen it, or in spite of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The head makes no sense as HTTP.
    NotHttp,
    /// The head is too long, or has too many headers.
    HeadTooLarge,
    /// The head did not end in time.
    LateHead,
    /// Nobody serves this path.
    UnknownPath,
    /// The path exists, but not for this method.
    UnknownMethod(Method),
    /// No host is named on HTTP/1.1, or several, or one that makes no sense.
    BadHost,
    /// The body is compressed, say.
    ContentCoding,
    /// The body is sent in another way than whole or in chunks.
    TransferCoding,
    /// A fault of ours, which the log has.
    Panic,
}

impl Refusal {
    /// The status that HTTP has for it.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::NotHttp | Self::BadHost => StatusCode::BAD_REQUEST,
            Self::HeadTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::LateHead => StatusCode::REQUEST_TIMEOUT,
            Self::UnknownPath => StatusCode::NOT_FOUND,
            Self::UnknownMethod(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::ContentCoding => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TransferCoding => StatusCode::NOT_IMPLEMENTED,
            Self::Panic => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// Refuses in the words of the dialect to which the path belongs. What belongs to none is the native one's. `public_url` is the address
/// of this server, if it is known.
#[must_use]
pub fn refuse(path: &str, refusal: &Refusal, public_url: Option<&str>) -> Response {
    let begins = |prefix: &str| path.starts_with(prefix) || prefix.strip_suffix('/') == Some(path);
    let fitting = |dialect: &Dialect| {
        let fits = dialect.prefixes.iter().filter(|prefix| begins(prefix));
        fits.map(|prefix| prefix.len()).max()
    };
    let nearest = DIALECTS.iter().max_by_key(|dialect| fitting(dialect)).unwrap_or(&native::DIALECT);
    (nearest.refuse)(refusal, public_url.unwrap_or_default().trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_refused_in_the_words_of_whom_it_belongs_to() {
        let kind = |path| {
            let answer = refuse(path, &Refusal::UnknownPath, None);
            assert_eq!(answer.status(), StatusCode::NOT_FOUND);
            answer.headers()["content-type"].to_str().unwrap().to_owned()
        };
        for ours in ["/", "/v1/nothing", "/sandbox/nothing", "/apis", "/rested", "/mfax"] {
            assert_eq!(kind(ours), "application/problem+json", "{ours}");
        }
        for theirs in [
            "/api/2fa/resend",
            "/api/3.0/x",
            "/api/hlr/",
            "/api",
            "/api/",
            "/api/x",
            "/rest",
            "/rest/",
            "/mfa",
            "/mfa/x",
            "/oauth/x",
            "/api/v2/x",
        ] {
            assert_eq!(kind(theirs), "application/json", "{theirs}");
        }
    }

    #[tokio::test]
    async fn a_panic_is_answered_in_the_words_of_whom_the_path_belongs_to() {
        for (path, word) in [("/v1/verifications", "internal_error"), ("/api/2fa/request", "UNKNOWN_ERROR")] {
            let answer = refuse(path, &Refusal::Panic, None);
            assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
            let body = axum::body::to_bytes(answer.into_body(), 1000).await.unwrap();
            assert!(String::from_utf8(body.to_vec()).unwrap().contains(word), "{path}");
        }
    }
}
