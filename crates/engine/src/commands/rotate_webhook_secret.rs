//! Gives a webhook endpoint a new secret and a new key pair. Those before sign beside them for a day.

use super::{Command, EndpointSecret};
use crate::{Caller, Engine, Error, Thing};
use countersign_model::{Scope, Timestamp, WebhookEndpointId};
use countersign_store::{Batch, Change};

/// "A new secret."
#[derive(Clone, Copy, Debug)]
pub struct RotateWebhookSecret {
    /// Of which endpoint.
    pub id: WebhookEndpointId,
}

impl Command for RotateWebhookSecret {
    type Outcome = EndpointSecret;
    const NEEDS: Scope = Scope::Admin;

    async fn decide(&self, engine: &Engine, caller: &Caller, now: Timestamp) -> Result<(EndpointSecret, Batch), Error> {
        let found = engine.store().webhook_endpoint(caller.tenant(), self.id).await?;
        let mut endpoint = found.ok_or(Error::NotFound(Thing::WebhookEndpoint))?;
        endpoint.rotate(now);
        let secret = engine.webhook_secret(&endpoint).to_string();
        let batch = Batch::new().with(Change::PutWebhookEndpoint(endpoint.clone()));
        Ok((EndpointSecret { endpoint, secret }, batch))
    }
}
