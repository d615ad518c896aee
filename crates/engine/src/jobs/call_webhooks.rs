//! Tells webhook endpoints what happened. What belongs to one verification at one endpoint is a line: whoever takes it takes all
//! that waits in it, and tells it in the order of writing. The first of a line that cannot be told holds up the others of that
//! line until its next try, and nobody else.

mod lines;
mod places;

pub use lines::Line;

use super::Progress;
use crate::{Engine, Error};
use countersign_delivery::callback::CallError;
use countersign_model::{
    Timestamp, WebhookDelivery, WebhookEndpoint,
    webhook::{DeliveryState, DisabledBecause},
};
use countersign_store::{Batch, Change, Error as StoreError};
use futures_util::future::join_all;
use lines::Lease;
use places::Places;
use std::{collections::HashSet, time::Duration};

/// The job.
#[derive(Clone)]
pub struct CallWebhooks {
    engine: Engine,
    places: Places,
}

/// What became of a call.
enum Told {
    Taken,
    /// It is tried again later: nothing that comes after it is told before.
    Later {
        due_at: Timestamp,
    },
    /// It is given up, and does not hold up what comes after it.
    Dead,
    /// Nothing more is to be told at this endpoint.
    EndpointGone,
}

/// A call that might outlast the lease is not begun.
const LONGEST_CALL: Duration = Duration::from_secs(20);
const AT_ONCE: u32 = 128;

impl CallWebhooks {
    /// The job of this engine.
    #[must_use]
    pub fn new(engine: &Engine) -> Self {
        Self { engine: engine.clone(), places: Places::default() }
    }

