//! Which database, and how it is reached.

use super::tls;
use crate::{Error, OpenError};
use percent_encoding::percent_decode_str;
use std::{
    fmt,
    path::PathBuf,
    sync::{Mutex, atomic::AtomicU64},
    time::Duration,
};
use tokio::time::Instant;
use tokio_postgres::{
    Config,
    config::{Host, SslMode, TargetSessionAttrs},
};

/// A connection URL as libpq takes it: `postgres://user:password@host1,host2/database?sslmode=verify-full`. It holds a
/// password, so what is shown of it is only where it leads.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(String);

/// For one host; with several, each is tried.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// A server that takes nothing for so long is gone, whatever the network says.
const SILENCE: Duration = Duration::from_secs(5);
/// And so is one that says nothing to so many questions whether it is there, a second apart.
const QUESTIONS: u32 = 3;

/// What a URL says, and what is known of the place.
pub(super) struct Target {
    pub(super) config: Config,
    pub(super) tls: tls::Connector,
    /// For people: hosts and database, without a secret.
    pub(super) place: String,
    /// The word of the last try to connect, if it failed, and since when. All connections share it: what one has met the others need
    /// not try, and once one is there again all are welcome.
    pub(super) failed: Mutex<Option<(Instant, Error)>>,
    /// How often a connection got no answer any more: those that were made before are of no use.
    pub(super) silences: AtomicU64,
}

impl DatabaseUrl {
    /// Takes a URL without looking at it: [`crate::Store::open`] does.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self(url.into())
    }

    /// Whether it can be understood.
    ///
    /// # Errors
    /// With what is wrong about it.
    pub fn check(&self) -> Result<(), OpenError> {
        self.target().map(drop)
    }

    pub(super) fn target(&self) -> Result<Target, OpenError> {
        let (plain, verify, authority) = self.split()?;
        let mut config: Config = plain.parse().map_err(|error: tokio_postgres::Error| bad(&error_text(&error)))?;
        if config.get_hosts().is_empty() {
            return Err(bad("it names no host"));
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(SILENCE);
        }
        if config.get_application_name().is_none() {
            config.application_name("countersign");
        }
        config.keepalives_idle(SILENCE).keepalives_interval(Duration::from_secs(1)).keepalives_retries(QUESTIONS);
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        if verify {
            config.ssl_mode(SslMode::Require);
        }
        let tls = tls::connector(verify || authority.is_some(), authority.as_deref()).map_err(|why| bad(&why))?;
        let place = place(&config);
        Ok(Target { config, tls, place, failed: Mutex::default(), silences: AtomicU64::new(0) })
    }

    /// Takes out what the driver does not know: `sslmode=verify-full` (or `verify-ca`, which is held to be the same), and
    /// `sslrootcert`.
    fn split(&self) -> Result<(String, bool, Option<PathBuf>), OpenError> {
        if !["postgres://", "postgresql://"].iter().any(|scheme| self.0.starts_with(scheme)) {
            return Err(bad("it does not begin with postgres://"));
        }
        let Some((base, query)) = self.0.split_once('?') else { return Ok((self.0.clone(), false, None)) };
        let (mut kept, mut verify, mut authority) = (Vec::new(), false, None);
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("sslmode", "verify-full" | "verify-ca") | ("sslrootcert", "system")) => verify = true,
                Some(("sslmode", "allow")) => kept.push("sslmode=prefer"),
                Some(("sslrootcert", path)) => {
                    let path = percent_decode_str(path).decode_utf8().map_err(|_| bad("sslrootcert is no text"))?;
                    authority = Some(PathBuf::from(path.as_ref()));
                }
                _ => kept.push(pair),
            }
        }
        let rest = if kept.is_empty() { String::new() } else { format!("?{}", kept.join("&")) };
        Ok((format!("{base}{rest}"), verify, authority))
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.target() {
            Ok(target) => write!(f, "DatabaseUrl({})", target.place),
            Err(_) => f.write_str("DatabaseUrl(not understood)"),
        }
    }
}

fn bad(why: &str) -> OpenError {
    OpenError::BadUrl { reason: why.to_owned() }
}

/// The driver names the word that it does not take, and never the password.
fn error_text(error: &tokio_postgres::Error) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string)
}

fn place(config: &Config) -> String {
    let ports = config.get_ports();
    let host = |(number, host): (usize, &Host)| {
        let port = ports.get(number).or_else(|| ports.first()).copied().unwrap_or(5432);
        match host {
            Host::Tcp(name) => format!("{name}:{port}"),
            #[cfg(unix)]
            Host::Unix(folder) => format!("{}:{port}", folder.display()),
        }
    };
    let hosts: Vec<String> = config.get_hosts().iter().enumerate().map(host).collect();
    format!("{}/{}", hosts.join(","), config.get_dbname().or_else(|| config.get_user()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_of_a_url_is_where_it_leads() {
        let url = DatabaseUrl::new("postgres://me:hunter2@one:5433,two:5434/shop?connect_timeout=1");
        assert_eq!(format!("{url:?}"), "DatabaseUrl(one:5433,two:5434/shop)");
        let bad = DatabaseUrl::new("postgres://me:hunter2@one/shop?hunter2");
        assert_eq!(format!("{bad:?}"), "DatabaseUrl(not understood)");
        assert!(!bad.check().unwrap_err().to_string().contains("hunter2@"));
    }

    #[test]
    fn every_host_must_be_one_that_can_be_written_to() {
        let target = DatabaseUrl::new("postgresql://one,two/shop?sslmode=disable").target().unwrap();
        assert_eq!(target.config.get_target_session_attrs(), TargetSessionAttrs::ReadWrite);
        assert_eq!(target.config.get_hosts().len(), 2);
    }

    #[test]
    fn other_schemes_and_unknown_options_are_refused_in_words() {
        for (url, word) in [
            ("mysql://one/shop", "postgres://"),
            ("postgres:///shop", "host"),
            ("postgres://one/shop?sslmode=never", "sslmode"),
            ("postgres://one/shop?colour=red", "colour"),
            ("postgres://one/shop?sslrootcert=/nowhere/ca.pem", "/nowhere/ca.pem"),
        ] {
            let told = DatabaseUrl::new(url).check().unwrap_err().to_string();
            assert!(told.contains(word), "{told}");
        }
    }
}
