//! Starts a verification: limits are spent, the code is fixed, the message is queued, all in one batch.

use super::{Command, Decided};
use crate::{
    Caller, Engine, Error, Thing, caller::fresh_link_token, keys, metrics::Metrics, remembered::Remembered,
    reports::ReportTo,
};
use countersign_model::{
    ActivityKind, Address, BlindIndex, Channel, Code, CodeShape, Event, EventKind, ForFactor, Grid, Message, MessageId,
    Payment, Policy, Profile, Right, Scope, Sealed, Service, ServiceId, State, TenantId, Timestamp, UserId,
    Verification, VerificationId, policy::Limits, verification::CodeSource,
};
use countersign_store::{Batch, Change};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The service of callers that name none; every tenant has it.
pub const DEFAULT_SERVICE: &str = "default";

/// Under this name a verification keeps the log-in that it belongs to.
pub(super) const TRANSACTION: &str = "transaction";

/// "Send this person a code."
#[derive(Debug)]
pub struct StartVerification {
    /// Under which service's policy.
    pub service: ServiceRef,
    /// On which channel.
    pub channel: Channel,
    /// To whom.
    pub to: Address,
    /// The caller's own code; none: one is generated.
    pub code: Option<Code>,
    /// In which language (BCP 47); none: the service's.
    pub locale: Option<String>,
    /// What the caller wants to find again.
    pub metadata: BTreeMap<String, String>,
    /// What the person approves with the code.
    pub payment: Option<Payment>,
    /// What this one does otherwise than its service says.
    pub overrides: Overrides,
}

/// Which service is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServiceRef {
    /// [`DEFAULT_SERVICE`].
    Default,
    /// The one of this name.
    Named(String),
    /// A dialect's own, of the dialect's name. It is made on first use, with the profile `compat`.
    Dialect(&'static str),
}

impl ServiceRef {
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Default => DEFAULT_SERVICE,
            Self::Named(name) => name,
            Self::Dialect(name) => name,
        }
    }
}

/// What one verification does otherwise than its service says. The default is nothing.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// What its code looks like.
    pub code: Option<CodeShape>,
    /// How long its code lives, in seconds; 0 means for ever.
    pub life_seconds: Option<u32>,
    /// How many wrong codes end it; 0 means never.
    pub max_checks: Option<u32>,
    /// What its destination, and the person whose factor it proves, may cost and try.
    pub limits: Option<Limits>,
    /// Whether the number is looked up first.
    pub number_lookup: Option<bool>,
    /// Whom the message comes from.
    pub sender: Option<String>,
    /// The caller's own words, in place of a template.
    pub text: Option<OwnText>,
    /// Who is told what becomes of its messages.
    pub report: Option<ReportTo>,
    /// Screens of pictures behind a link, which prove it in place of a code.
    pub grid: Option<GridChoice>,
    /// The factor that it proves.
    pub for_factor: Option<ForFactor>,
    /// The log-in that it belongs to, so that its codes are found again.
    pub transaction: Option<String>,
    /// Whether it ends the pending one that this address has in this service.
    pub replaces_older: bool,
}

/// What a grid is like.
#[derive(Clone, Debug)]
pub struct GridChoice {
    /// How many screens, where the page tells what is right on them.
    pub screens: u8,
    /// How many pictures on each.
    pub tiles: u8,
    /// How many categories there are.
    pub pool: u16,
    /// The categories that the person remembers, one for each screen; none: the page tells.
    pub enrolled: Option<Vec<u16>>,
    /// A picture of the caller's for the head of the page.
    pub logo: Option<String>,
}

/// A caller's own words; the code, or the link, stands between each two of these pieces.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnText(Vec<String>);

impl OwnText {
    /// Words before the code, and words after it.
    #[must_use]
    pub fn around(before: impl Into<String>, after: impl Into<String>) -> Self {
        Self(vec![before.into(), after.into()])
    }

    /// A text with a placeholder, which stands for the code wherever it occurs; none without one.
    #[must_use]
    pub fn with_placeholder(text: &str, placeholder: &str) -> Option<Self> {
        let pieces: Vec<String> = text.split(placeholder).map(str::to_owned).collect();
        (pieces.len() > 1).then_some(Self(pieces))
    }

    /// The text with something in place of the code.
    #[must_use]
    pub fn filled_with(&self, code: &str) -> String {
        self.0.join(code)
    }
}

impl Command for StartVerification {
    type Outcome = Decided;
    const NEEDS: Scope = Scope::VerificationsWrite;

