//! What can be *done*. [`Engine`] is a cheap handle that every dialect, the command line and the jobs share.
//!
//! A thing that changes state is a [`Command`] in `commands/`, one file each: it **reads** what it needs, lets
//! `countersign-model` **decide**, and gives back one batch, which [`Engine::run`] **writes**. The engine holds no
//! transaction, so nobody can keep one open across a network call. A thing that only looks is a function in `queries/`;
//! a thing that happens by itself is in `jobs/`. Nothing here knows HTTP.

pub mod caller;
pub mod calls;
mod carriers;
pub mod clients;
pub mod clock;
pub mod commands;
mod contents;
mod error;
mod first_step;
mod health;
pub mod instance_tokens;
pub mod jobs;
pub mod keys;
mod memory;
pub mod metrics;
mod mfa_sessions;
pub mod passwords;
mod people;
pub mod queries;
pub mod receipts;
mod remembered;
pub mod reports;
pub mod sandbox;
mod send_off;
mod take_over;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod tokens;
mod webhooks;

pub use caller::{Caller, Identified};
pub use commands::{Command, Idempotency};
pub use countersign_delivery::gsm7;
pub use error::{Error, TemplateFinding, Thing};
pub use first_step::FirstStep;
pub use people::{Identity, UserRef};
pub use sandbox::Sandbox;
pub use webhooks::Endpoint;

/// The name of the provider that carries the messages of test keys: into the inbox of dev mode, or nowhere.
pub const TEST_PROVIDER: &str = "test";

use clock::Clock;
use countersign_delivery::{NumberLookup, Routes, Templates, callback, lookup::LookedUp, providers::Providers};
use countersign_model::{Address, FactorId, KeyId, Random, TenantId, Timestamp, address::LineType};

use countersign_store::{Batch, Change, Error as StoreError, Store};
use first_step::Steps;
use health::Health;
use keys::Keys;
use metrics::Metrics;
use passwords::HashingPlaces;
use reports::ReportFormat;
use send_off::Places;
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokens::OpenKeys;
use webhooks::Endpoints;

/// What an engine is made of.
pub struct Parts {
    /// Where state is kept.
    pub store: Store,
    /// The server's keys.
    pub keys: Arc<Keys>,
    /// Who carries messages.
    pub providers: Providers,
    /// Who of them is asked for which message.
    pub routes: Routes,
    /// Who knows which numbers exist; none: services cannot ask for it.
    pub lookup: Option<Arc<dyn NumberLookup>>,
    /// Who calls callers' servers.
    pub callbacks: Arc<dyn callback::Caller>,
    /// How each dialect words its delivery reports.
    pub report_formats: BTreeMap<&'static str, ReportFormat>,
    /// How the outside reaches this server (`https://verify.example.com`); none: it does not.
    pub public_url: Option<String>,
    /// The time.
    pub clock: Arc<Clock>,
    /// Chance.
    pub random: Arc<dyn Random + Send + Sync>,
    /// How long ended verifications are kept.
    pub retention: Duration,
}

/// The handle that everything else works with. Cloning it is cheap.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    parts: Parts,
    templates: &'static Templates,
    metrics: Metrics,
    touched_keys: Mutex<HashMap<KeyId, Timestamp>>,
    open_keys: OpenKeys,
    hashing_places: HashingPlaces,
    steps: Steps,
    health: Health,
    endpoints: Endpoints,
    places: Places,
}

const FINGERPRINT: &str = "key fingerprint";

impl Engine {
    /// Puts an engine together, after making sure that the keys belong to the store.
    ///
    /// # Errors
    /// When the store was written with other keys, or cannot be asked.
    pub async fn new(parts: Parts) -> Result<Self, Error> {
        tie(&parts.store, &parts.keys).await?;
        parts.clock.agree(parts.store.shared_time()).await?;
        parts.clock.move_to_offset(parts.store.clock_offset_ms().await?);
        let health = Health::new(parts.routes.breaker);
        let engine = Self(Arc::new(Inner {
            parts,
            templates: Templates::builtin(),
            metrics: Metrics::new(),
            touched_keys: Mutex::default(),
            open_keys: OpenKeys::default(),
            hashing_places: HashingPlaces::default(),
            steps: Steps::default(),
            health,
            endpoints: Endpoints::default(),
            places: Places::default(),
        }));
        engine.reload_endpoints().await?;
        Ok(engine)
    }

