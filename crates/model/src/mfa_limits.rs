//! How often second factors, passwords and their messages can be tried. Each rule is a bucket of one user, or of one
//! transaction or one address of a caller; the fillings are kept with what is remembered of those ([`crate::Destination`]).

use crate::{
    BucketRule, Policy, Profile,
    policy::{FailedChecks, Limits},
};
use serde::Deserialize;

/// The limits of a way to log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a section")]
pub struct MfaLimits {
    /// Wrong one-time codes of a user, of whatever factor.
    pub wrong_codes: BucketRule,
    /// Wrong recovery codes of a user.
    pub wrong_recovery_codes: BucketRule,
    /// Text messages and calls to a user.
    pub phone_messages: BucketRule,
    /// Mails to a user.
    pub mails: BucketRule,
    /// Questions on a user's devices.
    pub pushes: BucketRule,
    /// Codes tried within one transaction.
    pub exchanges: BucketRule,
    /// Log-ins as one user from one address.
    pub log_ins: BucketRule,
    /// Wrong passwords in a row for one user from one address.
    pub failed_passwords: PasswordRule,
}

/// When guessing of passwords is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a section")]
pub struct PasswordRule {
    /// So many wrong ones in a row.
    pub max: u32,
    /// For how long, in seconds.
    pub hold_seconds: u32,
}

impl PasswordRule {
    /// The same, as the limits of a destination that counts nothing else.
    #[must_use]
    pub fn limits(self) -> Limits {
        let none = Policy::of(Profile::Compat).limits;
        let failed_checks = FailedChecks { max: self.max, hold_seconds: self.hold_seconds, ..none.failed_checks };
        Limits { failed_checks, sends: Vec::new(), ..none }
    }
}

impl MfaLimits {
    /// As they are when nobody sets them otherwise.
    pub const USUAL: Self = Self {
        wrong_codes: BucketRule { size: 10, refill_seconds: 360 },
        wrong_recovery_codes: BucketRule { size: 10, refill_seconds: 360 },
        phone_messages: BucketRule { size: 10, refill_seconds: 3600 },
        mails: BucketRule { size: 20, refill_seconds: 60 },
        pushes: BucketRule { size: 5, refill_seconds: 12 },
        exchanges: BucketRule { size: 12, refill_seconds: 5 },
        log_ins: BucketRule { size: 20, refill_seconds: 6 },
        failed_passwords: PasswordRule { max: 10, hold_seconds: 30 * 86_400 },
    };
}