    async fn decide(&self, engine: &Engine, caller: &Caller, now: Timestamp) -> Result<(Decided, Batch), Error> {
        if !self.to.suits(self.channel) {
            return Err(Error::WrongChannel(self.channel));
        }
        if engine.routes().for_channel(self.channel).is_empty() {
            return Err(Error::NoRoute(self.channel));
        }
        if self.overrides.grid.is_some() && engine.public_url().is_none() {
            return Err(Error::internal("a link needs server.public_url, which is not set"));
        }
        let (service, mut batch) = engine.service_for(caller.tenant(), &self.service, now).await?;
        let index = engine.keys().blind_index(caller.tenant(), &self.to);
        let policy = self.policy(&service);
        let of = (caller.tenant(), service.id);
        let person = self.overrides.for_factor.map(|of| of.user);
        let mut remembered = Remembered::read(engine, of, Some(index), person).await?;
        if let Err(limited) = remembered.count_send(&policy.limits, now) {
            engine.write_block(caller, person, remembered, batch, now).await?;
            return Err(Error::Limited(limited));
        }
        engine.pay_for_message(caller.tenant(), self.channel, &mut batch).await?;
        if self.overrides.number_lookup.unwrap_or(service.policy.number_lookup) {
            let looked_up = engine.look_up(&self.to).await;
            if matches!(looked_up, Err(Error::NumberUnknown)) {
                // Asking costs money too: it counts as a send, or numbers could be tried out without end.
                batch.extend(remembered.changes());
                engine.write_aside(batch).await;
                return Err(Error::NumberUnknown);
            }
            looked_up?;
        }
        if self.overrides.replaces_older {
            let older = engine.store().latest_verification(caller.tenant(), service.id, index).await?;
            push_end_of(older, &mut batch, engine, now);
        }

        let verification = self.verification(engine, (&service, policy), index, now)?;
        let message = Message::of_code(MessageId::generate(now, engine.random()), &verification, 0, now);
        let started = EventKind::Started { message: message.id, channel: self.channel };
        let of = (verification.tenant, verification.id);
        batch.extend(remembered.changes());
        let batch = batch
            .with(Change::InsertVerification(verification.clone()))
            .with(Change::InsertMessage(message))
            .with(Change::InsertEvent(Event::new(of, started, now, engine.random())));
        Ok((Decided { verification, at: now }, batch))
    }

    fn count(&self, outcome: &Decided, metrics: &Metrics) {
        metrics.started(outcome.verification.channel);
    }
}

/// What is pending ends; what has ended stays as it is.
fn push_end_of(older: Option<Verification>, batch: &mut Batch, engine: &Engine, now: Timestamp) {
    let Some(ended) = older.and_then(|older| older.cancel(now).ok()) else { return };
    let of = (ended.tenant, ended.id);
    batch.push(Change::UpdateVerification(ended));
    batch.push(Change::InsertEvent(Event::new(of, EventKind::Cancelled, now, engine.random())));
}

impl StartVerification {
    /// What is found again: the caller's own, and the log-in.
    fn metadata(&self) -> BTreeMap<String, String> {
        let transaction = self.overrides.transaction.clone().map(|name| (TRANSACTION.to_owned(), name));
        self.metadata.clone().into_iter().chain(transaction).collect()
    }

    fn policy(&self, service: &Service) -> Policy {
        let (theirs, ours) = (&self.overrides, &service.policy);
        Policy {
            code: theirs.code.unwrap_or(ours.code),
            life_seconds: theirs.life_seconds.unwrap_or(ours.life_seconds),
            max_checks: theirs.max_checks.unwrap_or(ours.max_checks),
            limits: theirs.limits.clone().unwrap_or_else(|| ours.limits.clone()),
            ..ours.clone()
        }
    }

