//! Lines: what waits for one verification at one endpoint, and how a worker gets it to itself. It writes the end of a lease into
//! all rows of the line. A row that comes later, while somebody is at the line, joins that lease, and whoever is at the line
//! looks again before it leaves.

use super::{CallWebhooks, places::Place};
use crate::Error;
use countersign_model::{TenantId, Timestamp, WebhookDelivery, WebhookEndpointId};
use countersign_store::{Batch, Change, Error as StoreError};
use futures_util::future::join_all;
use std::time::Duration;

const LEASE: Duration = Duration::from_mins(1);

/// What waits for one verification at one endpoint, and a place to tell it.
pub struct Line {
    pub(super) tenant: TenantId,
    pub(super) endpoint: WebhookEndpointId,
    key: [u8; 16],
    pub(super) rows: Vec<WebhookDelivery>,
    pub(super) leased_until: Timestamp,
    _place: Place,
}

impl CallWebhooks {
    /// The line that a row is of, if it can be had.
    pub(super) async fn take_line(&self, of: WebhookDelivery, place: Place) -> Result<Option<Line>, Error> {
        let mut line = Line {
            tenant: of.tenant,
            endpoint: of.endpoint,
            key: of.line(),
            rows: Vec::new(),
            leased_until: Timestamp::from_ms(0),
            _place: place,
        };
        Ok(self.lease(&mut line, false).await?.then_some(line))
    }

    /// Takes what waits in a line now; false if there is nothing to take. Who is at the line already has what has joined its lease.
    pub(super) async fn lease(&self, line: &mut Line, is_at_it: bool) -> Result<bool, Error> {
        let engine = &self.engine;
        loop {
            let mut rows = engine.store().pending_webhook_deliveries(line.endpoint, &line.key).await?;
            let (now, wall) = (engine.now(), engine.clock().wall());
            let Some(first) = rows.first().cloned() else { return Ok(false) };
            let has_it = is_at_it && first.leased_until == line.leased_until;
            if first.leased_until > wall && !has_it {
                let late = rows.into_iter().filter(|row| row.leased_until < first.leased_until);
                let joined = late.map(|row| WebhookDelivery { leased_until: first.leased_until, ..row });
                self.put_off(joined.collect()).await?;
                return Ok(false);
            }
            if first.due_at > now {
                let early = rows.into_iter().filter(|row| row.due_at < first.due_at || row.leased_until > wall);
                self.put_off(early.map(|row| waiting_for(row, first.due_at)).collect()).await?;
                return Ok(false);
            }
            let leased_until = wall.plus(LEASE);
            for row in &mut rows {
                row.leased_until = leased_until;
            }
            let batch = Batch::of(rows.iter().cloned().map(Change::UpdateWebhookDelivery));
            match engine.write(batch).await {
                Ok(()) => {
                    for row in &mut rows {
                        row.version += 1;
                    }
                    (line.rows, line.leased_until) = (rows, leased_until);
                    return Ok(true);
                }
                // A row has joined the lease at this very moment, and waits for whoever is at the line: for nobody else.
                Err(StoreError::Conflict) if is_at_it => {}
                // Another worker was quicker; or a row was asked for again, and is found again at once.
                Err(StoreError::Conflict) => return Ok(false),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Writes rows that are not to be told now. One that somebody else has changed meanwhile is as that one wants it.
    pub(super) async fn put_off(&self, rows: Vec<WebhookDelivery>) -> Result<(), Error> {
        let written = rows.into_iter().map(async |row| {
            match self.engine.write(Batch::new().with(Change::UpdateWebhookDelivery(row))).await {
                Ok(()) | Err(StoreError::Conflict) => Ok(()),
                Err(error) => Err(Error::from(error)),
            }
        });
        join_all(written).await.into_iter().collect()
    }
}

/// A row that is free, and not due before that.
pub(super) fn waiting_for(mut row: WebhookDelivery, due_at: Timestamp) -> WebhookDelivery {
    row.wait_until(due_at);
    row
}
