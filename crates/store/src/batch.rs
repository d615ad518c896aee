//! What a command wants written: a list of changes that become true together.
//!
//! A value that was read carries the version it was read at (`version`; 0 for one that did not exist). Writing it back
//! asserts that nobody has written in between; if somebody has, the whole batch is refused with `Conflict`, and the command
//! reads and decides again.

use crate::sandbox;
use countersign_model::{
    Account, Activity, ApiKey, BlindIndex, Callback, CallbackId, Channel, Client, Configuration, Destination, Event,
    Factor, FactorId, KeyId, Message, MessageId, MfaChoice, MfaSession, RefreshToken, Sealed, Service, ServiceId,
    SigningKey, Template, Tenant, TenantId, Timestamp, Trial, User, UserId, Verification, VerificationId,
    WebhookDelivery, WebhookDeliveryId, WebhookEndpoint, WebhookEndpointId,
    message::{MessageState, Purpose},
};

/// One thing to write.
#[derive(Clone, Debug)]
pub enum Change {
    /// A new tenant. Asserts that its id and its name are free.
    InsertTenant(Tenant),
    /// A new key, found by the keyed hash of its secret. Asserts that the id is free.
    InsertApiKey {
        /// The key.
        key: ApiKey,
        /// HMAC-SHA-256 of its secret.
        hash: [u8; 32],
    },
    /// The key was used. Never undoes a revocation.
    TouchApiKey {
        /// Whose.
        tenant: TenantId,
        /// Which.
        id: KeyId,
        /// When.
        at: Timestamp,
    },
    /// The key no longer works. Asserts that it exists and still works.
    RevokeApiKey {
        /// Whose.
        tenant: TenantId,
        /// Which.
        id: KeyId,
        /// Since when.
        at: Timestamp,
    },
    /// A service, new (version 0; asserts that its name is free) or changed (asserts the version).
    PutService(Service),
    /// The service goes; asserts the version. Verifications that were started under it keep their frozen policy.
    DeleteService {
        /// Whose.
        tenant: TenantId,
        /// Which.
        id: ServiceId,
        /// As it was read.
        version: u32,
    },
    /// A configuration, new (version 0; asserts that its name is free) or changed (asserts the version).
    PutConfiguration(Configuration),
    /// The configuration goes; asserts the version. What ran under it stays.
    DeleteConfiguration {
        /// Whose.
        tenant: TenantId,
        /// Which.
        id: ServiceId,
        /// As it was read.
        version: u32,
    },
    /// A new trial. Asserts that its id is free.
    InsertTrial(Trial),
    /// The code of a trial was accepted. Asserts that it was not before.
    TrialSucceeded {
        /// Whose.
        tenant: TenantId,
        /// Which.
        id: MessageId,
        /// When.
        at: Timestamp,
    },
    /// What a tenant may spend, new (version 0) or changed. Asserts the version.
    PutAccount(Account),
    /// A template, new or in place of the old one.
    PutTemplate(Template),
    /// The template goes. Asserts that it exists.
    DeleteTemplate {
        /// Whose.
        tenant: TenantId,
        /// Which message.
        message: Purpose,
        /// On which channel.
        channel: Channel,
        /// In which language.
        locale: String,
    },
    /// A new verification. Asserts that its id is free.
    InsertVerification(Verification),
    /// A changed one. Asserts the version.
    UpdateVerification(Verification),
    /// Changes nothing: asserts the version of a verification that something else in the batch speaks of.
    AssertVerification {
        /// Whose.
        tenant: TenantId,
        /// Which.
        id: VerificationId,
        /// As it was read.
        version: u32,
    },
    /// What is remembered of an address, new (version 0) or changed. Asserts the version.
    PutDestination {
        /// Whose.
        tenant: TenantId,
        /// In which service.
        service: ServiceId,
        /// Which address.
        index: BlindIndex,
        /// The memory.
        destination: Destination,
    },
    /// A new message: the outbox is woken once the batch is on the disk. Asserts that its id is free.
    InsertMessage(Message),
    /// A new message that whoever writes it sends at once: nobody is woken. Asserts that its id is free.
    InsertLeasedMessage {
        /// The message, in that state.
        message: Message,
        /// Until when it is its writer's, on the clock that nobody moves.
        until: Timestamp,
    },
    /// A changed one. Asserts the version, so a worker whose lease was taken over cannot write.
    UpdateMessage(Message),
    /// Something that happened.
    InsertEvent(Event),
    /// Something to tell a caller's server; whoever tells is woken once the batch is on the disk. Asserts that its id is free.
    InsertCallback(Callback),
    /// A worker takes it, or the call was made in vain. Asserts the version.
    UpdateCallback(Callback),
    /// It was told, or is given up. Asserts the version.
    DeleteCallback {
        /// Whose.
        tenant: TenantId,
        /// Which.
        id: CallbackId,
        /// As it was read.
        version: u32,
    },
    /// The answer to a request with an idempotency key. Asserts that the key is free.
    InsertAnswer(Answer),
    /// Forgets answers older than a moment, at most so many of them.
    PurgeAnswers {
        /// Only those made before this.
        before: Timestamp,
        /// No more than this.
        limit: u32,
    },
    /// Forgets verifications that ended before a moment, with their messages, events and trials, at most so many of them; and texts of
    /// callers' own that were done with before it.
    PurgeVerifications {
        /// Only those decided before this.
        before: Timestamp,
        /// No more than this.
        limit: u32,
    },
    /// Forgets destinations that have been quiet since before a moment and have no verification left.
    PurgeDestinations {
        /// Only those quiet since before this.
        before: Timestamp,
        /// No more than this.
        limit: u32,
    },
    /// A new user. Asserts that its id and its name are free.
    InsertUser(User),
    /// A changed one. Asserts the version, and that the name is its own.
    UpdateUser(User),
    /// The user goes, with its factors; asserts the version.
    DeleteUser {
        /// Whose.
        tenant: TenantId,
        /// Which.
        id: UserId,
        /// As it was read.
        version: u32,
    },
    /// A new factor. Asserts that its id is free.
    InsertFactor(Factor),
    /// A changed one. Asserts the version.
    UpdateFactor(Factor),
    /// The factor goes; asserts the version.
    DeleteFactor {
        /// Whose.
        tenant: TenantId,
        /// Which.
        id: FactorId,
        /// As it was read.
        version: u32,
    },
    /// Something that can be used once is used. Asserts that it was not.
    SpendToken {
        /// Whose.
        tenant: TenantId,
        /// Keyed hash of it.
        id: [u8; 32],
        /// When it would have ended anyway.
        until: Timestamp,
    },
    /// Forgets what was used and would have ended before a moment, at most so many.
    PurgeSpentTokens {
        /// Only those that ended before this.
        before: Timestamp,
        /// No more than this.
        limit: u32,
    },
    /// Something that was done to or by a user. Asserts that its id is free.
    InsertActivity(Activity),
    /// Forgets what was done before a moment, at most so much of it.
    PurgeActivities {
        /// Only what was done before this.
        before: Timestamp,
        /// No more than this.
        limit: u32,
    },
    /// A client, new (version 0; asserts that its id is free) or changed (asserts the version).
    PutClient(Client),
    /// The client goes. Asserts that it exists.
    DeleteClient {
        /// Whose.
        tenant: TenantId,
        /// Which.
        id: String,
    },
    /// A key that signs tokens, new (version 0) or changed (asserts the version). Asserts that no other one is current or
    /// next when it is.
    PutSigningKey(SigningKey),
    /// The key goes; asserts the version.
    DeleteSigningKey {
        /// Which.
        kid: String,
        /// As it was read.
        version: u32,
    },
    /// A new refresh token. Asserts that its hash is free.
    InsertRefreshToken(RefreshToken),
    /// The refresh token no longer works; it may have ended before.
    DeleteRefreshToken {
        /// Whose.
        tenant: TenantId,
        /// Keyed hash of its text.
        hash: [u8; 32],
    },
    /// Forgets refresh tokens that ended before a moment, at most so many of them.
    PurgeRefreshTokens {
        /// Only those that ended before this or then.
        before: Timestamp,
        /// No more than this.
        limit: u32,
    },
    /// What a tenant has chosen about second factors, new (version 0) or changed. Asserts the version.
    PutMfaChoice(MfaChoice),
    /// A visit to the page of a second factor, new (version 0; asserts that its id is free) or changed (asserts the version).
    PutMfaSession(MfaSession),
    /// Forgets visits that ended before a moment, at most so many of them.
    PurgeMfaSessions {
        /// Only those that ended before this or then.
        before: Timestamp,
        /// No more than this.
        limit: u32,
    },
    /// A server that is told of events, new (version 0; asserts that its id is free) or changed (asserts the version). Every process
    /// hears of it once the batch is on the disk.
    PutWebhookEndpoint(WebhookEndpoint),
    /// It is told no more; asserts the version. What is on its way to it is dropped when it is due.
    DeleteWebhookEndpoint {
        /// Whose.
        tenant: TenantId,
        /// Which.
        id: WebhookEndpointId,
        /// As it was read.
        version: u32,
    },
    /// An event for an endpoint; whoever tells is woken once the batch is on the disk. Asserts that its id is free.
    InsertWebhookDelivery(WebhookDelivery),
    /// A worker takes it, it was tried in vain, or it is to be tried again. Asserts the version.
    UpdateWebhookDelivery(WebhookDelivery),
    /// It was told, or its endpoint is gone: whoever has it then, it is not told again.
    DeleteWebhookDelivery {
        /// Whose.
        tenant: TenantId,
        /// Which.
        id: WebhookDeliveryId,
    },
    /// Forgets dead letters that are older than a moment, at most so many of them.
    PurgeWebhookDeliveries {
        /// Only those dead since before this.
        before: Timestamp,
        /// No more than this.
        limit: u32,
    },
    /// A fact about this installation, kept under a name. Asserts that it is not there yet.
    InsertSetting {
        /// Its name.
        name: &'static str,
        /// Its value.
        value: String,
    },
    /// Nothing that anybody reads: whether it can be written is what counts.
    Probe,
    /// Something of the sandbox: dev mode only.
    Sandbox(sandbox::Change),
}

