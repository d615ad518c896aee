//! What the variables of a request's templates stand for. `docs/providers.md` lists them.

use super::{
    from::{self, DefaultFrom},
    template::Values,
};
use crate::{Outgoing, SendError, gsm7, render::one_line};
use countersign_model::PhoneNumber;
use minijinja::Value;
use secrecy::{ExposeSecret as _, SecretString};
use std::collections::BTreeMap;

/// The variables of a message.
pub(super) const OF_MESSAGE: [&str; 24] = [
    "to",
    "to_digits",
    "from",
    "from_name",
    "from_email",
    "from_header",
    "text",
    "subject",
    "html",
    "code",
    "id",
    "id_hex",
    "channel",
    "encoding",
    "parts",
    "receipt_url",
    "call_url",
    "language",
    "life_seconds",
    "life_minutes",
    "dlt_entity",
    "dlt_template",
    "timestamp",
    "timestamp_ms",
];
/// What the answer to the question before the message gives it.
pub(super) const OF_REACH: &str = "reach_reference";
/// The variables of a look-up.
pub(super) const OF_LOOKUP: [&str; 2] = ["to", "to_digits"];
/// What stands for a secret when a request is shown.
pub(super) const MASK: &str = "********";

/// What a request may say besides what the message says: the operator's own values and secrets.
pub(super) struct Own {
    values: BTreeMap<String, String>,
    secrets: BTreeMap<String, SecretString>,
}

impl Own {
    pub const fn new(values: BTreeMap<String, String>, secrets: BTreeMap<String, SecretString>) -> Self {
        Self { values, secrets }
    }

    /// The names of all variables of a request: those of the message, and the operator's.
    pub fn names<'a>(&'a self, given: &[&'a str]) -> Vec<&'a str> {
        let own = self.values.keys().map(String::as_str);
        given.iter().copied().chain(own).chain(["secrets"]).collect()
    }

    /// The operator's values alone: all that the host of an address can depend on.
    pub fn alone(&self) -> Values {
        self.join(Values::new(), true)
    }

    /// Adds the operator's values to those of a message.
    pub fn join(&self, mut values: Values, masked: bool) -> Values {
        values.extend(self.values.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))));
        let shown = |secret: &SecretString| Value::from(if masked { MASK } else { secret.expose_secret() });
        let secrets = self.secrets.iter().map(|(name, secret)| (name.as_str(), shown(secret)));
        values.insert("secrets".to_owned(), Value::from_pairs(secrets));
        values
    }
}

/// The values of a message. `default_from` speaks if the service names no sender; `language` is the vendor's name of it.
///
/// # Errors
/// When the sender that the service wants cannot be written.
pub(super) fn of_message(message: &Outgoing, default_from: &DefaultFrom, language: &str) -> Result<Values, SendError> {
    let size = gsm7::size(&message.content.text);
    let hexadecimal = data_encoding::HEXLOWER.encode(&message.id.to_bytes());
    let ms = message.now.as_ms();
    let mut values = of_address(message.to.as_str());
    values.extend(
        [
            ("text", Value::from(message.content.text.as_str())),
            ("subject", Value::from(one_line(message.content.subject.as_deref().unwrap_or_default()))),
            ("html", Value::from(message.content.html.as_deref().unwrap_or_default())),
            ("code", Value::from(message.code.as_ref().map_or("", |code| code.expose()))),
            ("id", Value::from(message.id.to_string())),
            ("id_hex", Value::from(hexadecimal)),
            ("channel", Value::from(message.channel.name())),
            ("encoding", Value::from(size.encoding.name())),
            ("parts", Value::from(size.parts)),
            ("call_url", Value::from(message.call_url.as_deref().unwrap_or_default())),
            ("language", Value::from(language)),
            ("life_seconds", message.life_seconds.map_or_else(|| Value::from(""), Value::from)),
            ("life_minutes", message.life_minutes.map_or_else(|| Value::from(""), Value::from)),
            ("receipt_url", Value::from(message.receipt_url.as_deref().unwrap_or_default())),
            ("dlt_entity", Value::from(message.dlt.as_ref().map_or("", |ids| ids.entity.as_str()))),
            ("dlt_template", Value::from(message.dlt.as_ref().map_or("", |ids| ids.template.as_str()))),
            ("timestamp", Value::from(ms.div_euclid(1000))),
            ("timestamp_ms", Value::from(ms)),
        ]
        .map(|(name, value)| (name.to_owned(), value)),
    );
    values.extend(from::VARIABLES.map(str::to_owned).into_iter().zip(default_from.of(message)?));
    Ok(values)
}

/// The values of a look-up.
pub(super) fn of_number(number: &PhoneNumber) -> Values {
    of_address(number.e164())
}

fn of_address(to: &str) -> Values {
    let digits = to.strip_prefix('+').unwrap_or_default();
    Values::from([("to".to_owned(), Value::from(to)), ("to_digits".to_owned(), Value::from(digits))])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::outgoing;

    #[test]
    fn every_variable_that_is_promised_is_there() {
        let values = of_message(&outgoing(), &DefaultFrom::Text(String::new()), "en").unwrap();
        let names: Vec<&str> = values.keys().map(String::as_str).collect();
        let mut promised = OF_MESSAGE.to_vec();
        promised.sort_unstable();
        assert_eq!(names, promised);
        let number = PhoneNumber::parse("+34666666111").unwrap();
        assert_eq!(of_number(&number).into_keys().collect::<Vec<_>>(), OF_LOOKUP);
    }

    #[test]
    fn every_variable_is_explained() {
        let page = include_str!("../../../../../docs/providers.md");
        for name in OF_MESSAGE.iter().chain(&OF_LOOKUP).chain(&[OF_REACH]) {
            assert!(page.contains(&format!("`{name}`")), "docs/providers.md says nothing of {name}");
        }
    }

    #[test]
    fn a_subject_is_one_line() {
        let mut message = outgoing();
        message.content.subject = Some("Your code\r\nBcc: eve@evil.example".into());
        let values = of_message(&message, &DefaultFrom::Text(String::new()), "en").unwrap();
        assert_eq!(values["subject"].to_string(), "Your code Bcc: eve@evil.example");
    }

    #[test]
    fn secrets_are_masked_when_a_request_is_shown() {
        let own = Own::new(BTreeMap::new(), BTreeMap::from([("key".to_owned(), "s3cret".into())]));
        assert_eq!(own.join(Values::new(), true)["secrets"].get_attr("key").unwrap().to_string(), MASK);
        assert_eq!(own.join(Values::new(), false)["secrets"].get_attr("key").unwrap().to_string(), "s3cret");
    }
}
