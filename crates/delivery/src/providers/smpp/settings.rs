//! What can be configured of a carrier, and the checks that are made at start.

use super::{
    BadSetting,
    pdu::{Bind, Party, Role},
    session::Limits,
};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use std::{fs, net::IpAddr, path::PathBuf, time::Duration};

/// One carrier: `[providers.smpp.NAME]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Its name or IP address; with TLS its certificate must have it.
    pub host: String,
    /// Its port; if none is given 3550 with TLS and 2775 without.
    #[serde(default)]
    pub port: Option<u16>,
    /// How the connection is protected.
    #[serde(default)]
    pub tls: Tls,
    /// Whether `tls = "none"` is taken for a carrier that is not on this machine: over a private line, as a rule.
    #[serde(default)]
    pub allow_plaintext: bool,
    /// A PEM file of certificates that are trusted besides those of the system.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// Our account.
    pub system_id: String,
    /// Its password.
    #[serde(default)]
    pub password: Option<SecretString>,
    /// A file whose content is the password; line breaks at its end do not count.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
    /// What the carrier calls our kind of system; most want nothing.
    #[serde(default)]
    pub system_type: String,
    /// The version that we name when binding.
    #[serde(default)]
    pub version: Version,
    /// What each bind is made of.
    #[serde(default)]
    pub mode: Mode,
    /// How many binds there are, 1 to 16; with `transmitter_receiver` each is two sessions.
    #[serde(default = "one")]
    pub binds: u8,
    /// How many messages may be without an answer in each session, 1 to 1000.
    #[serde(default = "ten")]
    pub window: u16,
    /// How many messages a second over all binds; none: no limit of ours.
    #[serde(default)]
    pub per_second: Option<u32>,
    /// After how much silence the carrier is asked whether it is there, in seconds, 1 to 3600.
    #[serde(default = "thirty")]
    pub enquire_link_seconds: u16,
    /// How long a message waits for its turn, in seconds, 1 to 10.
    #[serde(default = "six")]
    pub timeout_seconds: u8,
    /// How long the carrier has for an answer, in seconds, 1 to 10.
    #[serde(default = "six")]
    pub response_seconds: u8,
    /// How long a message whose answer got lost waits for a sign that it was taken, in seconds, 0 to 10.
    #[serde(default = "six")]
    pub doubt_seconds: u8,
    /// Whom messages come from, if the service names nobody.
    #[serde(default)]
    pub from: Option<String>,
    /// The kind of number of the sender; none: as it looks.
    #[serde(default)]
    pub source: Option<Kind>,
    /// The kind of number of the destination; none: international, by E.164.
    #[serde(default)]
    pub destination: Option<Kind>,
    /// `service_type` of each message.
    #[serde(default)]
    pub service_type: String,
    /// What the carrier takes for its default alphabet.
    #[serde(default)]
    pub alphabet: Alphabet,
    /// How a long text is sent.
    #[serde(default)]
    pub long_messages: LongMessages,
    /// How long the carrier tries, in seconds, 60 to 172800; none: as long as it likes.
    #[serde(default)]
    pub validity_seconds: Option<u32>,
    /// Whether the carrier sends receipts.
    #[serde(default = "yes")]
    pub receipts: bool,
}

/// How the connection to a carrier is protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tls {
    /// TLS from the first byte.
    #[default]
    Implicit,
    /// Not at all.
    None,
}

/// What each bind is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// One session that sends and receives.
    #[default]
    Transceiver,
    /// One that sends, and one that receives.
    TransmitterReceiver,
}

/// A version of the protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Version {
    /// 3.4
    #[default]
    #[serde(rename = "3.4")]
    V34,
    /// 5.0
    #[serde(rename = "5.0")]
    V50,
}

/// What a carrier takes for its default alphabet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Alphabet {
    /// GSM 03.38, one octet for each septet.
    #[default]
    Gsm,
    /// ISO 8859-1.
    Latin1,
}

/// How a text is sent that does not fit into one short message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LongMessages {
    /// In parts, with a header in the text of each.
    #[default]
    Udh,
    /// In parts, with optional parameters in each.
    Sar,
    /// As a whole: the carrier cuts it.
    Payload,
}

/// The kind of a number and its plan (SMPP 3.4, 5.2.5 and 5.2.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kind {
    /// Its kind.
    pub ton: u8,
    /// Its plan.
    pub npi: u8,
}

const fn one() -> u8 {
    1
}

const fn six() -> u8 {
    6
}

const fn ten() -> u16 {
    10
}

const fn thirty() -> u16 {
    30
}

const fn yes() -> bool {
    true
}

