//! For tests: an engine on a store of its own, with a clock that is moved, seeded chance, and a provider that records.

pub use countersign_delivery::callback::CallError;

use crate::{
    Caller, Engine, Error, Parts, TEST_PROVIDER, clock::Clock, commands::CreateTenant, jobs::Deliver, jobs::Progress,
    keys::Keys, reports::ReportFormat,
};
use async_trait::async_trait;
use aws_lc_rs::hmac;
use countersign_delivery::{
    Accepted, NumberLookup, Outgoing, Provider, Routes, SendError,
    callback::{self, Call},
    lookup::LookedUp,
    providers::{Providers, withheld::Withheld},
};
use countersign_model::{Channel, PhoneNumber, Random, Tenant, Timestamp, message::ReceiptPlan};
use countersign_store::{Store, testing};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::sync::{Notify, watch};

/// The moment at which every test begins: 2026-01-01T00:00:00Z.
pub const BEGINNING: Timestamp = Timestamp::from_ms(1_767_225_600_000);

/// Chance that repeats itself.
#[derive(Debug, Default)]
pub struct SeededChance(AtomicU64);

impl SeededChance {
    /// Never the same as another one: for a second engine on the store of a first.
    #[must_use]
    pub const fn of_another() -> Self {
        Self(AtomicU64::new(1 << 32))
    }
}

impl Random for SeededChance {
    fn fill(&self, bytes: &mut [u8]) {
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"seed");
        for chunk in bytes.chunks_mut(32) {
            let block = hmac::sign(&key, &self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes());
            chunk.copy_from_slice(block.as_ref().split_at(chunk.len()).0);
        }
    }
}

/// What a recording provider was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The way.
    pub channel: Channel,
    /// The address.
    pub to: String,
    /// Whom it comes from; empty if nobody said.
    pub from: String,
    /// The subject, and the HTML part; empty without.
    pub mail: (String, String),
    /// The code; empty for a text of a caller's own, and where there is a link.
    pub code: String,
    /// The link; empty where there is none.
    pub link: String,
    /// The text.
    pub text: String,
}

/// A provider that keeps what it is given, and answers as it was told to.
#[derive(Default)]
pub struct Recorder {
    sent: Mutex<Vec<Sent>>,
    answers: Mutex<VecDeque<Result<Accepted, SendError>>>,
}

impl Recorder {
    /// What it took, and forgets it.
    pub fn take(&self) -> Vec<Sent> {
        std::mem::take(&mut *lock(&self.sent))
    }

