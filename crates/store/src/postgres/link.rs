//! A connection that is made when it is needed, and made anew when it broke. Of several hosts the one is taken that can be
//! written to, so a fail-over needs nothing more than this.

use super::{
    error::{plain, wants_another_server},
    url::Target,
};
use crate::Error;
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::time::{Instant, timeout};
use tokio_postgres::{Client, Connection, Socket, Statement, tls::TlsStream};

/// What every connection sets for itself.
///
/// * Whatever takes longer than the time-outs is refused, and a node that died holds its locks no longer than that.
/// * A commit is on the disk before it is answered, whatever the server's default is. More than that (`remote_apply`) stays.
/// * What is in periods is found by one look into each of few tables, or into one; to plan that anew each time would cost more.
/// * Each statement here finds its rows by an index. The planner must not think otherwise while a table is new and small,
///   since it keeps the plan.
const SET_UP: &str = "
    SET statement_timeout = '4s';
    SET lock_timeout = '3s';
    SET idle_in_transaction_session_timeout = '10s';
    SET tcp_keepalives_idle = 10;
    SET tcp_keepalives_interval = 5;
    SET tcp_keepalives_count = 2;
    SET default_transaction_isolation = 'read committed';
    SET enable_seqscan = off;
    SET enable_hashjoin = off;
    SET enable_mergejoin = off;
    SET jit = off;
    SET plan_cache_mode = force_generic_plan;
    SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'";

/// Whoever asks or writes waits no longer than this, for a connection, for others and for the answer together.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// For an answer. Longer than any time-out of the server: it does not answer at all.
const ANSWER_PATIENCE: Duration = Duration::from_millis(4500);
/// For a connection, with all hosts together.
const CONNECT_PATIENCE: Duration = Duration::from_secs(4);
/// For a connection, when it is known that the server was away: one that is back again takes a few milliseconds.
const BRIEFLY: Duration = Duration::from_secs(1);
/// After a failure nobody tries again for so long: many wait for the same server.
const PAUSE: Duration = Duration::from_millis(200);

