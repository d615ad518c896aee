//! What the commands and queries about users and factors share: names and addresses sealed and opened, codes of a factor that
//! are still open, and the log of what was done.

use crate::{Caller, Engine, Error, Thing, commands::canonical, keys, remembered::Remembered};
use countersign_model::{
    Activity, ActivityKind, Address, BlindIndex, Event, EventKind, Factor, FactorId, FactorKind, Scope, Sealed,
    Service, TenantId, Timestamp, User, UserId, Verification,
};
use countersign_store::{Batch, Change};
use serde::{Deserialize, Serialize};

/// Which user is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserRef {
    /// This one.
    Id(UserId),
    /// The one of this name, to the letter.
    Named(String),
}

/// What a user is to be called, and how it is recognised.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Identity {
    /// Its name; none: it has only its id.
    pub name: Option<String>,
    /// Its e-mail address, where that is another than its name.
    pub email: Option<String>,
    /// The language that it reads (BCP 47).
    pub language: Option<String>,
}

impl Engine {
    /// What a user is called.
    ///
    /// # Errors
    /// When the key file lacks its key.
    pub fn name_of(&self, user: &User) -> Result<Option<String>, Error> {
        self.open_name(user.tenant, user.id, user.name.as_ref())
    }

    pub(crate) fn open_name(
        &self,
        tenant: TenantId,
        user: UserId,
        name: Option<&Sealed>,
    ) -> Result<Option<String>, Error> {
        let context = keys::context(keys::USER_NAME, tenant, &user.to_bytes());
        name.map(|sealed| Ok(self.keys().open(sealed, &context)?.to_string())).transpose()
    }

    /// A user's e-mail address, where that is another than its name.
    ///
    /// # Errors
    /// When the key file lacks its key.
    pub fn email_of(&self, user: &User) -> Result<Option<String>, Error> {
        let context = keys::context(keys::USER_EMAIL, user.tenant, &user.id.to_bytes());
        user.email.as_ref().map(|sealed| Ok(self.keys().open(sealed, &context)?.to_string())).transpose()
    }

    /// Where a factor is reached; none if it is nothing that is reached.
    ///
    /// # Errors
    /// When the key file lacks its key.
    pub fn address_of_factor(&self, factor: &Factor) -> Result<Option<Address>, Error> {
        let sealed = match &factor.kind {
            FactorKind::Phone { to, .. } | FactorKind::Email { to, .. } => to,
            FactorKind::Totp { .. } | FactorKind::RecoveryCodes { .. } => return Ok(None),
        };
        let context = keys::context(keys::FACTOR_ADDRESS, factor.tenant, &factor.id.to_bytes());
        let text = self.keys().open(sealed, &context)?;
        Address::from_normalised(&text).map(Some).map_err(|_| Error::internal("a sealed address does not read back"))
    }

    pub(crate) fn seal_address_of_factor(
        &self,
        tenant: TenantId,
        factor: FactorId,
        to: &Address,
    ) -> Result<Sealed, Error> {
        self.keys().seal(to.as_str(), &keys::context(keys::FACTOR_ADDRESS, tenant, &factor.to_bytes()), self.random())
    }

    /// A user as it is to be written.
    pub(crate) fn fresh_user(&self, tenant: TenantId, identity: &Identity, now: Timestamp) -> Result<User, Error> {
        let id = UserId::generate(now, self.random());
        let seal = |what: &[u8], text: &String| {
            self.keys().seal(text, &keys::context(what, tenant, &id.to_bytes()), self.random())
        };
        Ok(User {
            id,
            tenant,
            version: 0,
            name: identity.name.as_ref().map(|name| seal(keys::USER_NAME, name)).transpose()?,
            name_index: identity.name.as_ref().map(|name| self.keys().name_index(tenant, name)),
            password: None,
            mfa: countersign_model::MfaRule::Required,
            email: identity.email.as_ref().map(|email| seal(keys::USER_EMAIL, email)).transpose()?,
            language: identity.language.as_deref().map(canonical),
            created_at: now,
            updated_at: now,
            last_success_at: None,
            last_failure_at: None,
        })
    }

    pub(crate) async fn find_user(&self, tenant: TenantId, user: &UserRef) -> Result<Option<User>, Error> {
        Ok(match user {
            UserRef::Id(id) => self.store().user(tenant, *id).await?,
            UserRef::Named(name) => self.store().user_with_name(tenant, self.keys().name_index(tenant, name)).await?,
        })
    }

    pub(crate) async fn must_find_user(&self, tenant: TenantId, user: &UserRef) -> Result<User, Error> {
        self.find_user(tenant, user).await?.ok_or(Error::NotFound(Thing::User))
    }

    /// The user of that name, or a new one together with what makes it so.
    pub(crate) async fn find_or_make_user(
        &self,
        caller: &Caller,
        user: &UserRef,
        now: Timestamp,
    ) -> Result<(User, Batch), Error> {
        self.find_or_make_user_reading(caller, user, None, now).await
    }