/// Changes that become true together, or not at all.
#[derive(Clone, Debug, Default)]
pub struct Batch(pub(crate) Vec<Change>);

impl Batch {
    /// All of these.
    #[must_use]
    pub fn of(changes: impl IntoIterator<Item = Change>) -> Self {
        Self(changes.into_iter().collect())
    }

    /// What another one holds, too.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// An empty one.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// One more change. They are applied in this order.
    #[must_use]
    pub fn with(mut self, change: Change) -> Self {
        self.0.push(change);
        self
    }

    /// What it says that happened, in its order.
    pub fn events(&self) -> impl Iterator<Item = &Event> {
        self.0.iter().filter_map(|change| if let Change::InsertEvent(event) = change { Some(event) } else { None })
    }

    /// A verification as it stands once the batch is true; none: it says nothing of it.
    #[must_use]
    pub fn verification(&self, tenant: TenantId, id: VerificationId) -> Option<&Verification> {
        fn of_change(change: &Change) -> Option<&Verification> {
            if let Change::InsertVerification(it) | Change::UpdateVerification(it) = change { Some(it) } else { None }
        }
        self.0.iter().rev().filter_map(of_change).find(|it| it.tenant == tenant && it.id == id)
    }

    /// Whether it puts something into the outbox.
    #[must_use]
    pub fn has_new_messages(&self) -> bool {
        self.0.iter().any(|change| matches!(change, Change::InsertMessage(_)))
    }

