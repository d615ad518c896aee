//! The stop: SIGTERM or SIGINT asks for it, a second one insists.

use crate::Failure;
use tokio_util::sync::CancellationToken;

/// A token that is cancelled at the first signal. At the second the process ends at once, with status 1: nothing that was
/// answered is lost by that, it is only impolite to those who still wait.
///
/// # Errors
/// When the system gives no signals.
pub fn on_signals() -> Result<CancellationToken, Failure> {
    let mut signals = Signals::new().map_err(|error| Failure::other(format!("cannot wait for signals: {error}")))?;
    let stop = CancellationToken::new();
    let token = stop.clone();
    tokio::spawn(async move {
        signals.next().await;
        token.cancel();
        tracing::info!("stopping: no new connections; a second signal ends everything at once");
        signals.next().await;
        std::process::exit(1);
    });
    Ok(stop)
}

#[cfg(unix)]
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