/// A text, and whether it is asked for many rows of values at once.
type Form = (&'static str, bool);

/// A connection that is open.
pub(crate) struct Session {
    target: Arc<Target>,
    /// How often the server had fallen silent when it was made.
    silences: u64,
    client: Client,
    statements: Mutex<HashMap<Form, Statement>>,
    is_broken: AtomicBool,
}

impl Session {
    fn new(target: Arc<Target>, silences: u64, client: Client) -> Self {
        Self { target, silences, client, statements: Mutex::default(), is_broken: AtomicBool::new(false) }
    }

    /// The driver's client, for what is not a question or a change.
    pub(crate) const fn client(&self) -> &Client {
        &self.client
    }

    /// Prepares a statement the first time that it is asked for.
    pub(super) async fn prepared(&self, sql: &'static str) -> Result<Statement, tokio_postgres::Error> {
        self.prepared_as((sql, false), || sql.to_owned()).await
    }

    /// The same of a form of it, whose text is made then.
    pub(super) async fn prepared_as(
        &self,
        form: Form,
        text: impl FnOnce() -> String,
    ) -> Result<Statement, tokio_postgres::Error> {
        let known = || self.statements.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(statement) = known().get(&form) {
            return Ok(statement.clone());
        }
        let statement = self.client.prepare(&text()).await?;
        known().insert(form, statement.clone());
        Ok(statement)
    }

    /// Waits for an answer, but not for ever, and notes when this connection is of no more use; or, if there is none, every one that
    /// was made before: they lead to the same server.
    pub(super) async fn patiently<T>(
        &self,
        answer: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, Failure> {
        match timeout(ANSWER_PATIENCE, answer).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => {
                if wants_another_server(&error) {
                    self.discard();
                }
                Err(Failure::Told(error))
            }
            Err(_) => {
                self.target.silences.fetch_add(1, Ordering::Relaxed);
                *held(&self.target.failed) = Some((Instant::now(), silent()));
                Err(Failure::Silent)
            }
        }
    }

    /// Nobody uses it from now on.
    pub(super) fn discard(&self) {
        self.is_broken.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_usable(&self) -> bool {
        let is_silent = self.silences != self.target.silences.load(Ordering::Relaxed);
        !is_silent && !self.is_broken.load(Ordering::Relaxed) && !self.client.is_closed()
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Failure {
    /// The server, or the driver, says so.
    Told(tokio_postgres::Error),
    /// There was none in time.
    Silent,
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Told(error) => error.into(),
            Failure::Silent => silent(),
        }
    }
}

/// Nobody knows what it has done.
pub(super) fn silent() -> Error {
    Error::Unavailable("the database did not answer in time".to_owned())
}

/// One place for a connection; a cheap handle of it.
#[derive(Clone)]
pub(super) struct Link {
    target: Arc<Target>,
    open: Arc<Mutex<Option<Arc<Session>>>>,
    /// Whoever has it makes the connection.
    making: Arc<tokio::sync::Mutex<()>>,
}

impl Link {
    pub(super) fn new(target: Arc<Target>) -> Self {
        Self { target, open: Arc::default(), making: Arc::default() }
    }

    /// The connection that is open, or a new one. Whoever comes first makes it, and the others wait for that; but where the last
    /// try has failed, they hear so at once, and the first one soon: a server that says nothing must not hold up everybody for as
    /// long as it is patient.
    pub(super) async fn session(&self) -> Result<Arc<Session>, Error> {
        if let Some(session) = self.usable() {
            return Ok(session);
        }
        let making = match (Arc::clone(&self.making).try_lock_owned(), self.failure()) {
            (Ok(making), _) => making,
            (Err(_), Some((_, error))) => return Err(error),
            (Err(_), None) => Arc::clone(&self.making).lock_owned().await,
        };
        if let Some(session) = self.usable() {
            return Ok(session);
        }
        let failure = self.failure();
        if let Some((since, error)) = &failure
            && since.elapsed() < PAUSE
        {
            return Err(error.clone());
        }
        let link = self.clone();
        // It goes on, whoever waits for it.
        let made = tokio::spawn(async move {
            let made = link.make().await;
            drop(making);
            made
        });
        let stopped = |_| Error::Unavailable("it is closed".to_owned());
        match failure {
            None => made.await.map_err(stopped)?,
            Some((_, error)) => timeout(BRIEFLY, made).await.map_err(|_| error)?.map_err(stopped)?,
        }
    }

    async fn make(&self) -> Result<Arc<Session>, Error> {
        match connect(&self.target).await {
            Ok((session, connection)) => {
                tokio::spawn(async move {
                    if let Err(error) = connection.await {
                        tracing::warn!(error = plain(&error), "a connection to the database broke");
                    }
                });
                let session = Arc::new(session);
                *held(&self.open) = Some(Arc::clone(&session));
                *held(&self.target.failed) = None;
                Ok(session)
            }
            Err(error) => {
                *held(&self.target.failed) = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }

    fn failure(&self) -> Option<(Instant, Error)> {
        held(&self.target.failed).clone()
    }

    fn usable(&self) -> Option<Arc<Session>> {
        let mut open = held(&self.open);
        if open.as_ref().is_some_and(|session| !session.is_usable()) {
            *open = None;
        }
        open.clone()
    }

    /// Gives the connection back to the server.
    pub(super) fn close(&self) {
        held(&self.open).take();
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes a connection and sets it up. Something must poll the second part.
pub(super) async fn connect(
    target: &Arc<Target>,
) -> Result<(Session, Connection<Socket, impl TlsStream + Unpin + Send + use<>>), Error> {
    let silences = target.silences.load(Ordering::Relaxed);
    let connected = async {
        let (client, mut connection) = target.config.connect(target.tls.clone()).await?;
        tokio::select! {
            done = client.batch_execute(SET_UP) => done?,
            // It ends before that only if it breaks, and then the other one says so.
            Err(error) = &mut connection => return Err(error),
        }
        Ok((client, connection))
    };
    let (client, connection) = timeout(CONNECT_PATIENCE, connected).await.map_err(|_| silent())??;
    Ok((Session::new(Arc::clone(target), silences, client), connection))
}
