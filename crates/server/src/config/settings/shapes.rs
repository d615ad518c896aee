//! The shapes of single settings, each with words that say what it wants. An empty text means "not set".

use axum::http::{Uri, uri::Scheme};
use countersign_model::tenant::{IpNet, parse_network};
use countersign_store::DatabaseUrl;
use serde::{
    Deserialize, Deserializer,
    de::{Error, SeqAccess, Visitor, value::SeqAccessDeserializer},
};
use std::{fmt, marker::PhantomData, net::SocketAddr, path::PathBuf, time::Duration};
use tracing_subscriber::filter::LevelFilter;

/// One address or a list of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addresses(pub Vec<SocketAddr>);

impl Addresses {
    /// The first one that other machines can reach.
    #[must_use]
    pub fn first_remote(&self) -> Option<SocketAddr> {
        self.0.iter().copied().find(|address| !address.ip().to_canonical().is_loopback())
    }
}

impl<'de> Deserialize<'de> for Addresses {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(AddressesVisitor(PhantomData))
    }
}

struct AddressesVisitor(PhantomData<()>);

impl<'de> Visitor<'de> for AddressesVisitor {
    type Value = Addresses;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an address with a port in quotes, or a list of them")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Addresses, E> {
        if text.is_empty() {
            return Ok(Addresses::default());
        }
        address(text).map(|address| Addresses(vec![address]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Addresses, A::Error> {
        let texts = Vec::<String>::deserialize(SeqAccessDeserializer::new(items))?;
        texts.iter().map(|text| address(text)).collect::<Result<_, _>>().map(Addresses)
    }
}

fn address<E: Error>(text: &str) -> Result<SocketAddr, E> {
    text.parse().map_err(|_| E::custom(format!("`{text}` is not an address with a port, such as 127.0.0.1:8080")))
}

/// Networks, each as `203.0.113.0/24` or as one address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Networks(pub Vec<IpNet>);

impl<'de> Deserialize<'de> for Networks {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let texts = Vec::<String>::deserialize(from)?;
        let network = |text: &String| {
            let wrong =
                || D::Error::custom(format!("`{text}` is not a network, such as 10.0.0.0/8, and not an address"));
            parse_network(text).ok_or_else(wrong)
        };
        texts.iter().map(network).collect::<Result<_, _>>().map(Self)
    }
}

/// How callers reach this server: scheme, host, and a port if it is not the usual one. No slash at the end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PublicUrl(pub Option<String>);

impl<'de> Deserialize<'de> for PublicUrl {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        if text.is_empty() {
            return Ok(Self(None));
        }
        let trimmed = text.strip_suffix('/').unwrap_or(&text);
        let Ok(uri) = trimmed.parse::<Uri>() else { return Err(bad_url(&text)) };
        let known = uri.scheme() == Some(&Scheme::HTTP) || uri.scheme() == Some(&Scheme::HTTPS);
        let bare = uri.query().is_none() && uri.path().trim_matches('/').is_empty();
        let no_user = uri.authority().is_some_and(|authority| !authority.as_str().contains('@'));
        if known && bare && no_user { Ok(Self(Some(trimmed.to_owned()))) } else { Err(bad_url(&text)) }
    }
}

fn bad_url<E: Error>(text: &str) -> E {
    E::custom(format!("`{text}` is not the address of a server without a path, such as https://verify.example.com"))
}

/// Which logs are let through: a level, and levels of single parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter(pub String);

impl Filter {
    /// Takes levels only where the subscriber would take any word for the name of a part: `inof` is a mistake, not a part.
    fn parse(text: &str) -> Option<Self> {
        let fits = |part: &str| {
            let level =
                part.split_once('=').map_or(part, |(name, level)| if name.trim().is_empty() { "" } else { level });
            !level.trim().is_empty() && level.trim().parse::<LevelFilter>().is_ok()
        };
        text.split(',').all(fits).then(|| Self(text.to_owned()))
    }
}

impl<'de> Deserialize<'de> for Filter {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Self::parse(&text).ok_or_else(|| {
            D::Error::custom(format!(
                "`{text}` is not error, warn, info, debug or trace, or a list such as info,countersign_delivery=debug"
            ))
        })
    }
}

pub(super) fn optional_path<'de, D: Deserializer<'de>>(from: D) -> Result<Option<PathBuf>, D::Error> {
    let text = String::deserialize(from)?;
    Ok((!text.is_empty()).then(|| PathBuf::from(text)))
}

/// A URL of PostgreSQL. What is said of a bad one holds no password.
pub(super) fn optional_database<'de, D: Deserializer<'de>>(from: D) -> Result<Option<DatabaseUrl>, D::Error> {
    let text = String::deserialize(from)?;
    if text.is_empty() {
        return Ok(None);
    }
    let url = DatabaseUrl::new(text);
    url.check().map_err(D::Error::custom)?;
    Ok(Some(url))
}

pub(super) fn path<'de, D: Deserializer<'de>>(from: D) -> Result<PathBuf, D::Error> {
    optional_path(from)?.ok_or_else(|| D::Error::custom("must be the path of a file"))
}

pub(super) fn seconds<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    one_or_more(from).map(|seconds| Duration::from_secs(u64::from(seconds)))
}

pub(super) fn one_or_more<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
    from.deserialize_any(OneOrMore)
}

struct OneOrMore;

impl Visitor<'_> for OneOrMore {
    type Value = u32;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a whole number from 1 to {}", u32::MAX)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<u32, E> {
        match u32::try_from(number) {
            Ok(number) if number > 0 => Ok(number),
            Ok(_) | Err(_) => Err(E::invalid_value(serde::de::Unexpected::Signed(number), &self)),
        }
    }
}
