//! A device registers, is asked, and answers. The question is kept with the factor; what carries it to the device is told apart,
//! once it was written ([`Engine::carry_push`]).

use super::Command;
use crate::{
    Caller, Engine, Error, Thing, keys,
    tokens::{DeviceTicket, PushOnItsWay, Transaction},
};
use countersign_delivery::callback::Call;
use countersign_model::{
    ActivityKind, BucketKind, BucketLevel, DeviceApp, Factor, FactorId, FactorKind, Means, MfaLimits, Push, Scope,
    TenantId, Timestamp,
};
use countersign_store::{Batch, Change};
use data_encoding::HEXLOWER;
use jsonwebtoken::{Algorithm, DecodingKey, jwk::Jwk};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::fmt;

/// "I am the app of this factor."
pub struct RegisterDevice {
    /// Its right to say so.
    pub ticket: DeviceTicket,
    /// What it calls itself when it signs.
    pub identifier: String,
    /// What the user calls the device.
    pub name: String,
    /// With what its answers are checked.
    pub key: DeviceKey,
    /// The service that reaches it.
    pub service: String,
    /// Its name there.
    pub token: String,
}

impl fmt::Debug for RegisterDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RegisterDevice(…)")
    }
}

/// What became of it.
#[derive(Serialize, Deserialize)]
pub enum DeviceRegistered {
    /// It is known now.
    Registered {
        /// Its factor.
        factor: Box<Factor>,
        /// The secret with which it counts out codes, too: in base 32.
        secret: String,
    },
    /// Another one was before, or there is nothing to register for any more.
    Refused,
}

/// The public key of a device.
#[derive(Clone, Debug)]
pub struct DeviceKey(String);

impl DeviceKey {
    /// Of RSA, or of the curve P-256; none: it is something else.
    #[must_use]
    pub fn parse(jwk: &Value) -> Option<Self> {
        let text = jwk.to_string();
        opened(&text).map(|_| Self(text))
    }
}

fn opened(jwk: &str) -> Option<(DecodingKey, Algorithm)> {
    let fields: Value = serde_json::from_str(jwk).ok()?;
    let algorithm = match (fields.get("kty")?.as_str()?, fields.get("crv").and_then(Value::as_str)) {
        ("RSA", _) => Algorithm::RS256,
        ("EC", Some("P-256")) => Algorithm::ES256,
        _ => return None,
    };
    let key: Jwk = serde_json::from_value(fields).ok()?;
    Some((DecodingKey::from_jwk(&key).ok()?, algorithm))
}

impl Command for RegisterDevice {
    type Outcome = DeviceRegistered;
    const NEEDS: Scope = Scope::VerificationsWrite;

    async fn decide(&self, engine: &Engine, _: &Caller, now: Timestamp) -> Result<(DeviceRegistered, Batch), Error> {
        let refused = Ok((DeviceRegistered::Refused, Batch::new()));
        let (tenant, id) = (self.ticket.tenant, self.ticket.factor);
        let Some(factor) = engine.store().factor(tenant, id).await? else { return refused };
        let Some(device) = factor.device().filter(|device| device.app.is_none() && !factor.is_active()).cloned() else {
            return refused;
        };
        let FactorKind::Totp { secret, .. } = &factor.kind else { return refused };
        let secret = engine.keys().open(secret, &keys::context(keys::TOTP_SECRET, tenant, &id.to_bytes()))?.to_string();
        let context = keys::context(keys::DEVICE_TOKEN, tenant, &id.to_bytes());
        let app = DeviceApp {
            identifier: self.identifier.clone(),
            name: self.name.clone(),
            key: self.key.0.clone(),
            service: self.service.clone(),
            token: engine.keys().seal(&self.token, &context, engine.random())?,
        };
        let factor = factor.with_device(countersign_model::Device { app: Some(app), ..device }, now);
        let batch = Batch::new().with(Change::UpdateFactor(factor.clone()));
        Ok((DeviceRegistered::Registered { factor: Box::new(factor), secret }, batch))
    }
}

/// "Ask this device."
#[derive(Debug)]
pub struct SendPush<'a> {
    /// In which log-in.
    pub transaction: &'a Transaction,
    /// Which factor.
    pub factor: FactorId,
    /// How often that can be done.
    pub limits: &'a MfaLimits,
}

/// What became of it.
#[derive(Serialize, Deserialize)]
pub enum PushSent {
    /// It is to be carried there.
    Asked {
        /// What the client waits for.
        waits: PushOnItsWay,
        /// Until when.
        ends_at: Timestamp,
        /// The app that is asked.
        app: Box<DeviceApp>,
        /// How many more questions there can be.
        level: BucketLevel,
    },
    /// The log-in has succeeded, and is over.
    Spent,
    /// There is no such factor of this user that can be asked.
    NoSuchFactor,
    /// Too many questions.
    TooMany(BucketLevel),
}

