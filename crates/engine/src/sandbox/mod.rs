//! Dev mode: the inbox where messages go when none may leave the machine (`stored_inbox.rs`), the calls that are recorded instead
//! of made (`recorded_calls.rs`), and here the levers that tests pull. `serve` makes no [`Sandbox`], and so none of this can be
//! reached there.

mod applications;
mod recorded_calls;
mod stored_inbox;

pub use applications::{Application, TrialUser};
pub use countersign_store::sandbox as kept;
pub use recorded_calls::RecordedCalls;
pub use stored_inbox::StoredInbox;

use crate::{
    Caller, Engine, Error,
    caller::{api_key_text, issuer_of_keys, jws_key},
    commands::CreateTenant,
};
use countersign_model::{Address, ApiKey, KeyId, PhoneNumber, Scope, Tenant, Timestamp, id::random_uuid};
use countersign_store::{
    Batch, Change, Error as StoreError, Store, Topic, Waiter,
    sandbox::{Call, Change as SandboxChange, InboxFilter, InboxMessage, Lookup, PlannedOutcome},
};
use data_encoding::HEXLOWER;
use futures_util::future::{try_join_all, try_join3};
use std::time::Duration;
use tokio::time::Instant;
use zeroize::Zeroizing;

/// The tenants of dev mode.
pub const TENANTS: [&str; 2] = ["dev", "dev2"];

/// What its keys are called.
const SANDBOX: &str = "sandbox";

/// One of them, with the key that is not derived from its name alone.
#[derive(Clone)]
struct SandboxTenant {
    tenant: Tenant,
    jws_api_key: Zeroizing<String>,
}

/// The levers and windows of dev mode.
#[derive(Clone)]
pub struct Sandbox {
    engine: Engine,
    tenants: Vec<SandboxTenant>,
}

const MOST_CALLS: u32 = 1_000_000;

/// Waits for something new in the sandbox, within a time. Made before looking.
struct News {
    waiter: Waiter,
    deadline: Instant,
}

impl News {
    fn of(store: &Store, wait: Duration) -> Self {
        Self { waiter: store.waiter(Topic::Inbox), deadline: Instant::now() + wait }
    }

    /// Whether something came before the time was over.
    async fn come(&mut self) -> bool {
        tokio::time::timeout_at(self.deadline, self.waiter.changed()).await.is_ok()
    }
}

/// What a newcomer needs to call as a tenant of dev mode.
pub struct Credentials {
    /// The tenant's name.
    pub tenant: String,
    /// Its API key.
    pub api_key: Zeroizing<String>,
    /// Its API key as 32 hexadecimal characters, for clients that take no other.
    pub hex_api_key: Zeroizing<String>,
    /// Its API key as a compact JWS, for the same reason.
    pub jws_api_key: Zeroizing<String>,
    /// With what applications get tokens.
    pub application: Application,
    /// Its users.
    pub users: Vec<TrialUser>,
    /// Host and port under which the caller of this page reached this server.
    pub authority: String,
}

impl Sandbox {
    /// Makes the two tenants of dev mode, if they are not there yet, with keys that stay the same as long as the key file does.
    ///
    /// # Errors
    /// When the store cannot be written to.
    pub async fn open(engine: &Engine) -> Result<Self, Error> {
        let mut sandbox = Self { engine: engine.clone(), tenants: Vec::new() };
        // Side by side, since each hashes a password.
        sandbox.tenants = try_join_all(TENANTS.map(|name| sandbox.seed(name))).await?;
        Ok(sandbox)
    }

    async fn seed(&self, name: &str) -> Result<SandboxTenant, Error> {
        let engine = &self.engine;
        let tenant = match engine.store().tenant_named(name).await? {
            Some(tenant) => tenant,
            None => self.make_tenant(name).await?,
        };
        let fresh_id = || KeyId::generate(engine.now(), engine.random());
        let keys = [(fresh_id(), self.api_key(name)), (fresh_id(), self.hex_api_key(name))];
        let keys = try_join_all(keys.iter().map(|(id, secret)| self.seed_key(&tenant, *id, SANDBOX, secret)));
        // Side by side: what is written at the same time is one commit, and a password is hashed meanwhile.
        let (_, jws_api_key, ()) =
            try_join3(keys, self.seed_jws_api_key(&tenant), self.seed_application(&tenant)).await?;
        Ok(SandboxTenant { tenant, jws_api_key })
    }

    /// It says at which address it was made, and stays the same at any other: the address is in the key's name.
    async fn seed_jws_api_key(&self, tenant: &Tenant) -> Result<Zeroizing<String>, Error> {
        let bytes = self.engine.keys().hash("sandbox jws api key", tenant.name.as_bytes());
        let (mut id, mut jti) = ([0; 16], [0; 16]);
        id.copy_from_slice(bytes.split_at(16).0);
        jti.copy_from_slice(bytes.split_at(16).1);
        let id = KeyId::from_bytes(id);
        let signed = |issuer: &str| {
            let issued_by = (tenant.id, issuer.to_owned());
            jws_key(self.engine.keys(), issued_by, (id, tenant.created_at), random_uuid(jti))
        };
        let here = issuer_of_keys(&self.engine, tenant);
        if self.name_of_key(tenant, id).await?.is_none() {
            self.seed_key(tenant, id, &format!("{SANDBOX} {here}"), &signed(&here)?).await?;
        }
        // Another process on this store may have made it, at its own address.
        let name = self.name_of_key(tenant, id).await?.unwrap_or_default();
        signed(name.split_once(' ').map_or(&tenant.name, |(_, address)| address))
    }

