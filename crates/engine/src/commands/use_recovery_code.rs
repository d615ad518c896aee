//! A recovery code comes back: once, and then never again.

use super::{Command, ServiceRef};
use crate::{Caller, Engine, Error, UserRef, remembered::Remembered};
use countersign_model::{ActivityKind, Factor, FactorKind, Means, Scope, Timestamp, User, UserId, policy::Limits};
use countersign_store::{Batch, Change};
use serde::{Deserialize, Serialize};

/// "This is one of my recovery codes."
#[derive(Debug)]
pub struct UseRecoveryCode {
    /// Whose.
    pub user: UserId,
    /// What was typed, as the codes were made: blanks and dashes are gone.
    pub code: String,
    /// In which service wrong ones count.
    pub service: ServiceRef,
    /// How many wrong ones are borne; none: as the service says.
    pub limits: Option<Limits>,
}

/// What became of it. A wrong code is an answer, not an error.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RecoveryCodeChecked {
    /// Whether it was one of the user's, and had not been used.
    pub accepted: bool,
    /// The user after it.
    pub user: User,
    /// The set after it; none if the user has none.
    pub factor: Option<Factor>,
}

impl Command for UseRecoveryCode {
    type Outcome = RecoveryCodeChecked;
    const NEEDS: Scope = Scope::VerificationsWrite;

    async fn decide(
        &self,
        engine: &Engine,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<(RecoveryCodeChecked, Batch), Error> {
        let mut user = engine.must_find_user(caller.tenant(), &UserRef::Id(self.user)).await?;
        let (service, mut batch) = engine.service_for(caller.tenant(), &self.service, now).await?;
        let limits = self.limits.as_ref().unwrap_or(&service.policy.limits);
        let of = (user.tenant, service.id);
        let mut remembered = Remembered::read(engine, of, None, Some(user.id)).await?;
        remembered.may_check(now).map_err(Error::Limited)?;

        let factors = engine.store().factors_of(user.tenant, user.id).await?;
        let set = factors.into_iter().find(|factor| !factor.is_primary());
        let spent = set.clone().and_then(|set| {
            let FactorKind::RecoveryCodes { salt, left } = &set.kind else { return None };
            let place = engine.keys().place_of_recovery_code(salt, left, &self.code)?;
            set.used_code(place, now)
        });
        let kind = if spent.is_some() { ActivityKind::Proved } else { ActivityKind::CodeRejected };
        if let Some(spent) = &spent {
            remembered.clear_failed_checks();
            (user.last_success_at, user.updated_at) = (Some(now), now);
            batch.push(Change::UpdateFactor(spent.clone()));
            batch.push(Change::UpdateUser(user.clone()));
        } else {
            remembered.count_failed_check(limits, now);
        }
        let done = engine.activity(caller, &user, kind, now).by(Means::RecoveryCodes);
        batch.push(Change::InsertActivity(done));
        if remembered.person_is_blocked {
            batch.push(Change::InsertActivity(engine.activity(caller, &user, ActivityKind::UserBlocked, now)));
        }
        batch.extend(remembered.changes());
        Ok((RecoveryCodeChecked { accepted: spent.is_some(), user, factor: spent.or(set) }, batch))
    }
}
