//! Lines: what waits for one verification at one endpoint, and how a worker gets it to itself. It writes the end of a lease into all
//! rows of the line that there are then; while one of them has a lease nobody else takes any of that line. A row that comes later
//! stays free, and is found once the line is: so no row ever has a lease that is not in somebody's hand.

use super::{CallWebhooks, places::Place};
use crate::Error;
use countersign_model::{TenantId, Timestamp, WebhookDelivery, WebhookEndpointId};
use countersign_store::{Batch, Change, Error as StoreError};
use futures_util::future::join_all;
use std::time::Duration;

const LEASE: Duration = Duration::from_mins(1);

/// What waits for one verification at one endpoint, and a place to tell it.
pub struct Line {
    pub(super) rows: Vec<WebhookDelivery>,
    pub(super) lease: Lease,
    pub(super) place: Place,
}

/// Whose line it is, and until when.
#[derive(Clone, Copy)]
pub(super) struct Lease {
    pub(super) tenant: TenantId,
    pub(super) endpoint: WebhookEndpointId,
    pub(super) until: Timestamp,
}

impl CallWebhooks {
    /// The line that a row is of, if it can be had.
    pub(super) async fn take_line(&self, of: WebhookDelivery, place: Place) -> Result<Option<Line>, Error> {
        let engine = &self.engine;
        let mut rows = engine.store().pending_webhook_deliveries(of.endpoint, &of.line()).await?;
        let (now, wall) = (engine.now(), engine.clock().wall());
        let Some(due_at) = rows.first().map(|first| first.due_at) else { return Ok(None) };
        if rows.iter().any(|row| row.leased_until > wall) {
            return Ok(None);
        }
        if due_at > now {
            let early = rows.into_iter().filter(|row| row.due_at < due_at);
            self.put_off(early.map(|row| waiting_for(row, due_at)).collect()).await?;
            return Ok(None);
        }
        let until = wall.plus(LEASE);
        for row in &mut rows {
            row.leased_until = until;
        }
        let batch = Batch::of(rows.iter().cloned().map(Change::UpdateWebhookDelivery));
        match engine.write(batch).await {
            Ok(()) => {
                for row in &mut rows {
                    row.version += 1;
                }
                let lease = Lease { tenant: of.tenant, endpoint: of.endpoint, until };
                Ok(Some(Line { rows, lease, place }))
            }
            // Another worker was quicker; or a row was asked for again, and is found again at once.
            Err(StoreError::Conflict) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes what became of a row in hand, which has no lease then. One that was asked for again meanwhile begins anew; one that
    /// another worker took when the lease was over is that one's.
    pub(super) async fn let_go(&self, row: WebhookDelivery, lease: Lease) -> Result<(), Error> {
        let (tenant, id) = (row.tenant, row.id);
        match self.engine.write(Batch::new().with(Change::UpdateWebhookDelivery(row))).await {
            Err(StoreError::Conflict) => {
                let row = self.engine.store().webhook_delivery(tenant, id).await?;
                let row = row.filter(|row| row.leased_until == lease.until);
                self.put_off(row.map(|row| waiting_for(row, Timestamp::from_ms(0))).into_iter().collect()).await
            }
            written => Ok(written?),
        }
    }

    /// Writes that rows in hand are not told before that.
    pub(super) async fn let_wait(
        &self,
        rows: impl IntoIterator<Item = WebhookDelivery>,
        due_at: Timestamp,
        lease: Lease,
    ) -> Result<(), Error> {
        let written = rows.into_iter().map(|row| self.let_go(waiting_for(row, due_at), lease));
        join_all(written).await.into_iter().collect()
    }

    /// Writes rows that are not to be told now. One that somebody else has changed meanwhile is as that one wants it.
    async fn put_off(&self, rows: Vec<WebhookDelivery>) -> Result<(), Error> {
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
fn waiting_for(mut row: WebhookDelivery, due_at: Timestamp) -> WebhookDelivery {
    row.wait_until(due_at);
    row
}
