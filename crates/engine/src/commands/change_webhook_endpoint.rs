//! Changes a webhook endpoint, in what is given.

use super::{
    Command,
    create_webhook_endpoint::{check, listed},
};
use crate::{Caller, Engine, Error, Thing};
use countersign_model::{EventType, Scope, Timestamp, WebhookEndpoint, WebhookEndpointId, webhook::DisabledBecause};
use countersign_store::{Batch, Change};

/// "From now on it is so." What is none stays.
#[derive(Clone, Debug)]
pub struct ChangeWebhookEndpoint {
    /// Which.
    pub id: WebhookEndpointId,
    /// Its address.
    pub url: Option<String>,
    /// What is said of it; an inner none: nothing.
    pub description: Option<Option<String>>,
    /// What it is told of; empty: of everything.
    pub events: Option<Vec<EventType>>,
    /// Whether it is told whole addresses.
    pub whole_address: Option<bool>,
    /// Whether it is told anything.
    pub enabled: Option<bool>,
}

impl Command for ChangeWebhookEndpoint {
    type Outcome = WebhookEndpoint;
    const NEEDS: Scope = Scope::Admin;

    async fn decide(&self, engine: &Engine, caller: &Caller, _: Timestamp) -> Result<(WebhookEndpoint, Batch), Error> {
        check(engine, self.url.as_deref(), self.description.as_ref().and_then(Option::as_deref))?;
        let found = engine.store().webhook_endpoint(caller.tenant(), self.id).await?;
        let mut endpoint = found.ok_or(Error::NotFound(Thing::WebhookEndpoint))?;
        if let Some(url) = &self.url {
            endpoint.url = engine.seal_endpoint_url(endpoint.tenant, endpoint.id, url)?;
        }
        if let Some(description) = &self.description {
            endpoint.description.clone_from(description);
        }
        if let Some(events) = &self.events {
            endpoint.events = listed(events);
        }
        endpoint.whole_address = self.whole_address.unwrap_or(endpoint.whole_address);
        match self.enabled {
            Some(true) => endpoint.disabled = None,
            Some(false) => endpoint.disabled = endpoint.disabled.or(Some(DisabledBecause::Owner)),
            None => {}
        }
        Ok((endpoint.clone(), Batch::new().with(Change::PutWebhookEndpoint(endpoint))))
    }
}
