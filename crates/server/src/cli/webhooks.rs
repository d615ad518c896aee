//! `countersign webhooks`: who is told of a tenant's events, and what could not be told.

use super::{ConfigFile, keys::operator_of};
use crate::{Failure, out};
use clap::{Args, Subcommand};
use countersign_engine::{Caller, Endpoint, Engine, Error, commands::ReplayWebhooks, queries::DeliveryQuery};
use countersign_model::{WebhookDelivery, WebhookDeliveryId, WebhookEndpointId, webhook::DeliveryState};

/// List a tenant's webhook endpoints and dead letters, and send dead letters again
#[derive(Debug, Args)]
pub(super) struct Webhooks {
    #[command(flatten)]
    file: ConfigFile,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the endpoints: id, state and address
    List {
        /// Whose endpoints: the tenant's name
        #[arg(long)]
        tenant: String,
    },
    /// List the dead letters, newest first: id, type, verification, endpoint, and what went wrong last
    Dead {
        /// Whose: the tenant's name
        #[arg(long)]
        tenant: String,
        /// Only those for this endpoint
        #[arg(long, value_name = "ENDPOINT")]
        endpoint: Option<WebhookEndpointId>,
    },
    /// Send a dead letter again, or all of an endpoint; the running server does it within seconds
    Replay {
        /// Whose: the tenant's name
        #[arg(long)]
        tenant: String,
        /// The dead letter's id, as the list shows it
        #[arg(required_unless_present = "all")]
        id: Option<WebhookDeliveryId>,
        /// All dead letters of this endpoint
        #[arg(long, value_name = "ENDPOINT", conflicts_with = "id")]
        all: Option<WebhookEndpointId>,
    },
}

impl Webhooks {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let Self { file, action } = self;
        file.with_engine(async move |engine: &Engine| action.run(engine).await).await
    }
}

impl Action {
    async fn run(self, engine: &Engine) -> Result<(), Failure> {
        match self {
            Self::List { tenant } => list(engine, &operator_of(engine, &tenant).await?).await,
            Self::Dead { tenant, endpoint } => dead(engine, &operator_of(engine, &tenant).await?, endpoint).await,
            Self::Replay { tenant, id, all } => {
                let operator = operator_of(engine, &tenant).await?;
                match (id, all) {
                    (Some(id), _) => replay(engine, &operator, id).await,
                    (None, Some(endpoint)) => replay_all(engine, &operator, endpoint).await,
                    // The parser asks for one of them.
                    (None, None) => Ok(()),
                }
            }
        }
    }
}

async fn list(engine: &Engine, operator: &Caller) -> Result<(), Failure> {
    let endpoints = engine.webhook_endpoints(operator).await;
    for endpoint in endpoints.map_err(|error| Failure::other(format!("cannot list the endpoints: {error}")))? {
        out::line(&shown(&endpoint))?;
    }
    Ok(())
}

fn shown(Endpoint { endpoint, url, .. }: &Endpoint) -> String {
    let state = endpoint.disabled.map_or("enabled".to_owned(), |why| format!("disabled ({})", why.name()));
    let events: Vec<&str> = endpoint.events.iter().map(|kind| kind.name()).collect();
    let events = if events.is_empty() { "everything".to_owned() } else { events.join(",") };
    let description = endpoint.description.as_deref().map(|text| format!("  {text}")).unwrap_or_default();
    format!("{}  {state}  {url}  {events}{description}", endpoint.id)
}

const PAGE: u32 = 100;

async fn dead(engine: &Engine, operator: &Caller, endpoint: Option<WebhookEndpointId>) -> Result<(), Failure> {
    let mut query = DeliveryQuery { state: DeliveryState::Dead, endpoint, before: None, limit: PAGE };
    loop {
        let page = engine.webhook_deliveries(operator, query).await;
        let page = page.map_err(|error| Failure::other(format!("cannot list the dead letters: {error}")))?;
        for delivery in &page {
            out::line(&letter(delivery))?;
        }
        query.before = page.last().map(|oldest| oldest.id);
        if query.before.is_none() {
            return Ok(());
        }
    }
}

fn letter(delivery: &WebhookDelivery) -> String {
    let of = delivery.verification.map_or("-".to_owned(), |id| id.to_string());
    let reason = delivery.reason.as_deref().unwrap_or_default();
    format!("{}  {}  {of}  {}  {reason}", delivery.id, delivery.kind.name(), delivery.endpoint)
}

async fn replay(engine: &Engine, operator: &Caller, id: WebhookDeliveryId) -> Result<(), Failure> {
    let replayed = engine.run(operator, None, &ReplayWebhooks::One(id)).await;
    replayed.map(drop).map_err(|error| {
        let list = if matches!(error, Error::NotFound(_)) { "; `countersign webhooks dead` shows all" } else { "" };
        Failure::other(format!("cannot send {id} again: {error}{list}"))
    })
}

async fn replay_all(engine: &Engine, operator: &Caller, endpoint: WebhookEndpointId) -> Result<(), Failure> {
    let replayed = engine.replay_all_dead(operator, None, endpoint).await;
    let count = replayed.map_err(|error| {
        let list = if matches!(error, Error::NotFound(_)) { "; `countersign webhooks list` shows all" } else { "" };
        Failure::other(format!("cannot send the dead letters of {endpoint} again: {error}{list}"))
    })?;
    out::line(&count.to_string())
}
