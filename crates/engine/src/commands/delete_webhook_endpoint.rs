//! Removes a webhook endpoint. What is on its way to it is dropped when it is due; its dead letters go by age.

use super::Command;
use crate::{Caller, Engine, Error, Thing};
use countersign_model::{Scope, Timestamp, WebhookEndpointId};
use countersign_store::{Batch, Change};

/// "It is told no more."
#[derive(Clone, Copy, Debug)]
pub struct DeleteWebhookEndpoint {
    /// Which.
    pub id: WebhookEndpointId,
}

impl Command for DeleteWebhookEndpoint {
    type Outcome = ();
    const NEEDS: Scope = Scope::Admin;

    async fn decide(&self, engine: &Engine, caller: &Caller, _: Timestamp) -> Result<((), Batch), Error> {
        let found = engine.store().webhook_endpoint(caller.tenant(), self.id).await?;
        let endpoint = found.ok_or(Error::NotFound(Thing::WebhookEndpoint))?;
        let gone =
            Change::DeleteWebhookEndpoint { tenant: endpoint.tenant, id: endpoint.id, version: endpoint.version };
        Ok(((), Batch::new().with(gone)))
    }
}
