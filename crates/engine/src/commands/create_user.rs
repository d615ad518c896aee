//! Makes a user.

use super::Command;
use crate::{Caller, Engine, Error, Identity, Thing, UserRef};
use countersign_model::{ActivityKind, MfaRule, Scope, Timestamp, User};
use countersign_store::{Batch, Change};

/// "A new user."
#[derive(Debug)]
pub struct CreateUser {
    /// What it is called and how it is reached.
    pub identity: Identity,
    /// The hash of its password (PHC string format); none for somebody who logs in elsewhere.
    pub password: Option<String>,
    /// Whether a password is enough.
    pub mfa: MfaRule,
}

impl Command for CreateUser {
    type Outcome = User;
    const NEEDS: Scope = Scope::VerificationsWrite;

    async fn decide(&self, engine: &Engine, caller: &Caller, now: Timestamp) -> Result<(User, Batch), Error> {
        if let Some(name) = &self.identity.name
            && engine.find_user(caller.tenant(), &UserRef::Named(name.clone())).await?.is_some()
        {
            return Err(Error::NameTaken(Thing::User));
        }
        let fresh = engine.fresh_user(caller.tenant(), &self.identity, now)?;
        let user = User { password: self.password.clone(), mfa: self.mfa, ..fresh };
        let made = engine.activity(caller, &user, ActivityKind::UserCreated, now);
        let batch = Batch::new().with(Change::InsertUser(user.clone())).with(Change::InsertActivity(made));
        Ok((user, batch))
    }
}