    async fn name_of_key(&self, tenant: &Tenant, id: KeyId) -> Result<Option<String>, Error> {
        let keys = self.engine.store().api_keys(tenant.id).await?;
        Ok(keys.into_iter().find(|key| key.id == id).map(|key| key.name))
    }

    async fn seed_key(&self, tenant: &Tenant, id: KeyId, name: &str, secret: &str) -> Result<(), Error> {
        let engine = &self.engine;
        let hash = engine.api_key_hash(secret);
        if engine.store().api_key_by_hash(&hash).await?.is_some() {
            return Ok(());
        }
        let key = ApiKey {
            id,
            tenant: tenant.id,
            name: name.to_owned(),
            scopes: Scope::ALL.to_vec(),
            allowed_from: Vec::new(),
            test: false,
            created_at: engine.now(),
            last_used_at: None,
            revoked_at: None,
        };
        match engine.write(Batch::new().with(Change::InsertApiKey { key, hash })).await {
            // Another process on this store has made it.
            Ok(()) | Err(StoreError::Conflict) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    async fn make_tenant(&self, name: &str) -> Result<Tenant, Error> {
        let operator = Caller::installation();
        match self.engine.run(&operator, None, &CreateTenant { name: name.to_owned() }).await {
            Err(Error::NameTaken(_)) => self.engine.tenant_named(name).await,
            made => made,
        }
    }

    /// How to call as each tenant, for somebody who reached this server at this host and port.
    #[must_use]
    pub fn credentials(&self, authority: &str) -> Vec<Credentials> {
        let of = |SandboxTenant { tenant, jws_api_key }: &SandboxTenant| Credentials {
            tenant: tenant.name.clone(),
            api_key: self.api_key(&tenant.name),
            hex_api_key: self.hex_api_key(&tenant.name),
            jws_api_key: jws_api_key.clone(),
            application: self.application(&tenant.name),
            users: self.trial_users(&tenant.name),
            authority: authority.to_owned(),
        };
        self.tenants.iter().map(of).collect()
    }

    fn api_key(&self, tenant: &str) -> Zeroizing<String> {
        let bytes = Zeroizing::new(self.engine.keys().hash("sandbox api key", tenant.as_bytes()));
        api_key_text(bytes.split_at(20).0)
    }

    fn hex_api_key(&self, tenant: &str) -> Zeroizing<String> {
        let bytes = Zeroizing::new(self.engine.keys().hash("sandbox hex api key", tenant.as_bytes()));
        Zeroizing::new(HEXLOWER.encode(bytes.split_at(16).0))
    }

    /// What is in the inbox, oldest first. If nothing matches yet, waits until something does, `wait` at most.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub async fn messages(&self, filter: &InboxFilter, wait: Duration) -> Result<Vec<InboxMessage>, Error> {
        let mut news = News::of(self.engine.store(), wait);
        loop {
            let found = self.engine.store().inbox(filter).await?;
            if !found.is_empty() || !news.come().await {
                return Ok(found);
            }
        }
    }

    /// The calls after this place, oldest first. If there is none yet, waits until there is, `wait` at most.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub async fn calls(&self, after: u64, wait: Duration) -> Result<Vec<Call>, Error> {
        let mut news = News::of(self.engine.store(), wait);
        loop {
            let found = self.engine.store().sandbox_calls(after, MOST_CALLS).await?;
            if !found.is_empty() || !news.come().await {
                return Ok(found);
            }
        }
    }

    /// Empties the inbox.
    ///
    /// # Errors
    /// When the store cannot be written to.
    pub async fn empty(&self) -> Result<(), Error> {
        self.write(SandboxChange::Empty).await
    }

    /// What happens to the next messages to an address.
    ///
    /// # Errors
    /// When the store cannot be written to.
    pub async fn plan_outcome(&self, to: &Address, plan: PlannedOutcome) -> Result<(), Error> {
        self.write(SandboxChange::PlanOutcome { to: to.as_str().to_owned(), plan }).await
    }

    /// What the lookup says of a number.
    ///
    /// # Errors
    /// When the store cannot be written to.
    pub async fn plan_lookup(&self, number: &PhoneNumber, lookup: Lookup) -> Result<(), Error> {
        self.write(SandboxChange::PlanLookup { to: number.e164().to_owned(), lookup }).await
    }

    /// The time of every rule.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub async fn now(&self) -> Result<Timestamp, Error> {
        self.engine.clock().move_to_offset(self.engine.store().clock_offset_ms().await?);
        Ok(self.engine.now())
    }

    /// Moves it forward.
    ///
    /// # Errors
    /// When the store cannot be written to.
    pub async fn advance(&self, by: Duration) -> Result<Timestamp, Error> {
        let by_ms = u64::try_from(by.as_millis()).unwrap_or(u64::MAX / 4);
        self.write(SandboxChange::AdvanceClock { by_ms }).await?;
        self.now().await
    }

    async fn write(&self, change: SandboxChange) -> Result<(), Error> {
        Ok(self.engine.write(Batch::new().with(Change::Sandbox(change))).await?)
    }
}
