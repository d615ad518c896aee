//! Signatures of Standard Webhooks (standardwebhooks.com, version 1): `v1` is HMAC-SHA-256 with a secret that the receiver has,
//! `v1a` Ed25519 with a key whose public half anybody may have. Both are always sent. Secrets and key pairs are derived from the
//! key file, the endpoint and a generation, so there is nothing of them at rest, and rotating is counting on.

use super::Endpoint;
use crate::{Engine, Error, keys};
use aws_lc_rs::{
    hmac,
    signature::{Ed25519KeyPair, KeyPair as _},
};
use countersign_delivery::callback::Call;
use countersign_model::{WebhookDelivery, WebhookEndpoint};
use data_encoding::BASE64;
use zeroize::Zeroizing;

impl Engine {
    /// The secret of the generation that signs now, as `whsec_` and base 64.
    pub(crate) fn webhook_secret(&self, endpoint: &WebhookEndpoint) -> Zeroizing<String> {
        let [secret, _] = self.keys().webhook_secrets(endpoint.tenant, endpoint.id, endpoint.generation);
        Zeroizing::new(format!("whsec_{}", BASE64.encode(&*secret)))
    }

    /// An endpoint with what its owner may see of it at any time.
    pub(crate) fn shown_endpoint(&self, endpoint: WebhookEndpoint) -> Result<Endpoint, Error> {
        let key = self.webhook_key(&endpoint, endpoint.generation)?;
        let public_key = format!("whpk_{}", BASE64.encode(key.public_key().as_ref()));
        Ok(Endpoint { url: self.endpoint_url(&endpoint)?, endpoint, public_key })
    }

    /// The signed call that tells a delivery. Its time is that of the clock which nobody moves: receivers compare it with theirs.
    pub(crate) fn webhook_call(&self, endpoint: &WebhookEndpoint, delivery: &WebhookDelivery) -> Result<Call, Error> {
        let context = keys::context(keys::WEBHOOK_PAYLOAD, delivery.tenant, &delivery.id.to_bytes());
        let body = self.keys().open(&delivery.payload, &context)?;
        let (id, timestamp) = (delivery.event.to_string(), (self.clock().wall().as_ms() / 1000).to_string());
        let signed = format!("{id}.{timestamp}.{}", *body);
        let mut signatures = Vec::new();
        for generation in endpoint.signing_generations(self.now()) {
            let [secret, _] = self.keys().webhook_secrets(endpoint.tenant, endpoint.id, generation);
            let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &*secret), signed.as_bytes());
            signatures.push(format!("v1,{}", BASE64.encode(tag.as_ref())));
            let signature = self.webhook_key(endpoint, generation)?.sign(signed.as_bytes());
            signatures.push(format!("v1a,{}", BASE64.encode(signature.as_ref())));
        }
        Ok(Call {
            tenant: delivery.tenant,
            url: self.endpoint_url(endpoint)?,
            headers: vec![
                ("content-type", "application/json".to_owned()),
                ("webhook-id", id),
                ("webhook-timestamp", timestamp),
                ("webhook-signature", signatures.join(" ")),
            ],
            body: body.as_bytes().to_vec(),
        })
    }

    fn webhook_key(&self, endpoint: &WebhookEndpoint, generation: u32) -> Result<Ed25519KeyPair, Error> {
        let [_, seed] = self.keys().webhook_secrets(endpoint.tenant, endpoint.id, generation);
        Ed25519KeyPair::from_seed_unchecked(&*seed).map_err(|_| Error::internal("a key pair cannot be made"))
    }
}
