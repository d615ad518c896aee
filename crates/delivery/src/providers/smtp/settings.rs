//! What can be configured of a mail relay, and the checks that are made at start.

use super::BadSetting;
use lettre::transport::smtp::{
    authentication::Credentials,
    client::{Certificate, TlsParameters},
    extension::ClientId,
};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use std::{fs, net::IpAddr, path::PathBuf, time::Duration};

/// One mail relay: `[providers.smtp.NAME]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Its name or IP address; with TLS its certificate must have it.
    pub host: String,
    /// Its port; if none is given 587 for `starttls`, 465 for `implicit`, 25 for `none`.
    #[serde(default)]
    pub port: Option<u16>,
    /// How the connection is protected.
    #[serde(default)]
    pub tls: Tls,
    /// Whether `tls = "none"` is taken for a relay that is not on this machine.
    #[serde(default)]
    pub allow_plaintext: bool,
    /// Who we are to the relay; none: it asks for no login.
    #[serde(default)]
    pub username: Option<String>,
    /// The password.
    #[serde(default)]
    pub password: Option<SecretString>,
    /// A file whose content is the password; line breaks at its end do not count.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
    /// Whom mail comes from: `no-reply@acme.example` or `Acme <no-reply@acme.example>`. A service's sender replaces the
    /// name, never the address.
    pub from: String,
    /// A PEM file of certificates that are trusted besides those of the system.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// How we introduce ourselves (EHLO); if none is given, by the name of this machine.
    #[serde(default)]
    pub hello_name: Option<String>,
    /// How long one mail may take, all in all, from 1 to 60 seconds.
    #[serde(default = "six")]
    pub timeout_seconds: u32,
}

/// How the connection to a relay is protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tls {
    /// It begins in the clear and must be upgraded before anything is said.
    #[default]
    StartTls,
    /// TLS from the first byte.
    Implicit,
    /// Not at all.
    None,
}

const fn six() -> u32 {
    6
}

impl Settings {
    pub(super) fn port(&self) -> u16 {
        self.port.unwrap_or(match self.tls {
            Tls::StartTls => 587,
            Tls::Implicit => 465,
            Tls::None => 25,
        })
    }

    pub(super) fn timeout(&self) -> Result<Duration, BadSetting> {
        if !(1..=60).contains(&self.timeout_seconds) {
            return Err(BadSetting::new("timeout_seconds", "must be from 1 to 60"));
        }
        Ok(Duration::from_secs(self.timeout_seconds.into()))
    }

    pub(super) fn hello(&self) -> Result<ClientId, BadSetting> {
        match &self.hello_name {
            None => Ok(ClientId::default()),
            Some(name) if is_host(name) => Ok(ClientId::Domain(name.clone())),
            Some(_) => Err(BadSetting::new("hello_name", "must be a host name")),
        }
    }

    pub(super) fn credentials(&self) -> Result<Option<Credentials>, BadSetting> {
        let password = match (&self.password, &self.password_file) {
            (Some(_), Some(_)) => {
                return Err(BadSetting::new("password_file", "cannot stand beside password: give one of the two"));
            }
            (Some(password), None) => Some(password.clone()),
            (None, Some(_)) => Some(self.read(Some("password_file"))?.trim_end_matches(['\r', '\n']).into()),
            (None, None) => None,
        };
        match (&self.username, password) {
            (Some(name), Some(password)) => {
                Ok(Some(Credentials::new(name.clone(), password.expose_secret().to_owned())))
            }
            (None, None) => Ok(None),
            (Some(_), None) => Err(BadSetting::new("username", "needs password or password_file")),
            (None, Some(_)) => Err(BadSetting::new("password", "needs username")),
        }
    }

    /// What TLS is to check; none for a connection in the clear.
    pub(super) fn tls_parameters(&self) -> Result<Option<TlsParameters>, BadSetting> {
        if !is_host(&self.host) {
            return Err(BadSetting::new("host", "must be a host name or an IP address"));
        }
        if self.tls == Tls::None {
            return self.plaintext_is_meant().map(|()| None);
        }
        let mut parameters = TlsParameters::builder(self.host.clone());
        if self.ca_file.is_some() {
            let pem = self.read(None)?;
            let bad = || BadSetting::new("ca_file", "must hold certificates in PEM form");
            let certificates = Certificate::from_pem(pem.as_bytes()).map_err(|_| bad())?;
            // A file with none in it is no error to the parser.
            if !pem.contains("-----BEGIN CERTIFICATE-----") {
                return Err(bad());
            }
            parameters = parameters.add_root_certificate(certificates);
        }
        let built = parameters.build().map_err(|error| BadSetting::new("tls", format!("cannot be set up: {error}")))?;
        Ok(Some(built))
    }

