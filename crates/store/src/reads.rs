//! What can be asked of a [`Store`]. Every read sees all that was answered before it began; none changes anything, and
//! none looks into another tenant's rows.

use crate::{
    Answer, Backend, DeliveryFilter, Error, Page, Slice, Store, TrialFilter, TrialTotals, postgres,
    sandbox::{Call, InboxFilter, InboxMessage, Lookup, PlannedOutcome},
    sqlite,
};
use countersign_model::{
    Account, Activity, ActivityKind, ApiKey, BlindIndex, Callback, Channel, Client, Configuration, Destination, Event,
    Factor, FactorId, Message, MessageId, MfaChoice, MfaSession, RefreshToken, Service, ServiceId, SigningKey,
    Template, Tenant, TenantId, Timestamp, Trial, User, UserId, Verification, VerificationId, WebhookDelivery,
    WebhookDeliveryId, WebhookEndpoint, WebhookEndpointId,
    message::{MessageState, Purpose},
};

/// Which activities are wanted.
#[derive(Clone, Debug)]
pub struct ActivityFilter {
    /// None older than this.
    pub from: Timestamp,
    /// All older than this.
    pub until: Timestamp,
    /// Only these.
    pub kinds: Vec<ActivityKind>,
    /// Only those that come after this one in the list: none, from its beginning.
    pub before: Option<Cursor>,
    /// At most so many.
    pub limit: u32,
}

/// A place in a list that goes by time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    pub(crate) at: Timestamp,
    pub(crate) place: i64,
}

/// Asks the table's file of the backend that is open.
macro_rules! ask {
    ($store:expr, $table:ident::$question:ident($($argument:expr),*)) => {{
        let answer = match &$store.0.backend {
            Backend::Sqlite(sqlite) => {
                sqlite.read(|connection| sqlite::$table::$question(connection, $($argument),*)).await
            }
            // On the heap, so that whoever asks a file does not carry the state of a question over the network around.
            Backend::Postgres(postgres) => Box::pin(postgres::$table::$question(postgres, $($argument),*)).await,
        };
        // Between what was read and what is done about it anything can happen, and tests see to it that it does.
        #[cfg(feature = "testing")]
        crate::testing::answered().await;
        answer
    }};
}

/// Each of them fails when the store cannot be read.
#[expect(clippy::missing_errors_doc, reason = "said once for all of them, in the line above")]
impl Store {
    /// A tenant.
    pub async fn tenant(&self, id: TenantId) -> Result<Option<Tenant>, Error> {
        ask!(self, tenants::with_id(id))
    }

    /// The tenant of that name.
    pub async fn tenant_named(&self, name: &str) -> Result<Option<Tenant>, Error> {
        ask!(self, tenants::named(name))
    }

    /// All tenants, by name.
    pub async fn tenants(&self) -> Result<Vec<Tenant>, Error> {
        ask!(self, tenants::all())
    }

    /// The key whose secret has this keyed hash, whether or not it was revoked.
    pub async fn api_key_by_hash(&self, hash: &[u8; 32]) -> Result<Option<ApiKey>, Error> {
        ask!(self, api_keys::with_hash(hash))
    }

    /// All keys of a tenant, the revoked ones among them, oldest first.
    pub async fn api_keys(&self, tenant: TenantId) -> Result<Vec<ApiKey>, Error> {
        ask!(self, api_keys::of(tenant))
    }

    /// A service.
    pub async fn service(&self, tenant: TenantId, id: ServiceId) -> Result<Option<Service>, Error> {
        ask!(self, services::with_id(tenant, id))
    }

    /// The service of that name.
    pub async fn service_named(&self, tenant: TenantId, name: &str) -> Result<Option<Service>, Error> {
        ask!(self, services::named(tenant, name))
    }

    /// All services of a tenant, by name.
    pub async fn services(&self, tenant: TenantId) -> Result<Vec<Service>, Error> {
        ask!(self, services::of(tenant))
    }

    /// A configuration.
    pub async fn configuration(&self, tenant: TenantId, id: ServiceId) -> Result<Option<Configuration>, Error> {
        ask!(self, configurations::with_id(tenant, id))
    }

    /// The configuration of that name.
    pub async fn configuration_named(&self, tenant: TenantId, name: &str) -> Result<Option<Configuration>, Error> {
        ask!(self, configurations::named(tenant, name))
    }