    fn verification(
        &self,
        engine: &Engine,
        (service, policy): (&Service, Policy),
        to_index: BlindIndex,
        now: Timestamp,
    ) -> Result<Verification, Error> {
        let (keys, random, tenant) = (engine.keys(), engine.random(), service.tenant);
        let id = VerificationId::generate(now, random);
        let seal = |what: &[u8], text: &str| keys.seal(text, &keys::context(what, tenant, &id.to_bytes()), random);
        let code = match (&self.overrides.grid, &self.code) {
            (Some(_), _) => CodeSource::Link,
            (None, None) => CodeSource::Derived { key_version: keys.current_version() },
            (None, Some(code)) => CodeSource::Own(seal(keys::OWN_CODE, code.expose())?),
        };
        let grid = self.overrides.grid.as_ref().map(|choice| choice.begin(engine, seal)).transpose()?;
        let phone = match &self.to {
            Address::Phone(number) => Some(number.traits()),
            Address::Email(_) => None,
        };
        let as_json = |what: &[u8], value: Result<String, serde_json::Error>| {
            seal(what, &value.map_err(|error| Error::Internal(error.to_string()))?)
        };
        let (payment, overrides) = (self.payment.as_ref(), &self.overrides);
        Ok(Verification {
            id,
            tenant,
            version: 0,
            service: service.id,
            service_name: service.name.clone(),
            channel: self.channel,
            to: seal(keys::ADDRESS, self.to.as_str())?,
            to_index,
            phone,
            code,
            codes: vec![Verification::first_code(&policy, now)],
            policy,
            grid,
            brand: service.brand.clone(),
            sender: overrides.sender.clone().or_else(|| service.sender.clone()),
            locale: self.locale.clone().unwrap_or_else(|| service.default_locale.clone()),
            metadata: self.metadata(),
            payment: payment.map(|it| as_json(keys::PAYMENT, serde_json::to_string(it))).transpose()?,
            text: overrides.text.as_ref().map(|it| as_json(keys::TEXT, serde_json::to_string(it))).transpose()?,
            for_factor: overrides.for_factor,
            report: overrides.report.as_ref().map(|it| engine.seal_report(tenant, it)).transpose()?,
            state: State::Pending,
            wrong_checks: 0,
            sends: 1,
            created_at: now,
            decided_at: None,
        })
    }
}

impl GridChoice {
    /// A grid behind a fresh link. The token is drawn by chance and by nothing else: whoever asked for the verification, and so
    /// knows its id, cannot know it.
    fn begin(&self, engine: &Engine, seal: impl Fn(&[u8], &str) -> Result<Sealed, Error>) -> Result<Grid, Error> {
        let token = fresh_link_token(engine.random());
        let right = match &self.enrolled {
            None => Right::Told,
            Some(enrolled) => {
                let text = serde_json::to_string(enrolled).map_err(|error| Error::Internal(error.to_string()))?;
                Right::Remembered(Some(seal(keys::ENROLLED, &text)?))
            }
        };
        Ok(Grid {
            link: engine.keys().link_index(&token),
            token: seal(keys::LINK, &token)?,
            key_version: engine.keys().current_version(),
            screens: self.screens,
            tiles: self.tiles,
            pool: self.pool,
            logo: self.logo.clone(),
            right,
            attempt: 1,
            taps: Vec::new(),
        })
    }
}

impl Engine {
    /// The service, and what must be written for it to be there.
    pub(crate) async fn service_for(
        &self,
        tenant: TenantId,
        service: &ServiceRef,
        now: Timestamp,
    ) -> Result<(Service, Batch), Error> {
        if let Some(found) = self.store().service_named(tenant, service.name()).await? {
            return Ok((found, Batch::new()));
        }
        match service {
            ServiceRef::Default | ServiceRef::Named(_) => Err(Error::NotFound(Thing::Service)),
            ServiceRef::Dialect(name) => {
                let fresh = fresh_service(self, tenant, name, Profile::Compat, now);
                Ok((fresh.clone(), Batch::new().with(Change::PutService(fresh))))
            }
        }
    }

    /// A limit has refused. Where that blocks, the block outlives the refusal.
    pub(crate) async fn write_block(
        &self,
        caller: &Caller,
        person: Option<UserId>,
        remembered: Remembered,
        mut batch: Batch,
        now: Timestamp,
    ) -> Result<(), Error> {
        let blocked = person.filter(|_| remembered.person_is_blocked);
        let changes = remembered.changes();
        if changes.is_empty() {
            return Ok(());
        }
        batch.extend(changes);
        if let Some(user) = blocked
            && let Some(user) = self.store().user(caller.tenant(), user).await?
        {
            batch.push(Change::InsertActivity(self.activity(caller, &user, ActivityKind::UserBlocked, now)));
        }
        self.write_aside(batch).await;
        Ok(())
    }
}

/// A service with the rules of a profile.
pub(super) fn fresh_service(
    engine: &Engine,
    tenant: TenantId,
    name: &str,
    profile: Profile,
    now: Timestamp,
) -> Service {
    Service {
        id: ServiceId::generate(now, engine.random()),
        tenant,
        version: 0,
        name: name.to_owned(),
        brand: None,
        sender: None,
        default_locale: "en".to_owned(),
        policy: Policy::of(profile),
        created_at: now,
    }
}
