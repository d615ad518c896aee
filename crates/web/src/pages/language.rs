//! The languages of the hosted pages, and which one a browser or a user gets (RFC 9110, 12.5.4; the lookup of
//! RFC 4647, 3.4).

use axum::http::{HeaderMap, header::ACCEPT_LANGUAGE};

/// A language that every page speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    English,
    Arabic,
    Chinese,
    Dutch,
    French,
    German,
    Italian,
    Japanese,
    Polish,
    Portuguese,
    Russian,
    Spanish,
    Turkish,
}

impl Language {
    /// All of them, in the order of [`translations!`].
    pub(crate) const ALL: [Self; 13] = [
        Self::English,
        Self::Arabic,
        Self::Chinese,
        Self::Dutch,
        Self::French,
        Self::German,
        Self::Italian,
        Self::Japanese,
        Self::Polish,
        Self::Portuguese,
        Self::Russian,
        Self::Spanish,
        Self::Turkish,
    ];

    /// BCP 47.
    pub(crate) const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Arabic => "ar",
            Self::Chinese => "zh",
            Self::Dutch => "nl",
            Self::French => "fr",
            Self::German => "de",
            Self::Italian => "it",
            Self::Japanese => "ja",
            Self::Polish => "pl",
            Self::Portuguese => "pt",
            Self::Russian => "ru",
            Self::Spanish => "es",
            Self::Turkish => "tr",
        }
    }

    /// The direction of writing, as HTML has it.
    pub(crate) const fn direction(self) -> &'static str {
        if matches!(self, Self::Arabic) { "rtl" } else { "ltr" }
    }

    /// The one that a tag (BCP 47) means, if every page speaks it.
    pub(crate) fn named(tag: &str) -> Option<Self> {
        let primary = tag.split(['-', '_']).next()?;
        Self::ALL.into_iter().find(|language| language.tag().eq_ignore_ascii_case(primary))
    }

    /// The one that the browser likes best; English if it likes none of them.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let written = headers.get_all(ACCEPT_LANGUAGE).into_iter().filter_map(|value| value.to_str().ok());
        let mut wishes: Vec<(u16, Self)> = written.flat_map(|value| value.split(',')).filter_map(wish).collect();
        // Stable: of equal wishes the first counts.
        wishes.sort_by_key(|(weight, _)| u16::MAX - weight);
        wishes.first().map_or(Self::English, |(_, language)| *language)
    }
}

/// `de-CH;q=0.9` → German, 900. None: a language that nobody here speaks, or one that is not wanted.
fn wish(text: &str) -> Option<(u16, Language)> {
    let mut parts = text.split(';').map(str::trim);
    let language = Language::named(parts.next()?)?;
    let weight = match parts.find_map(|part| part.strip_prefix("q=")) {
        None => 1000,
        Some(weight) => thousandths(weight)?,
    };
    (weight > 0).then_some((weight, language))
}

fn thousandths(weight: &str) -> Option<u16> {
    let weight: f32 = weight.parse().ok()?;
    (0..=1000).rev().find(|thousandths| f32::from(*thousandths) <= weight * 1000.0 + 0.5).filter(|_| weight <= 1.0)
}

/// The words of a page in each language, in the order of [`Language::ALL`], from `assets/pages/words/<page>.<language>.json`.
macro_rules! translations {
    ($page:literal) => {
        crate::pages::language::translations!($page: "en" "ar" "zh" "nl" "fr" "de" "it" "ja" "pl" "pt" "ru" "es" "tr")
    };
    ($page:literal: $($tag:literal)*) => {
        [$(include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/pages/words/", $page, ".", $tag, ".json"))),*]
    };
}
pub(crate) use translations;

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(accept: &str) -> Language {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_LANGUAGE, accept.parse().unwrap());
        Language::of(&headers)
    }

    #[test]
    fn the_browser_gets_what_it_likes_best_of_what_there_is() {
        for (accept, language) in [
            ("de", Language::German),
            ("pt-BR,pt;q=0.9,en;q=0.8", Language::Portuguese),
            ("fi, sv;q=0.9, tr;q=0.5, en;q=0.4", Language::Turkish),
            ("en;q=0.5, ar-EG;q=0.8", Language::Arabic),
            ("zh-Hant-TW", Language::Chinese),
            ("DE-de", Language::German),
            ("de;q=0, nl;q=0.1", Language::Dutch),
            ("fr;q=0.7,it;q=0.7", Language::French),
        ] {
            assert_eq!(chosen(accept), language, "{accept}");
        }
        for nobody in ["fi", "*", "", "de;q=0", "de;q=x", "de;q=9", ";;;", "-"] {
            assert_eq!(chosen(nobody), Language::English, "{nobody:?}");
        }
        assert_eq!(Language::of(&HeaderMap::new()), Language::English);
    }
}
