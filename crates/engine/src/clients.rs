//! How a client proves to be itself: with its secret, with an assertion that it has signed (RFC 7523), or not at all where it
//! cannot keep a secret.

use crate::{Caller, Engine, Error, tokens::signature_only};
use aws_lc_rs::constant_time;
use countersign_model::{Client, ClientProof, Scope, Timestamp};
use countersign_store::{Batch, Change, Error as StoreError};
use data_encoding::HEXLOWER;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use std::time::Duration;

/// With what a client comes.
#[derive(Clone, Copy)]
pub enum ShownProof<'a> {
    /// Nothing.
    Nothing,
    /// A secret.
    Secret(&'a str),
    /// An assertion.
    Assertion {
        /// Its text.
        token: &'a str,
        /// Who may be meant by its audience.
        audiences: &'a [String],
    },
}

/// The longest life of an assertion: it is kept as long, so that nobody uses it twice.
const LONGEST_ASSERTION: Duration = Duration::from_mins(10);
/// How far a client's clock may be ahead.
const CLOCK_SKEW_SECONDS: i64 = 60;

#[derive(Deserialize)]
struct Assertion {
    iss: String,
    sub: String,
    aud: Audiences,
    exp: i64,
    nbf: Option<i64>,
    jti: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audiences {
    One(String),
    Many(Vec<String>),
}

impl Engine {
    /// The client of this id, if it has proved to be it. Nobody learns whether there is one.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub async fn authenticate_client(&self, id: &str, shown: ShownProof<'_>) -> Result<Option<Client>, Error> {
        let Some(client) = self.store().client(id).await? else { return Ok(None) };
        let proved = match (&client.proof, shown) {
            (ClientProof::Public, ShownProof::Nothing) => true,
            (ClientProof::Secret(hash), ShownProof::Secret(secret)) => {
                constant_time::verify_slices_are_equal(self.client_secret_hash(secret).as_bytes(), hash.as_bytes())
                    .is_ok()
            }
            (ClientProof::Key(pem), ShownProof::Assertion { token, audiences }) => {
                self.takes_assertion(&client, pem, token, audiences).await?
            }
            // Who shows what it cannot have takes itself for another client (RFC 6749, 5.2: an unsupported method).
            (ClientProof::Public, ShownProof::Secret(_) | ShownProof::Assertion { .. })
            | (ClientProof::Secret(_), ShownProof::Nothing | ShownProof::Assertion { .. })
            | (ClientProof::Key(_), ShownProof::Nothing | ShownProof::Secret(_)) => false,
        };
        Ok(proved.then_some(client))
    }

    /// The client of this id.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub async fn client(&self, id: &str) -> Result<Option<Client>, Error> {
        Ok(self.store().client(id).await?)
    }

    /// The caller's clients, by id.
    ///
    /// # Errors
    /// When the caller may not see them.
    pub async fn clients(&self, caller: &Caller) -> Result<Vec<Client>, Error> {
        caller.must_have(Scope::Admin)?;
        Ok(self.store().clients(caller.tenant()).await?)
    }

    pub(crate) fn client_secret_hash(&self, secret: &str) -> String {
        HEXLOWER.encode(&self.keys().hash("client secret", secret.as_bytes()))
    }

    async fn takes_assertion(
        &self,
        client: &Client,
        pem: &str,
        token: &str,
        audiences: &[String],
    ) -> Result<bool, Error> {
        let now = self.now();
        let Some(assertion) = read(pem, token).filter(|it| it.is_good(client, audiences, now)) else {
            return Ok(false);
        };
        let name = assertion.jti.as_deref().unwrap_or(token);
        let id =
            self.keys().hash("client assertion", [client.id.as_bytes(), &[0], name.as_bytes()].concat().as_slice());
        let until = Timestamp::from_ms(assertion.exp.saturating_add(CLOCK_SKEW_SECONDS).saturating_mul(1000));
        let spend = Change::SpendToken { tenant: client.tenant, id, until };
        match self.write(Batch::new().with(spend)).await {
            Ok(()) => Ok(true),
            Err(StoreError::Conflict) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

/// With the algorithms that go with the client's own key, and no other: what the assertion itself says about that is checked
/// against them.
fn read(pem: &str, token: &str) -> Option<Assertion> {
    use Algorithm::{ES256, ES384, PS256, PS384, RS256, RS384};
    let rsa = DecodingKey::from_rsa_pem(pem.as_bytes()).map(|key| (key, vec![RS256, RS384, PS256, PS384]));
    let (key, algorithms) =
        rsa.or_else(|_| DecodingKey::from_ec_pem(pem.as_bytes()).map(|key| (key, vec![ES256, ES384]))).ok()?;
    jsonwebtoken::decode::<Assertion>(token, &key, &signature_only(&algorithms)).ok().map(|read| read.claims)
}

/// A public key with which assertions can be checked, in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey(String);

impl PublicKey {
    /// Of RSA, or of an elliptic curve; none: it is something else.
    #[must_use]
    pub fn parse(pem: &str) -> Option<Self> {
        let is_key =
            DecodingKey::from_rsa_pem(pem.as_bytes()).is_ok() || DecodingKey::from_ec_pem(pem.as_bytes()).is_ok();
        is_key.then(|| Self(pem.to_owned()))
    }

    pub(crate) fn pem(&self) -> &str {
        &self.0
    }
}

impl Assertion {
    fn is_good(&self, client: &Client, audiences: &[String], now: Timestamp) -> bool {
        let now = now.as_ms().div_euclid(1000);
        let longest = i64::try_from(LONGEST_ASSERTION.as_secs()).unwrap_or(0);
        let is_meant = |given: &String| audiences.contains(given);
        self.iss == client.id
            && self.sub == client.id
            && match &self.aud {
                Audiences::One(given) => is_meant(given),
                Audiences::Many(given) => given.iter().any(is_meant),
            }
            && now < self.exp.saturating_add(CLOCK_SKEW_SECONDS)
            && self.exp.saturating_sub(now) <= longest
            && self.nbf.is_none_or(|from| from <= now.saturating_add(CLOCK_SKEW_SECONDS))
    }
}

/// The client that an assertion speaks of, before anything of it is checked: a request need not name it twice.
#[must_use]
pub fn client_of_assertion(token: &str) -> Option<String> {
    let claims =
        jsonwebtoken::dangerous::insecure_decode_claims::<serde_json::Map<String, serde_json::Value>>(token).ok()?;
    Some(claims.get("sub")?.as_str()?.to_owned())
}
