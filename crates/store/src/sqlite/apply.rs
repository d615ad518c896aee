//! Which table a change belongs to.

use super::{
    accounts, activities, answers, api_keys, callbacks, clients, configurations, destinations, events, factors,
    messages, mfa_choices, mfa_sessions, refresh_tokens, sandbox, services, settings, signing_keys, spent_tokens,
    templates, tenants, trials, users, verifications, webhook_deliveries, webhook_endpoints,
};
use crate::{Change, Error};
use rusqlite::Connection;

/// Makes one change, or fails with [`Error::Conflict`] when what it asserts does not hold.
pub(super) fn apply(connection: &Connection, change: &Change) -> Result<(), Error> {
    match change {
        Change::InsertTenant(tenant) => tenants::insert(connection, tenant),
        Change::InsertApiKey { key, hash } => api_keys::insert(connection, key, hash),
        Change::TouchApiKey { tenant, id, at } => api_keys::touch(connection, *tenant, *id, *at),
        Change::RevokeApiKey { tenant, id, at } => api_keys::revoke(connection, *tenant, *id, *at),
        Change::PutService(service) => services::put(connection, service),
        Change::DeleteService { tenant, id, version } => services::delete(connection, *tenant, *id, *version),
        Change::PutAccount(account) => accounts::put(connection, account),
        Change::PutTemplate(template) => templates::put(connection, template),
        Change::DeleteTemplate { tenant, message, channel, locale } => {
            templates::delete(connection, *tenant, *message, *channel, locale)
        }
        Change::PutConfiguration(configuration) => configurations::put(connection, configuration),
        Change::DeleteConfiguration { tenant, id, version } => {
            configurations::delete(connection, *tenant, *id, *version)
        }
        Change::InsertTrial(trial) => trials::insert(connection, trial),
        Change::TrialSucceeded { tenant, id, at } => trials::succeed(connection, *tenant, *id, *at),
        Change::InsertVerification(verification) => verifications::insert(connection, verification),
        Change::UpdateVerification(verification) => verifications::update(connection, verification),
        Change::AssertVerification { tenant, id, version } => verifications::assert(connection, *tenant, *id, *version),
        Change::PutDestination { tenant, service, index, destination } => {
            destinations::put(connection, *tenant, *service, *index, destination)
        }
        Change::InsertMessage(message) => messages::insert(connection, message, None),
        Change::InsertLeasedMessage { message, until } => messages::insert(connection, message, Some(*until)),
        Change::UpdateMessage(message) => messages::update(connection, message),
        Change::InsertEvent(event) => events::insert(connection, event),
        Change::InsertCallback(callback) => callbacks::insert(connection, callback),
        Change::UpdateCallback(callback) => callbacks::update(connection, callback),
        Change::DeleteCallback { tenant, id, version } => callbacks::delete(connection, *tenant, *id, *version),
        Change::InsertAnswer(answer) => answers::insert(connection, answer),
        Change::PurgeAnswers { before, limit } => answers::purge(connection, *before, *limit),
        Change::PurgeVerifications { before, limit } => {
            for (tenant, id) in verifications::purge(connection, *before, *limit)? {
                messages::delete_of(connection, tenant, id)?;
                events::delete_of(connection, tenant, id)?;
                trials::delete_of(connection, tenant, id)?;
            }
            messages::purge_texts(connection, *before, *limit)
        }
        Change::PurgeDestinations { before, limit } => destinations::purge(connection, *before, *limit),
        Change::InsertUser(user) => users::insert(connection, user),
        Change::UpdateUser(user) => users::update(connection, user),
        Change::DeleteUser { tenant, id, version } => {
            users::delete(connection, *tenant, *id, *version)?;
            factors::delete_of(connection, *tenant, *id)
        }
        Change::InsertFactor(factor) => factors::insert(connection, factor),
        Change::UpdateFactor(factor) => factors::update(connection, factor),
        Change::DeleteFactor { tenant, id, version } => factors::delete(connection, *tenant, *id, *version),
        Change::SpendToken { tenant, id, until } => spent_tokens::spend(connection, *tenant, id, *until),
        Change::PurgeSpentTokens { before, limit } => spent_tokens::purge(connection, *before, *limit),
        Change::InsertActivity(activity) => activities::insert(connection, activity),
        Change::PurgeActivities { before, limit } => activities::purge(connection, *before, *limit),
        Change::PutClient(client) => clients::put(connection, client),
        Change::DeleteClient { tenant, id } => clients::delete(connection, *tenant, id),
        Change::PutSigningKey(key) => signing_keys::put(connection, key),
        Change::DeleteSigningKey { kid, version } => signing_keys::delete(connection, kid, *version),
        Change::InsertRefreshToken(token) => refresh_tokens::insert(connection, token),
        Change::DeleteRefreshToken { tenant, hash } => refresh_tokens::delete(connection, *tenant, hash),
        Change::PurgeRefreshTokens { before, limit } => refresh_tokens::purge(connection, *before, *limit),
        Change::PutMfaChoice(choice) => mfa_choices::put(connection, choice),
        Change::PutMfaSession(session) => mfa_sessions::put(connection, session),
        Change::PurgeMfaSessions { before, limit } => mfa_sessions::purge(connection, *before, *limit),
        Change::PutWebhookEndpoint(endpoint) => webhook_endpoints::put(connection, endpoint),
        Change::DeleteWebhookEndpoint { tenant, id, version } => {
            webhook_endpoints::delete(connection, *tenant, *id, *version)
        }
        Change::InsertWebhookDelivery(delivery) => webhook_deliveries::insert(connection, delivery),
        Change::UpdateWebhookDelivery(delivery) => webhook_deliveries::update(connection, delivery),
        Change::DeleteWebhookDelivery { tenant, id } => webhook_deliveries::delete(connection, *tenant, *id),
        Change::PurgeWebhookDeliveries { before, limit } => webhook_deliveries::purge(connection, *before, *limit),
        Change::InsertSetting { name, value } => settings::insert(connection, name, value),
        Change::Probe => settings::probe(connection),
        Change::Sandbox(change) => sandbox::apply(connection, change),
    }
}
