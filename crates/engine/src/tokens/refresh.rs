//! Refresh tokens: 256 random bits, of which the store has a keyed hash.

use super::TokenRequest;
use crate::Engine;
use countersign_model::{Client, RefreshToken, Timestamp, UserId};
use data_encoding::BASE64URL_NOPAD;
use std::time::Duration;
use zeroize::Zeroizing;

const PREFIX: &str = "v1.";
const PURPOSE: &str = "refresh token";

/// A new one, and its text, which is nowhere else.
pub(crate) fn fresh_refresh_token(
    engine: &Engine,
    (client, user): (&Client, UserId),
    request: &TokenRequest,
    after_mfa: bool,
    life: Duration,
    now: Timestamp,
) -> (RefreshToken, String) {
    let mut bytes = Zeroizing::new([0; 32]);
    engine.random().fill(&mut *bytes);
    let text = format!("{PREFIX}{}", BASE64URL_NOPAD.encode(&*bytes));
    let token = RefreshToken {
        tenant: client.tenant,
        hash: engine.refresh_token_hash(&text),
        client: client.id.clone(),
        user,
        audience: request.audience.clone(),
        scope: request.scope.clone(),
        after_mfa,
        created_at: now,
        expires_at: now.plus(life),
    };
    (token, text)
}

impl Engine {
    pub(crate) fn refresh_token_hash(&self, text: &str) -> [u8; 32] {
        self.keys().hash(PURPOSE, text.as_bytes())
    }
}