    /// Leases new messages to whoever writes this batch, those that `wants` says. Gives them as they stand once the batch is true, in
    /// the order in which `wants` was asked.
    pub fn lease_new_messages(&mut self, until: Timestamp, mut wants: impl FnMut(&Message) -> bool) -> Vec<Message> {
        let mut leased = Vec::new();
        for change in &mut self.0 {
            if let Change::InsertMessage(message) = change
                && wants(message)
            {
                let message = Message { state: MessageState::Leased, ..message.clone() };
                leased.push(Message { version: message.version + 1, ..message.clone() });
                *change = Change::InsertLeasedMessage { message, until };
            }
        }
        leased
    }

    /// Whether it says something of webhook endpoints.
    #[must_use]
    pub fn concerns_webhook_endpoints(&self) -> bool {
        let concerns =
            |change: &Change| matches!(change, Change::PutWebhookEndpoint(_) | Change::DeleteWebhookEndpoint { .. });
        self.0.iter().any(concerns)
    }

    /// Whether nothing is to be written.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One more change.
    pub fn push(&mut self, change: Change) {
        self.0.push(change);
    }
}

/// The answer that a request with an idempotency key got, so that its repetition gets the same.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Whose.
    pub tenant: TenantId,
    /// Keyed hash of the idempotency key.
    pub key: [u8; 32],
    /// Keyed hash of the request: another request under the same key is an error.
    pub request: [u8; 32],
    /// The outcome, sealed, since it may hold addresses and new keys.
    pub outcome: Sealed,
    /// When it was given.
    pub created_at: Timestamp,
}
