//! Logs a user in with a password. Who guesses is stopped, for each name and address apart: that way nobody locks out somebody
//! else, and nobody learns which names there are.

use super::Command;
use crate::{
    Caller, Engine, Error, UserRef,
    passwords::LONGEST_PASSWORD,
    tokens::{Granted, Origin, TokenRequest, Transaction, fresh_refresh_token},
};
use countersign_model::{
    BucketKind, BucketLevel, Client, Factor, FactorKind, Grant, MfaLimits, MfaRule, Scope, Timestamp, User, UserId,
};
use countersign_store::{Batch, Change};
use serde::{Deserialize, Serialize};
use std::{fmt, net::IpAddr, time::Duration};

/// "I am this user, and this is my password."
pub struct LogIn<'a> {
    /// With which client.
    pub client: &'a Client,
    /// Its name.
    pub name: &'a str,
    /// Its password.
    pub password: &'a str,
    /// From where, as far as that is known.
    pub peer: Option<IpAddr>,
    /// What for.
    pub wanted: &'a Wanted,
    /// How often that can be tried.
    pub limits: &'a MfaLimits,
}

/// What is wanted, and what it takes.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// What is asked for.
    pub request: TokenRequest,
    /// When a second factor is asked for.
    pub second_factor: SecondFactorRule,
    /// How long a refresh token lives.
    pub refresh_life: Duration,
}

/// When a second factor is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecondFactorRule {
    /// When the user's own rule says so.
    ByUser,
    /// Always: the tenant wants it of everybody.
    Always,
    /// When the user has one that is more than a mailbox: for tokens with which factors are added and removed.
    IfThereIsOne,
}

/// What became of it.
#[derive(Debug, Serialize, Deserialize)]
pub enum LoggedIn {
    /// There is no such user, or that is not its password.
    Wrong,
    /// Too many wrong passwords: not even the right one is taken until then.
    Blocked(Timestamp),
    /// Too many log-ins.
    TooMany(BucketLevel),
    /// That is all it takes.
    Granted(Granted),
    /// A second factor is needed.
    NeedsSecondFactor(Transaction),
}

impl fmt::Debug for LogIn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogIn").field("client", &self.client.id).finish_non_exhaustive()
    }
}

/// A password that was compared already: that is slow, and need not be done again when somebody else was quicker.
struct Compared<'a> {
    log_in: &'a LogIn<'a>,
    user: Option<UserId>,
}

impl Engine {
    /// Does it. Where a log-in was spent: how many are left.
    ///
    /// # Errors
    /// When it cannot be done.
    pub async fn log_in(&self, log_in: &LogIn<'_>) -> Result<(LoggedIn, Option<BucketLevel>), Error> {
        let tenant = log_in.client.tenant;
        let memory = self.memory_of_log_in(tenant, log_in.name, log_in.peer).await?;
        if let Err(limited) = memory.spent.may_check(self.now()) {
            return Ok((LoggedIn::Blocked(limited.retry_at), None));
        }
        let user = if log_in.password.len() <= LONGEST_PASSWORD {
            self.user_with_password(tenant, log_in.name, log_in.password).await?
        } else {
            None
        };
        let compared = Compared { log_in, user: user.map(|user| user.id) };
        self.run(&Caller::client(tenant), None, &compared).await
    }
}

