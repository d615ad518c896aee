//! The one place where store, keys, providers, engine and web are put together. Everything opens in the order in which it
//! is listed, and ends in the opposite one.

use crate::{Failure, config::Settings};
use axum::Router;
use countersign_delivery::{
    NumberLookup, Routes,
    callback::{Caller, GuardedCaller},
    lookup,
    providers::{self, Providers, sandbox::SandboxProvider, withheld::Withheld},
    routing,
};
use countersign_engine::{
    Engine, Error, Parts, Sandbox, TEST_PROVIDER,
    clock::{Clock, SystemChance},
    jobs::Jobs,
    keys::Keys,
    sandbox::{RecordedCalls, StoredInbox},
};
use countersign_model::{Channel, tenant::IpNet};
use countersign_store::{self as store, DatabaseUrl, Role, Store};
use countersign_web::{self as web, Web};
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    path::Path,
    sync::Arc,
    time::Duration,
};
use tokio_util::sync::CancellationToken;

/// The running product: what answers requests, and what must be ended after the last one.
pub struct Product {
    /// Answers every request.
    pub router: Router,
    engine: Engine,
    jobs: Jobs,
    store: Store,
}

/// The engine for a command that does one thing and ends: no jobs, no web.
pub struct Tool {
    /// Does it.
    pub engine: Engine,
    store: Store,
}

/// What dev mode is made of besides its settings.
#[derive(Clone, Copy, Debug)]
pub struct Dev<'a> {
    /// Where everything is kept that is not in the database.
    pub dir: &'a Path,
    /// The database that several processes share; none: a file in `dir`.
    pub database: Option<&'a DatabaseUrl>,
    /// The private authority's certificate, if there is TLS.
    pub ca_file: Option<&'a Path>,
    /// How callers reach this server, for commands to paste.
    pub url: &'a str,
    /// Whether the sandbox answers to other machines.
    pub allow_remote: bool,
    /// Whether calls to callers' servers on this machine are really made.
    pub loopback_callbacks: bool,
}

impl Product {
    /// The address under which people and vendors reach this server, if it is set.
    #[must_use]
    pub fn public_url(&self) -> Option<String> {
        self.engine.public_url().map(str::to_owned)
    }

    /// For `serve`: the operator's store, keys and providers. Answers that are held back are given when it stops.
    ///
    /// # Errors
    /// When one of them cannot be used, in one line that says what to do.
    pub async fn open(settings: &Settings, stop: CancellationToken) -> Result<Self, Failure> {
        let mut providers = providers::build(&settings.providers).map_err(usage)?;
        routing::check(&settings.routes, &providers).map_err(usage)?;
        must_carry_mail(settings, &providers)?;
        providers.insert(TEST_PROVIDER, Arc::new(Withheld)).map_err(usage)?;
        let lookup = lookup::build(&settings.lookup).map_err(|bad| usage(format!("[lookup.http] {bad}")))?;
        let mut base = Foundation::open(place(settings, Role::Server), &settings.keys.file).await?;
        (base.providers, base.routes, base.lookup) = (providers, settings.routes.clone(), lookup);
        base.retention = retention(settings);
        base.public_url.clone_from(&settings.server.public_url.0);
        base.callbacks = Arc::new(guard(&settings.callbacks.allow_networks.0)?);
        let store = base.store.clone();
        let engine = base.engine(settings).await?;
        Ok(Self::start(settings, &engine, store, (None, stop)))
    }