    fn plaintext_is_meant(&self) -> Result<(), BadSetting> {
        if self.ca_file.is_some() {
            return Err(BadSetting::new("ca_file", "has no use with tls = \"none\""));
        }
        if self.allow_plaintext || is_loopback(&self.host) {
            return Ok(());
        }
        Err(BadSetting::new(
            "tls",
            "\"none\" would send codes in the clear: use \"starttls\" or \"implicit\", or set allow_plaintext = true",
        ))
    }

    /// Reads the password file or the file of certificates.
    fn read(&self, setting: Option<&'static str>) -> Result<String, BadSetting> {
        let (setting, path) = match setting {
            Some(setting) => (setting, &self.password_file),
            None => ("ca_file", &self.ca_file),
        };
        let path = path.as_deref().unwrap_or_else(|| std::path::Path::new(""));
        fs::read_to_string(path)
            .map_err(|error| BadSetting::new(setting, format!("cannot read {}: {error}", path.display())))
    }
}

fn is_host(text: &str) -> bool {
    (1..=253).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte))
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn settings(more: &str) -> Settings {
        let json = format!(r#"{{"host": "mail.acme.example", "from": "no-reply@acme.example" {more}}}"#);
        serde_json::from_str(&json).unwrap()
    }

    fn complaint(more: &str) -> (&'static str, String) {
        let settings = settings(more);
        let bad = super::super::Smtp::new(&settings).unwrap_err();
        (bad.setting, bad.problem)
    }

    #[test]
    fn the_port_follows_from_the_protection() {
        assert_eq!(settings("").port(), 587);
        assert_eq!(settings(r#", "tls": "implicit""#).port(), 465);
        assert_eq!(settings(r#", "tls": "none""#).port(), 25);
        assert_eq!(settings(r#", "port": 2525"#).port(), 2525);
    }

    #[test]
    fn plaintext_is_for_this_machine_only_unless_it_is_meant() {
        assert_eq!(complaint(r#", "tls": "none""#).0, "tls");
        assert!(settings(r#", "tls": "none", "allow_plaintext": true"#).tls_parameters().is_ok());
        for host in ["localhost", "127.0.0.1", "127.9.9.9", "::1"] {
            assert!(
                Settings { host: host.into(), ..settings(r#", "tls": "none""#) }.tls_parameters().is_ok(),
                "{host}"
            );
        }
        for host in ["localhost.acme.example", "10.0.0.1", "128.0.0.1"] {
            assert!(
                Settings { host: host.into(), ..settings(r#", "tls": "none""#) }.tls_parameters().is_err(),
                "{host}"
            );
        }
    }

    #[test]
    fn settings_that_cannot_be_are_named() {
        for (more, setting) in [
            (r#", "username": "u""#, "username"),
            (r#", "password": "p""#, "password"),
            (r#", "username": "u", "password": "p", "password_file": "/x""#, "password_file"),
            (r#", "username": "u", "password_file": "/nowhere/at/all""#, "password_file"),
            (r#", "ca_file": "/nowhere/at/all""#, "ca_file"),
            (r#", "ca_file": "/dev/null""#, "ca_file"),
            (r#", "hello_name": "a b""#, "hello_name"),
            (r#", "hello_name": "a\r\nMAIL FROM:<x@y.zz>""#, "hello_name"),
            (r#", "timeout_seconds": 0"#, "timeout_seconds"),
            (r#", "timeout_seconds": 61"#, "timeout_seconds"),
        ] {
            assert_eq!(complaint(more).0, setting, "{more}");
        }
        for from in ["", "acme", "Acme <no-reply@acme.example>\r\nBcc: x@y.zz", "a@b.example, c@d.example"] {
            assert!(super::super::Smtp::new(&Settings { from: from.into(), ..settings("") }).is_err(), "{from:?}");
        }
        assert!(Settings { host: "a\r\nb".into(), ..settings("") }.tls_parameters().is_err());
    }

    #[test]
    fn a_password_comes_from_its_file_without_the_line_break() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"s3cret \n").unwrap();
        let more = format!(r#", "username": "u", "password_file": "{}""#, file.path().display());
        let expected = Credentials::new("u".into(), "s3cret ".into());
        assert_eq!(settings(&more).credentials().unwrap(), Some(expected));
    }

    #[test]
    fn no_password_is_printed() {
        let settings = settings(r#", "username": "u", "password": "s3cret""#);
        let relay = super::super::Smtp::new(&settings).unwrap();
        assert!(!format!("{settings:?} {relay:?}").contains("s3cret"));
    }
}