    /// How it answers the next message; without being told it accepts.
    pub fn answer_next(&self, answer: Result<Accepted, SendError>) {
        lock(&self.answers).push_back(answer);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl Provider for Recorder {
    async fn send(&self, message: &Outgoing) -> Result<Accepted, SendError> {
        let answer = lock(&self.answers).pop_front();
        let answer = answer.unwrap_or(Ok(Accepted { reference: None, receipt: ReceiptPlan::Never }))?;
        lock(&self.sent).push(Sent {
            channel: message.channel,
            to: message.to.as_str().to_owned(),
            from: message
                .from_address
                .as_ref()
                .map(|address| address.as_str().to_owned())
                .or_else(|| message.from.clone())
                .unwrap_or_default(),
            mail: (
                message.content.subject.clone().unwrap_or_default(),
                message.content.html.clone().unwrap_or_default(),
            ),
            code: message.code.as_ref().map(|code| code.expose().to_owned()).unwrap_or_default(),
            link: message.link.clone().unwrap_or_default(),
            text: message.content.text.clone(),
        });
        Ok(answer)
    }

    fn channels(&self) -> &[Channel] {
        &Channel::ALL
    }
}

/// A number lookup that knows all numbers but those it was told.
#[derive(Default)]
pub struct NumberList {
    missing: Mutex<BTreeSet<String>>,
    operators: Mutex<BTreeMap<String, String>>,
}

impl NumberList {
    /// Whether this number exists from now on.
    pub fn note(&self, e164: &str, exists: bool) {
        if exists {
            lock(&self.missing).remove(e164);
        } else {
            lock(&self.missing).insert(e164.to_owned());
        }
    }

    /// Whose this number is from now on.
    pub fn note_operator(&self, e164: &str, operator: &str) {
        lock(&self.operators).insert(e164.to_owned(), operator.to_owned());
    }
}

#[async_trait]
impl NumberLookup for NumberList {
    async fn look_up(&self, number: &PhoneNumber) -> Result<LookedUp, String> {
        if lock(&self.missing).contains(number.e164()) {
            return Ok(LookedUp::Missing);
        }
        Ok(LookedUp::Exists { operator: lock(&self.operators).get(number.e164()).cloned() })
    }
}

/// Keeps the calls that would be made, and answers as it was told to.
#[derive(Default)]
pub struct CallRecorder {
    made: Mutex<Vec<Call>>,
    taken: Mutex<Vec<Call>>,
    answers: Mutex<VecDeque<CallError>>,
    away: Mutex<Option<CallError>>,
    held: watch::Sender<Option<&'static str>>,
    news: Notify,
}

impl CallRecorder {
    /// The calls, and forgets them.
    pub fn take(&self) -> Vec<Call> {
        std::mem::take(&mut *lock(&self.made))
    }

    /// The calls that were taken, in their order, and forgets them.
    pub fn take_taken(&self) -> Vec<Call> {
        std::mem::take(&mut *lock(&self.taken))
    }

    /// Every call fails in this way, until it is none.
    pub fn fail_all(&self, error: Option<CallError>) {
        *lock(&self.away) = error;
    }

    /// Calls to addresses with this in them are not answered until it is none.
    pub fn hold(&self, address: Option<&'static str>) {
        self.held.send_replace(address);
    }

    /// Waits until so many calls were begun to addresses with this in them.
    pub async fn begun(&self, address: &str, count: usize) {
        loop {
            let news = self.news.notified();
            if lock(&self.made).iter().filter(|call| call.url.contains(address)).count() >= count {
                return;
            }
            news.await;
        }
    }

    /// How the next call fails; without being told it is taken.
    pub fn fail_next(&self, error: CallError) {
        lock(&self.answers).push_back(error);
    }
}

#[async_trait]
impl callback::Caller for CallRecorder {
    async fn post(&self, call: &Call) -> Result<(), CallError> {
        lock(&self.made).push(call.clone());
        self.news.notify_waiters();
        let is_free = |held: Option<&str>| held.is_none_or(|held| !call.url.contains(held));
        // An error means that the recorder is gone, and the test with it.
        let _ = self.held.subscribe().wait_for(|held| is_free(*held)).await;
        let away = lock(&self.away).clone();
        let failed = away.or_else(|| lock(&self.answers).pop_front());
        if failed.is_none() {
            lock(&self.taken).push(call.clone());
        }
        failed.map_or(Ok(()), Err)
    }

    fn refusal(&self, url: &str) -> Option<&'static str> {
        url.contains("//localhost").then_some("a private address")
    }
}

/// The first, then the second, on every channel.
fn standard_routes() -> Routes {
    Routes::new(Channel::ALL.map(|channel| (channel, vec!["first".to_owned(), "second".to_owned()])))
}

/// An engine and all that a test wants to hold of it.
pub struct Harness {
    /// The engine.
    pub engine: Engine,
    /// Its store.
    pub store: Store,
    /// Its clock.
    pub clock: Arc<Clock>,
    /// Its first provider, `first`.
    pub first: Arc<Recorder>,
    /// Its second provider, `second`.
    pub second: Arc<Recorder>,
    /// Its number lookup, where [`Self::with_lookup`] gave it one.
    pub numbers: Arc<NumberList>,
    /// Who calls callers' servers.
    pub callbacks: Arc<CallRecorder>,
    /// A tenant.
    pub tenant: Tenant,
    /// Somebody who may do everything there.
    pub caller: Caller,
}

impl Harness {
    /// A fresh one.
    ///
    /// # Panics
    /// When it cannot be made: the test cannot run then.
    #[expect(clippy::expect_used, reason = "only tests call it")]
    pub async fn new() -> Self {
        Self::on(Store::open(testing::settings().await).await.expect("a store opens")).await
    }

