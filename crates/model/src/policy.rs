//! The rules of a verification. A verification carries a copy, frozen at its start: editing a service never changes what
//! is already on its way.

use crate::CodeShape;
use serde::{Deserialize, Serialize};

/// The rules by which a verification lives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// What a generated code looks like.
    pub code: CodeShape,
    /// How long a code can be used, in seconds; 0 means for ever.
    pub life_seconds: u64,
    /// How many wrong codes a verification survives less one: with 5, the fifth wrong code ends it; 0 means any number.
    pub max_checks: u32,
    /// How many messages a verification may send, the first included; 0 means any number.
    pub max_sends: u32,
    /// What "send it again" means.
    pub resend: ResendRule,
    /// Whether the number is looked up (HLR) before a message is paid for; an unknown number is refused.
    pub number_lookup: bool,
    /// What a check that may not be tried again does.
    #[serde(default, skip_serializing_if = "OnFailure::is_usual")]
    pub on_failure: OnFailure,
    /// What one destination may cost and try, over all its verifications in one service.
    pub limits: Limits,
}

/// What the last wrong code, and a check with other payment data, do to a verification.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// Both end it.
    #[default]
    Ends,
    /// Both are wrong checks like others. Once all checks are spent it takes no further one and sends nothing, so that a guesser
    /// gets no new chances, and stays pending until its time runs out or its caller ends it.
    Holds,
}

impl OnFailure {
    // The signature is serde's.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    fn is_usual(&self) -> bool {
        *self == Self::Ends
    }
}

/// What "send it again" means for the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResendRule {
    /// The same code goes out again; its life is not prolonged.
    SameCode,
    /// A new code goes out, with a life of its own; the old one is dead at once.
    NewCodeKillsOld,
    /// A new code goes out, with a life of its own; the old one stays good until a provider has accepted the new message.
    NewCodeAfterAccept,
}

/// Durable limits within one service: of one destination (a phone number or an e-mail address), and of one person where
/// a verification proves a factor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// The shortest time between two messages, in seconds; 0 means none.
    pub send_gap_seconds: u32,
    /// How many messages in any span of so many seconds.
    pub sends: Vec<Window>,
    /// What follows when a window is full: none more is sent or checked for so long, in seconds, and then all is counted
    /// anew. 0: only sending waits, and only until the window lets it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub block_seconds: u32,
    /// Wrong codes, counted across verifications.
    pub failed_checks: FailedChecks,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// At most `count` in any `seconds`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// How many.
    pub count: u32,
    /// In how many seconds.
    pub seconds: u32,
}

/// When guessing is stopped (NIST SP 800-63B-4, 3.2.2: at most 100 consecutive failures).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FailedChecks {
    /// After so many wrong codes the destination is held; 0 means never.
    pub max: u32,
    /// Only those of the last so many seconds count. 0: those in a row, however long that takes; a new code does not reset
    /// the count, a right one does.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub window_seconds: u32,
    /// For how long no code is sent to it and none is checked, in seconds. One more wrong code after that holds it again.
    pub hold_seconds: u32,
}

/// A named set of defaults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// For the native API: what the standards ask for.
    Standard,
    /// For services of a vendor's dialect: what that vendor documents, with a generous backstop.
    Compat,
}

/// Why a policy is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPolicy {
    /// Too long a life.
    #[error("life_seconds must be at most 86400")]
    Life,
    /// A window that says nothing, or too many of them.
    #[error("limits.sends takes at most 8 windows, each with a count from 1 to 1000 and 1 to 2592000 seconds")]
    Window,
    /// A hold that never ends.
    #[error(
        "limits.failed_checks.hold_seconds must be from 1 to 2592000, window_seconds and limits.block_seconds at most that"
    )]
    Hold,
}

const DAY: u32 = 86_400;
const MONTH: u32 = 30 * DAY;

impl Policy {
    /// The defaults of a profile.
    #[must_use]
    pub fn of(profile: Profile) -> Self {
        match profile {
            Profile::Standard => Self {
                code: CodeShape::SIX_DIGITS,
                life_seconds: 300,
                max_checks: 5,
                max_sends: 5,
                resend: ResendRule::SameCode,
                number_lookup: false,
                on_failure: OnFailure::Ends,
                limits: Limits {
                    send_gap_seconds: 60,
                    sends: vec![Window { count: 5, seconds: 600 }, Window { count: 10, seconds: DAY }],
                    block_seconds: 0,
                    failed_checks: FailedChecks { max: 20, window_seconds: 0, hold_seconds: 3600 },
                },
            },
            Profile::Compat => Self {
                code: CodeShape::SIX_DIGITS,
                life_seconds: 3600,
                max_checks: 3,
                max_sends: 0,
                resend: ResendRule::SameCode,
                number_lookup: false,
                on_failure: OnFailure::Ends,
                limits: Limits {
                    send_gap_seconds: 0,
                    sends: vec![Window { count: 100, seconds: DAY }],
                    block_seconds: 0,
                    failed_checks: FailedChecks { max: 100, window_seconds: 0, hold_seconds: DAY },
                },
            },
        }
    }

    /// For how many minutes a code can be used, begun ones counted; none: there is no end.
    #[must_use]
    pub fn life_minutes(&self) -> Option<u32> {
        let minutes = self.life_seconds.div_ceil(60);
        (minutes > 0).then(|| u32::try_from(minutes).unwrap_or(u32::MAX))
    }

    /// Checks what types cannot.
    ///
    /// # Errors
    /// Names the first rule that makes no sense.
    pub fn checked(self) -> Result<Self, BadPolicy> {
        if self.life_seconds > DAY.into() {
            return Err(BadPolicy::Life);
        }
        self.limits.check()?;
        Ok(self)
    }
}

impl Limits {
    /// Checks what types cannot.
    ///
    /// # Errors
    /// Names the first rule that makes no sense.
    pub fn check(&self) -> Result<(), BadPolicy> {
        let sane = |window: &Window| (1..=1000).contains(&window.count) && (1..=MONTH).contains(&window.seconds);
        if self.sends.len() > 8 || !self.sends.iter().all(sane) {
            return Err(BadPolicy::Window);
        }
        let failed = self.failed_checks;
        if !(1..=MONTH).contains(&failed.hold_seconds) || failed.window_seconds.max(self.block_seconds) > MONTH {
            return Err(BadPolicy::Hold);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_profiles_pass_their_own_check() {
        for profile in [Profile::Standard, Profile::Compat] {
            assert!(Policy::of(profile).checked().is_ok());
        }
    }

    #[test]
    fn rules_that_make_no_sense_are_refused() {
        let standard = Policy::of(Profile::Standard);
        assert_eq!(Policy { life_seconds: u64::from(DAY) + 1, ..standard.clone() }.checked(), Err(BadPolicy::Life));
        let mut windowless = standard.clone();
        windowless.limits.sends = vec![Window { count: 0, seconds: 60 }];
        assert_eq!(windowless.checked(), Err(BadPolicy::Window));
        let mut endless = standard;
        endless.limits.failed_checks.hold_seconds = 0;
        assert_eq!(endless.checked(), Err(BadPolicy::Hold));
    }
}
