//! What every backend promises, one module for each table and one for each promise that spans them. A test opens its store
//! through `backend.rs`, on each backend in turn; what only one backend can do has a module with that backend's name.

#[cfg(test)]
mod accounts;
#[cfg(test)]
mod activities;
#[cfg(test)]
mod answers;
#[cfg(test)]
mod api_keys;
#[cfg(test)]
mod backend;
#[cfg(test)]
mod batches;
#[cfg(test)]
mod callbacks;
#[cfg(test)]
mod clients;
#[cfg(test)]
mod concurrency;
#[cfg(test)]
mod configurations;
#[cfg(test)]
mod destinations;
#[cfg(test)]
mod events;
#[cfg(test)]
mod lasting;
#[cfg(test)]
mod messages;
#[cfg(test)]
mod mfa_choices;
#[cfg(test)]
mod mfa_sessions;
#[cfg(test)]
mod outbox;
#[cfg(test)]
mod periods;
#[cfg(test)]
mod postgres;
#[cfg(test)]
mod purge;
#[cfg(test)]
mod refresh_tokens;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod sandbox;
#[cfg(test)]
mod services;
#[cfg(test)]
mod settings;
#[cfg(test)]
mod signing_keys;
#[cfg(test)]
mod sqlite;
#[cfg(test)]
mod templates;
#[cfg(test)]
mod tenants;
#[cfg(test)]
mod transfer;
#[cfg(test)]
mod trials;
#[cfg(test)]
mod users;
#[cfg(test)]
mod verifications;
#[cfg(test)]
mod waiters;
#[cfg(test)]
mod webhooks;
