//! Which table a change belongs to: the statements that make it true, in their order.

use super::{
    accounts, activities, answers, api_keys, callbacks, clients, configurations, destinations, events, factors,
    messages, mfa_choices, mfa_sessions, refresh_tokens, sandbox, services, settings, signing_keys, spent_tokens,
    statement::Statement, templates, tenants, trials, users, verifications, webhook_deliveries, webhook_endpoints,
};
use crate::{Change, Error};

/// What is to be sent for one change.
pub(super) fn push(change: &Change, statements: &mut Vec<Statement>) -> Result<(), Error> {
    let last = match change {
        Change::InsertTenant(tenant) => tenants::insert(tenant)?,
        Change::InsertApiKey { key, hash } => api_keys::insert(key, hash)?,
        Change::TouchApiKey { tenant, id, at } => api_keys::touch(*tenant, *id, *at),
        Change::RevokeApiKey { tenant, id, at } => api_keys::revoke(*tenant, *id, *at),
        Change::PutService(service) => services::put(service)?,
        Change::DeleteService { tenant, id, version } => services::delete(*tenant, *id, *version),
        Change::PutAccount(account) => accounts::put(account)?,
        Change::PutTemplate(template) => templates::put(template)?,
        Change::DeleteTemplate { tenant, message, channel, locale } => {
            templates::delete(*tenant, *message, *channel, locale)
        }
        Change::PutConfiguration(configuration) => configurations::put(configuration)?,
        Change::DeleteConfiguration { tenant, id, version } => configurations::delete(*tenant, *id, *version),
        Change::InsertTrial(trial) => trials::insert(trial),
        Change::TrialSucceeded { tenant, id, at } => trials::succeed(*tenant, *id, *at),
        Change::InsertVerification(verification) => verifications::insert(verification)?,
        Change::UpdateVerification(verification) => verifications::update(verification)?,
        Change::AssertVerification { tenant, id, version } => verifications::assert(*tenant, *id, *version),
        Change::PutDestination { tenant, service, index, destination } => {
            destinations::put(*tenant, *service, *index, destination)?
        }
        Change::InsertMessage(message) => messages::insert(message, None)?,
        Change::InsertLeasedMessage { message, until } => messages::insert(message, Some(*until))?,
        Change::UpdateMessage(message) => messages::update(message)?,
        Change::InsertEvent(event) => events::insert(event)?,
        Change::InsertCallback(callback) => callbacks::insert(callback)?,
        Change::UpdateCallback(callback) => callbacks::update(callback)?,
        Change::DeleteCallback { tenant, id, version } => callbacks::delete(*tenant, *id, *version),
        Change::InsertAnswer(answer) => answers::insert(answer),
        Change::PurgeAnswers { before, limit } => answers::purge(*before, *limit),
        Change::PurgeVerifications { before, limit } => {
            statements.push(verifications::purge(*before, *limit));
            messages::purge_texts(*before, *limit)
        }
        Change::PurgeDestinations { before, limit } => destinations::purge(*before, *limit),
        Change::InsertUser(user) => users::insert(user)?,
        Change::UpdateUser(user) => users::update(user)?,
        Change::DeleteUser { tenant, id, version } => {
            statements.push(users::delete(*tenant, *id, *version));
            factors::delete_of(*tenant, *id)
        }
        Change::InsertFactor(factor) => factors::insert(factor)?,
        Change::UpdateFactor(factor) => factors::update(factor)?,
        Change::DeleteFactor { tenant, id, version } => factors::delete(*tenant, *id, *version),
        Change::SpendToken { tenant, id, until } => spent_tokens::spend(*tenant, id, *until),
        Change::PurgeSpentTokens { before, limit } => spent_tokens::purge(*before, *limit),
        Change::InsertActivity(activity) => activities::insert(activity)?,
        Change::PurgeActivities { before, limit } => activities::purge(*before, *limit),
        Change::PutClient(client) => clients::put(client)?,
        Change::DeleteClient { tenant, id } => clients::delete(*tenant, id),
        Change::PutSigningKey(key) => signing_keys::put(key)?,
        Change::DeleteSigningKey { kid, version } => signing_keys::delete(kid, *version),
        Change::InsertRefreshToken(token) => refresh_tokens::insert(token)?,
        Change::DeleteRefreshToken { tenant, hash } => refresh_tokens::delete(*tenant, hash),
        Change::PurgeRefreshTokens { before, limit } => refresh_tokens::purge(*before, *limit),
        Change::PutMfaChoice(choice) => mfa_choices::put(choice)?,
        Change::PutMfaSession(session) => mfa_sessions::put(session)?,
        Change::PurgeMfaSessions { before, limit } => mfa_sessions::purge(*before, *limit),
        Change::PutWebhookEndpoint(endpoint) => webhook_endpoints::put(endpoint)?,
        Change::DeleteWebhookEndpoint { tenant, id, version } => webhook_endpoints::delete(*tenant, *id, *version),
        Change::InsertWebhookDelivery(delivery) => webhook_deliveries::insert(delivery)?,
        Change::UpdateWebhookDelivery(delivery) => webhook_deliveries::update(delivery)?,
        Change::DeleteWebhookDelivery { tenant, id } => webhook_deliveries::delete(*tenant, *id),
        Change::PurgeWebhookDeliveries { before, limit } => webhook_deliveries::purge(*before, *limit),
        Change::InsertSetting { name, value } => settings::insert(name, value),
        Change::Probe => settings::probe(),
        Change::Sandbox(change) => sandbox::statement(change)?,
    };
    statements.push(last);
    Ok(())
}
