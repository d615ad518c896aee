//! Webhooks: tenants' own servers are told of every event. What is to be told is a row for each endpoint that wants it, written in
//! the batch of the event itself by [`Engine::write`], through which every batch of this crate goes; `jobs/call_webhooks` tells it.
//!
//! Who is told is known without asking the store: all endpoints are in the memory of each process, which reads them anew when
//! one of them was written, here or by another process. So a tenant without endpoints pays nothing for them.

mod signing;

use crate::{Engine, Error, keys};
use countersign_model::{
    Event, EventType, Sealed, State, TenantId, Timestamp, Verification, WebhookDelivery, WebhookDeliveryId,
    WebhookEndpoint, WebhookEndpointId,
    webhook::{About, DeliveryState, Payload},
};
use countersign_store::{Batch, Change, Error as StoreError};
use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

/// Who is told of what, as this process knows it.
#[derive(Default)]
pub(crate) struct Endpoints {
    known: RwLock<Arc<ByTenant>>,
    /// One reads at a time, so that an older reading never takes the place of a newer one.
    reading: tokio::sync::Mutex<()>,
}

type ByTenant = HashMap<TenantId, Vec<WebhookEndpoint>>;

impl Endpoints {
    fn all(&self) -> Arc<ByTenant> {
        Arc::clone(&self.known.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// An endpoint as its owner sees it.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// The value.
    pub endpoint: WebhookEndpoint,
    /// Its address.
    pub url: String,
    /// The public half of its key pair, as `whpk_` and base 64: for signatures `v1a`.
    pub public_key: String,
}

impl Engine {
    /// Makes a batch true, together with what webhooks have to tell of it.
    pub(crate) async fn write(&self, batch: Batch) -> Result<(), StoreError> {
        let concerns_endpoints = batch.concerns_webhook_endpoints();
        let known = self.endpoints().all();
        if known.is_empty() {
            self.write_and_send_off(batch).await?;
        } else {
            // On the heap, so that a batch of which nobody is told carries nothing of it.
            Box::pin(self.write_with_webhooks(&known, batch)).await?;
        }
        if concerns_endpoints && let Err(error) = self.reload_endpoints().await {
            tracing::warn!(%error, "webhook endpoints were changed, and cannot be read just now; it will be tried again");
        }
        Ok(())
    }

    /// Reads who is told of what.
    pub(crate) async fn reload_endpoints(&self) -> Result<(), StoreError> {
        let endpoints = self.endpoints();
        let _reading = endpoints.reading.lock().await;
        let mut known = ByTenant::new();
        for endpoint in self.store().webhook_endpoints().await? {
            known.entry(endpoint.tenant).or_default().push(endpoint);
        }
        *endpoints.known.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(known);
        Ok(())
    }

    /// What is told has the status of the verification with the event, so the batch asserts that it is still so: a status is decided
    /// where the order of the events is, and never goes back in it. If it was changed meanwhile, this is told anew.
    async fn write_with_webhooks(&self, known: &ByTenant, batch: Batch) -> Result<(), StoreError> {
        loop {
            let mut whole = batch.clone();
            let read = self.add_webhooks(known, &mut whole).await?;
            match self.write_and_send_off(whole).await {
                Err(StoreError::Conflict) if self.is_one_changed(&read).await? => {}
                written => return written,
            }
        }
    }

    async fn is_one_changed(&self, read: &[Verification]) -> Result<bool, StoreError> {
        for read in read {
            let now = self.store().verification(read.tenant, read.id).await?;
            if now.is_none_or(|now| now.version != read.version) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Gives the verifications that what is told asserts. One that has ended stays as it is.
    async fn add_webhooks(&self, known: &ByTenant, batch: &mut Batch) -> Result<Vec<Verification>, StoreError> {
        let (mut deliveries, mut asserted) = (Vec::new(), Vec::<Verification>::new());
        for event in batch.events() {
            let what = EventType::of(&event.kind);
            let told = known.get(&event.tenant).into_iter().flatten().filter(|endpoint| endpoint.wants(what));
            let told: Vec<&WebhookEndpoint> = told.collect();
            if told.is_empty() {
                continue;
            }
            let read;
            let verification = match batch.verification(event.tenant, event.verification) {
                Some(verification) => verification,
                None => match self.store().verification(event.tenant, event.verification).await? {
                    Some(verification) => {
                        let is_known = asserted.iter().any(|it| it.id == verification.id);
                        if verification.state == State::Pending && !is_known {
                            asserted.push(verification.clone());
                        }
                        read = verification;
                        &read
                    }
                    // Forgotten: nobody waits for news of it.
                    None => continue,
                },
            };
            let told = self.address_of(verification).and_then(|to| {
                let about = About { verification, to: &to };
                told.into_iter().map(|endpoint| self.delivery_of(event, about, endpoint)).collect::<Result<Vec<_>, _>>()
            });
            // Nothing can fail here but the key file.
            deliveries.extend(told.map_err(|error| StoreError::Damaged(error.to_string()))?);
        }
        for Verification { tenant, id, version, .. } in &asserted {
            batch.push(Change::AssertVerification { tenant: *tenant, id: *id, version: *version });
        }
        for delivery in deliveries {
            batch.push(Change::InsertWebhookDelivery(delivery));
        }
        Ok(asserted)
    }

    fn delivery_of(
        &self,
        event: &Event,
        about: About<'_>,
        endpoint: &WebhookEndpoint,
    ) -> Result<WebhookDelivery, Error> {
        let payload = Payload::of(event, about, endpoint);
        let delivery = self.delivery(endpoint, &payload, EventType::of(&event.kind), event.at)?;
        Ok(WebhookDelivery { event: event.id, verification: Some(event.verification), ..delivery })
    }

    /// A delivery that stands alone.
    pub(crate) fn delivery(
        &self,
        endpoint: &WebhookEndpoint,
        payload: &Payload<'_>,
        kind: EventType,
        at: Timestamp,
    ) -> Result<WebhookDelivery, Error> {
        let (tenant, now) = (endpoint.tenant, self.now());
        let id = WebhookDeliveryId::generate(now, self.random());
        let text = serde_json::to_string(payload).map_err(|error| Error::Internal(error.to_string()))?;
        let context = keys::context(keys::WEBHOOK_PAYLOAD, tenant, &id.to_bytes());
        Ok(WebhookDelivery {
            id,
            tenant,
            version: 0,
            endpoint: endpoint.id,
            event: countersign_model::EventId::generate(at, self.random()),
            kind,
            verification: None,
            payload: self.keys().seal(&text, &context, self.random())?,
            created_at: now,
            tried_since: now,
            attempts: 0,
            reason: None,
            state: DeliveryState::Pending,
            due_at: now,
            leased_until: Timestamp::from_ms(0),
        })
    }

    pub(crate) fn seal_endpoint_url(
        &self,
        tenant: TenantId,
        id: WebhookEndpointId,
        url: &str,
    ) -> Result<Sealed, Error> {
        self.keys().seal(url, &keys::context(keys::WEBHOOK_URL, tenant, &id.to_bytes()), self.random())
    }

    pub(crate) fn endpoint_url(&self, endpoint: &WebhookEndpoint) -> Result<String, Error> {
        let context = keys::context(keys::WEBHOOK_URL, endpoint.tenant, &endpoint.id.to_bytes());
        Ok(self.keys().open(&endpoint.url, &context)?.to_string())
    }
}
