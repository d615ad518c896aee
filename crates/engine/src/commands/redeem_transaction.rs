//! A log-in that waited for its second factor gets it: once. That the log-in is over is written in the same batch as the use of
//! the factor and the refresh token, and can be written once, so of two parallel redemptions one succeeds, in however many
//! processes they run.

use super::{Command, ProveFactor, Wanted};
use crate::{
    Caller, Engine, Error, UserRef, keys,
    tokens::{CodeOnItsWay, Granted, Origin, PushOnItsWay, Transaction},
};
use countersign_model::{
    Activity, ActivityKind, BucketKind, BucketLevel, Checked, ChosenKind, Client, Code, Factor, FactorKind,
    FactorPurpose, Means, MfaLimits, RefreshToken, Scope, State, Timestamp, Typed, User,
};
use countersign_store::{Batch, Change};
use data_encoding::{BASE32_NOPAD, HEXLOWER};
use serde::{Deserialize, Serialize};
use std::fmt;
use zeroize::Zeroizing;

/// "This is my second factor."
pub struct RedeemTransaction<'a> {
    /// With which client.
    pub client: &'a Client,
    /// In which log-in.
    pub transaction: &'a Transaction,
    /// What is shown.
    pub shown: SecondFactor<'a>,
    /// What is wanted. Its request is not looked at: the log-in has its own.
    pub wanted: &'a Wanted,
    /// How often that can be tried.
    pub limits: &'a MfaLimits,
    /// Whether the way back in that waited for the first factor is made anew, to be shown now: nobody was shown it before.
    pub shows_recovery_code: bool,
}

/// What is shown.
#[derive(Clone, Copy)]
pub enum SecondFactor<'a> {
    /// A code of an app.
    Totp(&'a str),
    /// A code that came to an address.
    Code {
        /// Which.
        sent: &'a CodeOnItsWay,
        /// What was typed.
        typed: &'a str,
    },
    /// A recovery code.
    Recovery(&'a str),
    /// What a device was asked, or that it has registered.
    Push(&'a PushOnItsWay),
}

/// What became of it.
#[derive(Debug, Serialize, Deserialize)]
pub enum Redeemed {
    /// That was it.
    Granted(Granted),
    /// A wrong code, and how many more there can be.
    Wrong(BucketLevel),
    /// The log-in has succeeded before, and is over.
    Spent,
    /// The user has no such factor.
    NotEnrolled,
    /// The device has not answered yet, or not registered.
    Waiting,
    /// It has refused.
    Refused,
    /// Too many wrong codes: not even the right one is taken.
    TooManyWrong(BucketLevel),
    /// Too many codes in this log-in.
    TooManyTries(BucketLevel),
}

impl fmt::Debug for RedeemTransaction<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedeemTransaction").field("client", &self.client.id).finish_non_exhaustive()
    }
}

/// What a right code has proved, and what must be written for it.
struct Proved {
    batch: Batch,
    recovery_code: Option<String>,
}

/// What comparing has brought.
enum Compared {
    Right(Proved),
    /// A wrong code, and what must be written for it besides the count.
    Wrong(Batch),
    Waiting,
    Refused,
    NoSuchFactor,
}

