//! What was done to users and by them, in the past tense: the log that an operator searches and exports. It never holds a code
//! or an address, and a name only sealed.

use crate::{
    ActivityId, Channel, FactorKind, FactorPurpose, KeyId, Random, Sealed, TenantId, Timestamp, User, UserId,
    Verification, VerificationId,
};
use serde::{Deserialize, Serialize};

/// Something that was done to or by a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activity {
    /// Its name; sorts by time.
    pub id: ActivityId,
    /// Whose it is.
    pub tenant: TenantId,
    /// When.
    pub at: Timestamp,
    /// Which user.
    pub user: UserId,
    /// What that user was called then, sealed as in [`User::name`]: it outlives the user.
    pub name: Option<Sealed>,
    /// Who did it.
    pub actor: Actor,
    /// What.
    pub kind: ActivityKind,
    /// With what, where that means something.
    pub means: Option<Means>,
    /// The verification that it belongs to.
    pub verification: Option<VerificationId>,
    /// What that is for.
    pub purpose: Option<FactorPurpose>,
}

/// Who did something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// An application, with this key; none: with a credential that is no key.
    Application(Option<KeyId>),
    /// The operator.
    Operator,
}

/// With what a person is reached or recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Means {
    /// Text messages.
    Sms,
    /// Calls.
    Voice,
    /// Mail.
    Email,
    /// Messages by WhatsApp.
    Whatsapp,
    /// Messages by Telegram.
    Telegram,
    /// An app that counts out codes.
    Totp,
    /// A question on a device.
    Push,
    /// Recovery codes.
    RecoveryCodes,
}

/// The closed list of what can be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActivityKind {
    /// The user was made.
    UserCreated,
    /// The user went, with its factors.
    UserDeleted,
    /// Too many messages or wrong codes: nothing more is sent or checked for a while.
    UserBlocked,
    /// The operator ended that.
    UserReleased,
    /// A factor is to be enrolled; a code is on its way to it.
    EnrolmentStarted,
    /// The factor can be used.
    Enrolled,
    /// It cannot: too many wrong codes.
    EnrolmentFailed,
    /// A code is on its way, for the user to prove to be itself.
    ProofStarted,
    /// The user has proved to be itself.
    Proved,
    /// It has not: too many wrong codes, or one that came too late.
    ProofFailed,
    /// A wrong code, or a wrong recovery code.
    CodeRejected,
    /// No provider took the message with the code.
    CodeNotSent,
    /// A set of recovery codes was made.
    RecoveryCodesMade,
    /// A factor got another name.
    FactorRenamed,
    /// A factor was taken away.
    FactorDeleted,
}

impl ActivityKind {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::UserCreated,
        Self::UserDeleted,
        Self::UserBlocked,
        Self::UserReleased,
        Self::EnrolmentStarted,
        Self::Enrolled,
        Self::EnrolmentFailed,
        Self::ProofStarted,
        Self::Proved,
        Self::ProofFailed,
        Self::CodeRejected,
        Self::CodeNotSent,
        Self::RecoveryCodesMade,
        Self::FactorRenamed,
        Self::FactorDeleted,
    ];

    /// Whether it is bad news.
    #[must_use]
    pub const fn is_failure(self) -> bool {
        match self {
            Self::UserBlocked | Self::EnrolmentFailed | Self::ProofFailed | Self::CodeRejected | Self::CodeNotSent => {
                true
            }
            Self::UserCreated
            | Self::UserDeleted
            | Self::UserReleased
            | Self::EnrolmentStarted
            | Self::Enrolled
            | Self::ProofStarted
            | Self::Proved
            | Self::RecoveryCodesMade
            | Self::FactorRenamed
            | Self::FactorDeleted => false,
        }
    }
}

impl Activity {
    /// Something that is done now.
    #[must_use]
    pub fn new(user: &User, actor: Actor, kind: ActivityKind, now: Timestamp, random: &dyn Random) -> Self {
        Self {
            id: ActivityId::generate(now, random),
            tenant: user.tenant,
            at: now,
            user: user.id,
            name: user.name.clone(),
            actor,
            kind,
            means: None,
            verification: None,
            purpose: None,
        }
    }

    /// With this.
    #[must_use]
    pub const fn by(mut self, means: Means) -> Self {
        self.means = Some(means);
        self
    }

    /// It belongs to this verification, and so to its channel.
    #[must_use]
    pub fn of(mut self, verification: &Verification) -> Self {
        (self.verification, self.means) = (Some(verification.id), Some(verification.channel.into()));
        self.purpose = verification.for_factor.map(|of| of.purpose);
        self
    }
}

impl From<Channel> for Means {
    fn from(channel: Channel) -> Self {
        match channel {
            Channel::Sms => Self::Sms,
            Channel::Voice => Self::Voice,
            Channel::Email => Self::Email,
            Channel::Whatsapp => Self::Whatsapp,
            Channel::Telegram => Self::Telegram,
        }
    }
}

impl From<&FactorKind> for Means {
    fn from(kind: &FactorKind) -> Self {
        match kind {
            FactorKind::Phone { channels, .. } => channels.first().map_or(Self::Sms, |channel| (*channel).into()),
            FactorKind::Email { .. } => Self::Email,
            FactorKind::Totp { .. } => Self::Totp,
            FactorKind::RecoveryCodes { .. } => Self::RecoveryCodes,
        }
    }
}
