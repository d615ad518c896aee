//! Makes a webhook endpoint. Its secret is in the outcome; it is derived, and nothing of it is kept.

use super::Command;
use crate::{Caller, Engine, Error};
use countersign_model::{
    EventType, Scope, Timestamp, WebhookEndpoint, WebhookEndpointId, text::is_plain_line, webhook::BadEndpoint,
};
use countersign_store::{Batch, Change};
use serde::{Deserialize, Serialize};
use std::fmt;

/// "Tell this server of events."
#[derive(Clone, Debug)]
pub struct CreateWebhookEndpoint {
    /// Its address: http or https, of the public internet or of a network that the operator allows.
    pub url: String,
    /// What is said of it.
    pub description: Option<String>,
    /// What it is told of; empty: of everything.
    pub events: Vec<EventType>,
    /// Whether it is told whole addresses.
    pub whole_address: bool,
}

/// An endpoint and its secret. A request with an idempotency key keeps its outcome, sealed, for a day.
#[derive(Serialize, Deserialize)]
pub struct EndpointSecret {
    /// The endpoint.
    pub endpoint: WebhookEndpoint,
    /// What signs from now on, as `whsec_` and base 64.
    pub secret: String,
}

impl fmt::Debug for EndpointSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EndpointSecret({}, …)", self.endpoint.id)
    }
}

impl Command for CreateWebhookEndpoint {
    type Outcome = EndpointSecret;
    const NEEDS: Scope = Scope::Admin;

    async fn decide(&self, engine: &Engine, caller: &Caller, now: Timestamp) -> Result<(EndpointSecret, Batch), Error> {
        let tenant = caller.tenant();
        check(engine, Some(&self.url), self.description.as_deref())?;
        let all = engine.store().webhook_endpoints().await?;
        if all.iter().filter(|endpoint| endpoint.tenant == tenant).count() >= WebhookEndpoint::MOST {
            return Err(BadEndpoint::TooMany.into());
        }
        let id = WebhookEndpointId::generate(now, engine.random());
        let endpoint = WebhookEndpoint {
            id,
            tenant,
            version: 0,
            url: engine.seal_endpoint_url(tenant, id, &self.url)?,
            description: self.description.clone(),
            events: listed(&self.events),
            whole_address: self.whole_address,
            generation: 0,
            old_signs_until: None,
            disabled: None,
            created_at: now,
        };
        let secret = engine.webhook_secret(&endpoint).to_string();
        let batch = Batch::new().with(Change::PutWebhookEndpoint(endpoint.clone()));
        Ok((EndpointSecret { endpoint, secret }, batch))
    }
}

pub(super) fn check(engine: &Engine, url: Option<&str>, description: Option<&str>) -> Result<(), BadEndpoint> {
    if let Some(url) = url {
        if url.len() > WebhookEndpoint::LONGEST_URL {
            return Err(BadEndpoint::LongUrl);
        }
        if has_credentials(url) {
            return Err(BadEndpoint::Credentials);
        }
        if url.contains('#') {
            return Err(BadEndpoint::Fragment);
        }
        if let Some(why) = engine.callback_caller().refusal(url) {
            return Err(BadEndpoint::Url(why));
        }
    }
    if description.is_some_and(|text| !is_plain_line(text, 200)) {
        return Err(BadEndpoint::Description);
    }
    Ok(())
}

/// Whether a name or a password stands before the host. Addresses are listed, and secrets do not belong into lists.
fn has_credentials(url: &str) -> bool {
    let authority = url.split_once("://").map_or("", |(_, rest)| rest);
    authority.split(['/', '\\', '?', '#']).next().unwrap_or_default().contains('@')
}

/// Each once.
pub(super) fn listed(events: &[EventType]) -> Vec<EventType> {
    let mut events = events.to_vec();
    events.sort_unstable();
    events.dedup();
    events
}
