//! Makes or changes a service. Verifications that are on their way keep the policy they started with.

use super::Command;
use crate::{Caller, Engine, Error, Thing};
use countersign_model::{LastLine, Policy, Scope, Service, ServiceId, Timestamp, tenant::is_name};
use countersign_store::{Batch, Change};

/// "These are the rules under this name."
#[derive(Debug)]
pub struct PutService {
    /// The service's name.
    pub name: String,
    /// Whether it must be new, or must exist.
    pub write: ServiceWrite,
    /// Whom its messages speak for.
    pub brand: Option<String>,
    /// Whom its messages come from.
    pub sender: Option<String>,
    /// The language of callers that name none.
    pub default_locale: String,
    /// Whether a number's country says the language where the caller names none.
    pub language_of_country: bool,
    /// What its text messages end with.
    pub last_line: Option<LastLine>,
    /// Its rules.
    pub policy: Policy,
}

/// What a write of a service may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceWrite {
    /// Make it; an existing one is an error.
    Create,
    /// Change it, as it was read at this version.
    Replace {
        /// The version that the change was made on.
        version: u32,
    },
}

impl Command for PutService {
    type Outcome = Service;
    const NEEDS: Scope = Scope::Admin;

    async fn decide(&self, engine: &Engine, caller: &Caller, now: Timestamp) -> Result<(Service, Batch), Error> {
        if !is_name(&self.name) {
            return Err(Error::BadName);
        }
        let existing = engine.store().service_named(caller.tenant(), &self.name).await?;
        let (id, version, created_at) = match (self.write, existing) {
            (ServiceWrite::Create, None) => (ServiceId::generate(now, engine.random()), 0, now),
            (ServiceWrite::Create, Some(_)) => return Err(Error::NameTaken(Thing::Service)),
            (ServiceWrite::Replace { version }, Some(old)) if old.version == version => {
                (old.id, old.version, old.created_at)
            }
            (ServiceWrite::Replace { .. }, Some(_)) => return Err(Error::Busy),
            (ServiceWrite::Replace { .. }, None) => return Err(Error::NotFound(Thing::Service)),
        };
        let service = Service {
            id,
            tenant: caller.tenant(),
            version,
            name: self.name.clone(),
            brand: self.brand.clone(),
            sender: self.sender.clone(),
            default_locale: self.default_locale.clone(),
            language_of_country: self.language_of_country,
            last_line: self.last_line.clone(),
            policy: self.policy.clone().checked()?,
            created_at,
        };
        Ok((service.clone(), Batch::new().with(Change::PutService(service))))
    }
}
