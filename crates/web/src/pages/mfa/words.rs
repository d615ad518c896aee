//! What the second step says, in each language.

use crate::pages::language::{Language, translations};
use countersign_model::Channel;
use serde::Deserialize;
use std::sync::LazyLock;

/// The words of one language. `{brand}` and `{address}` stand for what they say.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Words {
    pub enrol_title: String,
    /// Says for whom: `{brand}`.
    pub enrol_text: String,
    pub choose_title: String,
    /// Says for whom: `{brand}`.
    pub choose_text: String,
    pub app: String,
    pub sms: String,
    pub voice: String,
    pub email: String,
    pub app_title: String,
    pub app_text: String,
    pub app_key: String,
    pub qr_alt: String,
    pub phone_label: String,
    pub email_label: String,
    pub send_button: String,
    pub code_title: String,
    pub code_app_text: String,
    /// Says where to: `{address}`.
    pub code_sent_text: String,
    pub code_label: String,
    pub next_button: String,
    pub other_link: String,
    pub recovery_link: String,
    pub recovery_label: String,
    pub recovery_help: String,
    pub wrong: String,
    pub bad_address: String,
    pub keep_title: String,
    pub keep_text: String,
    pub done_title: String,
    /// Sends the person back to `{brand}`.
    pub done_text: String,
    pub cancel: String,
    pub over_title: String,
    pub over_text: String,
    pub late: String,
    /// `{seconds}` to wait.
    pub too_soon: String,
    /// `{minutes}` to wait.
    pub too_many: String,
    /// `{seconds}` between two codes.
    pub resend_help: String,
    pub resend_button: String,
    pub stop_title: String,
    /// `{minutes}` to wait.
    pub stop_text: String,
    pub again_link: String,
    /// Leads back to `{brand}`.
    pub back_link: String,
    pub app_link: String,
    pub kept_button: String,
    pub have_title: String,
    /// `{brand}` asks for it from now on.
    pub have_text: String,
    pub trouble_title: String,
    pub trouble_text: String,
}

/// Compiled in, and read by the tests.
static WORDS: LazyLock<[Words; 13]> =
    LazyLock::new(|| translations!("mfa").map(|file| serde_json::from_str(file).unwrap_or_default()));

static NONE: LazyLock<Words> = LazyLock::new(Words::default);

impl Words {
    pub(super) fn of(language: Language) -> &'static Self {
        WORDS.get(language as usize).unwrap_or(&NONE)
    }

    pub(super) fn way(&self, channel: Channel) -> &str {
        match channel {
            Channel::Sms | Channel::Whatsapp | Channel::Telegram => &self.sms,
            Channel::Voice => &self.voice,
            Channel::Email => &self.email,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_has_every_word_with_the_places_it_needs() {
        let files = translations!("mfa");
        assert_eq!(files.len(), Language::ALL.len());
        for (language, file) in Language::ALL.into_iter().zip(files) {
            let words: Words = serde_json::from_str(file).unwrap_or_else(|error| panic!("{}: {error}", language.tag()));
            for (text, place) in [
                (&words.enrol_text, "{brand}"),
                (&words.choose_text, "{brand}"),
                (&words.code_sent_text, "{address}"),
                (&words.done_text, "{brand}"),
                (&words.too_soon, "{seconds}"),
                (&words.too_many, "{minutes}"),
                (&words.resend_help, "{seconds}"),
                (&words.stop_text, "{minutes}"),
                (&words.back_link, "{brand}"),
                (&words.have_text, "{brand}"),
            ] {
                assert!(text.matches('{').count() == 1 && text.contains(place), "{}: {text}", language.tag());
            }
            let all: serde_json::Map<String, serde_json::Value> = serde_json::from_str(file).unwrap();
            assert!(all.values().all(|text| text.as_str().is_some_and(|text| text.trim() == text && !text.is_empty())));
        }
    }
}
