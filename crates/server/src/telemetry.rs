//! Logs: to standard error, one JSON object a line or text for people. What is logged never holds a code, a key, a token or an
//! address; that is the business of the types that would be logged. Nobody waits for the reader of standard error: see
//! [`outlet`].

mod outlet;

use crate::{
    Failure,
    config::settings::{Filter, LogFormat},
};
use outlet::Outlet;
use std::{
    io::{self, IsTerminal as _},
    time::Duration,
};
use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt as _, util::SubscriberInitExt as _};

/// How long the end of the process waits for the last lines to be read.
const LAST_LINES: Duration = Duration::from_millis(500);

/// The logs of this process. To be dropped last: the lines that wait are written then.
#[must_use]
pub struct Logs(Outlet);

impl Drop for Logs {
    fn drop(&mut self) {
        self.0.flush(LAST_LINES);
    }
}

/// Sends the logs of this process to standard error. To be called once.
///
/// # Errors
/// When there is no thread for it.
pub fn start(format: LogFormat, filter: &Filter) -> Result<Logs, Failure> {
    let outlet = Outlet::start().map_err(|error| Failure::other(format!("cannot start threads: {error}")))?;
    let subscriber = tracing_subscriber::registry().with(EnvFilter::new(&filter.0));
    let layer = fmt::layer().with_writer(outlet.clone());
    // Fails only if it was called before, and then logs go somewhere already.
    _ = match format {
        LogFormat::Json => subscriber.with(layer.json().flatten_event(true).with_current_span(false)).try_init(),
        LogFormat::Text => subscriber.with(layer.with_target(false).with_ansi(io::stderr().is_terminal())).try_init(),
    };
    log_panics();
    Ok(Logs(outlet))
}

/// A panic is logged with its place only: its message may hold what must not be logged.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "internal error: a panic, contained where it happened");
    }));
}