    /// A part of the tenant's configurations, the newest first.
    pub async fn configurations(&self, tenant: TenantId, slice: Slice) -> Result<Page<Configuration>, Error> {
        ask!(self, configurations::of(tenant, slice))
    }

    /// A trial.
    pub async fn trial(&self, tenant: TenantId, id: MessageId) -> Result<Option<Trial>, Error> {
        ask!(self, trials::with_id(tenant, id))
    }

    /// A part of the trials that a filter lets through, the newest first.
    pub async fn trials(&self, tenant: TenantId, filter: &TrialFilter, slice: Slice) -> Result<Page<Trial>, Error> {
        ask!(self, trials::of(tenant, filter, slice))
    }

    /// How many trials a filter lets through.
    pub async fn trial_totals(&self, tenant: TenantId, filter: &TrialFilter) -> Result<TrialTotals, Error> {
        ask!(self, trials::totals(tenant, filter))
    }

    /// Of the verifications of a service whose messages are trials, a part of those that can be checked, the newest first.
    pub async fn checkable_verifications(
        &self,
        tenant: TenantId,
        service: ServiceId,
        now: Timestamp,
        slice: Slice,
    ) -> Result<Page<Verification>, Error> {
        ask!(self, verifications::checkable(tenant, service, now, slice))
    }

    /// The tenant's account of that name; the main one has an empty name.
    pub async fn account(&self, tenant: TenantId, name: &str) -> Result<Option<Account>, Error> {
        ask!(self, accounts::find(tenant, name))
    }

    /// The tenant's own text for exactly this message, channel and language.
    pub async fn template(
        &self,
        tenant: TenantId,
        message: Purpose,
        channel: Channel,
        locale: &str,
    ) -> Result<Option<Template>, Error> {
        ask!(self, templates::find(tenant, message, channel, locale))
    }

    /// All texts of a tenant, by message, channel and language.
    pub async fn templates(&self, tenant: TenantId) -> Result<Vec<Template>, Error> {
        ask!(self, templates::of(tenant))
    }

    /// A verification.
    pub async fn verification(&self, tenant: TenantId, id: VerificationId) -> Result<Option<Verification>, Error> {
        ask!(self, verifications::with_id(tenant, id))
    }

    /// The verification whose grid is behind the link with this keyed hash, whosever it is.
    pub async fn verification_of_link(&self, link: BlindIndex) -> Result<Option<Verification>, Error> {
        ask!(self, verifications::with_link(link))
    }

    /// The one that was started last for this address in this service, in whatever state it is. Last is meant by the order
    /// of writing: two ids of one millisecond have no order.
    pub async fn latest_verification(
        &self,
        tenant: TenantId,
        service: ServiceId,
        to: BlindIndex,
    ) -> Result<Option<Verification>, Error> {
        ask!(self, verifications::latest(tenant, service, to))
    }

    /// Verifications of all tenants that are written down as pending and whose last code is dead, the longest overdue first.
    pub async fn overdue_verifications(&self, now: Timestamp, limit: u32) -> Result<Vec<Verification>, Error> {
        ask!(self, verifications::overdue(now, limit))
    }

    /// What is remembered of an address; the default for one never seen.
    pub async fn destination(
        &self,
        tenant: TenantId,
        service: ServiceId,
        index: BlindIndex,
    ) -> Result<Destination, Error> {
        ask!(self, destinations::find(tenant, service, index))
    }

    /// A message.
    pub async fn message(&self, tenant: TenantId, id: MessageId) -> Result<Option<Message>, Error> {
        ask!(self, messages::with_id(tenant, id))
    }

    /// The messages of a verification, in the order of their making.
    pub async fn messages_of(&self, tenant: TenantId, of: VerificationId) -> Result<Vec<Message>, Error> {
        ask!(self, messages::of(tenant, of))
    }

    /// Accepted messages of all tenants whose receipt did not come in time, the longest overdue first.
    pub async fn overdue_receipts(&self, now: Timestamp, limit: u32) -> Result<Vec<Message>, Error> {
        ask!(self, messages::overdue_receipts(now, limit))
    }

    /// The first moment, on the clock of the rules, at which something is to be done: a queued message goes out, a receipt
    /// is overdue, a callback is to be made, or a pending verification ends. None: nothing waits for a moment.
    pub async fn next_due(&self) -> Result<Option<Timestamp>, Error> {
        ask!(self, messages::next_due())
    }

