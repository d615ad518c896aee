//! Webhook endpoints and what is on its way to them, as their owner sees it.

use crate::{Caller, Endpoint, Engine, Error, Idempotency, Thing, commands::ReplayWebhooks};
use countersign_model::{
    Scope, WebhookDelivery, WebhookDeliveryId, WebhookEndpoint, WebhookEndpointId, webhook::DeliveryState,
};
use countersign_store::DeliveryFilter;

/// Which deliveries are wanted; the newest come first.
#[derive(Clone, Copy, Debug)]
pub struct DeliveryQuery {
    /// Only those that stand so.
    pub state: DeliveryState,
    /// Only those for this endpoint.
    pub endpoint: Option<WebhookEndpointId>,
    /// Only those older than this one.
    pub before: Option<WebhookDeliveryId>,
    /// At most so many.
    pub limit: u32,
}

impl Engine {
    /// The caller's endpoints, the oldest first.
    ///
    /// # Errors
    /// When the caller may not see them.
    pub async fn webhook_endpoints(&self, caller: &Caller) -> Result<Vec<Endpoint>, Error> {
        caller.must_have(Scope::Admin)?;
        let all = self.store().webhook_endpoints().await?;
        let own = all.into_iter().filter(|endpoint| endpoint.tenant == caller.tenant());
        own.map(|endpoint| self.shown_endpoint(endpoint)).collect()
    }

    /// The caller's endpoint of an id.
    ///
    /// # Errors
    /// When there is none, or the caller may not see it.
    pub async fn webhook_endpoint(&self, caller: &Caller, id: WebhookEndpointId) -> Result<Endpoint, Error> {
        caller.must_have(Scope::Admin)?;
        let found = self.store().webhook_endpoint(caller.tenant(), id).await?;
        self.shown_endpoint(found.ok_or(Error::NotFound(Thing::WebhookEndpoint))?)
    }

    /// What a command has made of an endpoint.
    ///
    /// # Errors
    /// When the key file lacks its key.
    pub fn endpoint_of(&self, endpoint: WebhookEndpoint) -> Result<Endpoint, Error> {
        self.shown_endpoint(endpoint)
    }

    /// What is on its way to the caller's endpoints, or is given up.
    ///
    /// # Errors
    /// When the caller may not see it.
    pub async fn webhook_deliveries(
        &self,
        caller: &Caller,
        query: DeliveryQuery,
    ) -> Result<Vec<WebhookDelivery>, Error> {
        caller.must_have(Scope::Admin)?;
        let DeliveryQuery { state, endpoint, before, limit } = query;
        let filter = DeliveryFilter { state, endpoint, before, limit };
        Ok(self.store().webhook_deliveries(caller.tenant(), &filter).await?)
    }

    /// Tries all dead letters of an endpoint again, and tells how many there were.
    ///
    /// # Errors
    /// When there is no such endpoint, or it is told nothing, or the caller may not do it.
    pub async fn replay_all_dead(
        &self,
        caller: &Caller,
        idempotency: Option<&Idempotency>,
        endpoint: WebhookEndpointId,
    ) -> Result<u64, Error> {
        let (mut count, mut before) = (0, None::<WebhookDeliveryId>);
        loop {
            // Each part has a key of its own, so that a repetition goes through the same parts, and on where the first was broken off.
            let of_part = idempotency.map(|whole| Idempotency {
                key: before.map_or_else(|| whole.key.clone(), |before| format!("{} {before}", whole.key)),
                request: whole.request.clone(),
            });
            let command = ReplayWebhooks::DeadOf { endpoint, before };
            let some = self.run(caller, of_part.as_ref(), &command).await?.deliveries;
            // One that dies again meanwhile is not met twice.
            before = some.last().map(|oldest| oldest.id);
            if before.is_none() {
                return Ok(count);
            }
            count += some.len() as u64;
        }
    }
}
