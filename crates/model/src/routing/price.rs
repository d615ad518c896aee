//! What a message costs at a provider.

use super::place::{Country, Prefix};
use crate::Channel;
use serde::{
    Deserialize, Deserializer,
    de::{Error, Visitor},
};
use std::{collections::BTreeMap, fmt, str::FromStr};

/// The price of one message, in millionths. All prices are in one currency, whichever it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Price(u64);

const MILLION: f64 = 1e6;

impl Price {
    /// So many millionths.
    #[must_use]
    pub const fn from_millionths(millionths: u64) -> Self {
        Self(millionths)
    }

    /// How many millionths.
    #[must_use]
    pub const fn millionths(self) -> u64 {
        self.0
    }

    fn of(amount: f64) -> Option<Self> {
        let millionths = (amount * MILLION).round();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked")]
        (0.0..1e12).contains(&millionths).then_some(Self(millionths as u64))
    }
}

impl fmt::Display for Price {
    /// At least two decimals, and no zeros after that: `0.021`, `0.05`, `1.00`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = format!("{:06}", self.0 % 1_000_000);
        let kept = decimals.trim_end_matches('0').len().max(2);
        write!(f, "{}.{}", self.0 / 1_000_000, decimals.get(..kept).unwrap_or(&decimals))
    }
}

impl<'de> Deserialize<'de> for Price {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(PriceVisitor)
    }
}

struct PriceVisitor;

impl Visitor<'_> for PriceVisitor {
    type Value = Price;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a price from 0 to 1000000, such as 0.021")
    }

    fn visit_f64<E: Error>(self, amount: f64) -> Result<Price, E> {
        Price::of(amount).ok_or_else(|| E::invalid_value(serde::de::Unexpected::Float(amount), &self))
    }

    fn visit_i64<E: Error>(self, amount: i64) -> Result<Price, E> {
        i32::try_from(amount)
            .ok()
            .and_then(|amount| Price::of(f64::from(amount)))
            .ok_or_else(|| E::invalid_value(serde::de::Unexpected::Signed(amount), &self))
    }

    fn visit_u64<E: Error>(self, amount: u64) -> Result<Price, E> {
        self.visit_i64(i64::try_from(amount).unwrap_or(i64::MAX))
    }
}

/// What a provider's prices depend on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum PricedPlace {
    Prefix(Prefix),
    Country(Country),
    /// Wherever nothing else is said of.
    Other,
}

impl FromStr for PricedPlace {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "other" => Ok(Self::Other),
            _ if text.starts_with('+') => text.parse().map(Self::Prefix),
            _ => text.parse().map(Self::Country).map_err(|_| {
                format!("`{text}` is not a country such as ES, the beginning of a number such as +3466, or `other`")
            }),
        }
    }
}

impl<'de> Deserialize<'de> for PricedPlace {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

/// The prices of one provider on one channel.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct PriceList(BTreeMap<PricedPlace, Price>);

impl PriceList {
    fn find(&self, e164: Option<&str>, country: Option<&str>) -> Option<Price> {
        let by_prefix = self.0.iter().filter_map(|(place, price)| match place {
            PricedPlace::Prefix(prefix) if e164.is_some_and(|e164| prefix.begins(e164)) => {
                Some((prefix.digits(), *price))
            }
            PricedPlace::Prefix(_) | PricedPlace::Country(_) | PricedPlace::Other => None,
        });
        let by_country = || {
            let country = country?.parse().ok()?;
            self.0.get(&PricedPlace::Country(country)).copied()
        };
        let longest = by_prefix.max_by_key(|(digits, _)| *digits).map(|(_, price)| price);
        longest.or_else(by_country).or_else(|| self.0.get(&PricedPlace::Other).copied())
    }
}

/// All prices: by channel, then by provider.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Prices(BTreeMap<Channel, BTreeMap<String, PriceList>>);

impl Prices {
    /// What a provider asks for a message to this number: that of the longest prefix, else of the country, else any other.
    #[must_use]
    pub fn find(&self, channel: Channel, provider: &str, e164: Option<&str>, country: Option<&str>) -> Option<Price> {
        self.0.get(&channel)?.get(provider)?.find(e164, country)
    }

    /// Whether anything is known of what a provider asks.
    #[must_use]
    pub fn knows(&self, channel: Channel, provider: &str) -> bool {
        self.0.get(&channel).is_some_and(|lists| lists.contains_key(provider))
    }

    /// Every provider that has a price, with the channel.
    pub fn providers(&self) -> impl Iterator<Item = (Channel, &str)> {
        self.0.iter().flat_map(|(channel, lists)| lists.keys().map(|name| (*channel, name.as_str())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prices(json: &str) -> Prices {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn the_longest_prefix_has_the_price_then_the_country_then_any_other() {
        let prices = prices(r#"{"sms": {"a": {"other": 0.1, "ES": 0.05, "+346": 0.04, "+3466": 0.0215}}}"#);
        let find = |e164, country| prices.find(Channel::Sms, "a", Some(e164), Some(country)).map(|it| it.to_string());
        assert_eq!(find("+34666666111", "ES").as_deref(), Some("0.0215"));
        assert_eq!(find("+34612345678", "ES").as_deref(), Some("0.04"));
        assert_eq!(find("+34712345678", "ES").as_deref(), Some("0.05"));
        assert_eq!(find("+33612345678", "FR").as_deref(), Some("0.10"));
        assert_eq!(prices.find(Channel::Voice, "a", None, None), None);
        assert_eq!(prices.find(Channel::Sms, "b", None, None), None);
    }

    #[test]
    fn a_place_or_a_price_that_cannot_be_is_refused() {
        for bad in
            [r#"{"sms": {"a": {"Spain": 1}}}"#, r#"{"sms": {"a": {"ES": -1}}}"#, r#"{"sms": {"a": {"ES": "x"}}}"#]
        {
            assert!(serde_json::from_str::<Prices>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_price_is_shown_with_two_decimals_at_least() {
        for (amount, shown) in [(1.0, "1.00"), (0.021, "0.021"), (0.006_45, "0.00645"), (12.5, "12.50"), (0.0, "0.00")]
        {
            assert_eq!(Price::of(amount).unwrap().to_string(), shown);
        }
    }
}
