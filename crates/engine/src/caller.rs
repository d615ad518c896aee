//! Who asks. A dialect turns its credentials into a [`Caller`]; everything after that sees only the tenant and what it may do.

use crate::{
    Engine, Error,
    instance_tokens::{InstanceClaims, sign},
    keys::Keys,
};
use countersign_model::{Actor, ApiKey, KeyId, Random, Scope, Tenant, TenantId, Timestamp};
use countersign_store::{Batch, Change};
use data_encoding::{BASE32_NOPAD_NOCASE, HEXLOWER};
use std::{net::IpAddr, time::Duration};
use zeroize::Zeroizing;

/// Who asks: a tenant, and what this credential of it may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    tenant: TenantId,
    actor: Actor,
    test: bool,
    scopes: Vec<Scope>,
}

impl Caller {
    /// The operator at the command line, on behalf of a tenant: may do everything.
    #[must_use]
    pub fn operator(tenant: TenantId) -> Self {
        Self { tenant, actor: Actor::Operator, test: false, scopes: Scope::ALL.to_vec() }
    }

    /// An application that a dialect has recognised by something else than a key: a token that it was given.
    #[must_use]
    pub const fn with_token(tenant: TenantId, scopes: Vec<Scope>) -> Self {
        Self { tenant, actor: Actor::Application(None), test: false, scopes }
    }

    /// Whoever has the link of a verification: may prove just that one, which is the business of who makes this value.
    pub(crate) fn of_link(tenant: TenantId) -> Self {
        Self { tenant, actor: Actor::Application(None), test: false, scopes: vec![Scope::VerificationsWrite] }
    }

    /// The operator where there is no tenant yet: makes tenants, and sees nobody's things.
    #[must_use]
    pub fn installation() -> Self {
        Self::operator(TenantId::from_bytes([0; 16]))
    }

    /// A client of a tenant that has proved to be itself, or a user that came with one of its tokens.
    #[must_use]
    pub fn client(tenant: TenantId) -> Self {
        Self::with_token(tenant, vec![Scope::VerificationsWrite, Scope::VerificationsRead])
    }

    /// Whose things it sees.
    #[must_use]
    pub const fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// The API key it came with; none for other credentials.
    #[must_use]
    pub const fn key(&self) -> Option<KeyId> {
        match self.actor {
            Actor::Application(key) => key,
            Actor::Operator => None,
        }
    }

    /// Who that is, for the log.
    #[must_use]
    pub const fn actor(&self) -> Actor {
        self.actor
    }

    /// Whether it only tries things out: its messages do not leave and cost nothing.
    #[must_use]
    pub const fn is_test(&self) -> bool {
        self.test
    }

    /// Checks a scope. `admin` does not include the others: a key that makes keys needs no right to see verifications.
    ///
    /// # Errors
    /// When it is missing.
    pub fn must_have(&self, scope: Scope) -> Result<(), Error> {
        if self.scopes.contains(&scope) { Ok(()) } else { Err(Error::Forbidden(scope)) }
    }
}

/// What an API key opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identified {
    /// It works.
    Known(Caller),
    /// It works, but not from there.
    Elsewhere,
    /// It is unknown or revoked.
    Unknown,
}

/// The prefix by which people and secret scanners recognise an API key.
pub const API_KEY_PREFIX: &str = "cs_";
const HASH_PURPOSE: &str = "api key";
const TOUCH_AT_MOST_EVERY: Duration = Duration::from_mins(1);