impl Command for RedeemTransaction<'_> {
    type Outcome = Redeemed;
    const NEEDS: Scope = Scope::VerificationsWrite;

    async fn decide(&self, engine: &Engine, caller: &Caller, now: Timestamp) -> Result<(Redeemed, Batch), Error> {
        let refused = |outcome| Ok((outcome, Batch::new()));
        let transaction = self.transaction;
        // Read before the log-in is found open: a code that somebody else uses meanwhile was right once, and is not wrong now.
        let factors = engine.store().factors_of(transaction.tenant, transaction.user).await?;
        if transaction.origin != Origin::Enrolment && engine.is_redeemed(transaction.tenant, &transaction.id).await? {
            return refused(Redeemed::Spent);
        }
        let user = engine.must_find_user(transaction.tenant, &UserRef::Id(transaction.user)).await?;
        let mut tries = engine.memory_of_transaction(transaction.tenant, &transaction.id).await?;
        if matches!(self.shown, SecondFactor::Code { .. })
            && let Err(level) = tries.spent.take(BucketKind::Exchanges, self.limits.exchanges, now)
        {
            return refused(Redeemed::TooManyTries(level));
        }
        let (kind, rule) = match self.shown {
            SecondFactor::Recovery(_) => (BucketKind::WrongRecoveryCodes, self.limits.wrong_recovery_codes),
            SecondFactor::Totp(_) | SecondFactor::Code { .. } | SecondFactor::Push(_) => {
                (BucketKind::WrongCodes, self.limits.wrong_codes)
            }
        };
        let mut memory = engine.memory_of_user(transaction.tenant, user.id).await?;
        let level = memory.spent.level(kind, rule, now);
        if level.remaining == 0 {
            return refused(Redeemed::TooManyWrong(level));
        }
        let (outcome, mut batch) = match self.compare(engine, caller, &factors, now).await? {
            Compared::NoSuchFactor => return refused(Redeemed::NotEnrolled),
            Compared::Refused => return refused(Redeemed::Refused),
            // Only whoever asks in vain can ask too often: an answer is given when it is there.
            Compared::Waiting => {
                return match tries.spent.take(BucketKind::Exchanges, self.limits.exchanges, now) {
                    Ok(_) => Ok((Redeemed::Waiting, Batch::new().with(tries.change()))),
                    Err(level) => refused(Redeemed::TooManyTries(level)),
                };
            }
            Compared::Wrong(mut batch) => {
                // It was not empty a moment ago; whoever empties it is held from now on.
                let (Ok(level) | Err(level)) = memory.spent.take(kind, rule, now);
                batch.push(memory.change());
                self.push_activity(engine, caller, &user, ActivityKind::CodeRejected, &mut batch, now);
                if level.remaining == 0 {
                    let held = engine.activity(caller, &user, ActivityKind::UserBlocked, now);
                    batch.push(Change::InsertActivity(Activity { means: self.means(), ..held }));
                }
                (Redeemed::Wrong(level), batch)
            }
            Compared::Right(mut proved) => {
                let enrols = transaction.origin == Origin::Enrolment || !factors.iter().any(is_usable);
                let kind = if enrols { ActivityKind::Enrolled } else { ActivityKind::Proved };
                self.push_activity(engine, caller, &user, kind, &mut proved.batch, now);
                let refreshed = match self.refresh_token(engine).await? {
                    Ok(token) => token,
                    // It was revoked meanwhile, and so nothing comes of it any more.
                    Err(Revoked) => return refused(Redeemed::Spent),
                };
                self.succeed(engine, proved, &factors, refreshed, now)
            }
        };
        if matches!(self.shown, SecondFactor::Code { .. }) {
            batch.push(tries.change());
        }
        Ok((outcome, batch))
    }
}

