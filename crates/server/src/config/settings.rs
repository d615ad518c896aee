//! The settings as types, one struct per section. No default is written here: each is in `countersign.default.toml`, which
//! explains it too. The settings of a provider
//! are its own business: `countersign-delivery` has their types, their defaults and their checks.

mod shapes;

pub use shapes::{Addresses, Filter, Networks, PublicUrl};

use countersign_delivery::{Routes, lookup, providers};
use countersign_store::DatabaseUrl;
use serde::Deserialize;
use std::{path::PathBuf, time::Duration};

/// Everything that can be set.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// `[server]`
    pub server: Server,
    /// `[store]`
    pub store: Store,
    /// `[keys]`
    pub keys: Keys,
    /// `[log]`
    pub log: Log,
    /// `[providers]`: who carries the messages.
    pub providers: providers::Settings,
    /// `[routes]`: who is asked to carry a message.
    pub routes: Routes,
    /// `[lookup]`: who is asked whether a number exists.
    pub lookup: lookup::Settings,
    /// `[callbacks]`: calls to callers' servers.
    pub callbacks: Callbacks,
    /// `[dialects]`: what can be set of each.
    pub dialects: countersign_web::dialects::Settings,
    /// `[retention]`
    pub retention: Retention,
}

/// Calls to callers' servers.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a section")]
pub struct Callbacks {
    /// Private networks that may be called.
    pub allow_networks: Networks,
}

/// How requests come in.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a section")]
pub struct Server {
    /// Where plain HTTP is answered.
    pub listen: Addresses,
    /// Where HTTPS is answered.
    pub tls_listen: Addresses,
    /// PEM, the server's own certificate first.
    #[serde(deserialize_with = "shapes::optional_path")]
    pub tls_certificate: Option<PathBuf>,
    /// PEM.
    #[serde(deserialize_with = "shapes::optional_path")]
    pub tls_key: Option<PathBuf>,
    /// A proxy in front ends TLS.
    pub behind_tls_proxy: bool,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Networks,
    /// How callers reach this server.
    pub public_url: PublicUrl,
    /// Connections served at one time.
    #[serde(deserialize_with = "shapes::one_or_more")]
    pub max_connections: u32,
    /// For the TLS handshake, and for each request's head.
    #[serde(rename = "header_timeout_seconds", deserialize_with = "shapes::seconds")]
    pub header_timeout: Duration,
    /// For each request's body.
    #[serde(rename = "body_timeout_seconds", deserialize_with = "shapes::seconds")]
    pub body_timeout: Duration,
    /// For a connection without a request.
    #[serde(rename = "keep_alive_seconds", deserialize_with = "shapes::seconds")]
    pub keep_alive: Duration,
    /// For the client to take something of an answer.
    #[serde(rename = "send_timeout_seconds", deserialize_with = "shapes::seconds")]
    pub send_timeout: Duration,
    /// A stop takes at most this long.
    #[serde(rename = "shutdown_seconds", deserialize_with = "shapes::seconds")]
    pub shutdown: Duration,
}

/// Where state is kept.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a section")]
pub struct Store {
    /// The SQLite file.
    #[serde(deserialize_with = "shapes::path")]
    pub path: PathBuf,
    /// The PostgreSQL database in place of it.
    #[serde(deserialize_with = "shapes::optional_database")]
    pub url: Option<DatabaseUrl>,
}

/// Where the server's keys are.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a section")]
pub struct Keys {
    /// The key file.
    #[serde(deserialize_with = "shapes::path")]
    pub file: PathBuf,
}

/// What is logged, and how.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a section")]
pub struct Log {
    /// Its form.
    pub format: LogFormat,
    /// What is let through.
    pub level: Filter,
}

/// The form of logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One object a line.
    Json,
    /// For people.
    Text,
}

/// How long state is kept.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a section")]
pub struct Retention {
    /// Days after the end of a verification.
    #[serde(deserialize_with = "shapes::one_or_more")]
    pub days: u32,
}
