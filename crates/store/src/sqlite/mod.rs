//! The backend for one machine: SQLite in WAL mode. One thread owns the only connection that writes ([`writer`]); reads go
//! through a pool of further connections ([`connection`]), which see every commit that was made before they began.
//!
//! One file for each table, which holds all the SQL of that table and nothing of another's. [`apply`] knows which change
//! belongs to which table, [`row`] how a value becomes a row.

pub(crate) mod accounts;
pub(crate) mod activities;
pub(crate) mod answers;
pub(crate) mod api_keys;
mod apply;
pub(crate) mod callbacks;
pub(crate) mod clients;
pub(crate) mod configurations;
mod connection;
pub(crate) mod destinations;
mod error;
pub(crate) mod events;
pub(crate) mod factors;
mod files;
mod log;
pub(crate) mod messages;
pub(crate) mod mfa_choices;
pub(crate) mod mfa_sessions;
mod migrate;
pub(crate) mod refresh_tokens;
mod row;
pub(crate) mod sandbox;
pub(crate) mod services;
pub(crate) mod settings;
pub(crate) mod signing_keys;
pub(crate) mod spent_tokens;
pub(crate) mod templates;
pub(crate) mod tenants;
mod trial_counts;
pub(crate) mod trials;
pub(crate) mod users;
pub(crate) mod verifications;
pub(crate) mod webhook_deliveries;
pub(crate) mod webhook_endpoints;
mod writer;

use crate::{Error, OpenError, Role, group::Groups, wake::Wake};
use connection::{Durability, Pool};
use files::{Lock, TemporaryFolder};
use log::Log;
use rusqlite::Connection;
use std::{
    future::{Ready, ready},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    thread::JoinHandle,
};

/// A database file with its writer and its readers.
pub(crate) struct Sqlite {
    pool: Arc<Pool>,
    writer: Option<JoinHandle<()>>,
    /// Held by a server for as long as it may write.
    lock: Mutex<Option<Lock>>,
    /// Dropped last: it takes its files along.
    _folder: Option<TemporaryFolder>,
}

impl Sqlite {
    /// Opens or makes the file, and starts the writer on `groups`.
    pub(crate) fn open(path: &Path, role: Role, groups: Groups, wake: Arc<Wake>) -> Result<Self, OpenError> {
        Self::open_file(path, role, Durability::Synced, None, (groups, wake))
    }

    /// Makes a file that goes with the last handle, and starts the writer on `groups`.
    pub(crate) fn open_temporary(groups: Groups, wake: Arc<Wake>) -> Result<Self, OpenError> {
        let folder = TemporaryFolder::make()?;
        let path = folder.path().join("countersign.db");
        Self::open_file(&path, Role::Server, Durability::Lost, Some(folder), (groups, wake))
    }

    fn open_file(
        path: &Path,
        role: Role,
        durability: Durability,
        folder: Option<TemporaryFolder>,
        (groups, wake): (Groups, Arc<Wake>),
    ) -> Result<Self, OpenError> {
        migrate::must_not_be_foreign(path)?;
        files::make_folder_of(path)?;
        let lock = match role {
            Role::Server => Some(Lock::take(path)?),
            Role::Tool => None,
        };
        files::make_private(path)?;
        let mut connection =
            connection::open_writer(path, durability, |connection| migrate::run(connection, path, role))?;
        if role == Role::Server {
            messages::end_all_leases(&connection)
                .and_then(|()| webhook_deliveries::end_all_leases(&connection))
                .map_err(|error| error::opening(path, error))?;
        }
        let pool = Arc::new(Pool::new(path));
        let log =
            Log::watch(&mut connection, path.to_owned(), durability).map_err(|error| error::opening(path, error))?;
        let writer = writer::spawn(connection, log, groups, Arc::clone(&pool), wake)
            .map_err(|error| OpenError::Failed { path: path.to_owned(), reason: error.to_string() })?;
        Ok(Self { pool, writer: Some(writer), lock: Mutex::new(lock), _folder: folder })
    }

    /// Asks one question of a connection that only reads. This runs on the calling task and not on a thread for blocking
    /// work: a read is a look-up or two in pages that the system has in memory, a few microseconds, and to hand it over
    /// would cost more than it takes.
    pub(crate) fn read<T>(&self, question: impl FnOnce(&Connection) -> Result<T, Error>) -> Ready<Result<T, Error>> {
        ready(self.pool.with(question))
    }

    /// Lets another server have the file. Only after the writer has ended.
    pub(crate) fn unlock(&self) {
        self.lock.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

impl Drop for Sqlite {
    /// The queue is gone by now, so the writer ends as soon as it has done what was left in it. Waiting for that means that
    /// whoever has dropped the last handle may open the same file again.
    fn drop(&mut self) {
        if let Some(writer) = self.writer.take() {
            // A writer that has panicked was heard of when it did.
            let _ = writer.join();
        }
    }
}