impl Command for SendPush<'_> {
    type Outcome = PushSent;
    const NEEDS: Scope = Scope::VerificationsWrite;

    async fn decide(&self, engine: &Engine, caller: &Caller, now: Timestamp) -> Result<(PushSent, Batch), Error> {
        let refused = |outcome| Ok((outcome, Batch::new()));
        let (transaction, tenant) = (self.transaction, self.transaction.tenant);
        if engine.is_redeemed(tenant, &transaction.id).await? {
            return refused(PushSent::Spent);
        }
        let factor = engine.store().factor(tenant, self.factor).await?;
        let factor = factor.filter(|factor| factor.user == transaction.user && factor.is_active());
        let Some((factor, device)) = factor.and_then(|it| it.device().cloned().map(|device| (it, device))) else {
            return refused(PushSent::NoSuchFactor);
        };
        let Some(app) = device.app.clone() else { return refused(PushSent::NoSuchFactor) };
        let mut memory = engine.memory_of_user(tenant, transaction.user).await?;
        let level = match memory.spent.take(BucketKind::Pushes, self.limits.pushes, now) {
            Ok(level) => level,
            Err(level) => return refused(PushSent::TooMany(level)),
        };
        let mut id = [0; 16];
        engine.random().fill(&mut id);
        let (id, ends_at) = (HEXLOWER.encode(&id), now.plus_seconds(Transaction::LIFE_OF_A_CODE_SECONDS));
        let push = Push { id: id.clone(), transaction: transaction.name(), ends_at, answer: None };
        let asked = factor.clone().with_device(device.asked(push, now), now);
        let user = engine.must_find_user(tenant, &crate::UserRef::Id(transaction.user)).await?;
        let begun = engine.activity(caller, &user, ActivityKind::ProofStarted, now).by(Means::Push);
        let batch = Batch::of([Change::UpdateFactor(asked), memory.change(), Change::InsertActivity(begun)]);
        let waits = PushOnItsWay { transaction: transaction.id, tenant, factor: factor.id, push: Some(id) };
        Ok((PushSent::Asked { waits, ends_at, app: Box::new(app), level }, batch))
    }
}

/// "The person says yes", or no.
#[derive(Debug)]
pub struct AnswerPush {
    /// The device's right to say so.
    pub ticket: DeviceTicket,
    /// Whether it was accepted.
    pub accepted: bool,
}

impl Command for AnswerPush {
    /// Whether the question waited for it.
    type Outcome = bool;
    const NEEDS: Scope = Scope::VerificationsWrite;

    async fn decide(&self, engine: &Engine, caller: &Caller, now: Timestamp) -> Result<(bool, Batch), Error> {
        let factor = engine.store().factor(self.ticket.tenant, self.ticket.factor).await?;
        let factor = factor.ok_or(Error::NotFound(Thing::Factor))?;
        let answered = match (factor.device().cloned(), &self.ticket.push) {
            (Some(device), Some(push)) => device.answered(push, self.accepted, now),
            _ => None,
        };
        let Some(device) = answered else { return Ok((false, Batch::new())) };
        let user = engine.must_find_user(factor.tenant, &crate::UserRef::Id(factor.user)).await?;
        let mut batch = Batch::new().with(Change::UpdateFactor(factor.with_device(device, now)));
        if !self.accepted {
            let refused = engine.activity(caller, &user, ActivityKind::ProofFailed, now).by(Means::Push);
            batch.push(Change::InsertActivity(refused));
        }
        Ok((true, batch))
    }
}

impl Engine {
    /// The claims of what a device has signed, if it is the one of the ticket. When they were made is for the caller to judge.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub async fn signed_by_device(
        &self,
        ticket: &DeviceTicket,
        text: &str,
    ) -> Result<Option<(DeviceApp, Map<String, Value>)>, Error> {
        let factor = self.store().factor(ticket.tenant, ticket.factor).await?;
        let Some(app) = factor.and_then(|factor| factor.device()?.app.clone()) else { return Ok(None) };
        let Some((key, algorithm)) = opened(&app.key) else { return Ok(None) };
        let rules = crate::tokens::signature_only(&[algorithm]);
        Ok(jsonwebtoken::decode(text, &key, &rules).ok().map(|read| (app, read.claims)))
    }

    /// The name of an app at the service that reaches it.
    ///
    /// # Errors
    /// When the key file lacks its key.
    pub fn token_of_app(&self, tenant: TenantId, factor: FactorId, app: &DeviceApp) -> Result<String, Error> {
        let context = keys::context(keys::DEVICE_TOKEN, tenant, &factor.to_bytes());
        Ok(self.keys().open(&app.token, &context)?.to_string())
    }

    /// Gives a question to whoever carries it, now: false if they did not take it. It waits for nothing and is not repeated,
    /// since whoever asked is not answered before, and asks again.
    pub async fn carry_push(&self, tenant: TenantId, url: &str, body: Vec<u8>) -> bool {
        let headers = vec![("content-type", "application/json".to_owned())];
        let call = Call { tenant, url: url.to_owned(), headers, body };
        match self.callback_caller().post(&call).await {
            Ok(()) => true,
            Err(why) => {
                tracing::warn!(%why, "a question to a device was not taken");
                false
            }
        }
    }
}
