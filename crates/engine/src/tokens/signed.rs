//! JSON web tokens (RFC 7519) signed with RS256 by the current key. A key is opened once and held: parsing it for every
//! signature costs six times the signature itself.

use crate::{Engine, Error};
use aws_lc_rs::{rand::SystemRandom, signature};
use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Map, Value, json};

/// A token that we have not signed, or no longer answer for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotOurs;

impl Engine {
    /// Signs claims. `kind` goes to the head, as `typ`.
    ///
    /// # Errors
    /// When there is no key to sign with and none can be made.
    pub async fn sign_token(&self, kind: &str, claims: &Map<String, Value>) -> Result<String, Error> {
        let (name, key) = self.current_signing_key().await?;
        let part = |value: &[u8]| BASE64URL_NOPAD.encode(value);
        let head = json!({ "alg": "RS256", "typ": kind, "kid": name }).to_string();
        let body = serde_json::to_vec(claims).map_err(|error| Error::Internal(error.to_string()))?;
        let signed = format!("{}.{}", part(head.as_bytes()), part(&body));
        let mut signature = vec![0; key.public_modulus_len()];
        key.sign(&signature::RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature)
            .map_err(|_| Error::internal("signing failed"))?;
        Ok(format!("{signed}.{}", part(&signature)))
    }

    /// The claims of a token that we have signed and whose end has not come.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub async fn read_signed(&self, token: &str) -> Result<Result<Map<String, Value>, NotOurs>, Error> {
        let now = self.now().as_ms().div_euclid(1000);
        let Ok(head) = jsonwebtoken::decode_header(token) else { return Ok(Err(NotOurs)) };
        let keys = self.published_keys().await?;
        let Some(key) = keys.iter().find(|key| Some(&key.kid) == head.kid.as_ref()) else { return Ok(Err(NotOurs)) };
        let claims = DecodingKey::from_rsa_components(&key.n, &key.e).and_then(|key| {
            jsonwebtoken::decode::<Map<String, Value>>(token, &key, &signature_only(&[Algorithm::RS256]))
        });
        let ends = |claims: &Map<String, Value>| claims.get("exp").and_then(Value::as_i64);
        let claims = claims.map(|read| read.claims).map_err(|_| NotOurs);
        Ok(claims.and_then(|claims| if ends(&claims).is_some_and(|end| now < end) { Ok(claims) } else { Err(NotOurs) }))
    }
}

/// The library reads the system clock, which is not ours: all but the signature is judged by whoever calls.
pub(crate) fn signature_only(algorithms: &[Algorithm]) -> Validation {
    let mut validation = Validation::new(Algorithm::RS256);
    validation.algorithms = algorithms.to_vec();
    (validation.validate_exp, validation.validate_nbf, validation.validate_aud) = (false, false, false);
    validation.required_spec_claims.clear();
    validation
}
