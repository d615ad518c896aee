//! What an operator can set for this dialect, as the section `[dialects.clickatell]`.

use crate::sms_text::{ROOM_OF_ONE_GSM7, in_gsm7, septets};
use countersign_engine::commands::OwnText;
use countersign_model::{Alphabet, CodeShape};
use serde::{Deserialize, Deserializer, de::Error as _};

/// What can be set.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a section")]
pub struct Settings {
    /// What a PIN looks like when the caller brings none.
    #[serde(rename = "pin_length", deserialize_with = "pin_shape")]
    pub(super) pin: CodeShape,
    /// How long an authentication lives when the caller does not say, in minutes.
    #[serde(deserialize_with = "minutes")]
    pub(super) expire_minutes: u32,
    /// How many attempts it has when the caller does not say.
    #[serde(deserialize_with = "attempts")]
    pub(super) attempts: u32,
    /// Whether a configured number lookup is asked before a message goes out.
    pub(super) number_lookup: bool,
    /// The message of a grid.
    #[serde(deserialize_with = "grid_text")]
    pub(super) grid_text: GridText,
}

/// The most minutes that an authentication may live.
pub(super) const MOST_MINUTES: u32 = 1440;
/// The most attempts that it may have.
pub(super) const MOST_ATTEMPTS: u32 = 10;

/// Words around a link, with places for `{BRAND}` and `{MINUTES}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct GridText(String);

const BRAND: &str = "{BRAND}";
const LINK: &str = "{LINK}";
const MINUTES: &str = "{MINUTES}";
/// `/c/` and the token.
const PATH_OF_A_LINK: usize = 29;

impl GridText {
    /// The words of one message. With a link on `base` they fit into one text message: a brand that is too long for that is cut.
    pub(super) fn around_link(&self, brand: &str, minutes: u32, base: &str) -> OwnText {
        let text = in_gsm7(&self.0).replace(MINUTES, &minutes.to_string());
        let around = septets(&text.replace(BRAND, "").replace(LINK, base)) + PATH_OF_A_LINK;
        let mut brand = in_gsm7(brand);
        while around + septets(&brand) * text.matches(BRAND).count() > ROOM_OF_ONE_GSM7 && brand.pop().is_some() {}
        let filled = text.replace(BRAND, brand.trim());
        // The placeholder is there: the settings were not taken without it.
        OwnText::with_placeholder(&filled, LINK).unwrap_or_else(|| OwnText::around(filled, ""))
    }
}

fn grid_text<'de, D: Deserializer<'de>>(from: D) -> Result<GridText, D::Error> {
    let text = String::deserialize(from)?;
    // A public address of usual length must fit beside it.
    let fits = septets(&in_gsm7(&text)) + PATH_OF_A_LINK + 40 <= ROOM_OF_ONE_GSM7;
    if text.matches(LINK).count() == 1 && fits {
        Ok(GridText(text))
    } else {
        Err(D::Error::custom("must have {LINK} exactly once, and at most 91 characters"))
    }
}

fn pin_shape<'de, D: Deserializer<'de>>(from: D) -> Result<CodeShape, D::Error> {
    let length = u8::deserialize(from)?;
    let shape = CodeShape::new(Alphabet::Numeric, length).ok().filter(|_| (4..=8).contains(&length));
    shape.ok_or_else(|| D::Error::custom("must be from 4 to 8"))
}

fn minutes<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
    within(from, MOST_MINUTES)
}

fn attempts<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
    within(from, MOST_ATTEMPTS)
}

fn within<'de, D: Deserializer<'de>>(from: D, most: u32) -> Result<u32, D::Error> {
    let number = u32::deserialize(from)?;
    if (1..=most).contains(&number) { Ok(number) } else { Err(D::Error::custom(format!("must be from 1 to {most}"))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEFAULTS: &str = r#"{"pin_length":4,"expire_minutes":5,"attempts":1,"number_lookup":true,
        "grid_text":"{BRAND}: confirm your sign-in: {LINK} (valid {MINUTES} minutes)"}"#;

    #[test]
    fn the_message_of_a_grid_is_one_text_message_whatever_the_brand() {
        let settings: Settings = serde_json::from_str(DEFAULTS).unwrap();
        let text = |brand: &str, base: &str| {
            let link = format!("{base}/c/{}", "a".repeat(26));
            settings.grid_text.around_link(brand, 1440, base).filled_with(&link)
        };
        assert_eq!(
            text("Acme", "https://acme.example"),
            format!("Acme: confirm your sign-in: https://acme.example/c/{} (valid 1440 minutes)", "a".repeat(26))
        );
        let longest = text(&"Bankhaus Müller & Söhne € ".repeat(9), "https://verification.bankhaus-mueller.example");
        assert!(septets(&longest) <= 160 && longest.starts_with("Bankhaus M"), "{longest}");
        assert!(text("Банк", "https://bank.example").starts_with("Bank: confirm"));
    }

    #[test]
    fn what_cannot_be_used_is_refused_with_a_reason() {
        for (is, put, why) in [
            ("\"pin_length\":4", "\"pin_length\":3", "must be from 4 to 8"),
            ("\"attempts\":1", "\"attempts\":0", "must be from 1 to 10"),
            ("\"expire_minutes\":5", "\"expire_minutes\":1441", "must be from 1 to 1440"),
            ("{LINK}", "a link", "must have {LINK} exactly once"),
        ] {
            let error = serde_json::from_str::<Settings>(&DEFAULTS.replace(is, put)).unwrap_err();
            assert!(error.to_string().starts_with(why), "{error}");
        }
    }
}
