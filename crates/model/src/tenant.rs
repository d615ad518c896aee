//! Who uses this installation: tenants, the keys they call with, their services and their own message texts.

use crate::{Channel, KeyId, LastLine, Policy, ServiceId, TenantId, Timestamp};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

pub use ipnet::IpNet;

/// A customer of this installation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tenant {
    /// Its name for machines.
    pub id: TenantId,
    /// Its name for people: unique, see [`is_name`].
    pub name: String,
    /// Since when it exists.
    pub created_at: Timestamp,
}

/// Whether a text can name a tenant, a service or a template: 1 to 64 characters of `a-z 0-9 - _ .`, the first a letter or digit.
#[must_use]
pub fn is_name(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte);
    (1..=64).contains(&text.len())
        && text.bytes().all(allowed)
        && text.starts_with(|first: char| first.is_ascii_lowercase() || first.is_ascii_digit())
}

/// A named policy of a tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// Its name for machines.
    pub id: ServiceId,
    /// Whose it is.
    pub tenant: TenantId,
    /// Grows with each write; 0 before the first.
    #[serde(skip)]
    pub version: u32,
    /// Its name for people: unique within the tenant, see [`is_name`].
    pub name: String,
    /// Whom the messages speak for ("Your **Acme** code is …"); none leaves the name out.
    pub brand: Option<String>,
    /// Who the messages come from: a sender id for text messages; none leaves it to the provider.
    pub sender: Option<String>,
    /// The language of messages where the caller names none (BCP 47).
    pub default_locale: String,
    /// Whether a phone number's country says the language where the caller names none, before [`Self::default_locale`] does.
    #[serde(default)]
    pub language_of_country: bool,
    /// What its text messages end with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_line: Option<LastLine>,
    /// Its rules.
    pub policy: Policy,
    /// Since when it exists.
    pub created_at: Timestamp,
}

/// What a key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Scope {
    /// Start, check, resend, cancel and report.
    #[serde(rename = "verifications:write")]
    VerificationsWrite,
    /// Read verifications and their history.
    #[serde(rename = "verifications:read")]
    VerificationsRead,
    /// Everything about services, templates and keys.
    #[serde(rename = "admin")]
    Admin,
}

impl Scope {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::VerificationsWrite, Self::VerificationsRead, Self::Admin];

    /// The name on the wire and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::VerificationsWrite => "verifications:write",
            Self::VerificationsRead => "verifications:read",
            Self::Admin => "admin",
        }
    }

    /// The opposite of [`Self::name`].
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.name() == name)
    }
}

/// A key of the native API. Its secret is shown once and never kept: the store has a keyed hash of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    /// Its name for machines.
    pub id: KeyId,
    /// Whose it is.
    pub tenant: TenantId,
    /// What its owner calls it.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// From where it may be used; empty: from anywhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_from: Vec<IpNet>,
    /// Whether it is for trying things out: it does all that others do, but none of its messages leaves, and none costs anything.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub test: bool,
    /// Since when it exists.
    pub created_at: Timestamp,
    /// When it was last used, to the minute; none if never.
    pub last_used_at: Option<Timestamp>,
    /// Since when it no longer works.
    pub revoked_at: Option<Timestamp>,
}

impl ApiKey {
    /// Whether it works for a caller at this address. Where a list is set, nobody knows where does not count as on it.
    #[must_use]
    pub fn allows(&self, peer: Option<IpAddr>) -> bool {
        let is_listed = |peer: IpAddr| self.allowed_from.iter().any(|net| net.contains(&peer.to_canonical()));
        self.allowed_from.is_empty() || peer.is_some_and(is_listed)
    }
}

/// A network (`203.0.113.0/24`, `2001:db8::/32`), or one address of it.
#[must_use]
pub fn parse_network(text: &str) -> Option<IpNet> {
    let network = text.parse::<IpNet>().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
    network.map(|network| network.trunc())
}

/// A tenant's own text for one message, channel and language; it stands in for the built-in one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Template {
    /// Whose it is.
    pub tenant: TenantId,
    /// Which message: see [`crate::message::Purpose`].
    pub message: crate::message::Purpose,
    /// On which channel.
    pub channel: Channel,
    /// In which language (BCP 47).
    pub locale: String,
    /// The subject, for mail only.
    pub subject: Option<String>,
    /// The text.
    pub text: String,
    /// The HTML part, for mail only.
    pub html: Option<String>,
    /// When it was last written.
    pub updated_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain() {
        for good in ["a", "0", "log-in", "acme_2.eu"] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", "-a", "A", "a b", "a/b", "é", &"a".repeat(65)] {
            assert!(!is_name(bad), "{bad}");
        }
    }

    #[test]
    fn a_service_of_before_there_was_a_choice_of_languages_is_read() {
        let id = ServiceId::from_bytes([1; 16]);
        let policy = Policy::of(crate::Profile::Standard);
        let kept = serde_json::json!({
            "id": id, "tenant": TenantId::from_bytes([2; 16]), "name": "default", "brand": null, "sender": null,
            "default_locale": "de", "policy": policy, "created_at": Timestamp::from_ms(0),
        });
        let service: Service = serde_json::from_value(kept).unwrap();
        assert_eq!((service.id, service.language_of_country, service.last_line), (id, false, None));
    }

    #[test]
    fn a_key_that_is_bound_to_networks_works_there_only() {
        let key = |networks: &[&str]| ApiKey {
            id: KeyId::from_bytes([1; 16]),
            tenant: TenantId::from_bytes([2; 16]),
            name: "x".to_owned(),
            scopes: vec![],
            allowed_from: networks.iter().filter_map(|text| parse_network(text)).collect(),
            test: false,
            created_at: Timestamp::from_ms(0),
            last_used_at: None,
            revoked_at: None,
        };
        let at = |text: &str| Some(text.parse().unwrap());
        assert!(key(&[]).allows(None) && key(&[]).allows(at("198.51.100.1")));
        let bound = key(&["203.0.113.7/24", "2001:db8::1"]);
        assert_eq!(bound.allowed_from.len(), 2);
        for inside in ["203.0.113.0", "203.0.113.255", "::ffff:203.0.113.9", "2001:db8::1"] {
            assert!(bound.allows(at(inside)), "{inside}");
        }
        for outside in [at("203.0.114.0"), at("2001:db8::2"), at("::1"), None] {
            assert!(!bound.allows(outside), "{outside:?}");
        }
        for bad in ["", "203.0.113.0/33", "everywhere", "203.0.113"] {
            assert_eq!(parse_network(bad), None, "{bad}");
        }
    }
}
