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
/// * Each statement here finds its rows by an index. The planner must not think otherwise while a table is new and small,
///   since it keeps the plan.
const SET_UP: &str = "
    SET statement_timeout = '7s';
    SET lock_timeout = '4s';
    SET idle_in_transaction_session_timeout = '10s';
    SET tcp_keepalives_idle = 10;
    SET tcp_keepalives_interval = 5;
    SET tcp_keepalives_count = 2;
    SET default_transaction_isolation = 'read committed';
    SET enable_seqscan = off;
    SET enable_hashjoin = off;
    SET enable_mergejoin = off;
    SET jit = off;
    SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'";

/// Longer than any time-out of the server: it does not answer at all.
const PATIENCE: Duration = Duration::from_secs(8);
/// For all hosts together.
const CONNECT_PATIENCE: Duration = Duration::from_secs(8);
/// After a failure nobody tries again for so long: many wait for the same server.
const PAUSE: Duration = Duration::from_millis(200);

/// A connection that is open.
pub(crate) struct Session {
    client: Client,
    statements: Mutex<HashMap<&'static str, Statement>>,
    is_broken: AtomicBool,
}

impl Session {
    fn new(client: Client) -> Self {
        Self { client, statements: Mutex::default(), is_broken: AtomicBool::new(false) }
    }

    /// The driver's client, for what is not a question or a change.
    pub(crate) const fn client(&self) -> &Client {
        &self.client
    }

    /// Prepares a statement the first time that it is asked for.
    pub(super) async fn prepared(&self, sql: &'static str) -> Result<Statement, tokio_postgres::Error> {
        let known = || self.statements.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(statement) = known().get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.client.prepare(sql).await?;
        known().insert(sql, statement.clone());
        Ok(statement)
    }

    /// Waits for an answer, but not for ever, and notes when this connection is of no more use.
    pub(super) async fn patiently<T>(
        &self,
        answer: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, Failure> {
        match timeout(PATIENCE, answer).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => {
                if wants_another_server(&error) {
                    self.discard();
                }
                Err(Failure::Told(error))
            }
            Err(_) => {
                self.discard();
                Err(Failure::Silent)
            }
        }
    }

    /// Nobody uses it from now on.
    pub(super) fn discard(&self) {
        self.is_broken.store(true, Ordering::Relaxed);
    }

    fn is_usable(&self) -> bool {
        !self.is_broken.load(Ordering::Relaxed) && !self.client.is_closed()
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
            Failure::Silent => Self::Unavailable("the database did not answer in time".to_owned()),
        }
    }
}

/// One place for a connection.
pub(super) struct Link {
    target: Arc<Target>,
    open: Mutex<Option<Arc<Session>>>,
    /// Whoever has it makes the connection.
    making: tokio::sync::Mutex<()>,
}

impl Link {
    pub(super) fn new(target: Arc<Target>) -> Self {
        Self { target, open: Mutex::default(), making: tokio::sync::Mutex::default() }
    }

    /// The connection that is open, or a new one. Whoever comes first makes it, and the others wait for that; but where the last
    /// try has failed, they hear so at once: a server that says nothing must not hold up everybody for as long as it is patient.
    pub(super) async fn session(&self) -> Result<Arc<Session>, Error> {
        if let Some(session) = self.usable() {
            return Ok(session);
        }
        let _making = match (self.making.try_lock(), self.failure()) {
            (Ok(making), _) => making,
            (Err(_), Some((_, error))) => return Err(error),
            (Err(_), None) => self.making.lock().await,
        };
        if let Some(session) = self.usable() {
            return Ok(session);
        }
        if let Some((since, error)) = self.failure()
            && since.elapsed() < PAUSE
        {
            return Err(error);
        }
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
    target: &Target,
) -> Result<(Session, Connection<Socket, impl TlsStream + Unpin + Send + use<>>), Error> {
    let silent = |_| Error::Unavailable("the database did not answer in time".to_owned());
    let (client, mut connection) =
        timeout(CONNECT_PATIENCE, target.config.connect(target.tls.clone())).await.map_err(silent)??;
    let set_up = async {
        tokio::select! {
            done = client.batch_execute(SET_UP) => done,
            // It ends before that only if it breaks, and then the other one says so.
            Err(error) = &mut connection => Err(error),
        }
    };
    timeout(CONNECT_PATIENCE, set_up).await.map_err(silent)??;
    Ok((Session::new(client), connection))
}