    /// Tells what is due, one line beside the other. For tests; the loop of the jobs does not wait for the slowest.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub async fn run_once(&self) -> Result<Progress, Error> {
        let lines = self.claim().await?;
        let progress = if lines.is_empty() { Progress::Idle } else { Progress::More };
        join_all(lines.into_iter().map(|line| self.tell(line))).await;
        Ok(progress)
    }

    /// Takes lines that are due, as many as there are places for.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub async fn claim(&self) -> Result<Vec<Line>, Error> {
        let (engine, mut seen) = (&self.engine, HashSet::new());
        let mut lines = Vec::new();
        loop {
            if self.places.is_full() {
                break;
            }
            let (now, wall) = (engine.now(), engine.clock().wall());
            let due = engine.store().due_webhook_deliveries(now, wall, &self.places.full(), AT_ONCE).await?;
            let heads = due.into_iter().filter(|row| seen.insert((row.endpoint, row.line())));
            let placed: Vec<_> = heads.filter_map(|row| Some((self.places.take(row.endpoint)?, row))).collect();
            if placed.is_empty() {
                break;
            }
            let taken = join_all(placed.into_iter().map(|(place, row)| self.take_line(row, place))).await;
            for line in taken {
                lines.extend(line?);
            }
        }
        Ok(lines)
    }

    /// How long there is nothing to do, unless there is news.
    pub(super) async fn pause(&self, longest: Duration) -> Duration {
        if self.places.is_full() {
            return longest;
        }
        let (store, clock) = (self.engine.store(), self.engine.clock());
        let wall = clock.wall();
        let due = store.next_webhook_due(wall, &self.places.full()).await.ok().flatten();
        let lease_end = store.next_webhook_lease_end(wall).await.ok().flatten();
        let due = due.map(|due| due.since(clock.now()));
        due.into_iter().chain(lease_end.map(|end| end.since(wall))).min().unwrap_or(longest).min(longest)
    }

    /// Returns once there is room for another line.
    pub(super) async fn freed(&self) {
        self.places.freed().await;
    }

    /// Tells a line. What goes wrong with the store is logged: the lease ends, and what could not be noted is told again.
    pub async fn tell(&self, line: Line) {
        let Line { rows, lease, place } = line;
        if let Err(error) = self.tell_all(rows, lease).await {
            tracing::warn!(%error, "webhooks could not be noted; they will be told again");
        }
        // What was added to the line meanwhile is found when its place is free.
        drop(place);
    }

    async fn tell_all(&self, rows: Vec<WebhookDelivery>, lease: Lease) -> Result<(), Error> {
        let engine = &self.engine;
        let endpoint = engine.store().webhook_endpoint(lease.tenant, lease.endpoint).await?;
        let mut rows = rows.into_iter();
        while let Some(row) = rows.next() {
            let Some(endpoint) = &endpoint else {
                self.forget(&row).await?;
                continue;
            };
            if engine.clock().wall().plus(LONGEST_CALL) > lease.until {
                return self.let_wait([row].into_iter().chain(rows), Timestamp::from_ms(0), lease).await;
            }
            match self.tell_one(endpoint, row, lease).await? {
                Told::Taken | Told::Dead => {}
                Told::Later { due_at } => return self.let_wait(rows, due_at, lease).await,
                Told::EndpointGone => {
                    for row in rows.by_ref() {
                        self.give_up(row, "the endpoint is gone", lease).await?;
                    }
                }
            }
        }
        Ok(())
    }

    async fn tell_one(
        &self,
        endpoint: &WebhookEndpoint,
        mut row: WebhookDelivery,
        lease: Lease,
    ) -> Result<Told, Error> {
        let engine = &self.engine;
        if endpoint.disabled.is_some() {
            self.give_up(row, "the endpoint is disabled", lease).await?;
            return Ok(Told::Dead);
        }
        let called = match engine.webhook_call(endpoint, &row) {
            Ok(call) => engine.callback_caller().post(&call).await,
            Err(error) => Err(CallError::Refused(error.to_string())),
        };
        let (delivery_id, endpoint_id) = (row.id, row.endpoint);
        match called {
            Ok(()) => {
                engine.metrics().webhook("taken");
                self.forget(&row).await?;
                Ok(Told::Taken)
            }
            Err(CallError::Retry(why)) => {
                row.note_failure(&why, engine.now(), engine.random().number());
                let is_dead = row.state == DeliveryState::Dead;
                engine.metrics().webhook(if is_dead { "dead" } else { "retry" });
                tracing::info!(%delivery_id, %endpoint_id, %why, attempts = row.attempts, is_dead, "a webhook was not taken");
                let due_at = row.due_at;
                self.let_go(row, lease).await?;
                Ok(if is_dead { Told::Dead } else { Told::Later { due_at } })
            }
            Err(CallError::Refused(why)) => {
                tracing::warn!(%delivery_id, %endpoint_id, %why, "a webhook cannot be sent");
                self.give_up(row, &why, lease).await?;
                Ok(Told::Dead)
            }
            Err(why @ CallError::Gone) => {
                tracing::warn!(%endpoint_id, "a webhook endpoint has answered 410 and is disabled");
                self.disable(endpoint).await?;
                self.give_up(row, &why.to_string(), lease).await?;
                Ok(Told::EndpointGone)
            }
        }
    }

    async fn give_up(&self, mut row: WebhookDelivery, why: &str, lease: Lease) -> Result<(), Error> {
        row.give_up(why, self.engine.now());
        self.engine.metrics().webhook("dead");
        self.let_go(row, lease).await
    }

    /// It was told, or nobody is left to be told.
    async fn forget(&self, row: &WebhookDelivery) -> Result<(), Error> {
        let gone = Change::DeleteWebhookDelivery { tenant: row.tenant, id: row.id };
        Ok(self.engine.write(Batch::new().with(gone)).await?)
    }

    /// If it was changed since it was read, it has another address, perhaps: the next 410 counts.
    async fn disable(&self, endpoint: &WebhookEndpoint) -> Result<(), Error> {
        let disabled = WebhookEndpoint { disabled: Some(DisabledBecause::Gone), ..endpoint.clone() };
        match self.engine.write(Batch::new().with(Change::PutWebhookEndpoint(disabled))).await {
            Ok(()) | Err(StoreError::Conflict) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}
