//! Whom messages come from, as variables: of a text message a number or a name, of a mail an address under a name.

use super::{BadSetting, settings::Settings};
use crate::{Outgoing, SendError, providers::sender, render::one_line};
use countersign_model::Channel;
use lettre::message::Mailbox;
use minijinja::Value;

/// The variables that say whom a message comes from; all but the first are empty for what is no mail.
pub(super) const VARIABLES: [&str; 4] = ["from", "from_name", "from_email", "from_header"];

/// The setting `from`, as it is meant for what the provider carries.
pub(super) enum DefaultFrom {
    Text(String),
    Mail(Mailbox),
}

impl DefaultFrom {
    /// `is_named`: whether the request says at all whom a message comes from.
    pub fn new(settings: &Settings, is_named: bool) -> Result<Self, BadSetting> {
        let text = settings.from.as_deref().unwrap_or_default();
        if !settings.channels.contains(&Channel::Email) {
            return Ok(Self::Text(text.to_owned()));
        }
        if settings.channels.len() > 1 {
            return Err(BadSetting::new("channels", "mail needs a provider of its own: it comes from an address"));
        }
        if text.is_empty() && !is_named {
            return Ok(Self::Text(String::new()));
        }
        sender::mailbox(text).map(Self::Mail)
    }

    /// The values of [`VARIABLES`] for a message.
    pub fn of(&self, message: &Outgoing) -> Result<[Value; 4], SendError> {
        match self {
            Self::Text(default) => {
                let from = one_line(message.from.as_deref().unwrap_or(default));
                Ok([from, String::new(), String::new(), String::new()].map(Value::from))
            }
            Self::Mail(own) => {
                let sender = sender::of(message, own)?;
                let (name, header) = (sender.name.clone().unwrap_or_default(), sender::in_header(&sender));
                Ok([sender.to_string(), name, sender.email.to_string(), header].map(Value::from))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::outgoing;

    fn default_from(json: &str) -> Result<DefaultFrom, BadSetting> {
        let json = format!(r#"{{"request": {{"url": "https://x.example/"}}, {json}}}"#);
        DefaultFrom::new(&serde_json::from_str(&json).unwrap(), true)
    }

    fn texts(from: &DefaultFrom, message: &Outgoing) -> [String; 4] {
        from.of(message).unwrap().map(|value| value.to_string())
    }

    #[test]
    fn a_text_message_comes_from_one_line_and_the_services_own_wins() {
        let message = Outgoing { from: Some("Acme\r\nX-Evil: 1".into()), ..outgoing() };
        let from = default_from(r#""channels": ["sms"], "from": "Default""#).unwrap();
        assert_eq!(texts(&from, &message), ["Acme X-Evil: 1", "", "", ""]);
        assert_eq!(texts(&from, &outgoing())[0], "Default");
        assert_eq!(texts(&default_from(r#""channels": ["sms"]"#).unwrap(), &outgoing())[0], "");
    }

    #[test]
    fn a_mail_comes_from_the_providers_address_under_the_services_name() {
        let from = default_from(r#""channels": ["email"], "from": "Acme <no-reply@acme.example>""#).unwrap();
        let named = Outgoing { from: Some("Café, SL".into()), ..outgoing() };
        assert_eq!(
            texts(&from, &named),
            [
                "\"Café, SL\" <no-reply@acme.example>",
                "Café, SL",
                "no-reply@acme.example",
                "=?utf-8?b?Q2Fmw6ksIFNM?= <no-reply@acme.example>"
            ]
        );
        assert_eq!(texts(&from, &outgoing())[0], "Acme <no-reply@acme.example>");
    }

    #[test]
    fn mail_without_an_address_or_beside_text_messages_is_a_mistake_of_the_settings() {
        let setting = |json: &str| default_from(json).err().map(|bad| bad.setting);
        assert_eq!(setting(r#""channels": ["email"]"#), Some("from"));
        assert_eq!(setting(r#""channels": ["email"], "from": "Acme""#), Some("from"));
        assert_eq!(setting(r#""channels": ["sms", "email"], "from": "a@b.example""#), Some("channels"));
    }
}