const INTERNATIONAL: Kind = Kind { ton: 1, npi: 1 };
const NAME: Kind = Kind { ton: 5, npi: 0 };
const SHORT_CODE: Kind = Kind { ton: 3, npi: 0 };
/// A number of fewer digits is a short code of one network.
const SHORTEST_NUMBER: usize = 9;

impl Settings {
    /// The sessions of a bind.
    pub(super) const fn roles(&self) -> &'static [Role] {
        match self.mode {
            Mode::Transceiver => &[Role::Transceiver],
            Mode::TransmitterReceiver => &[Role::Transmitter, Role::Receiver],
        }
    }

    pub(super) fn port(&self) -> u16 {
        self.port.unwrap_or(if self.tls == Tls::Implicit { 3550 } else { 2775 })
    }

    pub(super) fn check(&self) -> Result<(), BadSetting> {
        let must =
            |holds: bool, setting, problem: &str| if holds { Ok(()) } else { Err(BadSetting::new(setting, problem)) };
        must(is_host(&self.host), "host", "must be a host name or an IP address")?;
        must(is_text(&self.system_id, 63), "system_id", "must be 1 to 63 plain characters")?;
        must(
            self.system_type.is_empty() || is_text(&self.system_type, 12),
            "system_type",
            "must be at most 12 plain characters",
        )?;
        must(
            self.service_type.is_empty() || is_text(&self.service_type, 5),
            "service_type",
            "must be at most 5 plain characters",
        )?;
        must((1..=16).contains(&self.binds), "binds", "must be from 1 to 16")?;
        must((1..=1000).contains(&self.window), "window", "must be from 1 to 1000")?;
        must(
            self.per_second.is_none_or(|number| (1..=10_000).contains(&number)),
            "per_second",
            "must be from 1 to 10000",
        )?;
        must((1..=3600).contains(&self.enquire_link_seconds), "enquire_link_seconds", "must be from 1 to 3600")?;
        must((1..=10).contains(&self.timeout_seconds), "timeout_seconds", "must be from 1 to 10")?;
        must((1..=10).contains(&self.response_seconds), "response_seconds", "must be from 1 to 10")?;
        must(self.doubt_seconds <= 10, "doubt_seconds", "must be from 0 to 10")?;
        let all = u16::from(self.timeout_seconds) + u16::from(self.response_seconds) + u16::from(self.doubt_seconds);
        must(all <= 22, "doubt_seconds", "together with timeout_seconds and response_seconds must be at most 22")?;
        let validity = self.validity_seconds.is_none_or(|seconds| (60..=172_800).contains(&seconds));
        must(validity, "validity_seconds", "must be from 60 to 172800")?;
        let sender = self.from.as_ref().is_none_or(|from| is_text(from, 20));
        must(sender, "from", "must be a number or a name of at most 11 letters, in plain characters")?;
        must(self.tls == Tls::Implicit || self.ca_file.is_none(), "ca_file", "has no use with tls = \"none\"")?;
        let plaintext_is_meant = self.tls == Tls::Implicit || self.allow_plaintext || is_loopback(&self.host);
        must(
            plaintext_is_meant,
            "tls",
            "\"none\" would send codes and the password in the clear: use \"implicit\", or set allow_plaintext = true on a private line",
        )
    }

    pub(super) fn limits(&self) -> Limits {
        Limits {
            window: self.window.into(),
            enquire_after: Duration::from_secs(self.enquire_link_seconds.into()),
            answer_within: Duration::from_secs(self.response_seconds.into()),
        }
    }

    /// What we say to be let in.
    pub(super) fn bind(&self) -> Result<Bind, BadSetting> {
        let password = match (&self.password, &self.password_file) {
            (Some(_), Some(_)) => {
                return Err(BadSetting::new("password_file", "cannot stand beside password: give one of the two"));
            }
            (Some(password), None) => password.expose_secret().to_owned(),
            (None, Some(path)) => {
                let cannot =
                    |error| BadSetting::new("password_file", format!("cannot read {}: {error}", path.display()));
                fs::read_to_string(path).map_err(cannot)?.trim_end_matches(['\r', '\n']).to_owned()
            }
            (None, None) => String::new(),
        };
        if password.contains('\0') || password.chars().any(|character| u32::from(character) > 0xff) {
            return Err(BadSetting::new("password", "has a character that SMPP cannot carry"));
        }
        Ok(Bind {
            system_id: self.system_id.clone(),
            password,
            system_type: self.system_type.clone(),
            interface_version: match self.version {
                Version::V34 => 0x34,
                Version::V50 => 0x50,
            },
            address_range: String::new(),
        })
    }

    /// The sender as the carrier wants it; empty: the carrier puts in its own.
    pub(super) fn source(&self, from: Option<&str>) -> Party {
        let address = from.filter(|from| is_text(from, 20)).or(self.from.as_deref()).unwrap_or_default();
        let digits = address.strip_prefix('+').unwrap_or(address);
        let is_number = !digits.is_empty() && digits.bytes().all(|octet| octet.is_ascii_digit());
        let looks = match (address.is_empty(), is_number) {
            (true, _) => Kind { ton: 0, npi: 0 },
            (false, false) => NAME,
            (false, true) if digits.len() < SHORTEST_NUMBER => SHORT_CODE,
            (false, true) => INTERNATIONAL,
        };
        let kind = self.source.unwrap_or(looks);
        let address = if is_number { digits } else { address };
        Party { ton: kind.ton, npi: kind.npi, address: address.to_owned() }
    }

    /// The destination as the carrier wants it.
    pub(super) fn destination(&self, digits: String) -> Party {
        let kind = self.destination.unwrap_or(INTERNATIONAL);
        Party { ton: kind.ton, npi: kind.npi, address: digits }
    }

    /// SMPP 3.4, 7.1.1.2: a relative time.
    pub(super) fn validity(&self) -> String {
        let Some(seconds) = self.validity_seconds else { return String::new() };
        let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
        format!("0000{days:02}{hours:02}{minutes:02}{:02}000R", seconds % 60)
    }
}

