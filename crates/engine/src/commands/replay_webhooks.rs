//! Tries webhook deliveries from the beginning: one, dead or still waiting, or the dead letters of an endpoint.

use super::Command;
use crate::{Caller, Engine, Error, Thing};
use countersign_model::{
    Scope, Timestamp, WebhookDelivery, WebhookDeliveryId, WebhookEndpointId,
    webhook::{BadEndpoint, DeliveryState},
};
use countersign_store::{Batch, Change, DeliveryFilter};
use serde::{Deserialize, Serialize};

/// "Tell it again."
#[derive(Clone, Copy, Debug)]
pub enum ReplayWebhooks {
    /// This delivery, at once.
    One(WebhookDeliveryId),
    /// Dead letters of an endpoint, the newest first: at most a hundred, so that no batch is long.
    DeadOf {
        /// The endpoint.
        endpoint: WebhookEndpointId,
        /// Only those older than this one.
        before: Option<WebhookDeliveryId>,
    },
}

/// What is tried again.
#[derive(Debug, Serialize, Deserialize)]
pub struct Replayed {
    /// The deliveries, as they were before they were written: their versions are not to be used.
    pub deliveries: Vec<WebhookDelivery>,
}

const AT_ONCE: u32 = 100;

impl Command for ReplayWebhooks {
    type Outcome = Replayed;
    const NEEDS: Scope = Scope::Admin;

    async fn decide(&self, engine: &Engine, caller: &Caller, now: Timestamp) -> Result<(Replayed, Batch), Error> {
        let (tenant, store) = (caller.tenant(), engine.store());
        let (mut deliveries, endpoint) = match self {
            Self::One(id) => {
                let found = store.webhook_delivery(tenant, *id).await?;
                let found = found.ok_or(Error::NotFound(Thing::WebhookDelivery))?;
                let endpoint = found.endpoint;
                (vec![found], endpoint)
            }
            Self::DeadOf { endpoint, before } => {
                let (state, limit) = (DeliveryState::Dead, AT_ONCE);
                let filter = DeliveryFilter { state, endpoint: Some(*endpoint), before: *before, limit };
                (store.webhook_deliveries(tenant, &filter).await?, *endpoint)
            }
        };
        let endpoint = store.webhook_endpoint(tenant, endpoint).await?;
        if endpoint.ok_or(Error::NotFound(Thing::WebhookEndpoint))?.disabled.is_some() {
            return Err(BadEndpoint::Disabled.into());
        }
        let mut batch = Batch::new();
        for delivery in &mut deliveries {
            delivery.replay(now);
            batch.push(Change::UpdateWebhookDelivery(delivery.clone()));
        }
        Ok((Replayed { deliveries }, batch))
    }
}
