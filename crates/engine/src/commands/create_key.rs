//! Makes an API key. Its secret is in the outcome and nowhere else: the store gets a keyed hash.

use super::Command;
use crate::{
    Caller, Engine, Error, Thing,
    caller::{fresh_api_key, fresh_hex_key, issuer_of_keys, jws_key},
    instance_tokens::fresh_token_id,
};
use countersign_model::text::is_plain_line;
use countersign_model::{ApiKey, KeyId, Scope, Timestamp, tenant::IpNet};
use countersign_store::{Batch, Change};
use serde::{Deserialize, Serialize};
use std::fmt;

/// "A new key."
#[derive(Debug)]
pub struct CreateKey {
    /// What its owner calls it.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// What its secret looks like.
    pub form: KeyForm,
    /// From where it may be used; empty: from anywhere.
    pub allowed_from: Vec<IpNet>,
    /// Whether it is for trying things out: its messages do not leave and cost nothing.
    pub test: bool,
}

/// What the secret of a key looks like: some vendors' clients take only theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyForm {
    /// `cs_` and 32 characters: 160 random bits.
    Native,
    /// 32 hexadecimal characters: 128 random bits.
    Hex32,
    /// A compact JWS, signed with HS512. What it says is for its owner: like the others it is found by its hash.
    Jws,
}

impl KeyForm {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Native, Self::Hex32, Self::Jws];

    /// The name on the wire and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Hex32 => "hex32",
            Self::Jws => "jws",
        }
    }

    /// The opposite of [`Self::name`].
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|form| form.name() == name)
    }
}

/// A key and its secret, which only this outcome holds. A request with an idempotency key keeps its outcome, sealed, for a day.
#[derive(Serialize, Deserialize)]
pub struct KeyCreated {
    /// The key.
    pub key: ApiKey,
    /// What the caller sends as a bearer token.
    pub secret: String,
}

impl fmt::Debug for KeyCreated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyCreated({}, …)", self.key.id)
    }
}

impl Command for CreateKey {
    type Outcome = KeyCreated;
    const NEEDS: Scope = Scope::Admin;

    async fn decide(&self, engine: &Engine, caller: &Caller, now: Timestamp) -> Result<(KeyCreated, Batch), Error> {
        // A key grants no more than its maker has, or a key that only makes keys could do everything.
        for scope in &self.scopes {
            caller.must_have(*scope)?;
        }
        if !is_plain_line(&self.name, 64) {
            return Err(Error::BadLabel);
        }
        let fresh_id = || KeyId::generate(now, engine.random());
        let (secret, id) = match self.form {
            KeyForm::Native => (fresh_api_key(engine.random()), fresh_id()),
            KeyForm::Hex32 => (fresh_hex_key(engine.random()), fresh_id()),
            KeyForm::Jws => {
                let (tenant, id) = (engine.store().tenant(caller.tenant()).await?, fresh_id());
                let tenant = tenant.ok_or(Error::NotFound(Thing::Tenant))?;
                let issued_by = (tenant.id, issuer_of_keys(engine, &tenant));
                (jws_key(engine.keys(), issued_by, (id, now), fresh_token_id(engine.random()))?, id)
            }
        };
        let key = ApiKey {
            id,
            tenant: caller.tenant(),
            name: self.name.clone(),
            scopes: self.scopes.clone(),
            allowed_from: self.allowed_from.clone(),
            test: self.test,
            created_at: now,
            last_used_at: None,
            revoked_at: None,
        };
        let hash = engine.api_key_hash(&secret);
        let batch = Batch::new().with(Change::InsertApiKey { key: key.clone(), hash });
        Ok((KeyCreated { key, secret: secret.to_string() }, batch))
    }
}