    /// Whether a store was written with keys: a key file that is missing must not be made anew then.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub async fn has_keys(store: &Store) -> Result<bool, Error> {
        Ok(store.setting(FINGERPRINT).await?.is_some())
    }

    /// The time of every rule.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.0.parts.clock.now()
    }

    /// Takes over how far another process has moved the time of every rule. For dev mode on a store that is shared.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub async fn catch_up(&self) -> Result<(), Error> {
        if self.store().is_shared() {
            self.clock().move_to_offset(self.store().clock_offset_ms().await?);
        }
        Ok(())
    }

    /// Time since the start, for measuring how long something took.
    #[must_use]
    pub fn monotonic(&self) -> Duration {
        self.clock().monotonic()
    }

    /// A name for a request that came without one: 64 random bits.
    #[must_use]
    pub fn fresh_request_id(&self) -> String {
        let mut bytes = [0; 8];
        self.random().fill(&mut bytes);
        data_encoding::HEXLOWER.encode(&bytes)
    }

    /// 128 random bits.
    #[must_use]
    pub fn fresh_bytes(&self) -> [u8; 16] {
        let mut bytes = [0; 16];
        self.random().fill(&mut bytes);
        bytes
    }

    /// Sixteen letters and digits that stand for a factor where a vendor's names leave no room for its own.
    #[must_use]
    pub fn short_name(&self, tenant: TenantId, factor: FactorId) -> String {
        self.keys().short_name(tenant, factor)
    }

    /// How the outside reaches this server; none: it does not, as far as anybody has said.
    #[must_use]
    pub fn public_url(&self) -> Option<&str> {
        self.0.parts.public_url.as_deref()
    }

    /// What is counted.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    /// Whether the store answers and can be written to.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ready(&self) -> Result<(), Error> {
        Ok(self.store().ping().await?)
    }

    pub(crate) fn steps(&self) -> &Steps {
        &self.0.steps
    }

    pub(crate) fn store(&self) -> &Store {
        &self.0.parts.store
    }

    pub(crate) fn keys(&self) -> &Keys {
        &self.0.parts.keys
    }

    pub(crate) fn open_keys(&self) -> &OpenKeys {
        &self.0.open_keys
    }

    pub(crate) fn hashing_places(&self) -> &HashingPlaces {
        &self.0.hashing_places
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.0.parts.clock
    }

    pub(crate) fn random(&self) -> &(dyn Random + Send + Sync) {
        &*self.0.parts.random
    }

    pub(crate) fn templates(&self) -> &'static Templates {
        self.0.templates
    }

    pub(crate) fn providers(&self) -> &Providers {
        &self.0.parts.providers
    }

    pub(crate) fn health(&self) -> &Health {
        &self.0.health
    }

    pub(crate) fn routes(&self) -> &Routes {
        &self.0.parts.routes
    }

    /// Refuses a number that does not exist: the configured lookup says so, or, without one, the numbering plan. One that
    /// nobody can tell of is let through: the message will show.
    /// Tells whose it is, if whoever was asked has said so.
    pub(crate) async fn look_up(&self, to: &Address) -> Result<Option<String>, Error> {
        let Address::Phone(number) = to else { return Ok(None) };
        let Some(lookup) = &self.0.parts.lookup else {
            return if number.traits().line == LineType::Unknown { Err(Error::NumberUnknown) } else { Ok(None) };
        };
        match lookup.look_up(number).await {
            Ok(LookedUp::Exists { operator }) => Ok(operator),
            Ok(LookedUp::Missing) => Err(Error::NumberUnknown),
            Err(why) => {
                tracing::warn!(%why, "a number lookup gave no answer");
                Ok(None)
            }
        }
    }

    /// Writes what a refused command has cost. If somebody else was quicker, the next refusal counts.
    pub(crate) async fn write_aside(&self, batch: Batch) {
        if let Err(error) = self.write(batch).await {
            tracing::info!(%error, "what a refused request has cost was not written down");
        }
    }

    pub(crate) fn report_format(&self, dialect: &str) -> Option<&ReportFormat> {
        self.0.parts.report_formats.get(dialect)
    }

    pub(crate) fn callback_caller(&self) -> &dyn callback::Caller {
        &*self.0.parts.callbacks
    }

    pub(crate) fn endpoints(&self) -> &Endpoints {
        &self.0.endpoints
    }

    pub(crate) fn places(&self) -> &Places {
        &self.0.places
    }

    pub(crate) fn retention(&self) -> Duration {
        self.0.parts.retention
    }

    /// Whether a key's use is to be written down now: once in `pause`, however many requests come at the same time.
    pub(crate) fn first_touch(&self, key: KeyId, now: Timestamp, pause: Duration) -> bool {
        let mut touched = self.0.touched_keys.lock().unwrap_or_else(PoisonError::into_inner);
        let is_first = touched.get(&key).is_none_or(|last| now.since(*last) >= pause);
        if is_first {
            touched.insert(key, now);
        }
        is_first
    }
}

/// Notes in a new store with which keys it is written, and refuses other keys from then on.
async fn tie(store: &Store, keys: &Keys) -> Result<(), Error> {
    let fingerprint = keys.fingerprint();
    if store.setting(FINGERPRINT).await?.is_none() {
        let change = Change::InsertSetting { name: FINGERPRINT, value: fingerprint.clone() };
        match store.write(Batch::new().with(change)).await {
            // Another process has noted its own in between: the same, if it has the same key file.
            Ok(()) | Err(StoreError::Conflict) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let known = store.setting(FINGERPRINT).await?;
    if known.as_ref() == Some(&fingerprint) { Ok(()) } else { Err(Error::internal(OTHER_KEYS)) }
}

const OTHER_KEYS: &str =
    "the store was written with another key file; put the key file that belongs to it in its place";