    /// The first moment, on the clock that nobody moves, at which a lease ends. None: there is no lease.
    pub async fn next_lease_end(&self) -> Result<Option<Timestamp>, Error> {
        ask!(self, messages::next_lease_end())
    }

    /// How many messages are queued, and how many leased. The other states are not counted: they grow without end.
    pub async fn message_counts(&self) -> Result<Vec<(MessageState, u64)>, Error> {
        ask!(self, messages::counts())
    }

    /// Of any tenant, the message that a provider knows under this name.
    pub async fn message_with_reference(&self, provider: &str, reference: &str) -> Result<Option<Message>, Error> {
        ask!(self, messages::with_reference(provider, reference))
    }

    /// Callbacks that are due on the clock of the rules and that nobody has on the one that nobody moves, the longest due
    /// first.
    pub async fn due_callbacks(&self, now: Timestamp, wall: Timestamp, limit: u32) -> Result<Vec<Callback>, Error> {
        ask!(self, callbacks::due(now, wall, limit))
    }

    /// The calls that dev mode recorded after this place, oldest first.
    pub async fn sandbox_calls(&self, after: u64, limit: u32) -> Result<Vec<Call>, Error> {
        ask!(self, sandbox::calls(after, limit))
    }

    /// What happened to a verification, in the order of writing.
    pub async fn events_of(&self, tenant: TenantId, of: VerificationId) -> Result<Vec<Event>, Error> {
        ask!(self, events::of(tenant, of))
    }

    /// The answer that the request with this idempotency key got.
    pub async fn answer(&self, tenant: TenantId, key: &[u8; 32]) -> Result<Option<Answer>, Error> {
        ask!(self, answers::find(tenant, key))
    }

    /// Whether a purge of answers older than the first moment and of what ended before the second would find something.
    pub async fn is_more_to_purge(&self, answers: Timestamp, ended: Timestamp) -> Result<bool, Error> {
        ask!(self, verifications::is_more_to_purge(answers, ended))
    }

    /// A user.
    pub async fn user(&self, tenant: TenantId, id: UserId) -> Result<Option<User>, Error> {
        ask!(self, users::with_id(tenant, id))
    }

    /// The user of that name.
    pub async fn user_with_name(&self, tenant: TenantId, name: BlindIndex) -> Result<Option<User>, Error> {
        ask!(self, users::with_name(tenant, name))
    }

    /// A factor.
    pub async fn factor(&self, tenant: TenantId, id: FactorId) -> Result<Option<Factor>, Error> {
        ask!(self, factors::with_id(tenant, id))
    }

    /// All factors of a user, oldest first.
    pub async fn factors_of(&self, tenant: TenantId, user: UserId) -> Result<Vec<Factor>, Error> {
        ask!(self, factors::of(tenant, user))
    }

    /// Whether something that can be used once was used.
    pub async fn is_spent(&self, tenant: TenantId, id: &[u8; 32]) -> Result<bool, Error> {
        ask!(self, spent_tokens::is_spent(tenant, id))
    }

    /// What was done to users of a tenant and by them, the newest first, each with its place for [`ActivityFilter::before`].
    pub async fn activities(
        &self,
        tenant: TenantId,
        filter: &ActivityFilter,
    ) -> Result<Vec<(Cursor, Activity)>, Error> {
        ask!(self, activities::newest(tenant, filter))
    }

    /// Verifications of an address in a service that are written down as pending, oldest first.
    pub async fn pending_verifications(
        &self,
        tenant: TenantId,
        service: ServiceId,
        to: BlindIndex,
    ) -> Result<Vec<Verification>, Error> {
        ask!(self, verifications::pending(tenant, service, to))
    }

    /// The client of that id, whichever tenant it belongs to.
    pub async fn client(&self, id: &str) -> Result<Option<Client>, Error> {
        ask!(self, clients::with_id(id))
    }

    /// All clients of a tenant, by id.
    pub async fn clients(&self, tenant: TenantId) -> Result<Vec<Client>, Error> {
        ask!(self, clients::of(tenant))
    }

    /// Whether pages of this origin belong to a client of whichever tenant.
    pub async fn is_origin_of_a_client(&self, origin: &str) -> Result<bool, Error> {
        ask!(self, clients::has_origin(origin))
    }

    /// All keys that sign tokens or have signed them.
    pub async fn signing_keys(&self) -> Result<Vec<SigningKey>, Error> {
        ask!(self, signing_keys::all())
    }