impl Command for Compared<'_> {
    type Outcome = (LoggedIn, Option<BucketLevel>);
    const NEEDS: Scope = Scope::VerificationsWrite;

    async fn decide(&self, engine: &Engine, _: &Caller, now: Timestamp) -> Result<(Self::Outcome, Batch), Error> {
        let (log_in, limits) = (self.log_in, self.log_in.limits);
        let tenant = log_in.client.tenant;
        let mut memory = engine.memory_of_log_in(tenant, log_in.name, log_in.peer).await?;
        if let Err(limited) = memory.spent.may_check(now) {
            return Ok(((LoggedIn::Blocked(limited.retry_at), None), Batch::new()));
        }
        let level = match memory.spent.take(BucketKind::LogIns, limits.log_ins, now) {
            Ok(level) => Some(level),
            Err(level) => return Ok(((LoggedIn::TooMany(level), None), Batch::new())),
        };
        let user = match self.user {
            Some(id) => engine.store().user(tenant, id).await?,
            None => None,
        };
        let Some(user) = user else {
            memory.spent.count_failed_check(&limits.failed_passwords.limits(), now);
            return Ok(((LoggedIn::Wrong, level), Batch::new().with(memory.change())));
        };
        memory.spent.clear_failed_checks();
        let (outcome, batch) =
            engine.after_first_factor(log_in.client, &user, log_in.wanted, Origin::Password, now).await?;
        Ok(((outcome, level), batch.with(memory.change())))
    }
}

impl Engine {
    /// What comes after whatever showed who the user is.
    pub(crate) async fn after_first_factor(
        &self,
        client: &Client,
        user: &User,
        wanted: &Wanted,
        origin: Origin,
        now: Timestamp,
    ) -> Result<(LoggedIn, Batch), Error> {
        let needs_another = match wanted.second_factor {
            SecondFactorRule::ByUser => user.mfa == MfaRule::Required,
            SecondFactorRule::Always => true,
            SecondFactorRule::IfThereIsOne => {
                self.store().factors_of(user.tenant, user.id).await?.iter().any(is_more_than_a_mailbox)
            }
        };
        if needs_another {
            let of = (user.tenant, user.id);
            let transaction = Transaction::begin(of, &client.id, wanted.request.clone(), origin, now, self.random());
            return Ok((LoggedIn::NeedsSecondFactor(transaction), Batch::new()));
        }
        let (granted, batch) = self.grant(client, user.id, wanted, false, now);
        Ok((LoggedIn::Granted(granted), batch))
    }

    /// What a client gets that has shown enough, with a refresh token if it asked for one and may have it.
    pub(crate) fn grant(
        &self,
        client: &Client,
        user: UserId,
        wanted: &Wanted,
        after_mfa: bool,
        now: Timestamp,
    ) -> (Granted, Batch) {
        let request = wanted.request.clone();
        let mut batch = Batch::new();
        let refresh_token = (request.has("offline_access") && client.may(Grant::RefreshToken)).then(|| {
            let (kept, text) = fresh_refresh_token(self, (client, user), &request, after_mfa, wanted.refresh_life, now);
            batch.push(Change::InsertRefreshToken(kept));
            text
        });
        (Granted { user, request, after_mfa, refresh_token, recovery_code: None }, batch)
    }
}

fn is_more_than_a_mailbox(factor: &Factor) -> bool {
    factor.is_active() && factor.is_primary() && !matches!(factor.kind, FactorKind::Email { .. })
}

/// "Whoever tries to log in as this user may try again."
#[derive(Debug)]
pub struct UnblockLogIn {
    /// As whom.
    pub user: UserId,
    /// From where passwords may be tried again; none: only wrong codes are forgiven.
    pub peer: Option<IpAddr>,
}

impl Command for UnblockLogIn {
    type Outcome = ();
    const NEEDS: Scope = Scope::Admin;

    async fn decide(&self, engine: &Engine, caller: &Caller, _: Timestamp) -> Result<((), Batch), Error> {
        let user = engine.must_find_user(caller.tenant(), &UserRef::Id(self.user)).await?;
        let mut memories = vec![engine.memory_of_user(user.tenant, user.id).await?];
        if let (Some(name), true) = (engine.name_of(&user)?, self.peer.is_some()) {
            memories.push(engine.memory_of_log_in(user.tenant, &name, self.peer).await?);
        }
        let mut batch = Batch::new();
        for mut memory in memories {
            if memory.spent.release() {
                batch.push(memory.change());
            }
        }
        Ok(((), batch))
    }
}
