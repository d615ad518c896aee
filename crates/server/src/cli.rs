//! The command line: one file per subcommand, each with its options and its `run`.

mod check_config;
mod clients;
mod completions;
mod dev;
mod keys;
mod migrate_store;
mod providers;
mod route;
mod serve;
mod signing_keys;
mod tenants;
mod users;
mod values;
mod webhooks;

use crate::{
    Failure,
    config::{self, Config, ConfigError, Loaded, settings::Server},
    listen::{self, Limits, Listener},
    wiring::{Product, Tool},
};
pub use values::refused;

use clap::{Args, Parser, Subcommand};
use countersign_engine::Engine;
use std::{
    env,
    path::{Path, PathBuf},
    time::Duration,
};
use tokio_util::sync::CancellationToken;

/// Countersign: a self-hosted server for one-time codes.
///
/// It sends a code to a person's phone or mailbox and checks what the person types. Start with `countersign dev`: it needs
/// nothing else on the machine, and sends nothing to the outside.
#[derive(Debug, Parser)]
#[command(name = "countersign", version, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Dev(dev::Dev),
    Serve(serve::Serve),
    CheckConfig(check_config::CheckConfig),
    Tenants(tenants::Tenants),
    Keys(keys::Keys),
    Clients(clients::Clients),
    Users(users::Users),
    Webhooks(webhooks::Webhooks),
    SigningKeys(signing_keys::SigningKeys),
    Providers(providers::Providers),
    MigrateStore(migrate_store::MigrateStore),
    Route(route::Route),
    Completions(completions::Completions),
}

impl Cli {
    /// Does what was asked.
    ///
    /// # Errors
    /// When that fails, with the lines to print and the exit status.
    pub fn run(self) -> Result<(), Failure> {
        match self.command {
            Command::Dev(dev) => block_on(dev.run()),
            Command::Serve(serve) => block_on(serve.run()),
            Command::CheckConfig(check) => check.run(),
            Command::Tenants(tenants) => block_on(tenants.run()),
            Command::Keys(keys) => block_on(keys.run()),
            Command::Clients(clients) => block_on(clients.run()),
            Command::Users(users) => block_on(users.run()),
            Command::Webhooks(webhooks) => block_on(webhooks.run()),
            Command::SigningKeys(keys) => block_on(keys.run()),
            Command::Providers(providers) => block_on(providers.run()),
            Command::MigrateStore(migrate) => block_on(migrate.run()),
            Command::Route(route) => block_on(route.run()),
            Command::Completions(completions) => completions.run(),
        }
    }
}

fn block_on(command: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    // The allocator gives back what a thread held (19 MiB for a password) when that thread ends.
    let runtime = runtime.enable_all().thread_keep_alive(Duration::from_secs(2)).build();
    let runtime = runtime.map_err(|error| Failure::other(format!("cannot start threads: {error}")))?;
    let done = runtime.block_on(command);
    // What was abandoned at a deadline, such as a look-up of a name, does not hold up the end.
    runtime.shutdown_background();
    done
}

/// Which configuration file.
#[derive(Debug, Args)]
struct ConfigFile {
    /// The configuration file. Without it /etc/countersign/countersign.toml is read, if it exists.
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
}

impl ConfigFile {
    fn path(&self) -> Option<&Path> {
        let usual = Path::new(config::DEFAULT_FILE);
        self.config.as_deref().or_else(|| usual.exists().then_some(usual))
    }

    fn load(&self) -> Result<Loaded, ConfigError> {
        Config::load(self.path(), env::vars_os())
    }

    /// Does something with an engine beside a running server, or without one, and closes the store whatever came of it.
    async fn with_engine(&self, work: impl AsyncFnOnce(&Engine) -> Result<(), Failure>) -> Result<(), Failure> {
        let tool = Box::pin(Tool::open(&self.load()?.settings)).await?;
        let done = Box::pin(work(&tool.engine)).await;
        tool.close().await;
        done
    }
}

impl Limits {
    /// As they are set. Of the time for a stop almost all is for what has begun; the rest is for closing everything else.
    fn of(server: &Server) -> Self {
        Self {
            max_connections: server.max_connections,
            header_timeout: server.header_timeout,
            keep_alive: server.keep_alive,
            send_timeout: server.send_timeout,
            drain: server.shutdown.saturating_sub(for_closing(server)),
        }
    }
}

fn for_closing(server: &Server) -> Duration {
    (server.shutdown / 5).min(Duration::from_secs(1))
}

/// Tells each listener's address on standard output, answers until `stop`, then ends the product.
async fn answer(
    product: Product,
    listeners: Vec<Listener>,
    server: &Server,
    stop: CancellationToken,
) -> Result<(), Failure> {
    for listener in &listeners {
        crate::out::line(&format!("ready {}", listener.url()))?;
    }
    unless(product.store_ended(), run(&product, listeners, Limits::of(server), stop)).await?;
    product.close(for_closing(server) / 2).await;
    tracing::info!("stopped");
    Ok(())
}

/// Until `stop`; then requests and messages that have begun end side by side.
async fn run(product: &Product, listeners: Vec<Listener>, limits: Limits, stop: CancellationToken) {
    let jobs = async {
        stop.cancelled().await;
        product.end_jobs(limits.drain).await;
    };
    let (router, public_url) = (product.router.clone(), product.public_url());
    let (cut, ()) = tokio::join!(listen::serve(listeners, router, public_url, limits, stop.clone()), jobs);
    if cut > 0 {
        tracing::warn!(connections = cut, "cut off what had not ended in time");
    }
}

/// Does `work`, unless the store dies meanwhile: every request would be refused until a supervisor starts a new process.
async fn unless(store_dies: impl Future<Output = ()>, work: impl Future<Output = ()>) -> Result<(), Failure> {
    tokio::select! {
        () = work => Ok(()),
        () = store_dies => Err(Failure::other("the store has stopped writing, and only a new start helps; the log may tell why")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::{pending, ready};

    #[tokio::test]
    async fn a_store_that_dies_ends_the_command_and_one_that_lives_does_not() {
        let ended = unless(ready(()), pending()).await.unwrap_err();
        assert_eq!((ended.status(), ended.lines().len()), (1, 1));
        assert!(unless(pending(), ready(())).await.is_ok());
    }
}