fn is_host(text: &str) -> bool {
    (1..=253).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte))
}

fn is_text(text: &str, longest: usize) -> bool {
    (1..=longest).contains(&text.len()) && text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic())
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(more: &str) -> Settings {
        serde_json::from_str(&format!(r#"{{"host": "smsc.example", "system_id": "acme" {more}}}"#)).unwrap()
    }

    fn complaint(more: &str) -> &'static str {
        let settings = settings(more);
        settings.check().and_then(|()| settings.bind().map(drop)).unwrap_err().setting
    }

    #[test]
    fn settings_that_cannot_be_are_named() {
        for (more, setting) in [
            (r#", "tls": "none""#, "tls"),
            (r#", "tls": "none", "allow_plaintext": true, "ca_file": "/x""#, "ca_file"),
            (r#", "binds": 0"#, "binds"),
            (r#", "binds": 17"#, "binds"),
            (r#", "window": 0"#, "window"),
            (r#", "per_second": 0"#, "per_second"),
            (r#", "enquire_link_seconds": 0"#, "enquire_link_seconds"),
            (r#", "timeout_seconds": 11"#, "timeout_seconds"),
            (r#", "timeout_seconds": 10, "response_seconds": 10, "doubt_seconds": 3"#, "doubt_seconds"),
            (r#", "validity_seconds": 1"#, "validity_seconds"),
            (r#", "from": "a\u0000b""#, "from"),
            (r#", "system_type": "0123456789abc""#, "system_type"),
            (r#", "password": "a\u0000""#, "password"),
            (r#", "password": "a", "password_file": "/x""#, "password_file"),
            (r#", "password_file": "/nowhere/at/all""#, "password_file"),
        ] {
            assert_eq!(complaint(more), setting, "{more}");
        }
        assert!(settings("").check().is_ok());
        assert!(settings(r#", "tls": "none", "allow_plaintext": true"#).check().is_ok());
    }

    #[test]
    fn no_password_is_printed() {
        let settings = settings(r#", "password": "s3cret""#);
        assert!(!format!("{settings:?} {:?}", settings.bind().unwrap()).contains("s3cret"));
    }

    #[test]
    fn a_sender_is_a_name_a_number_or_a_short_code() {
        let party = |from: &str| {
            let party = settings("").source(Some(from));
            (party.ton, party.npi, party.address)
        };
        assert_eq!(party("Acme"), (5, 0, "Acme".into()));
        assert_eq!(party("+34666666111"), (1, 1, "34666666111".into()));
        assert_eq!(party("22333"), (3, 0, "22333".into()));
        assert_eq!(settings("").source(None), Party::default());
        let own = settings(r#", "from": "Shop", "source": {"ton": 0, "npi": 1}"#).source(None);
        assert_eq!((own.ton, own.npi, own.address.as_str()), (0, 1, "Shop"));
    }

    #[test]
    fn a_validity_is_a_relative_time() {
        assert_eq!(settings(r#", "validity_seconds": 90061"#).validity(), "000001010101000R");
        assert_eq!(settings("").validity(), "");
    }
}
