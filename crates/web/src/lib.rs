//! How the engine is *asked*: one folder per dialect, the sandbox's pages, health and metrics. Everything here turns a
//! request into a command or a query of `countersign-engine`, and the outcome into the words of one API.
//!
//! [`router`] puts it all together. A dialect is a value ([`dialects::Dialect`]) listed in `dialects/mod.rs`; it never
//! names another one.

mod asset;
pub mod body;
mod callbacks;
pub mod dialects;
mod docs;
mod first_step;
mod framing;
mod health;
mod packed;
mod pages;
mod peer;
mod pictures;
mod request;
mod sandbox;
mod sms_text;
mod time;
mod unread;

use axum::{Extension, Router, middleware};
use countersign_engine::{Engine, Sandbox, reports::ReportFormat};
use countersign_model::tenant::IpNet;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// What every route works with.
#[derive(Clone)]
pub struct Web(Arc<Parts>);

/// What the web side is made of.
pub struct Parts {
    /// Who does the work.
    pub engine: Engine,
    /// The sandbox; none outside of dev mode, and then none of its routes exists.
    pub sandbox: Option<Sandbox>,
    /// How long a request's body may take to arrive.
    pub body_timeout: Duration,
    /// Whose word about where a request came from is taken.
    pub trusted_proxies: Vec<IpNet>,
    /// What is set of the dialects.
    pub dialects: dialects::Settings,
    /// Whether the sandbox answers to other machines.
    pub allow_remote: bool,
    /// The file with the private CA of dev mode, if it answers on TLS.
    pub ca_file: Option<String>,
    /// Cancelled when the server stops: an answer that is held back is given then.
    pub stop: CancellationToken,
}

impl Web {
    /// Ready to be given to [`router`].
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.0.engine
    }

    pub(crate) fn sandbox(&self) -> Option<&Sandbox> {
        self.0.sandbox.as_ref()
    }

    pub(crate) fn body_timeout(&self) -> Duration {
        self.0.body_timeout
    }

    pub(crate) fn trusted_proxies(&self) -> &[IpNet] {
        &self.0.trusted_proxies
    }

    pub(crate) fn dialects(&self) -> &dialects::Settings {
        &self.0.dialects
    }

    pub(crate) fn allows_remote(&self) -> bool {
        self.0.allow_remote
    }

    /// What comes of a wait; or, if the server stops meanwhile, what there is without one.
    pub(crate) async fn unless_stopped<T>(
        &self,
        waited: impl Future<Output = T>,
        at_once: impl Future<Output = T>,
    ) -> T {
        tokio::select! {
            found = waited => found,
            () = self.0.stop.cancelled() => at_once.await,
        }
    }

    pub(crate) fn ca_file(&self) -> Option<&str> {
        self.0.ca_file.as_deref()
    }
}

/// All routes of a server.
pub fn router(web: Web) -> Router {
    let mut router =
        Router::new().merge(health::routes()).merge(docs::routes()).merge(callbacks::routes()).merge(pages::routes());
    for dialect in dialects::DIALECTS {
        router = router.merge((dialect.routes)());
    }
    if web.sandbox().is_some() {
        router =
            router.merge(sandbox::routes(&web)).layer(middleware::from_fn_with_state(web.clone(), sandbox::in_time));
    }
    router
        .fallback(request::unknown_path)
        .method_not_allowed_fallback(request::unknown_method)
        // For layers of dialects, which are put together before there is a state.
        .layer(Extension(web.clone()))
        .layer(middleware::from_fn_with_state(web.clone(), request::around))
        .with_state(web)
}

/// How each dialect words its delivery reports, for the engine.
#[must_use]
pub fn report_formats(settings: &dialects::Settings) -> BTreeMap<&'static str, ReportFormat> {
    let format = |dialect: &dialects::Dialect| Some((dialect.name, (dialect.reports?)(settings)));
    dialects::DIALECTS.iter().filter_map(format).collect()
}

/// What a newcomer can paste, for the banner of dev mode: a title and a shell command for each dialect.
#[must_use]
pub fn first_commands(sandbox: &Sandbox, base_url: &str) -> Vec<(&'static str, String)> {
    sandbox::first_commands(sandbox, base_url)
}
