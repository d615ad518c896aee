//! What the grid says, in each language.

use crate::pages::language::{Language, translations};
use serde::Deserialize;
use std::sync::LazyLock;

/// The words of one language. `{picture}`, `{brand}`, `{number}` and `{total}` stand for what they say.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Words {
    pub start_title: String,
    pub start_text: String,
    pub start_button: String,
    pub start_warning: String,
    /// `{number}` more.
    attempts_left: String,
    /// `{number}` of `{total}`.
    progress: String,
    /// Names the `{picture}` to tap.
    told_prompt: String,
    /// Names nothing.
    pub remembered_prompt: String,
    pub remembered_help: String,
    pub wrong_title: String,
    pub wrong_text: String,
    pub wrong_button: String,
    pub solved_title: String,
    /// Sends the person back to `{brand}`.
    pub solved_text: String,
    pub failed_title: String,
    /// Sends the person back to `{brand}`.
    pub failed_text: String,
    pub over_title: String,
    pub over_text: String,
    pub rest_title: String,
    pub rest_text: String,
    pub trouble_title: String,
    pub trouble_text: String,
}

/// Compiled in, and read by the tests.
static WORDS: LazyLock<[Words; 13]> =
    LazyLock::new(|| translations!("grid").map(|file| serde_json::from_str(file).unwrap_or_default()));

static NONE: LazyLock<Words> = LazyLock::new(Words::default);

impl Words {
    pub(super) fn of(language: Language) -> &'static Self {
        WORDS.get(language as usize).unwrap_or(&NONE)
    }

    pub(super) fn attempts_left(&self, number: u32) -> String {
        self.attempts_left.replace("{number}", &number.to_string())
    }

    pub(super) fn progress(&self, number: usize, total: usize) -> String {
        self.progress.replace("{number}", &number.to_string()).replace("{total}", &total.to_string())
    }

    pub(super) fn told_prompt(&self, picture: &str) -> String {
        self.told_prompt.replace("{picture}", picture)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_has_every_word_with_the_places_it_needs() {
        let files = translations!("grid");
        assert_eq!(files.len(), Language::ALL.len());
        for (language, file) in Language::ALL.into_iter().zip(files) {
            let words: Words = serde_json::from_str(file).unwrap_or_else(|error| panic!("{}: {error}", language.tag()));
            for (text, places) in [
                (&words.told_prompt, &["{picture}"][..]),
                (&words.progress, &["{number}", "{total}"]),
                (&words.attempts_left, &["{number}"]),
                (&words.solved_text, &["{brand}"]),
                (&words.failed_text, &["{brand}"]),
            ] {
                assert_eq!(text.matches('{').count(), places.len(), "{text}");
                assert!(places.iter().all(|place| text.contains(place)), "{text}");
            }
            let all: serde_json::Map<String, serde_json::Value> = serde_json::from_str(file).unwrap();
            assert!(all.values().all(|text| text.as_str().is_some_and(|text| text.trim() == text && !text.is_empty())));
        }
    }

    #[test]
    fn in_english_it_is_said_to_the_letter() {
        let words = Words::of(Language::English);
        assert_eq!(words.told_prompt("house"), "Tap the house");
        assert_eq!(words.progress(1, 3), "1 of 3");
    }
}
