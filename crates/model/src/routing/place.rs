//! Where a number belongs: the beginning of it, and its country.

use rlibphonenumber::PHONE_NUMBER_UTIL;
use serde::{Deserialize, Deserializer, de::Error as _};
use std::{fmt, str::FromStr};

/// The first digits of international numbers: `+3466`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Prefix(String);

impl Prefix {
    /// Whether a number in E.164 form begins so.
    #[must_use]
    pub fn begins(&self, e164: &str) -> bool {
        e164.starts_with(&self.0)
    }

    /// How many digits it has: the more, the more exact.
    #[must_use]
    pub const fn digits(&self) -> usize {
        self.0.len() - 1
    }
}

impl FromStr for Prefix {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.strip_prefix('+').unwrap_or_default();
        let fits = (1..=15).contains(&digits.len())
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && !digits.starts_with('0');
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!("`{text}` is not the beginning of an international number, such as +3466"))
        }
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Prefix {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

/// A country with a numbering plan (ISO 3166-1 alpha-2): `ES`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Country(String);

impl Country {
    /// Its two letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Country {
    type Err = String;

    /// In either case: names of variables have small letters.
    fn from_str(text: &str) -> Result<Self, String> {
        let wanted = text.to_ascii_uppercase();
        if PHONE_NUMBER_UTIL.get_supported_regions().any(|region| region.to_string() == wanted) {
            Ok(Self(wanted))
        } else {
            Err(format!("`{text}` is not a country with phone numbers (ISO 3166-1), such as ES or GB"))
        }
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Country {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_the_beginning_of_an_international_number() {
        let prefix: Prefix = "+3466".parse().unwrap();
        assert!(prefix.begins("+34666666111") && !prefix.begins("+34600000000"));
        assert_eq!(prefix.digits(), 4);
        for bad in ["", "+", "3466", "+034", "+34 6", "+1234567890123456", "ES"] {
            assert!(bad.parse::<Prefix>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_country_that_has_no_numbers_is_a_mistake() {
        assert_eq!("es".parse::<Country>().unwrap().as_str(), "ES");
        for bad in ["", "UK", "ESP", "E", "XX"] {
            assert!(bad.parse::<Country>().is_err(), "{bad}");
        }
    }
}