    /// For `dev`: everything in one folder, the sandbox in place of providers, two tenants with credentials. Returns the
    /// commands that a newcomer can paste, too: a title and a shell command each.
    ///
    /// # Errors
    /// When the folder cannot be used, in one line that says what to do.
    pub async fn open_dev(
        settings: &Settings,
        dev: Dev<'_>,
        stop: CancellationToken,
    ) -> Result<(Self, Vec<(&'static str, String)>), Failure> {
        let mut base = if let Some(url) = dev.database {
            Foundation::open_shared(url).await?
        } else {
            let path = dev.dir.join("countersign.sqlite");
            Foundation::open(store::Settings::Sqlite { path, role: Role::Server }, &dev.dir.join("keys.json")).await?
        };
        base.carry_into_sandbox(dev.loopback_callbacks)?;
        base.public_url = Some(dev.url.to_owned());
        base.retention = retention(settings);
        let store = base.store.clone();
        let engine = base.engine(settings).await?;
        let sandbox = Sandbox::open(&engine).await.map_err(cannot_start)?;
        let commands = web::first_commands(&sandbox, dev.url);
        Ok((Self::start(settings, &engine, store, (Some((sandbox, dev)), stop)), commands))
    }

    fn start(
        settings: &Settings,
        engine: &Engine,
        store: Store,
        (dev, stop): (Option<(Sandbox, Dev<'_>)>, CancellationToken),
    ) -> Self {
        let (sandbox, dev) = dev.unzip();
        let parts = web::Parts {
            engine: engine.clone(),
            sandbox,
            body_timeout: settings.server.body_timeout,
            trusted_proxies: settings.server.trusted_proxies.0.clone(),
            dialects: match dev {
                Some(_) => settings.dialects.clone().with_sandbox(SandboxProvider::<StoredInbox>::NAME),
                None => settings.dialects.clone(),
            },
            allow_remote: dev.is_some_and(|dev| dev.allow_remote),
            ca_file: dev.and_then(|dev| dev.ca_file).map(|path| path.display().to_string()),
            stop,
        };
        engine.open_providers();
        Self { router: web::router(Web::new(parts)), engine: engine.clone(), jobs: Jobs::start(engine), store }
    }

    /// Waits until the store can write no more, which before [`Self::close`] means that its writer died.
    pub async fn store_ended(&self) {
        self.store.ended().await;
    }

    /// Takes up no new message, and waits for those on their way, at most so long. What still runs then is left: its lease
    /// ends by itself, and the next start takes it up.
    pub async fn end_jobs(&self, patience: Duration) {
        if tokio::time::timeout(patience, self.jobs.stop()).await.is_err() {
            tracing::warn!("a message is still on its way to a provider; it will be tried again after the next start");
        }
        self.engine.close_providers().await;
    }

    /// Closes the store, for which it waits at most so long. To be called when no request and no job runs any more.
    pub async fn close(self, patience: Duration) {
        if tokio::time::timeout(patience, self.store.close()).await.is_err() {
            tracing::warn!("the store was not closed in time; the next start puts it in order");
            // The last handle waits for the writer when it is dropped: it is left to the end of the process.
            std::mem::forget(self.store);
        }
    }
}

impl Tool {
    /// Opens the store and the keys of these settings, beside a running server or without one.
    ///
    /// # Errors
    /// When one of them cannot be used, in one line that says what to do.
    pub async fn open(settings: &Settings) -> Result<Self, Failure> {
        let mut base = Foundation::open(place(settings, Role::Tool), &settings.keys.file).await?;
        base.public_url.clone_from(&settings.server.public_url.0);
        let store = base.store.clone();
        Ok(Self { engine: base.engine(settings).await?, store })
    }

    /// Closes the store.
    pub async fn close(self) {
        self.store.close().await;
    }
}

/// What an engine stands on.
struct Foundation {
    store: Store,
    keys: Keys,
    clock: Arc<Clock>,
    random: Arc<SystemChance>,
    providers: Providers,
    routes: Routes,
    lookup: Option<Arc<dyn NumberLookup>>,
    callbacks: Arc<dyn Caller>,
    public_url: Option<String>,
    retention: Duration,
}

impl Foundation {
    /// The store first: it makes the folder in which the key file is, as a rule. But a key file that is of no use is met before
    /// anything is made.
    async fn open(place: store::Settings, key_file: &Path) -> Result<Self, Failure> {
        if std::fs::metadata(key_file).is_ok_and(|file| file.len() > 0) {
            Keys::load(key_file).map_err(|error| Failure::other(error.to_string()))?;
        }
        let store = opened(place).await?;
        let random = Arc::new(SystemChance::default());
        let keys = keys_of(&store, key_file, &random).await?;
        Self::of(store, keys, random)
    }

    /// For dev mode: a database that several processes share, with the keys in it.
    async fn open_shared(url: &DatabaseUrl) -> Result<Self, Failure> {
        let store = opened(store::Settings::Postgres(url.clone())).await?;
        let random = Arc::new(SystemChance::default());
        let keys = Keys::kept_in(&store, &*random).await.map_err(cannot_start)?;
        Self::of(store, keys, random)
    }

    fn of(store: Store, keys: Keys, random: Arc<SystemChance>) -> Result<Self, Failure> {
        Ok(Self {
            store,
            keys,
            clock: Arc::new(Clock::system()),
            random,
            providers: Providers::default(),
            routes: Routes::default(),
            lookup: None,
            callbacks: Arc::new(guard(&[])?),
            public_url: None,
            retention: Duration::ZERO,
        })
    }

    fn carry_into_sandbox(&mut self, loopback: bool) -> Result<(), Failure> {
        let inbox = || StoredInbox { store: self.store.clone(), clock: Arc::clone(&self.clock) };
        let name = SandboxProvider::<StoredInbox>::NAME;
        self.providers.insert(name, Arc::new(SandboxProvider::new(inbox()))).map_err(usage)?;
        self.providers.insert(TEST_PROVIDER, Arc::new(SandboxProvider::new(inbox()))).map_err(usage)?;
        self.routes = Routes::new(Channel::ALL.map(|channel| (channel, vec![name.to_owned()])));
        self.lookup = Some(Arc::new(inbox()));
        let (store, clock) = (self.store.clone(), Arc::clone(&self.clock));
        let this_machine = [IpNet::from(IpAddr::V4(Ipv4Addr::LOCALHOST)), IpNet::from(IpAddr::V6(Ipv6Addr::LOCALHOST))];
        self.callbacks = Arc::new(RecordedCalls {
            store,
            clock,
            guard: guard(if loopback { &this_machine } else { &[] })?,
            loopback,
        });
        Ok(())
    }

    async fn engine(self, settings: &Settings) -> Result<Engine, Failure> {
        let parts = Parts {
            store: self.store,
            keys: Arc::new(self.keys),
            providers: self.providers,
            routes: self.routes,
            lookup: self.lookup,
            callbacks: self.callbacks,
            report_formats: web::report_formats(&settings.dialects),
            public_url: self.public_url,
            clock: self.clock,
            random: self.random,
            retention: self.retention,
        };
        Engine::new(parts).await.map_err(cannot_start)
    }
}

fn place(settings: &Settings, role: Role) -> store::Settings {
    match &settings.store.url {
        Some(url) => store::Settings::Postgres(url.clone()),
        None => store::Settings::Sqlite { path: settings.store.path.clone(), role },
    }
}

async fn opened(place: store::Settings) -> Result<Store, Failure> {
    Store::open(place).await.map_err(|error| Failure::other(error.to_string()))
}

/// A key file is made only for a store that was never written with one.
async fn keys_of(store: &Store, key_file: &Path, random: &SystemChance) -> Result<Keys, Failure> {
    let is_old = Engine::has_keys(store).await.map_err(cannot_start)?;
    let keys = if is_old { Keys::load(key_file) } else { Keys::load_or_create(key_file, random) };
    keys.map_err(|error| Failure::other(error.to_string()))
}

/// Whoever is named as a mail relay must be one.
fn must_carry_mail(settings: &Settings, providers: &Providers) -> Result<(), Failure> {
    for (setting, name) in settings.dialects.relays() {
        let carries = providers.get(name).is_some_and(|provider| provider.channels().contains(&Channel::Email));
        if !carries {
            return Err(usage(format!("{setting}: \"{name}\" is no provider that carries mail")));
        }
    }
    Ok(())
}

fn guard(allowed: &[IpNet]) -> Result<GuardedCaller, Failure> {
    GuardedCaller::new(allowed).map_err(|error| Failure::other(format!("cannot start: {error}")))
}

fn retention(settings: &Settings) -> Duration {
    Duration::from_hours(24 * u64::from(settings.retention.days))
}

fn cannot_start(error: Error) -> Failure {
    let why = if let Error::Internal(why) = error { why } else { error.to_string() };
    Failure::other(format!("cannot start: {why}"))
}

fn usage(error: impl std::fmt::Display) -> Failure {
    Failure::usage(vec![error.to_string()])
}