impl Engine {
    /// Finds the caller behind an API key; none if it is unknown, revoked or bound to other addresses than `peer`, without
    /// telling which. `peer` is where the request came from, as far as that is known.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub async fn authenticate(&self, secret: &str, peer: Option<IpAddr>) -> Result<Option<Caller>, Error> {
        match self.identify(secret, peer).await? {
            Identified::Known(caller) => Ok(Some(caller)),
            Identified::Elsewhere | Identified::Unknown => Ok(None),
        }
    }

    /// The same, for APIs that tell their callers when a key that works is used from elsewhere.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub async fn identify(&self, secret: &str, peer: Option<IpAddr>) -> Result<Identified, Error> {
        let found = self.store().api_key_by_hash(&self.api_key_hash(secret)).await?;
        let Some(key) = found.filter(|key| key.revoked_at.is_none()) else { return Ok(Identified::Unknown) };
        if !key.allows(peer) {
            return Ok(Identified::Elsewhere);
        }
        self.note_use(&key, self.now());
        let actor = Actor::Application(Some(key.id));
        Ok(Identified::Known(Caller { tenant: key.tenant, actor, test: key.test, scopes: key.scopes }))
    }

    /// The caller's own key with this secret, if it still works.
    ///
    /// # Errors
    /// When the store cannot be asked, or the caller may not look.
    pub async fn working_key(&self, caller: &Caller, secret: &str) -> Result<Option<ApiKey>, Error> {
        caller.must_have(Scope::VerificationsRead)?;
        let found = self.store().api_key_by_hash(&self.api_key_hash(secret)).await?;
        Ok(found.filter(|key| key.tenant == caller.tenant() && key.revoked_at.is_none()))
    }

    pub(crate) fn api_key_hash(&self, secret: &str) -> [u8; 32] {
        self.keys().hash(HASH_PURPOSE, secret.as_bytes())
    }

    /// "Last used" is kept to the minute and written beside the request, which does not wait for it.
    fn note_use(&self, key: &ApiKey, now: Timestamp) {
        let is_fresh = |last: Timestamp| now.since(last) < TOUCH_AT_MOST_EVERY;
        if key.last_used_at.is_some_and(is_fresh) || !self.first_touch(key.id, now, TOUCH_AT_MOST_EVERY) {
            return;
        }
        let (store, change) = (self.store().clone(), Change::TouchApiKey { tenant: key.tenant, id: key.id, at: now });
        tokio::spawn(async move {
            if let Err(error) = store.write(Batch::new().with(change)).await {
                tracing::warn!(%error, "the last use of a key was not written down");
            }
        });
    }
}

/// A fresh API key: 160 random bits.
pub(crate) fn fresh_api_key(random: &dyn Random) -> Zeroizing<String> {
    let mut bytes = Zeroizing::new([0; 20]);
    random.fill(&mut *bytes);
    api_key_text(&*bytes)
}

/// The same as 32 hexadecimal characters: 128 random bits.
pub(crate) fn fresh_hex_key(random: &dyn Random) -> Zeroizing<String> {
    let mut bytes = Zeroizing::new([0; 16]);
    random.fill(&mut *bytes);
    Zeroizing::new(HEXLOWER.encode(&*bytes))
}

/// The same as a compact JWS, whose name `jti` is what is random about it.
pub(crate) fn jws_key(
    keys: &Keys,
    (tenant, issuer): (TenantId, String),
    (id, made_at): (KeyId, Timestamp),
    jti: String,
) -> Result<Zeroizing<String>, Error> {
    let made_at = made_at.as_ms() / 1000;
    let claims = InstanceClaims {
        aud: "access".to_owned(),
        iss: issuer,
        sub: id.to_uuid(),
        jti,
        iat: made_at,
        nbf: made_at,
        exp: None,
        scope: "api".to_owned(),
        tenant,
    };
    sign(keys, &claims).map(Zeroizing::new)
}

/// The base address of this server; where it is not set nobody knows it when a key is made, and the tenant is named instead.
pub(crate) fn issuer_of_keys(engine: &Engine, tenant: &Tenant) -> String {
    engine.public_url().map_or_else(|| tenant.name.clone(), |url| url.trim_end_matches('/').to_owned())
}

pub(crate) fn api_key_text(bytes: &[u8]) -> Zeroizing<String> {
    Zeroizing::new(format!("{API_KEY_PREFIX}{}", BASE32_NOPAD_NOCASE.encode(bytes).to_lowercase()))
}

/// The token of a link, for people to type if they must: 128 random bits in 26 letters and digits.
pub(crate) fn fresh_link_token(random: &dyn Random) -> Zeroizing<String> {
    let mut bytes = Zeroizing::new([0; 16]);
    random.fill(&mut *bytes);
    Zeroizing::new(BASE32_NOPAD_NOCASE.encode(&*bytes).to_lowercase())
}
