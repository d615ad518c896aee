//! Logs: to standard error, one JSON object a line or text for people. What is logged never holds a code, a key, a token or an
//! address; that is the business of the types that would be logged.

use crate::config::settings::{Filter, LogFormat};
use std::io::{self, IsTerminal as _};
use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt as _, util::SubscriberInitExt as _};

/// Sends the logs of this process to standard error. To be called once.
pub fn start(format: LogFormat, filter: &Filter) {
    let subscriber = tracing_subscriber::registry().with(EnvFilter::new(&filter.0));
    let layer = fmt::layer().with_writer(io::stderr);
    // Fails only if it was called before, and then logs go somewhere already.
    _ = match format {
        LogFormat::Json => subscriber.with(layer.json().flatten_event(true).with_current_span(false)).try_init(),
        LogFormat::Text => subscriber.with(layer.with_target(false).with_ansi(io::stderr().is_terminal())).try_init(),
    };
    log_panics();
}

/// A panic is logged with its place only: its message may hold what must not be logged.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "internal error: a panic, contained where it happened");
    }));
}
