//! The tokens of this API, all of them compact JWS with HS512: what kinds there are, and what each is good for.
//!
//! | kind | scope | subject | its own name |
//! |---|---|---|---|
//! | `access` | `api` | the key | random |
//! | `intent` | `enroll` or `approve`, then its channels, if it is not for all | the user, or a hash of a name that nobody has | random |
//! | `status` | `sms:enroll` or `sms:approve` | the user | the transaction |
//! | `transaction` | the same, and what became of it | the user | the transaction |

use super::{Settings, error::Refused};
use crate::Web;
use countersign_engine::{commands::OneTime, instance_tokens::InstanceClaims};
use countersign_model::{FactorPurpose, State, TenantId, Timestamp, UserId, Verification, VerificationId};

pub(super) const INTENT: &str = "intent";
pub(super) const STATUS: &str = "status";
pub(super) const TRANSACTION: &str = "transaction";
/// The word that a transaction token has only if it proves something.
pub(super) const SUCCEEDED: &str = "succeeded";
pub(super) const FAILED: &str = "failed";

/// Who gives out a token, and when.
pub(super) struct Issuer<'a> {
    pub web: &'a Web,
    pub base_url: &'a str,
    pub tenant: TenantId,
    pub now: Timestamp,
}

impl Issuer<'_> {
    pub(super) fn intent(&self, subject: String, scope: String) -> Result<String, Refused> {
        let life = self.settings().intent_life;
        self.token(INTENT, (subject, self.web.engine().fresh_token_id()), scope, (self.now, life))
    }

    /// The credential of a transaction that has begun: it lives as long as its code.
    pub(super) fn status(&self, of: &Verification) -> Result<String, Refused> {
        let life = self.settings().code_life;
        self.token(STATUS, names(of), scope_of(of), (of.created_at, life))
    }

    /// What became of a transaction that is over.
    pub(super) fn transaction(&self, of: &Verification, since: Timestamp) -> Result<String, Refused> {
        let word = if of.state_at(self.now) == State::Approved { SUCCEEDED } else { FAILED };
        let life = self.settings().transaction_life;
        self.token(TRANSACTION, names(of), format!("{} {word}", scope_of(of)), (since, life))
    }

    fn settings(&self) -> &Settings {
        &self.web.dialects().nevis
    }

    fn token(
        &self,
        kind: &str,
        (sub, jti): (String, String),
        scope: String,
        (since, life_seconds): (Timestamp, u32),
    ) -> Result<String, Refused> {
        let since = since.as_ms().div_euclid(1000);
        let claims = InstanceClaims {
            aud: kind.to_owned(),
            iss: self.base_url.to_owned(),
            sub,
            jti,
            iat: since,
            nbf: since,
            exp: Some(since + i64::from(life_seconds)),
            scope,
            tenant: self.tenant,
        };
        self.web.engine().sign(&claims).map_err(|error| Refused::of(&error, self.now))
    }
}

/// Which transaction of which user a status token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Transaction {
    pub user: UserId,
    pub verification: VerificationId,
}

impl Transaction {
    /// None: it is no status token.
    pub(super) fn of(claims: &InstanceClaims) -> Option<Self> {
        let user = UserId::from_uuid(&claims.sub)?;
        let verification = VerificationId::from_uuid(&claims.jti)?;
        (claims.aud == STATUS).then_some(Self { user, verification })
    }
}

/// What a token is, where it can be used once.
pub(super) fn one_time(claims: &InstanceClaims) -> OneTime {
    OneTime { id: format!("{}:{}", claims.aud, claims.jti), until: claims.end() }
}

fn names(of: &Verification) -> (String, String) {
    let user = of.for_factor.map(|of| of.user.to_uuid()).unwrap_or_default();
    (user, of.id.to_uuid())
}

fn scope_of(of: &Verification) -> String {
    let operation = match of.for_factor.map(|of| of.purpose) {
        Some(FactorPurpose::Enrol) => "enroll",
        Some(FactorPurpose::Prove) | None => "approve",
    };
    format!("sms:{operation}")
}