impl RedeemTransaction<'_> {
    /// What a code that was sent has done is in the log already.
    fn push_activity(
        &self,
        engine: &Engine,
        caller: &Caller,
        user: &User,
        kind: ActivityKind,
        batch: &mut Batch,
        now: Timestamp,
    ) {
        let Some(means) = self.means() else { return };
        batch.push(Change::InsertActivity(engine.activity(caller, user, kind, now).by(means)));
        if kind != ActivityKind::CodeRejected {
            let seen = User { last_success_at: Some(now), updated_at: now, ..user.clone() };
            batch.push(Change::UpdateUser(seen));
        }
    }

    /// With what; of a code that was sent, its verification knows.
    const fn means(&self) -> Option<Means> {
        match self.shown {
            SecondFactor::Totp(_) => Some(Means::Totp),
            SecondFactor::Recovery(_) => Some(Means::RecoveryCodes),
            SecondFactor::Push(_) => Some(Means::Push),
            SecondFactor::Code { .. } => None,
        }
    }

    /// Compares with every factor that may be meant. A pending one may only while the user has no other, or with a token that
    /// was got with another.
    async fn compare(
        &self,
        engine: &Engine,
        caller: &Caller,
        factors: &[Factor],
        now: Timestamp,
    ) -> Result<Compared, Error> {
        let has_active = factors.iter().any(is_usable);
        let enrols = self.transaction.origin == Origin::Enrolment;
        let usable = |factor: &&Factor| match (factor.is_active(), enrols) {
            (true, enrols) => !enrols,
            (false, enrols) => enrols || !has_active,
        };
        let usable: Vec<&Factor> = factors.iter().filter(usable).collect();
        let chosen = engine.mfa_choice(self.transaction.tenant).await?;
        match self.shown {
            SecondFactor::Totp(typed) if chosen.allows(ChosenKind::Totp) => totp(engine, &usable, typed, now),
            SecondFactor::Recovery(typed) if chosen.allows(ChosenKind::RecoveryCodes) && !enrols => {
                Ok(recovery(engine, &usable, typed, now))
            }
            SecondFactor::Push(sent) if chosen.allows(ChosenKind::Push) => Ok(pushed(&usable, sent, now)),
            SecondFactor::Totp(_) | SecondFactor::Recovery(_) | SecondFactor::Push(_) => Ok(Compared::NoSuchFactor),
            SecondFactor::Code { sent, typed } => {
                let Some(factor) = usable.into_iter().find(|factor| factor.id == sent.factor) else {
                    return self.compare_without_factor(engine, sent).await;
                };
                let code = Typed::Text(Code::typed(typed));
                let user = factor.user;
                let prove = ProveFactor { verification: sent.verification, user, code, replaces_others: false };
                let (proved, batch) = prove.decide(engine, caller, now).await?;
                Ok(match proved.checked {
                    Checked::Approved => Compared::Right(Proved { batch, recovery_code: None }),
                    // A newer code has taken its place, or it was used: as good as wrong, and counted as such.
                    Checked::NotPending(
                        State::Pending
                        | State::Approved
                        | State::Denied
                        | State::Exhausted
                        | State::Cancelled
                        | State::Expired,
                    )
                    | Checked::Wrong { .. }
                    | Checked::Exhausted
                    | Checked::Held
                    | Checked::PaymentMismatch => Compared::Wrong(batch),
                })
            }
        }
    }

    /// The factor of a code is not there. One that was to confirm a factor is wrong then, since a newer one has taken its place;
    /// one that was to prove it proves something that the user no longer has.
    async fn compare_without_factor(&self, engine: &Engine, sent: &CodeOnItsWay) -> Result<Compared, Error> {
        let verification = engine.store().verification(sent.tenant, sent.verification).await?;
        let purpose = verification.and_then(|it| it.for_factor).map(|of| of.purpose);
        Ok(match purpose {
            Some(FactorPurpose::Enrol) => Compared::Wrong(Batch::new()),
            Some(FactorPurpose::Prove) | None => Compared::NoSuchFactor,
        })
    }

    /// The log-in is over, and the client gets what it asked for.
    fn succeed(
        &self,
        engine: &Engine,
        Proved { mut batch, mut recovery_code }: Proved,
        factors: &[Factor],
        refreshed: Option<RefreshToken>,
        now: Timestamp,
    ) -> (Redeemed, Batch) {
        let transaction = self.transaction;
        // The way back in waited for the first factor to be confirmed. The one that was just used is written already.
        let waiting = factors.iter().filter(|factor| !factor.is_primary() && !factor.is_active());
        if recovery_code.is_none() {
            for factor in waiting {
                let mut confirmed = Factor { last_used_at: None, ..factor.clone().used(now) };
                if self.shows_recovery_code {
                    let (code, kind) = engine.fresh_recovery_code();
                    (confirmed.kind, recovery_code) = (kind, Some(code));
                }
                batch.push(Change::UpdateFactor(confirmed));
            }
        }
        if transaction.origin != Origin::Enrolment {
            batch.push(engine.spend_transaction(transaction));
        }
        let wanted = Wanted { request: transaction.request.clone(), ..self.wanted.clone() };
        let granted = match &transaction.origin {
            Origin::Password | Origin::Caller => {
                let (granted, changes) = engine.grant(self.client, transaction.user, &wanted, true, now);
                batch.extend(changes);
                granted
            }
            Origin::Enrolment => granted_without_refresh(transaction),
            Origin::Refresh(_) => {
                // The refresh token has been through the second factor now: it is asked for no more.
                if let Some(token) = refreshed {
                    batch.push(Change::DeleteRefreshToken { tenant: token.tenant, hash: token.hash });
                    batch.push(Change::InsertRefreshToken(RefreshToken { after_mfa: true, ..token }));
                }
                granted_without_refresh(transaction)
            }
        };
        (Redeemed::Granted(Granted { recovery_code, ..granted }), batch)
    }

    /// The refresh token that the log-in began with, if it did.
    async fn refresh_token(&self, engine: &Engine) -> Result<Result<Option<RefreshToken>, Revoked>, Error> {
        let Origin::Refresh(hash) = &self.transaction.origin else { return Ok(Ok(None)) };
        let hash = HEXLOWER.decode(hash.as_bytes()).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        let hash = hash.ok_or_else(|| Error::internal("a sealed hash does not read back"))?;
        Ok(engine.store().refresh_token(&hash).await?.map(Some).ok_or(Revoked))
    }
}

