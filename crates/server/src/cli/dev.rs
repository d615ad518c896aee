//! `countersign dev`: the whole product on this machine, with a sandbox in place of providers.

use super::{
    answer,
    values::{address, database},
};
use crate::{
    Failure,
    config::{Config, settings::LogFormat},
    listen::Listener,
    out, shutdown, telemetry, tls,
    wiring::{self, Product},
};
use clap::Args;
use countersign_engine::clock::Clock;
use countersign_store::DatabaseUrl;
use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};
use tempfile::TempDir;

/// Try it: everything on this machine, no message leaves it
///
/// Starts the server with two tenants and a sandbox: messages land in an inbox at http://127.0.0.1:8080/sandbox, and the
/// clock can be moved forward. For production use `countersign serve`.
#[derive(Debug, Args)]
pub(super) struct Dev {
    /// Where to answer HTTP; port 0 is any free port
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080", value_parser = address)]
    listen: SocketAddr,
    /// Where to answer HTTPS too, with a certificate of a private authority (ca.pem in the data folder)
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    tls_listen: Option<SocketAddr>,
    /// Keep everything in this folder; without it, it is gone at the end
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Keep everything in this PostgreSQL database, which several processes may share: postgres://user:password@host/database
    #[arg(long, value_name = "URL", value_parser = database)]
    store_url: Option<DatabaseUrl>,
    /// Let other machines in: whoever reaches the port can read every code
    #[arg(long)]
    allow_remote: bool,
    /// Really make outgoing calls to ports of this machine, in addition to recording them
    #[arg(long)]
    allow_loopback_callbacks: bool,
}

/// The data folder; a temporary one is removed when this is dropped.
enum Folder {
    Kept(PathBuf),
    Temporary(TempDir),
}

impl Dev {
    pub(super) async fn run(self) -> Result<(), Failure> {
        self.check()?;
        let settings = Config::defaults()?.settings;
        let _logs = telemetry::start(LogFormat::Text, &settings.log.level)?;
        let stop = shutdown::on_signals()?;
        let bound = self.bound().await?;
        let folder = Folder::open(self.data.as_deref())?;
        let (listeners, ca_file) = ready_to_answer(bound, folder.path())?;
        let url = listeners.first().map(Listener::url).unwrap_or_default();
        let dev = wiring::Dev {
            dir: folder.path(),
            database: self.store_url.as_ref(),
            ca_file: ca_file.as_deref(),
            url: &url,
            allow_remote: self.allow_remote,
            loopback_callbacks: self.allow_loopback_callbacks,
        };
        let (product, commands) = Product::open_dev(&settings, dev, stop.clone()).await?;
        greet(&url, &commands);
        answer(product, listeners, &settings.server, stop).await
    }

    fn check(&self) -> Result<(), Failure> {
        if let Some(Err(bad)) = self.store_url.as_ref().map(DatabaseUrl::check) {
            return Err(Failure::usage(vec![format!("--store-url: {bad}")]));
        }
        let remote = [Some(self.listen), self.tls_listen].into_iter().flatten();
        let mut remote = remote.filter(|address| !address.ip().to_canonical().is_loopback());
        match remote.next() {
            Some(address) if !self.allow_remote => Err(Failure::usage(vec![format!(
                "dev mode shows every code to whoever asks, so it answers on this machine only: {address} needs --allow-remote"
            )])),
            Some(_) | None => Ok(()),
        }
    }

    /// The ports are taken before anything is made on the disk: a start that fails leaves nothing.
    async fn bound(&self) -> Result<(Listener, Option<Listener>), Failure> {
        let plain = Listener::bind(self.listen).await?;
        match self.tls_listen {
            Some(address) => Ok((plain, Some(Listener::bind(address).await?))),
            None => Ok((plain, None)),
        }
    }
}

/// With the certificate of the private authority in `dir`, and that authority's file.
fn ready_to_answer(
    (plain, secure): (Listener, Option<Listener>),
    dir: &Path,
) -> Result<(Vec<Listener>, Option<PathBuf>), Failure> {
    let Some(secure) = secure else { return Ok((vec![plain], None)) };
    let made = tls::dev::dev_certificate(dir, Clock::system().wall())?;
    Ok((vec![plain, secure.with_tls(made.config)], Some(made.ca_file)))
}

impl Folder {
    fn open(data: Option<&Path>) -> Result<Self, Failure> {
        let Some(dir) = data else {
            let made = tempfile::Builder::new().prefix("countersign-dev-").tempdir();
            return made.map(Self::Temporary).map_err(|error| {
                Failure::other(format!("cannot make a temporary folder: {error}; name a folder with --data DIR"))
            });
        };
        fs::create_dir_all(dir).map_err(|error| {
            let dir = dir.display();
            Failure::other(format!("cannot make the data folder {dir}: {error}; choose another with --data DIR"))
        })?;
        Ok(Self::Kept(dir.to_owned()))
    }

    fn path(&self) -> &Path {
        match self {
            Self::Kept(dir) => dir,
            Self::Temporary(dir) => dir.path(),
        }
    }
}

fn greet(url: &str, commands: &[(&str, String)]) {
    let shown = commands.iter().map(|(title, command)| format!("\n{title}:\n  {command}\n"));
    let shown: Vec<String> = shown.collect();
    out::complain(&format!("Countersign in dev mode. Messages land in {url}/sandbox\n{}", shown.concat()));
}
