//! A second factor is shown for the first time, in a log-in that waits for one or with a token for that: an app, or an address
//! that gets a code. It proves nothing until its first right code ([`super::RedeemTransaction`]).

use super::{
    Command, EnrolFactor,
    enrol_factor::fresh_factor,
    make_recovery_codes::{drawn, fresh_salt},
    send_second_factor_code::{CodeSent, CodeWording, code_sent, overrides},
};
use crate::{
    Caller, Engine, Error, UserRef, keys,
    tokens::{Origin, Transaction},
};
use countersign_model::{
    ActivityKind, Address, BucketLevel, Channel, ChosenKind, Device, Factor, FactorId, FactorKind, Means, MfaChoice,
    MfaLimits, Scope, TenantId, Timestamp, Totp, User,
};
use countersign_store::{Batch, Change};
use data_encoding::BASE32_NOPAD;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// "This is to be my second factor."
#[derive(Debug)]
pub struct EnrolSecondFactor<'a> {
    /// In which log-in.
    pub transaction: &'a Transaction,
    /// What it is.
    pub factor: NewFactor,
    /// How its code is to be sent, if it gets one.
    pub wording: CodeWording,
    /// How often that can be done.
    pub limits: &'a MfaLimits,
}

/// What a new factor is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NewFactor {
    /// An app, with a secret that is made here.
    Totp,
    /// An app that is asked by push, too: it registers before its factor is confirmed.
    Push,
    /// A phone or a mailbox.
    Address {
        /// Where.
        to: Address,
        /// On which way its code goes there.
        channel: Channel,
    },
}

/// What became of it.
#[derive(Serialize, Deserialize)]
pub enum SecondFactorEnrolled {
    /// The log-in has succeeded, and is over.
    Spent,
    /// The user has a second factor, and must use it first.
    HasOne,
    /// The tenant has no factors of this kind.
    NotChosen,
    /// Too many messages.
    TooMany(BucketLevel),
    /// Its secret, for the app.
    Totp {
        /// In base 32, as apps take it (RFC 4648).
        secret: String,
        /// The user's way back in, shown this once.
        recovery_code: Option<String>,
    },
    /// Its app may register.
    Push {
        /// Which factor.
        factor: FactorId,
        /// The user's way back in, shown this once.
        recovery_code: Option<String>,
    },
    /// Its code is on its way.
    Address {
        /// Which code.
        sent: CodeSent,
        /// The user's way back in, shown this once.
        recovery_code: Option<String>,
    },
}

impl Command for EnrolSecondFactor<'_> {
    type Outcome = SecondFactorEnrolled;
    const NEEDS: Scope = Scope::VerificationsWrite;

    async fn decide(
        &self,
        engine: &Engine,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<(SecondFactorEnrolled, Batch), Error> {
        let refused = |outcome| Ok((outcome, Batch::new()));
        let (tenant, of) = (self.transaction.tenant, self.transaction.user);
        let user = engine.must_find_user(tenant, &UserRef::Id(of)).await?;
        let choice = engine.mfa_choice(tenant).await?;
        if !choice.allows(self.factor.kind()) {
            return refused(SecondFactorEnrolled::NotChosen);
        }
        let factors = engine.store().factors_of(tenant, of).await?;
        let has_one = factors.iter().any(|factor| factor.is_active() && factor.is_primary());
        if has_one && self.transaction.origin != Origin::Enrolment {
            return refused(SecondFactorEnrolled::HasOne);
        }
        if self.transaction.origin != Origin::Enrolment && engine.is_redeemed(tenant, &self.transaction.id).await? {
            return refused(SecondFactorEnrolled::Spent);
        }
        let mut batch = Batch::new();
        let recovery_code = engine.first_recovery_code(&choice, &user, &factors, &mut batch, now);
        let outcome = match &self.factor {
            NewFactor::Totp | NewFactor::Push => {
                push_ends_of_pending_apps(&factors, &mut batch);
                let id = FactorId::generate(now, engine.random());
                let mut secret = Zeroizing::new([0; Totp::SECRET_BYTES]);
                engine.random().fill(&mut *secret);
                let kind = engine.totp_kind(tenant, id, &*secret)?;
                let mut factor = fresh_factor((&user, id), None, kind, now);
                let is_push = self.factor == NewFactor::Push;
                if is_push {
                    factor = factor.with_device(Device::default(), now);
                }
                let means = if is_push { Means::Push } else { Means::Totp };
                let begun = engine.activity(caller, &user, ActivityKind::EnrolmentStarted, now).by(means);
                batch.push(Change::InsertFactor(factor));
                batch.push(Change::InsertActivity(begun));
                if is_push {
                    SecondFactorEnrolled::Push { factor: id, recovery_code }
                } else {
                    SecondFactorEnrolled::Totp { secret: BASE32_NOPAD.encode(&*secret), recovery_code }
                }
            }
            NewFactor::Address { to, channel } => {
                let level = match engine.spend_message(self.transaction, *channel, self.limits, now).await? {
                    Ok((spent, level)) => {
                        batch.push(spent);
                        level
                    }
                    Err(level) => return refused(SecondFactorEnrolled::TooMany(level)),
                };
                let enrol = EnrolFactor {
                    user: UserRef::Id(of),
                    service: self.wording.service.clone(),
                    channel: *channel,
                    to: to.clone(),
                    name: None,
                    locale: self.wording.locale.clone(),
                    overrides: overrides(self.transaction, &self.wording),
                    // Whoever starts again means the new one.
                    replaces_pending: true,
                };
                let (enrolling, changes) = enrol.decide(engine, caller, now).await?;
                batch.extend(changes);
                let sent = code_sent(self.transaction, &enrolling.factor, &enrolling.started, level, now);
                SecondFactorEnrolled::Address { sent, recovery_code }
            }
        };
        Ok((outcome, batch))
    }
}