    /// The refresh token whose text has this keyed hash, whether or not it has ended.
    pub async fn refresh_token(&self, hash: &[u8; 32]) -> Result<Option<RefreshToken>, Error> {
        ask!(self, refresh_tokens::with_hash(hash))
    }

    /// The visit whose link has this keyed hash, whichever tenant it belongs to, and whether or not it has ended.
    pub async fn mfa_session(&self, id: BlindIndex) -> Result<Option<MfaSession>, Error> {
        ask!(self, mfa_sessions::with_id(id))
    }

    /// What a tenant has chosen about second factors.
    pub async fn mfa_choice(&self, tenant: TenantId) -> Result<Option<MfaChoice>, Error> {
        ask!(self, mfa_choices::of(tenant))
    }

    /// All servers of all tenants that are told of events.
    pub async fn webhook_endpoints(&self) -> Result<Vec<WebhookEndpoint>, Error> {
        ask!(self, webhook_endpoints::all())
    }

    /// A server that is told of events.
    pub async fn webhook_endpoint(
        &self,
        tenant: TenantId,
        id: WebhookEndpointId,
    ) -> Result<Option<WebhookEndpoint>, Error> {
        ask!(self, webhook_endpoints::with_id(tenant, id))
    }

    /// An event on its way to an endpoint, or a dead letter.
    pub async fn webhook_delivery(
        &self,
        tenant: TenantId,
        id: WebhookDeliveryId,
    ) -> Result<Option<WebhookDelivery>, Error> {
        ask!(self, webhook_deliveries::with_id(tenant, id))
    }

    /// A tenant's deliveries that a filter lets through, the newest first.
    pub async fn webhook_deliveries(
        &self,
        tenant: TenantId,
        filter: &DeliveryFilter,
    ) -> Result<Vec<WebhookDelivery>, Error> {
        ask!(self, webhook_deliveries::of(tenant, filter))
    }

    /// Deliveries of all tenants that are due on the clock of the rules, and nobody has any of their line on the one that nobody moves,
    /// the longest due first; not for these endpoints.
    pub async fn due_webhook_deliveries(
        &self,
        now: Timestamp,
        wall: Timestamp,
        except: &[WebhookEndpointId],
        limit: u32,
    ) -> Result<Vec<WebhookDelivery>, Error> {
        ask!(self, webhook_deliveries::due(now, wall, except, limit))
    }

    /// All that waits of a line at an endpoint, in the order of writing: whether or not it is due, and whoever has it.
    pub async fn pending_webhook_deliveries(
        &self,
        endpoint: WebhookEndpointId,
        line: &[u8; 16],
    ) -> Result<Vec<WebhookDelivery>, Error> {
        ask!(self, webhook_deliveries::pending_of(endpoint, line))
    }

    /// When the first delivery is due whose line nobody has any of, on the clock of the rules; not for these endpoints.
    pub async fn next_webhook_due(
        &self,
        wall: Timestamp,
        except: &[WebhookEndpointId],
    ) -> Result<Option<Timestamp>, Error> {
        ask!(self, webhook_deliveries::next_due(wall, except))
    }

    /// When the first lease of a delivery ends, on the clock that nobody moves.
    pub async fn next_webhook_lease_end(&self, wall: Timestamp) -> Result<Option<Timestamp>, Error> {
        ask!(self, webhook_deliveries::next_lease_end(wall))
    }

    /// A fact about this installation.
    pub async fn setting(&self, name: &str) -> Result<Option<String>, Error> {
        ask!(self, settings::find(name))
    }

    /// Messages of the sandbox's inbox, oldest first.
    pub async fn inbox(&self, filter: &InboxFilter) -> Result<Vec<InboxMessage>, Error> {
        ask!(self, sandbox::inbox(filter))
    }

    /// What the sandbox does with the next messages to this normalised address.
    pub async fn planned_outcome(&self, to: &str) -> Result<PlannedOutcome, Error> {
        ask!(self, sandbox::planned_outcome(to))
    }

    /// What the sandbox's number lookup says of this normalised number.
    pub async fn planned_lookup(&self, to: &str) -> Result<Lookup, Error> {
        ask!(self, sandbox::planned_lookup(to))
    }

    /// How far the clock of the rules was moved forward, in milliseconds.
    pub async fn clock_offset_ms(&self) -> Result<u64, Error> {
        ask!(self, sandbox::clock_offset_ms())
    }
}
