//! Gives a user another password, another rule about second factors, or another language.

use super::{Command, put_template::canonical};
use crate::{Caller, Engine, Error, UserRef};
use countersign_model::{MfaRule, Scope, Timestamp, User};
use countersign_store::{Batch, Change};

/// "From now on this is so."
#[derive(Debug)]
pub struct ChangeUser {
    /// Whose.
    pub user: UserRef,
    /// The hash of a new password ([`Engine::hash_password`]); none: as before.
    pub password: Option<String>,
    /// Whether a password is enough; none: as before.
    pub mfa: Option<MfaRule>,
    /// The language that it reads; none: as before.
    pub language: Option<KnownLanguage>,
}

/// What is known from now on of the language that somebody reads.
#[derive(Clone, Debug)]
pub enum KnownLanguage {
    /// It is this one (BCP 47).
    Is(String),
    /// Nothing.
    Unknown,
}

impl Command for ChangeUser {
    type Outcome = User;
    const NEEDS: Scope = Scope::Admin;

    async fn decide(&self, engine: &Engine, caller: &Caller, now: Timestamp) -> Result<(User, Batch), Error> {
        let before = engine.must_find_user(caller.tenant(), &self.user).await?;
        let user = User {
            password: self.password.clone().or_else(|| before.password.clone()),
            mfa: self.mfa.unwrap_or(before.mfa),
            language: match &self.language {
                None => before.language.clone(),
                Some(KnownLanguage::Is(language)) => Some(canonical(language)),
                Some(KnownLanguage::Unknown) => None,
            },
            updated_at: now,
            ..before
        };
        Ok((user.clone(), Batch::new().with(Change::UpdateUser(user))))
    }
}
