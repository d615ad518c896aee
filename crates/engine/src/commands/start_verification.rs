//! Starts a verification: limits are spent, the code is fixed, the message is queued, all in one batch.

use super::{Command, Decided, OwnText};
use crate::{
    Caller, Engine, Error, TEST_PROVIDER, Thing, caller::fresh_link_token, keys, metrics::Metrics, queries::Price,
    remembered::Remembered, reports::ReportTo,
};
use countersign_delivery::render::locale;
use countersign_model::{
    ActivityKind, Address, BlindIndex, Channel, Code, CodeShape, Event, EventKind, ForFactor, Grid, LastLine, Message,
    MessageId, Payment, Policy, Profile, Right, Scope, Sealed, Service, ServiceId, State, TenantId, Timestamp, Trial,
    UserId, Verification, VerificationId, address::PhoneTraits, policy::Limits, routing::Destination,
    verification::CodeSource,
};
use countersign_store::{Batch, Change};
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
    /// In which language (BCP 47); none: that of the number's country where the service wants that, else the service's.
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
    /// This one, which is kept elsewhere.
    Of(Box<Service>),
}

impl ServiceRef {
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Default => DEFAULT_SERVICE,
            Self::Named(name) => name,
            Self::Dialect(name) => name,
            Self::Of(service) => &service.name,
        }
    }
}

/// What one verification does otherwise than its service says. The default is nothing.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// What its code looks like.
    pub code: Option<CodeShape>,
    /// How long its code lives, in seconds; 0 means for ever.
    pub life_seconds: Option<u64>,
    /// How many wrong codes end it; 0 means never.
    pub max_checks: Option<u32>,
    /// What its destination, and the person whose factor it proves, may cost and try.
    pub limits: Option<Limits>,
    /// Whether the number is looked up first.
    pub number_lookup: Option<bool>,
    /// Whether a number that cannot be reached is said before a credit that does not suffice.
    pub number_before_credit: bool,
    /// Whom the message comes from.
    pub sender: Option<String>,
    /// What its text messages end with.
    pub last_line: Option<LastLine>,
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
    /// The one provider that carries its messages.
    pub via: Option<String>,
    /// Whether its messages are kept as trials, for reports.
    pub keeps_trials: bool,
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

impl Command for StartVerification {
    type Outcome = Decided;
    const NEEDS: Scope = Scope::VerificationsWrite;

    async fn decide(&self, engine: &Engine, caller: &Caller, now: Timestamp) -> Result<(Decided, Batch), Error> {
        let says_more = self.payment.is_some() || self.overrides.grid.is_some();
        if !self.to.suits(self.channel) || says_more && self.channel.says_only_a_code() {
            return Err(Error::WrongChannel(self.channel));
        }
        engine.must_have_way(caller, (self.channel, &self.to), self.overrides.via.as_deref(), now)?;
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
        let mut payment = Batch::new();
        let (mut price, mut operator) = (None, None);
        if !self.overrides.number_before_credit {
            price = Some(engine.pay_for_message(caller, self.channel, &mut payment).await?);
        }
        if self.overrides.number_lookup.unwrap_or(service.policy.number_lookup) {
            let looked_up = engine.look_up(&self.to).await;
            if matches!(looked_up, Err(Error::NumberUnknown)) {
                // Asking costs money too: it counts as a send, or numbers could be tried out without end.
                batch.extend(remembered.changes());
                engine.write_aside(batch).await;
                return Err(Error::NumberUnknown);
            }
            operator = looked_up?;
        }
        let price = match price {
            Some(price) => price,
            None => engine.pay_for_message(caller, self.channel, &mut payment).await?,
        };
        batch.extend(payment);
        if self.overrides.replaces_older {
            let older = engine.store().latest_verification(caller.tenant(), service.id, index).await?;
            push_end_of(older, &mut batch, engine, now);
        }

        let mut verification = self.verification(engine, (&service, policy), index, now)?;
        if let Some(phone) = &mut verification.phone {
            phone.operator = operator;
        }
        let mut message = Message::of_code(MessageId::generate(now, engine.random()), &verification, 0, now);
        Engine::withhold_test(caller, &mut message);
        if self.overrides.keeps_trials {
            verification.trial = Some(message.id);
            batch.push(Change::InsertTrial(trial_of(&message, &verification, price, now)));
        }
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
        let locale = self.locale.clone().or_else(|| language_of_country(service, phone.as_ref()));
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
            locale: locale.unwrap_or_else(|| service.default_locale.clone()),
            last_line: overrides.last_line.clone().or_else(|| service.last_line.clone()),
            metadata: self.metadata(),
            payment: payment.map(|it| as_json(keys::PAYMENT, serde_json::to_string(it))).transpose()?,
            text: overrides.text.as_ref().map(|it| as_json(keys::TEXT, serde_json::to_string(it))).transpose()?,
            for_factor: overrides.for_factor,
            report: overrides.report.as_ref().map(|it| engine.seal_report(tenant, it)).transpose()?,
            via: overrides.via.clone(),
            trial: None,
            state: State::Pending,
            wrong_checks: 0,
            sends: 1,
            created_at: now,
            touched_at: None,
            decided_at: None,
        })
    }
}

/// The language that a number's country says, where the service wants to hear that.
fn language_of_country(service: &Service, phone: Option<&PhoneTraits>) -> Option<String> {
    phone.filter(|_| service.language_of_country)?.country.as_deref().and_then(locale::of_country)
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

/// What reports keep of a message.
pub(super) fn trial_of(message: &Message, of: &Verification, price: Price, now: Timestamp) -> Trial {
    Trial {
        tenant: of.tenant,
        id: message.id,
        verification: of.id,
        service: of.service,
        to: of.to_index,
        channel: message.channel,
        country: of.phone.as_ref().and_then(|phone| phone.country.clone()),
        successful: false,
        price_e4: price.amount_e4,
        currency: price.currency,
        updated_at: now,
    }
}

impl Engine {
    /// Refuses what nobody would carry.
    pub(super) fn must_have_way(
        &self,
        caller: &Caller,
        (channel, to): (Channel, &Address),
        via: Option<&str>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let is_carried = caller.is_test()
            || match via {
                Some(name) => self.providers().get(name).is_some(),
                None => self.routes().has_way(channel, &Destination::from(to), now),
            };
        if is_carried { Ok(()) } else { Err(Error::NoRoute(channel)) }
    }

    /// A message of a test key does not leave.
    pub(super) fn withhold_test(caller: &Caller, message: &mut Message) {
        if caller.is_test() {
            message.via = Some(TEST_PROVIDER.to_owned());
        }
    }

    /// The service, and what must be written for it to be there.
    pub(crate) async fn service_for(
        &self,
        tenant: TenantId,
        service: &ServiceRef,
        now: Timestamp,
    ) -> Result<(Service, Batch), Error> {
        if let ServiceRef::Of(service) = service {
            return Ok(((**service).clone(), Batch::new()));
        }
        if let Some(found) = self.store().service_named(tenant, service.name()).await? {
            return Ok((found, Batch::new()));
        }
        match service {
            ServiceRef::Default | ServiceRef::Named(_) | ServiceRef::Of(_) => Err(Error::NotFound(Thing::Service)),
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
        // Vendors' dialects have the language that the vendor documents.
        language_of_country: profile == Profile::Standard,
        last_line: None,
        policy: Policy::of(profile),
        created_at: now,
    }
}