    /// The same, together with what makes this the language that it reads.
    pub(crate) async fn find_or_make_user_reading(
        &self,
        caller: &Caller,
        user: &UserRef,
        language: Option<&str>,
        now: Timestamp,
    ) -> Result<(User, Batch), Error> {
        let language = language.map(canonical);
        if let Some(found) = self.find_user(caller.tenant(), user).await? {
            if language.is_none() || language == found.language {
                return Ok((found, Batch::new()));
            }
            let changed = User { language, updated_at: now, ..found };
            return Ok((changed.clone(), Batch::new().with(Change::UpdateUser(changed))));
        }
        let UserRef::Named(name) = user else { return Err(Error::NotFound(Thing::User)) };
        let identity = Identity { name: Some(name.clone()), email: None, language };
        let user = self.fresh_user(caller.tenant(), &identity, now)?;
        let made = Change::InsertActivity(self.activity(caller, &user, ActivityKind::UserCreated, now));
        Ok((user.clone(), Batch::new().with(Change::InsertUser(user)).with(made)))
    }

    /// Somebody did something with a user, now.
    pub(crate) fn activity(&self, caller: &Caller, user: &User, kind: ActivityKind, now: Timestamp) -> Activity {
        Activity::new(user, caller.actor(), kind, now, self.random())
    }

    /// The codes of a user's factors that are out, in these services.
    pub(crate) async fn open_codes(
        &self,
        user: &User,
        factors: &[Factor],
        services: &[Service],
    ) -> Result<Vec<Verification>, Error> {
        let mut open: Vec<Verification> = Vec::new();
        for service in services {
            for index in factors.iter().filter_map(address_index) {
                let pending = self.store().pending_verifications(user.tenant, service.id, index).await?;
                let is_new = |it: &Verification| open.iter().all(|known| known.id != it.id);
                let theirs = |it: &Verification| it.for_factor.is_some_and(|of| of.user == user.id) && is_new(it);
                let more: Vec<Verification> = pending.into_iter().filter(theirs).collect();
                open.extend(more);
            }
        }
        Ok(open)
    }

    /// Ends codes that are out.
    pub(crate) fn push_ends(&self, open: Vec<Verification>, batch: &mut Batch, now: Timestamp) {
        for ended in open.into_iter().filter_map(|verification| verification.cancel(now).ok()) {
            let of = (ended.tenant, ended.id);
            batch.push(Change::UpdateVerification(ended));
            batch.push(Change::InsertEvent(Event::new(of, EventKind::Cancelled, now, self.random())));
        }
    }

    /// What stands for a user's name where the name itself may not be seen: the same for the same name of a tenant.
    #[must_use]
    pub fn name_hash(&self, caller: &Caller, name: &str) -> String {
        data_encoding::HEXLOWER.encode(&self.keys().name_index(caller.tenant(), name).0)
    }

    /// A user of the caller.
    ///
    /// # Errors
    /// When there is none, or the caller may not see it.
    pub async fn user(&self, caller: &Caller, user: &UserRef) -> Result<User, Error> {
        caller.must_have(Scope::VerificationsRead)?;
        self.must_find_user(caller.tenant(), user).await
    }

    /// The language that a user reads, where that is known.
    ///
    /// # Errors
    /// When the caller may not see it.
    pub async fn language_of(&self, caller: &Caller, user: UserId) -> Result<Option<String>, Error> {
        caller.must_have(Scope::VerificationsRead)?;
        Ok(self.store().user(caller.tenant(), user).await?.and_then(|user| user.language))
    }

    /// What a user proves itself with, oldest first.
    ///
    /// # Errors
    /// When the caller may not see it.
    pub async fn factors_of(&self, caller: &Caller, user: UserId) -> Result<Vec<Factor>, Error> {
        caller.must_have(Scope::VerificationsRead)?;
        Ok(self.store().factors_of(caller.tenant(), user).await?)
    }

    /// A factor of a user of the caller.
    ///
    /// # Errors
    /// When there is none, or the caller may not see it.
    pub async fn factor(&self, caller: &Caller, id: FactorId) -> Result<Factor, Error> {
        caller.must_have(Scope::VerificationsRead)?;
        self.store().factor(caller.tenant(), id).await?.ok_or(Error::NotFound(Thing::Factor))
    }
}

impl Engine {
    /// Until when limits hold a user in a service, or the address of one of these factors of it; none if they do not.
    ///
    /// # Errors
    /// When the caller may not see it.
    pub async fn held_until(
        &self,
        caller: &Caller,
        service: &str,
        user: UserId,
        factors: &[Factor],
    ) -> Result<Option<Timestamp>, Error> {
        caller.must_have(Scope::VerificationsRead)?;
        let Some(service) = self.store().service_named(caller.tenant(), service).await? else { return Ok(None) };
        let of = (caller.tenant(), service.id);
        let mut until = Remembered::read(self, of, None, Some(user)).await?.held_until(self.now());
        for address in factors.iter().filter_map(address_index) {
            until = until.max(Remembered::read(self, of, Some(address), None).await?.held_until(self.now()));
        }
        Ok(until)
    }
}

/// What stands for where a factor is reached.
pub(crate) const fn address_index(factor: &Factor) -> Option<BlindIndex> {
    match &factor.kind {
        FactorKind::Phone { to_index, .. } | FactorKind::Email { to_index, .. } => Some(*to_index),
        FactorKind::Totp { .. } | FactorKind::RecoveryCodes { .. } => None,
    }
}
