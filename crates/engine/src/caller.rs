//! Who asks. A dialect turns its credentials into a [`Caller`]; everything after that sees only the tenant and what it may do.

use crate::{Engine, Error};
use countersign_model::{ApiKey, KeyId, Random, Scope, TenantId, Timestamp};
use countersign_store::{Batch, Change};
use data_encoding::{BASE32_NOPAD_NOCASE, HEXLOWER};
use std::{net::IpAddr, time::Duration};
use zeroize::Zeroizing;

/// Who asks: a tenant, and what this credential of it may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    tenant: TenantId,
    key: Option<KeyId>,
    test: bool,
    scopes: Vec<Scope>,
}

impl Caller {
    /// The operator at the command line, on behalf of a tenant: may do everything.
    #[must_use]
    pub fn operator(tenant: TenantId) -> Self {
        Self { tenant, key: None, test: false, scopes: Scope::ALL.to_vec() }
    }

    /// The operator where there is no tenant yet: makes tenants, and sees nobody's things.
    #[must_use]
    pub fn installation() -> Self {
        Self::operator(TenantId::from_bytes([0; 16]))
    }

    /// Whose things it sees.
    #[must_use]
    pub const fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// The API key it came with; none for other credentials.
    #[must_use]
    pub const fn key(&self) -> Option<KeyId> {
        self.key
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
        let Some(key) = self.store().api_key_by_hash(&self.api_key_hash(secret)).await? else { return Ok(None) };
        if key.revoked_at.is_some() || !key.allows(peer) {
            return Ok(None);
        }
        self.note_use(&key, self.now());
        Ok(Some(Caller { tenant: key.tenant, key: Some(key.id), test: key.test, scopes: key.scopes }))
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

pub(crate) fn api_key_text(bytes: &[u8]) -> Zeroizing<String> {
    Zeroizing::new(format!("{API_KEY_PREFIX}{}", BASE32_NOPAD_NOCASE.encode(bytes).to_lowercase()))
}
