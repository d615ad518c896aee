//! What a message says: a template with placeholders `${NAME}`, filled with what the caller and we have to say. The place of the code
//! stays open, so that the code itself is put in when the message leaves.

use countersign_engine::commands::Pieces;
use countersign_model::Payment;
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;

/// A text with placeholders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Words(String),
    Placeholder(String),
}

/// What placeholders stand for. A name that is not known stands for nothing.
#[derive(Clone, Debug, Default)]
pub(super) struct Values(BTreeMap<String, String>);

/// Where a text goes, and so what must not happen in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Into a text, as it is.
    Text,
    /// Into a header of a mail: one line, whatever a value brings along.
    Header,
    /// Into HTML, where nothing of a value is markup.
    Html,
}

const CODE: &str = "CODE";
const SERVICE_NAME: &str = "SERVICE_NAME";
const PAYMENT: [&str; 3] = ["PAYEE", "AMOUNT", "CURRENCY"];

impl Template {
    /// Reads a template. What is no placeholder is text.
    pub(super) fn parse(text: &str) -> Self {
        let mut parts = Vec::new();
        let mut rest = text;
        let mut words = String::new();
        while let Some((before, after)) = rest.split_once("${") {
            words.push_str(before);
            let name = after.split_once('}').filter(|(name, _)| is_placeholder(name));
            if let Some((name, behind)) = name {
                parts.push(Part::Words(std::mem::take(&mut words)));
                parts.push(Part::Placeholder(name.to_owned()));
                rest = behind;
            } else {
                words.push_str("${");
                rest = after;
            }
        }
        words.push_str(rest);
        parts.push(Part::Words(words));
        Self(parts)
    }

    /// Whether the code has a place in it.
    pub(super) fn has_code(&self) -> bool {
        self.has(CODE)
    }

    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|part| matches!(part, Part::Placeholder(known) if known == name))
    }

    /// This template, with what is paid said at its end unless it says it already: who approves a payment must read what it is
    /// (Delegated Regulation (EU) 2018/389, article 5).
    pub(super) fn saying_payment(&self, place: Place) -> Self {
        if PAYMENT.iter().all(|name| self.has(name)) {
            return self.clone();
        }
        let more = match place {
            Place::Text | Place::Header => " (${AMOUNT} ${CURRENCY}, ${PAYEE})",
            Place::Html => "<p>${AMOUNT} ${CURRENCY}, ${PAYEE}</p>",
        };
        Self(self.0.iter().cloned().chain(Self::parse(more).0).collect())
    }

    /// The text with its values, open where the code goes. Values are not looked through for placeholders.
    pub(super) fn fill(&self, values: &Values, place: Place) -> Pieces {
        let mut pieces = vec![String::new()];
        for part in &self.0 {
            let words = match part {
                Part::Words(words) => words.clone(),
                Part::Placeholder(name) if name == CODE => {
                    pieces.push(String::new());
                    continue;
                }
                Part::Placeholder(name) => values.0.get(name).map(|value| safe(value, place)).unwrap_or_default(),
            };
            if let Some(last) = pieces.last_mut() {
                last.push_str(&words);
            }
        }
        if let Some(first) = pieces.first_mut() {
            *first = first.trim_start().to_owned();
        }
        if let Some(last) = pieces.last_mut() {
            *last = last.trim_end().to_owned();
        }
        Pieces::new(pieces)
    }
}

impl<'de> Deserialize<'de> for Template {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Self::parse(&String::deserialize(from)?))
    }
}

fn is_placeholder(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
}

fn safe(value: &str, place: Place) -> String {
    match place {
        Place::Text => value.to_owned(),
        Place::Header => one_line(value),
        Place::Html => {
            let mut escaped = String::with_capacity(value.len());
            for character in value.chars() {
                match character {
                    '&' => escaped.push_str("&amp;"),
                    '<' => escaped.push_str("&lt;"),
                    '>' => escaped.push_str("&gt;"),
                    '"' => escaped.push_str("&quot;"),
                    '\'' => escaped.push_str("&#39;"),
                    other => escaped.push(other),
                }
            }
            escaped
        }
    }
}

/// Without line breaks and other controls.
pub(super) fn one_line(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).collect()
}

impl Values {
    /// The caller's, which cannot take the place of ours.
    pub(super) fn new(given: BTreeMap<String, String>, service_name: &str, payment: Option<&Payment>) -> Self {
        let mut values = given;
        values.remove(CODE);
        values.insert(SERVICE_NAME.to_owned(), one_line(service_name));
        if let Some(payment) = payment {
            let known = [payment.payee(), payment.amount(), payment.currency()];
            values.extend(PAYMENT.into_iter().zip(known).map(|(name, value)| (name.to_owned(), value.to_owned())));
        }
        Self(values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn values(given: &[(&str, &str)]) -> Values {
        let given = given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Values::new(given, "Shop", None)
    }

    fn filled(template: &str, given: &[(&str, &str)], place: Place) -> String {
        Template::parse(template).fill(&values(given), place).as_slice().join("12345")
    }

    #[test]
    fn ours_cannot_be_replaced_and_unknown_ones_stay_empty() {
        let template = "${SERVICE_NAME}: ${CODE} for ${WHO}${NOBODY}, ${CODE}.";
        let given = [("WHO", "Ana"), ("CODE", "evil"), ("SERVICE_NAME", "evil")];
        assert_eq!(filled(template, &given, Place::Text), "Shop: 12345 for Ana, 12345.");
    }

    #[test]
    fn what_is_no_placeholder_is_text_and_values_are_not_looked_through() {
        assert_eq!(filled("$${CODE} ${} ${a b} ${x", &[], Place::Text), "$12345 ${} ${a b} ${x");
        assert_eq!(
            filled("${A} ${CODE}", &[("A", "${CODE}${SERVICE_NAME}")], Place::Text),
            "${CODE}${SERVICE_NAME} 12345"
        );
    }

    #[test]
    fn no_value_breaks_out_of_a_header_or_of_html() {
        let evil = [("A", "x\r\nBcc: eve@evil.example\r\n\r\n<script>")];
        assert_eq!(filled("Hi ${A}", &evil, Place::Header), "Hi xBcc: eve@evil.example<script>");
        let html = filled("<p>${A}</p>${CODE}", &[("A", "<b a=\"x\">&'")], Place::Html);
        assert_eq!(html, "<p>&lt;b a=&quot;x&quot;&gt;&amp;&#39;</p>12345");
    }

    #[test]
    fn a_payment_is_said_once_whatever_the_template_says() {
        let payment = Payment::of_number("ACME", "12.5", "xaf").unwrap();
        let values = Values::new(BTreeMap::from([("AMOUNT".to_owned(), "1".to_owned())]), "Shop", Some(&payment));
        let said = |text: &str, place| {
            Template::parse(text).saying_payment(place).fill(&values, place).as_slice().join("12345")
        };
        assert_eq!(said("${CODE}", Place::Text), "12345 (12.5 xaf, ACME)");
        assert_eq!(said("<b>${CODE}</b>", Place::Html), "<b>12345</b><p>12.5 xaf, ACME</p>");
        assert_eq!(said("${PAYEE} ${AMOUNT} ${CURRENCY} ${CODE}", Place::Text), "ACME 12.5 xaf 12345");
    }

    proptest! {
        #[test]
        fn a_template_without_values_is_its_own_text(text in "[^$]{0,60}", odd in "[${}a-z ]{0,30}") {
            prop_assert_eq!(filled(&text, &[], Place::Text), text.trim());
            let _ = filled(&odd, &[], Place::Header);
        }
    }
}
