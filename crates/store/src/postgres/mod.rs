//! The backend for many machines: any number of nodes over one PostgreSQL. Two tasks write ([`writer`]), a few connections read
//! ([`readers`]), and each carries what many callers want together; news travel between nodes ([`listener`]).
//!
//! One file for each table, of the same name as in the other backend, which holds the SQL of that table. [`apply`] knows
//! which change belongs to which table, [`statement`] how many rows become one statement, [`row`] how a row becomes a value.

pub(crate) mod accounts;
pub(crate) mod activities;
pub(crate) mod answers;
pub(crate) mod api_keys;
mod apply;
pub(crate) mod callbacks;
pub(crate) mod clients;
pub(crate) mod configurations;
pub(crate) mod destinations;
mod error;
pub(crate) mod events;
pub(crate) mod factors;
mod leases;
mod link;
mod listener;
pub(crate) mod messages;
pub(crate) mod mfa_choices;
pub(crate) mod mfa_sessions;
mod migrate;
mod periods;
mod readers;
pub(crate) mod refresh_tokens;
mod row;
pub(crate) mod sandbox;
pub(crate) mod services;
pub(crate) mod settings;
pub(crate) mod signing_keys;
pub(crate) mod spent_tokens;
mod statement;
pub(crate) mod templates;
pub(crate) mod tenants;
mod tls;
mod trial_counts;
pub(crate) mod trials;
mod turns;
mod url;
pub(crate) mod users;
pub(crate) mod verifications;
pub(crate) mod webhook_deliveries;
pub(crate) mod webhook_endpoints;
mod writer;

pub(crate) use link::Session;
pub use url::DatabaseUrl;

use crate::{Error, OpenError, group::Groups, wake::Wake};
use link::Link;
use readers::Readers;
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::{Mutex, oneshot},
    task::JoinHandle,
};
use turns::Turns;
use url::Target;

/// How long a work waits for its commit.
pub(crate) const PATIENCE: Duration = link::PATIENCE;

/// A database with its writers and its readers.
pub(crate) struct Postgres {
    target: Arc<Target>,
    readers: Readers,
    listener: JoinHandle<()>,
}

impl Postgres {
    /// Connects, brings the tables up to date, and starts the writers on `groups`.
    pub(crate) async fn open(url: &DatabaseUrl, groups: Groups, wake: Arc<Wake>) -> Result<Self, OpenError> {
        let target = Arc::new(url.target()?);
        let first = Link::new(Arc::clone(&target));
        let session = migrated(&first, &target.place).await?;
        if session.is_being_filled().await.map_err(|error| error::opening_known(&target.place, &error))? {
            return Err(OpenError::BeingFilled { place: target.place.clone() });
        }
        leases::end_those_of_the_dead(&session).await.map_err(|error| error::opening_known(&target.place, &error))?;
        let groups = Arc::new(Mutex::new(groups));
        let others = (1..writer::WRITERS).map(|_| Link::new(Arc::clone(&target)));
        let turns = Turns::new(writer::AT_ONCE);
        for link in others.chain([first]) {
            tokio::spawn(writer::run(link, turns.clone(), Arc::clone(&groups), Arc::clone(&wake)));
        }
        let (sender, listening) = oneshot::channel();
        let listener = tokio::spawn(listener::run(Arc::clone(&target), wake, sender));
        // A listener that has no connection yet tries until it has one.
        let _ = listening.await;
        Ok(Self { readers: Readers::start(|| Link::new(Arc::clone(&target))), listener, target })
    }

    /// The server's time in milliseconds since 1970: the one that all nodes share.
    pub(crate) async fn time_ms(&self) -> Result<i64, Error> {
        let sql = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint";
        let found = row::one(self, sql, vec![], |row| row::get(row, 0)).await?;
        found.ok_or_else(|| Error::Damaged("it does not tell its time".to_owned()))
    }

    /// For tests: every question is asked as one of many.
    #[cfg(feature = "testing")]
    pub(crate) fn crowd(&self) {
        self.readers.crowd();
    }

    /// Gives all connections back. Only after the writers have ended.
    pub(crate) fn close(&self) {
        self.listener.abort();
        self.readers.close();
    }
}

async fn migrated(link: &Link, place: &str) -> Result<Arc<Session>, OpenError> {
    let session = link.session().await.map_err(|error| error::opening_known(place, &error))?;
    migrate::run(&session, place).await?;
    Ok(session)
}

/// A connection for somebody who fills an empty database, and where it leads.
pub(crate) async fn connect_and_migrate(url: &DatabaseUrl) -> Result<(Arc<Session>, String), OpenError> {
    let target = Arc::new(url.target()?);
    let session = migrated(&Link::new(Arc::clone(&target)), &target.place).await?;
    Ok((session, target.place.clone()))
}

impl Session {
    /// Whether somebody fills this database, and has not ended: a table says so that nothing else needs.
    pub(crate) async fn is_being_filled(&self) -> Result<bool, Error> {
        let row = self.client().query_one("SELECT to_regclass('being_filled') IS NOT NULL", &[]).await?;
        Ok(row.try_get(0)?)
    }

    pub(crate) async fn begin_to_fill(&self) -> Result<(), Error> {
        Ok(self.client().batch_execute("CREATE TABLE being_filled ()").await?)
    }

    pub(crate) async fn end_filling(&self) -> Result<(), Error> {
        Ok(self.client().batch_execute("DROP TABLE being_filled").await?)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.listener.abort();
    }
}
