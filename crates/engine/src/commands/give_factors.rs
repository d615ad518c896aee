//! Gives a user factors that somebody else vouches for: an administrator who knows the phone, or brings the secret of an app
//! from another system. They are active at once.

use super::{Command, enrol_factor::fresh_factor};
use crate::{Caller, Engine, Error, Thing, UserRef};
use countersign_model::{
    ActivityKind, Address, Channel, Factor, FactorId, FactorKind, Means, Scope, Timestamp, User, UserId,
};
use countersign_store::{Batch, Change};
use data_encoding::BASE32_NOPAD_NOCASE;
use std::fmt;
use zeroize::Zeroizing;

/// "These are this user's."
#[derive(Debug)]
pub struct GiveFactors {
    /// Whose.
    pub user: UserId,
    /// Which.
    pub factors: Vec<GivenFactor>,
    /// Whether they take the place of all that the user has.
    pub replace: bool,
}

/// One of them.
#[derive(Debug)]
pub struct GivenFactor {
    /// What it is.
    pub kind: GivenKind,
    /// What its owner calls it.
    pub name: Option<String>,
}

/// What it is.
pub enum GivenKind {
    /// A phone or a mailbox.
    Address {
        /// Where.
        to: Address,
        /// On which way codes go there.
        preferred: Channel,
    },
    /// An app with this secret.
    Totp(AppSecret),
}

impl fmt::Debug for GivenKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Address { .. } => "Address",
            Self::Totp(_) => "Totp",
        })
    }
}

/// What an app counts with.
pub struct AppSecret(Zeroizing<Vec<u8>>);

impl AppSecret {
    /// In base 32, as people copy it; none: it is no secret, or too short or too long for one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let plain: String = text.chars().filter(|character| !" -=".contains(*character)).collect();
        let bytes = Zeroizing::new(BASE32_NOPAD_NOCASE.decode(plain.as_bytes()).ok()?);
        (SHORTEST_SECRET..=LONGEST_SECRET).contains(&bytes.len()).then_some(Self(bytes))
    }
}

/// In bytes. NIST SP 800-63B-4, 3.1.4: 112 bits at least.
const SHORTEST_SECRET: usize = 14;
const LONGEST_SECRET: usize = 64;

impl Command for GiveFactors {
    type Outcome = Vec<Factor>;
    const NEEDS: Scope = Scope::Admin;

    async fn decide(&self, engine: &Engine, caller: &Caller, now: Timestamp) -> Result<(Vec<Factor>, Batch), Error> {
        let user = engine.must_find_user(caller.tenant(), &UserRef::Id(self.user)).await?;
        let mut batch = Batch::new();
        if self.replace {
            let factors = engine.store().factors_of(user.tenant, user.id).await?;
            let services = engine.store().services(user.tenant).await?;
            let open = engine.open_codes(&user, &factors, &services).await?;
            engine.push_ends(open, &mut batch, now);
            for old in factors {
                push_activity(engine, caller, &user, (ActivityKind::FactorDeleted, &old.kind), &mut batch, now);
                batch.push(Change::DeleteFactor { tenant: old.tenant, id: old.id, version: old.version });
            }
        }
        let mut made = Vec::new();
        for given in &self.factors {
            let factor = engine.given(&user, given, now)?;
            push_activity(engine, caller, &user, (ActivityKind::Enrolled, &factor.kind), &mut batch, now);
            batch.push(Change::InsertFactor(factor.clone()));
            made.push(factor);
        }
        Ok((made, batch))
    }
}

fn push_activity(
    engine: &Engine,
    caller: &Caller,
    user: &User,
    (what, kind): (ActivityKind, &FactorKind),
    batch: &mut Batch,
    now: Timestamp,
) {
    batch.push(Change::InsertActivity(engine.activity(caller, user, what, now).by(Means::from(kind))));
}

impl Engine {
    fn given(&self, user: &User, given: &GivenFactor, now: Timestamp) -> Result<Factor, Error> {
        let id = FactorId::generate(now, self.random());
        let kind = match &given.kind {
            GivenKind::Totp(AppSecret(bytes)) => self.totp_kind(user.tenant, id, bytes)?,
            GivenKind::Address { to, preferred } => {
                let (sealed, to_index) =
                    (self.seal_address_of_factor(user.tenant, id, to)?, self.keys().blind_index(user.tenant, to));
                match to {
                    Address::Email(_) => FactorKind::Email { to: sealed, to_index },
                    Address::Phone(number) => {
                        let phone = Some(number.traits());
                        FactorKind::Phone { to: sealed, to_index, phone, channels: vec![*preferred] }
                    }
                }
            }
        };
        let fresh = fresh_factor((user, id), given.name.clone(), kind, now);
        Ok(Factor { last_used_at: None, ..fresh.used(now) })
    }
}

/// "Codes go to this phone in this way."
#[derive(Debug)]
pub struct PreferChannel {
    /// Which phone.
    pub factor: FactorId,
    /// The way.
    pub channel: Channel,
}

impl Command for PreferChannel {
    type Outcome = ();
    const NEEDS: Scope = Scope::Admin;

    async fn decide(&self, engine: &Engine, caller: &Caller, now: Timestamp) -> Result<((), Batch), Error> {
        let found = engine.store().factor(caller.tenant(), self.factor).await?;
        let mut factor = found.ok_or(Error::NotFound(Thing::Factor))?;
        let FactorKind::Phone { channels, .. } = &mut factor.kind else {
            return Err(Error::WrongChannel(self.channel));
        };
        *channels = vec![self.channel];
        factor.updated_at = now;
        Ok(((), Batch::new().with(Change::UpdateFactor(factor))))
    }
}
