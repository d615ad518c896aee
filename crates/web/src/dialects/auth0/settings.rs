//! What an operator can set for this dialect, as the section `[dialects.auth0]`.

use countersign_model::MfaLimits;
use serde::{Deserialize, Deserializer, de::Error as _};
use std::time::Duration;

/// What can be set.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a section")]
pub struct Settings {
    /// The base URLs under which clients reach this server.
    #[serde(deserialize_with = "urls")]
    pub issuers: Vec<String>,
    /// What a challenge says to a user who has no second factor.
    pub unenrolled_error: UnenrolledError,
    /// Who carries questions to devices; empty: nobody, and there is no push.
    pub push_url: String,
    /// How long an access token lives, in seconds.
    pub access_token_seconds: u32,
    /// How long an ID token lives, in seconds.
    pub id_token_seconds: u32,
    /// How long a refresh token lives, in days.
    pub refresh_token_days: u32,
    /// How long an answer waits for whoever carries a code; 0: not at all.
    #[serde(rename = "gateway_wait_seconds", deserialize_with = "crate::first_step::patience")]
    pub gateway_wait: Duration,
    /// How often things can be tried.
    pub limits: MfaLimits,
}

/// What a challenge says to a user who has no second factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnenrolledError {
    /// `association_required`
    AssociationRequired,
    /// `unsupported_challenge_type`
    UnsupportedChallengeType,
}

fn urls<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    let urls = Vec::<String>::deserialize(from)?;
    let is_base = |url: &String| {
        let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
        rest.is_some_and(|rest| !rest.is_empty() && !rest.trim_end_matches('/').contains(['/', '?', '#', '@', ' ']))
    };
    match urls.iter().find(|url| !is_base(url)) {
        Some(bad) => Err(D::Error::custom(format!("`{bad}` is no base URL, such as https://login.example.com"))),
        None => Ok(urls),
    }
}
