//! Tokens that a tenant's own server gives out and reads again: compact JWS (RFC 7515) with HS512 and a secret of each tenant's,
//! which comes from the key file. They are signed and not encrypted: whoever has one can read it, so nothing private stands
//! in it.

use crate::{Engine, Error, keys::Keys};
use countersign_model::{Random, TenantId, Timestamp};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, dangerous, decode, encode};
use serde::{Deserialize, Serialize};

/// What a token says. The kind comes first: some clients' samples begin that way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceClaims {
    /// What kind of token it is.
    pub aud: String,
    /// Who gave it out.
    pub iss: String,
    /// Whom it is about.
    pub sub: String,
    /// Its own name.
    pub jti: String,
    /// Since when it exists, in seconds since 1970.
    pub iat: i64,
    /// From when on it is good.
    pub nbf: i64,
    /// From when on it no longer is; none: it stays good until it is revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exp: Option<i64>,
    /// What it is good for: words with blanks between them.
    pub scope: String,
    /// The tenant, which tells whose secret has signed it.
    pub tenant: TenantId,
}

impl InstanceClaims {
    /// Whether its time is over.
    #[must_use]
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.exp.is_some_and(|end| now.as_ms() >= end.saturating_mul(1000))
    }

    /// When its time is over; the end of all time if never.
    #[must_use]
    pub fn end(&self) -> Timestamp {
        Timestamp::from_ms(self.exp.map_or(i64::MAX, |end| end.saturating_mul(1000)))
    }
}

impl Engine {
    /// A token with these claims.
    ///
    /// # Errors
    /// Only if the cryptography library refuses to work.
    pub fn sign(&self, claims: &InstanceClaims) -> Result<String, Error> {
        sign(self.keys(), claims)
    }

    /// What a token says, whether or not its time is over; none: this server has not signed it.
    #[must_use]
    pub fn verify(&self, token: &str) -> Option<InstanceClaims> {
        // Whose secret is to be tried; what is said here counts for nothing else.
        let said: InstanceClaims = dangerous::insecure_decode(token).ok()?.claims;
        let mut rules = Validation::new(Algorithm::HS512);
        // Time is the engine's clock, which is not the library's; kinds are the caller's business.
        (rules.validate_exp, rules.validate_nbf, rules.validate_aud) = (false, false, false);
        rules.required_spec_claims.clear();
        let key = DecodingKey::from_secret(&*self.keys().signing_secret(said.tenant));
        decode::<InstanceClaims>(token, &key, &rules).ok().map(|verified| verified.claims)
    }

    /// A name for a token: a random UUID.
    #[must_use]
    pub fn fresh_token_id(&self) -> String {
        fresh_token_id(self.random())
    }
}

pub(crate) fn sign(keys: &Keys, claims: &InstanceClaims) -> Result<String, Error> {
    let mut header = Header::new(Algorithm::HS512);
    header.typ = None;
    let key = EncodingKey::from_secret(&*keys.signing_secret(claims.tenant));
    encode(&header, claims, &key).map_err(|error| Error::Internal(format!("a token cannot be signed: {error}")))
}

pub(crate) fn fresh_token_id(random: &dyn Random) -> String {
    let mut bytes = [0; 16];
    random.fill(&mut bytes);
    countersign_model::id::random_uuid(bytes)
}