    /// A fresh one on a store of the test's own.
    ///
    /// # Panics
    /// When it cannot be made: the test cannot run then.
    pub async fn on(store: Store) -> Self {
        Self::made_of(store, None, standard_routes(), Vec::new()).await
    }

    /// A fresh one with routes of the test's own, and providers of its own beside the two.
    ///
    /// # Panics
    /// When it cannot be made: the test cannot run then.
    #[expect(clippy::expect_used, reason = "only tests call it")]
    pub async fn routed(routes: Routes, providers: Vec<(&str, Arc<dyn Provider>)>) -> Self {
        let store = Store::open(testing::settings().await).await.expect("a store opens");
        Self::made_of(store, Some(Arc::new(NumberList::default())), routes, providers).await
    }

    /// A fresh one whose number lookup is [`Self::numbers`].
    ///
    /// # Panics
    /// When it cannot be made: the test cannot run then.
    #[expect(clippy::expect_used, reason = "only tests call it")]
    pub async fn with_lookup() -> Self {
        let store = Store::open(testing::settings().await).await.expect("a store opens");
        Self::made_of(store, Some(Arc::new(NumberList::default())), standard_routes(), Vec::new()).await
    }

    #[expect(clippy::expect_used, reason = "only tests call it")]
    async fn made_of(
        store: Store,
        numbers: Option<Arc<NumberList>>,
        routes: Routes,
        more: Vec<(&str, Arc<dyn Provider>)>,
    ) -> Self {
        let clock = Arc::new(Clock::set_to(BEGINNING));
        let (first, second) = (Arc::new(Recorder::default()), Arc::new(Recorder::default()));
        let mut providers = Providers::default();
        providers.insert("first", Arc::clone(&first) as Arc<dyn Provider>).expect("the name is free");
        providers.insert("second", Arc::clone(&second) as Arc<dyn Provider>).expect("the name is free");
        providers.insert(TEST_PROVIDER, Arc::new(Withheld)).expect("the name is free");
        for (name, provider) in more {
            providers.insert(name, provider).expect("the name is free");
        }
        let callbacks = Arc::new(CallRecorder::default());
        let format: ReportFormat = Arc::new(|reports| format!("{reports:?}").into_bytes());
        let parts = Parts {
            store: store.clone(),
            keys: Arc::new(Keys::from_seed(7)),
            providers,
            routes,
            lookup: numbers.clone().map(|numbers| numbers as Arc<dyn NumberLookup>),
            callbacks: Arc::clone(&callbacks) as Arc<dyn callback::Caller>,
            report_formats: BTreeMap::from([("test", format)]),
            public_url: Some("https://verify.example.com".to_owned()),
            clock: Arc::clone(&clock),
            random: Arc::new(SeededChance::default()),
            retention: Duration::from_hours(24 * 90),
        };
        let engine = Engine::new(parts).await.expect("an engine starts");
        let acme = CreateTenant { name: "acme".to_owned() };
        let tenant = match engine.run(&Caller::installation(), None, &acme).await {
            // Another engine on the same store has made it.
            Err(Error::NameTaken(_)) => engine.tenant_named("acme").await,
            made => made,
        };
        let tenant = tenant.expect("a tenant is made");
        let caller = Caller::operator(tenant.id);
        Self { engine, store, clock, first, second, numbers: numbers.unwrap_or_default(), callbacks, tenant, caller }
    }

    /// Delivers until nothing is due.
    ///
    /// # Panics
    /// When the store cannot be asked.
    #[expect(clippy::expect_used, reason = "only tests call it")]
    pub async fn deliver(&self) {
        let job = Deliver(self.engine.clone());
        // Those that are due at the same moment go one after the other, so that they leave in the order of their making.
        while job.run_once(1).await.expect("the outbox can be read") == Progress::More {}
    }
}
