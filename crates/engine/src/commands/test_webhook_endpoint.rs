//! Tells a webhook endpoint of a test, which goes the way of every event: written, signed, tried again.

use super::Command;
use crate::{Caller, Engine, Error, Thing};
use countersign_model::{
    EventType, Scope, Timestamp, WebhookDelivery, WebhookEndpointId,
    webhook::{BadEndpoint, Payload},
};
use countersign_store::{Batch, Change};

/// "Try it out."
#[derive(Clone, Copy, Debug)]
pub struct TestWebhookEndpoint {
    /// Which endpoint.
    pub id: WebhookEndpointId,
}

impl Command for TestWebhookEndpoint {
    type Outcome = WebhookDelivery;
    const NEEDS: Scope = Scope::Admin;

    async fn decide(
        &self,
        engine: &Engine,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<(WebhookDelivery, Batch), Error> {
        let found = engine.store().webhook_endpoint(caller.tenant(), self.id).await?;
        let endpoint = found.ok_or(Error::NotFound(Thing::WebhookEndpoint))?;
        if endpoint.disabled.is_some() {
            return Err(BadEndpoint::Disabled.into());
        }
        let payload = Payload::of_test(&endpoint, now);
        let delivery = engine.delivery(&endpoint, &payload, EventType::WebhookTest, now)?;
        Ok((delivery.clone(), Batch::new().with(Change::InsertWebhookDelivery(delivery))))
    }
}