fn push_ends_of_pending_apps(factors: &[Factor], batch: &mut Batch) {
    let is_app = |factor: &&Factor| matches!(factor.kind, FactorKind::Totp { .. });
    for old in factors.iter().filter(|factor| !factor.is_active()).filter(is_app) {
        batch.push(Change::DeleteFactor { tenant: old.tenant, id: old.id, version: old.version });
    }
}

impl NewFactor {
    const fn kind(&self) -> ChosenKind {
        match self {
            Self::Totp => ChosenKind::Totp,
            Self::Push => ChosenKind::Push,
            Self::Address { channel, .. } => chosen_kind(*channel),
        }
    }
}

/// The kind of factor that a channel belongs to.
pub(crate) const fn chosen_kind(channel: Channel) -> ChosenKind {
    match channel {
        Channel::Sms | Channel::Whatsapp | Channel::Telegram => ChosenKind::Sms,
        Channel::Voice => ChosenKind::Voice,
        Channel::Email => ChosenKind::Email,
    }
}

/// What the recovery codes are made of that come with a second factor, and how long they are.
pub const RECOVERY_ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
/// The same.
pub const RECOVERY_LENGTH: u8 = 24;

impl Engine {
    pub(super) fn totp_kind(&self, tenant: TenantId, factor: FactorId, secret: &[u8]) -> Result<FactorKind, Error> {
        let context = keys::context(keys::TOTP_SECRET, tenant, &factor.to_bytes());
        let text = Zeroizing::new(BASE32_NOPAD.encode(secret));
        let secret = self.keys().seal(&text, &context, self.random())?;
        Ok(FactorKind::Totp { secret, rule: Totp::USUAL, last_step: None, device: None })
    }

    /// With a user's first factor of all comes its way back in, which waits with it.
    fn first_recovery_code(
        &self,
        choice: &MfaChoice,
        user: &User,
        factors: &[Factor],
        batch: &mut Batch,
        now: Timestamp,
    ) -> Option<String> {
        if !factors.is_empty() || !choice.allows(ChosenKind::RecoveryCodes) {
            return None;
        }
        let (code, kind) = self.fresh_recovery_code();
        let id = FactorId::generate(now, self.random());
        batch.push(Change::InsertFactor(fresh_factor((user, id), None, kind, now)));
        Some(code)
    }

    /// One code, and a set of it alone.
    pub(super) fn fresh_recovery_code(&self) -> (String, FactorKind) {
        let code = drawn(RECOVERY_ALPHABET, RECOVERY_LENGTH, self.random());
        let salt = fresh_salt(self.random());
        let left = vec![self.keys().recovery_hash(&salt, &code)];
        (code, FactorKind::RecoveryCodes { salt, left })
    }
}
