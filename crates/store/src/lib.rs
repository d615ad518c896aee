//! How state is *kept*: reads, and one atomic [`Store::write`]. Nothing else leaves this crate: no transaction, no
//! connection, no SQL.
//!
//! [`Store`] is one concrete type with an enum of backends inside. Every backend keeps the same promises, and the contract
//! in `tests/contract/` holds each of them to it:
//!
//! * a [`Batch`] is applied whole or not at all, and is on the disk before [`Store::write`] returns;
//! * a batch whose assertions no longer hold is refused with [`Error::Conflict`], and its neighbours are not touched;
//! * a read sees everything that was answered before it began.
//!
//! A row holds what is searched for as columns, and the rest of its value as JSON (`body`). How to add a table: a
//! migration in `migrations/<backend>/`, a file of the table's name in each backend, a [`Change`] for each way of writing
//! it, the reads in `reads.rs`, and a test in the contract.

mod batch;
mod delivery_filter;
mod error;
mod group;
mod page;
mod postgres;
mod reads;
pub mod sandbox;
mod sqlite;
#[cfg(feature = "testing")]
pub mod testing;
pub mod transfer;
mod trial_days;
mod verification_columns;
mod wake;

pub use batch::{Answer, Batch, Change};
pub use delivery_filter::DeliveryFilter;
pub use error::{Error, OpenError};
pub use group::Claim;
pub use page::{Page, Slice, TrialFilter, TrialTotals};
pub use postgres::DatabaseUrl;
pub use reads::{ActivityFilter, Cursor};
pub use wake::{Topic, Waiter};

use countersign_model::{Message, Timestamp};
use group::{Queue, Work};
use std::{fmt, path::PathBuf, sync::Arc, time::Duration};
use wake::Wake;

/// Where state is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settings {
    /// In one file of this machine.
    Sqlite {
        /// The database file. It is made when it does not exist (mode 0600), and so is its folder (mode 0700).
        path: PathBuf,
        /// What the process is to that file.
        role: Role,
    },
    /// In a PostgreSQL database, which any number of processes may share.
    Postgres(DatabaseUrl),
    /// In a folder of its own under the system's folder for temporary files, without waiting for the disk, and gone with
    /// the last handle. For tests and trials.
    Memory,
}

/// What a process is to a database that several processes may open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The one that sends: there is at most one of it for a file, so leases found at the start belong to a dead process,
    /// and are ended.
    Server,
    /// The command line, beside a server or without one: it reads and writes, and leases nothing.
    Tool,
}

/// A cheap handle of the place where state is kept: clone it freely.
#[derive(Clone)]
pub struct Store(Arc<Parts>);

/// The order of the fields is the order in which they are dropped: a backend waits for its writer to end, and the
/// writer ends when the queue does.
struct Parts {
    queue: Queue,
    wake: Arc<Wake>,
    backend: Backend,
}

/// How state is kept. A further backend joins here and wherever the compiler asks for it.
enum Backend {
    Sqlite(sqlite::Sqlite),
    Postgres(postgres::Postgres),
}

impl Store {
    /// Opens what is there, or makes it, and brings its tables up to date.
    ///
    /// # Errors
    /// When it cannot be used; the text tells the operator what to do.
    pub async fn open(settings: Settings) -> Result<Self, OpenError> {
        let wake = Arc::new(Wake::new());
        let (mut queue, groups) = group::queue();
        let backend = match settings {
            Settings::Postgres(url) => {
                queue = queue.with_patience(postgres::PATIENCE);
                Backend::Postgres(Box::pin(postgres::Postgres::open(&url, groups, Arc::clone(&wake))).await?)
            }
            Settings::Sqlite { path, role } => {
                Backend::Sqlite(sqlite::Sqlite::open(&path, role, groups, Arc::clone(&wake))?)
            }
            Settings::Memory => Backend::Sqlite(sqlite::Sqlite::open_temporary(groups, Arc::clone(&wake))?),
        };
        Ok(Self(Arc::new(Parts { queue, wake, backend })))
    }

    /// Makes a batch true, whole or not at all. It is on the disk when this returns, and goes on to be written even if
    /// nobody waits for the answer any more.
    ///
    /// # Errors
    /// [`Error::Conflict`] when an assertion of the batch does not hold. After [`Error::Unavailable`] it may have been
    /// written or not.
    pub async fn write(&self, batch: Batch) -> Result<(), Error> {
        self.0.queue.submit(Work::Write(batch)).await.map(drop)
    }

    /// Leases messages to the caller, the longest due first: those that wait and are due, and those whose lease is over.
    /// Their versions have grown, so whoever had them before can no longer write them.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn claim_messages(&self, claim: Claim) -> Result<Vec<Message>, Error> {
        self.0.queue.submit(Work::Claim(claim)).await
    }

    /// Registers for news. First register, then look, then wait: nothing is missed.
    #[must_use]
    pub fn waiter(&self, topic: Topic) -> Waiter {
        self.0.wake.waiter(topic)
    }

    /// Whether the store can be read and written: one small row goes all the way to the disk. It waits as long as a
    /// write would, so whoever asks for readiness brings a limit of time.
    ///
    /// # Errors
    /// When one of the two does not work.
    pub async fn ping(&self) -> Result<(), Error> {
        self.setting("ping").await?;
        self.write(Batch::new().with(Change::Probe)).await
    }

    /// The time of the machine that several processes share a store on, to the millisecond. None: the store is of this machine,
    /// and so is its time.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub async fn shared_time(&self) -> Result<Option<Timestamp>, Error> {
        match &self.0.backend {
            Backend::Sqlite(_) => Ok(None),
            Backend::Postgres(postgres) => Box::pin(postgres.time_ms()).await.map(|ms| Some(Timestamp::from_ms(ms))),
        }
    }

    /// Whether other processes may write to it at the same time.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        match self.0.backend {
            Backend::Sqlite(_) => false,
            Backend::Postgres(_) => true,
        }
    }

    /// Drops at once whatever ended longer ago than rows are kept, and prepares for rows to come, where that is how this backend
    /// forgets. What it leaves is for the changes that purge.
    ///
    /// # Errors
    /// When the store cannot be written to, or is used by somebody who does not let it go: try again later.
    pub async fn tend_periods(&self, now: Timestamp, kept: Duration) -> Result<(), Error> {
        match &self.0.backend {
            Backend::Sqlite(_) => Ok(()),
            Backend::Postgres(postgres) => Box::pin(postgres.tend_periods(now, kept)).await,
        }
    }

    /// Waits until nothing can be written any more: the store was closed, or its writer died, and then only a new process
    /// helps.
    pub async fn ended(&self) {
        self.0.queue.ended().await;
    }

    /// Writes what is queued, and closes the files. Whatever is asked later is refused with [`Error::Unavailable`].
    pub async fn close(&self) {
        self.0.queue.close().await;
        match &self.0.backend {
            Backend::Sqlite(sqlite) => sqlite.unlock(),
            Backend::Postgres(postgres) => postgres.close(),
        }
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0.backend {
            Backend::Sqlite(_) => "Store(SQLite)",
            Backend::Postgres(_) => "Store(PostgreSQL)",
        })
    }
}
