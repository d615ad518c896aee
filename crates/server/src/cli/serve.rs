//! `countersign serve`: production.

use super::{ConfigFile, answer};
use crate::{
    Failure,
    config::{Loaded, settings::Server},
    listen::Listener,
    shutdown, telemetry, tls,
    wiring::Product,
};
use clap::Args;

/// Run the server
///
/// Reads the configuration, refuses weak settings, and answers until SIGTERM or SIGINT; then ends what has begun.
#[derive(Debug, Args)]
pub(super) struct Serve {
    #[command(flatten)]
    file: ConfigFile,
}

impl Serve {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let loaded = self.file.load()?;
        loaded.refuse_problems()?;
        let settings = &loaded.settings;
        let _logs = telemetry::start(settings.log.format, &settings.log.level)?;
        let stop = shutdown::on_signals()?;
        let listeners = listeners(&settings.server).await?;
        let product = Product::open(settings, stop.clone()).await?;
        answer(product, listeners, &settings.server, stop).await
    }
}

impl Loaded {
    /// Ends the command if `serve` refuses these settings.
    pub(super) fn refuse_problems(&self) -> Result<(), Failure> {
        let problems = self.problems();
        if problems.is_empty() {
            return Ok(());
        }
        Err(Failure::usage(problems.iter().map(ToString::to_string).collect()))
    }
}

async fn listeners(server: &Server) -> Result<Vec<Listener>, Failure> {
    let mut listeners = Vec::new();
    for address in &server.listen.0 {
        listeners.push(Listener::bind(*address).await?);
    }
    if let (Some(certificate), Some(key)) = (&server.tls_certificate, &server.tls_key) {
        let config = tls::from_files(certificate, key)?;
        for address in &server.tls_listen.0 {
            listeners.push(Listener::bind(*address).await?.with_tls(config.clone()));
        }
    }
    Ok(listeners)
}
