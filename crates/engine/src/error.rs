//! Why the engine could not answer. Expected outcomes (a wrong code, an expired verification) are not errors: they stand in
//! the return types. No HTTP status and no user's words here: each dialect puts these into its own, in one `match`.

use countersign_model::{
    Channel, Limited, Scope, configuration::BadConfiguration, policy::BadPolicy, verification::NotPossible,
    webhook::BadEndpoint,
};
use countersign_store::Error as StoreError;

/// Why the engine could not answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller's key does not allow it.
    #[error("the key lacks the scope {}", .0.name())]
    Forbidden(Scope),
    /// There is no such thing in the caller's tenant.
    #[error("no such {0}")]
    NotFound(Thing),
    /// The name is in use.
    #[error("there is a {0} of this name already")]
    NameTaken(Thing),
    /// The name is no name.
    #[error("a name has 1 to 64 characters of a-z, 0-9, '-', '_' and '.', and begins with a letter or digit")]
    BadName,
    /// What its owner calls a key cannot be shown.
    #[error("what a key is called has 1 to 64 visible characters, on one line and without a link")]
    BadLabel,
    /// The verification's state does not allow it.
    #[error(transparent)]
    NotPossible(#[from] NotPossible),
    /// A limit of the destination refused.
    #[error("a limit of this destination refuses it")]
    Limited(Limited),
    /// The address cannot be reached on this channel, or what is to be said cannot be said there.
    #[error("this cannot be sent by {}: the address is of another kind, or more is to be said than a code", .0.name())]
    WrongChannel(Channel),
    /// No provider serves the channel.
    #[error("no provider is configured for {}", .0.name())]
    NoRoute(Channel),
    /// The number lookup knows no such number.
    #[error("this number does not exist, says the number lookup or the numbering plan")]
    NumberUnknown,
    /// Payment data is bound, and the check brought none.
    #[error("this verification is bound to a payment, which the check must repeat")]
    PaymentMissing,
    /// The check brought payment data, and none is bound.
    #[error("this verification is not bound to a payment")]
    PaymentUnexpected,
    /// The policy makes no sense.
    #[error(transparent)]
    BadPolicy(#[from] BadPolicy),
    /// The choice cannot be.
    #[error(transparent)]
    BadConfiguration(#[from] BadConfiguration),
    /// The change changes nothing.
    #[error("this changes nothing")]
    Unchanged,
    /// The caller brings a code of its own, and the address waits for another one.
    #[error("the address waits for another code, which must be cancelled first")]
    OtherCode,
    /// The template cannot be used, for each of these reasons.
    #[error("the template cannot be used")]
    BadTemplate(Vec<TemplateFinding>),
    /// The idempotency key was used for another request.
    #[error("this idempotency key was used for another request")]
    IdempotencyMismatch,
    /// The default service stays.
    #[error("the default service cannot be removed")]
    DefaultService,
    /// The account has less than the message costs, or than is to be moved.
    #[error("the account has not enough balance")]
    NotEnoughBalance,
    /// No such amount of money can be held or moved.
    #[error("this is no amount of money that an account can hold or move")]
    BadAmount,
    /// The user has nothing that a code can be sent to in this way.
    #[error("the user has no active factor that a code can be sent to by {}", .0.name())]
    NoFactor(Channel),
    /// What pays for the request can be used once, and was.
    #[error("this token was used before")]
    Spent,
    /// The webhook endpoint cannot be so, or cannot do so.
    #[error(transparent)]
    BadEndpoint(#[from] BadEndpoint),
    /// Too many others want to change the same thing at once. Worth trying again.
    #[error("too many requests change the same thing at once")]
    Busy,
    /// The store has no room. Nothing was changed; worth trying again.
    #[error("the store has no room: {0}")]
    NoRoom(String),
    /// The store did not answer: it may have been done or not.
    #[error("the store is not available: {0}")]
    Unavailable(String),
    /// A fault of ours. The text is for the log, never for the caller.
    #[error("internal error: {0}")]
    Internal(String),
}

/// One thing that is wrong with a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateFinding {
    /// In which of its texts: `subject`, `text` or `html`.
    pub part: &'static str,
    /// What.
    pub problem: String,
}

/// What was not found, or is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thing {
    /// A verification.
    Verification,
    /// A service.
    Service,
    /// A template.
    Template,
    /// An API key.
    Key,
    /// A message.
    Message,
    /// A tenant.
    Tenant,
    /// An account beside the main one.
    Account,
    /// A configuration.
    Configuration,
    /// A trial.
    Trial,
    /// A user.
    User,
    /// A factor of a user.
    Factor,
    /// An application that asks for tokens.
    Client,
    /// The result of a visit to the page of a second factor.
    MfaResult,
    /// A server that is told of events.
    WebhookEndpoint,
    /// An event on its way to one.
    WebhookDelivery,
}

impl std::fmt::Display for Thing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Verification => "verification",
            Self::Service => "service",
            Self::Template => "template",
            Self::Key => "key",
            Self::Message => "message",
            Self::Tenant => "tenant",
            Self::Account => "account",
            Self::Configuration => "configuration",
            Self::Trial => "trial",
            Self::User => "user",
            Self::Factor => "factor",
            Self::Client => "client",
            Self::MfaResult => "result",
            Self::WebhookEndpoint => "webhook endpoint",
            Self::WebhookDelivery => "webhook delivery",
        })
    }
}

impl Error {
    pub(crate) fn internal(what: &str) -> Self {
        Self::Internal(what.to_owned())
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            // Whoever writes handles conflicts itself; one that comes out of a read is a fault.
            StoreError::Conflict => Self::Busy,
            StoreError::Full(why) => Self::NoRoom(why),
            StoreError::Unavailable(why) => Self::Unavailable(why),
            StoreError::Damaged(why) => Self::Internal(why),
        }
    }
}