/// Whether it can be asked for in a log-in.
fn is_usable(factor: &Factor) -> bool {
    factor.is_active() && factor.is_primary()
}

/// The refresh token is no more.
struct Revoked;

fn granted_without_refresh(transaction: &Transaction) -> Granted {
    Granted {
        user: transaction.user,
        request: transaction.request.clone(),
        after_mfa: true,
        refresh_token: None,
        recovery_code: None,
    }
}

fn totp(engine: &Engine, usable: &[&Factor], typed: &str, now: Timestamp) -> Result<Compared, Error> {
    let (mut has_app, mut right) = (false, None);
    for factor in usable {
        let FactorKind::Totp { secret, rule, last_step, .. } = &factor.kind else { continue };
        has_app = true;
        let context = keys::context(keys::TOTP_SECRET, factor.tenant, &factor.id.to_bytes());
        let text = engine.keys().open(secret, &context)?;
        let secret = BASE32_NOPAD.decode(text.as_bytes()).map(Zeroizing::new);
        let secret = secret.map_err(|_| Error::internal("a sealed secret of an app does not read back"))?;
        let step = rule.matching_step(&secret, typed.trim(), now, *last_step);
        if let Some(used) = step.and_then(|step| (*factor).clone().used_at_step(step, now)) {
            right = Some(used);
        }
    }
    Ok(match (has_app, right) {
        (false, _) => Compared::NoSuchFactor,
        (true, None) => Compared::Wrong(Batch::new()),
        (true, Some(used)) => {
            let batch = Batch::new().with(Change::UpdateFactor(used));
            Compared::Right(Proved { batch, recovery_code: None })
        }
    })
}

/// What a device has answered; or, where it was only to register, whether it has.
fn pushed(usable: &[&Factor], sent: &PushOnItsWay, now: Timestamp) -> Compared {
    let Some(factor) = usable.iter().find(|factor| factor.id == sent.factor) else { return Compared::NoSuchFactor };
    let Some(device) = factor.device() else { return Compared::NoSuchFactor };
    let answer = match &sent.push {
        None => device.app.as_ref().map(|_| true),
        // One that is not remembered any more was followed by others.
        Some(id) => device.push(id).map_or(Some(false), |push| push.answer),
    };
    match answer {
        None => Compared::Waiting,
        Some(false) => Compared::Refused,
        Some(true) => {
            let batch = Batch::new().with(Change::UpdateFactor((*factor).clone().used(now)));
            Compared::Right(Proved { batch, recovery_code: None })
        }
    }
}

/// A recovery code that is used is replaced by a new one.
fn recovery(engine: &Engine, usable: &[&Factor], typed: &str, now: Timestamp) -> Compared {
    let mut has_codes = false;
    for factor in usable.iter().filter(|factor| factor.is_active()) {
        let FactorKind::RecoveryCodes { salt, left } = &factor.kind else { continue };
        has_codes = true;
        let typed = typed.trim().to_ascii_uppercase();
        let Some(place) = engine.keys().place_of_recovery_code(salt, left, &typed) else { continue };
        let Some(used) = (*factor).clone().used_code(place, now) else { continue };
        let (code, kind) = engine.fresh_recovery_code();
        let FactorKind::RecoveryCodes { salt, left } = kind else { continue };
        let batch = Batch::new().with(Change::UpdateFactor(used.with_codes(salt, left, now)));
        return Compared::Right(Proved { batch, recovery_code: Some(code) });
    }
    if has_codes { Compared::Wrong(Batch::new()) } else { Compared::NoSuchFactor }
}
