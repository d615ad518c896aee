//! Which language a message is written in. Languages are BCP 47 tags; a wish is met by the "lookup" of RFC 4647,
//! section 3.4: the tag itself, then the tag with its end cut off bit by bit, and English at last. Which script a region
//! writes, and which language a country reads, is Unicode CLDR's knowledge.

use super::LANGUAGES;
use icu_locale::{
    LanguageIdentifier, Locale, LocaleCanonicalizer, LocaleDirectionality, LocaleExpander, subtags::language,
};

/// The language in which every built-in message exists, and the last resort of every wish.
pub const LAST_RESORT: &str = "en";

/// The longest tag that is read: RFC 5646, section 4.4.1, asks for at least 35 characters.
const LONGEST_TAG: usize = 35;

/// The tag in its usual spelling (`PT_br` → `pt-BR`, `zh-hant` → `zh-Hant`); none for a text that is no tag.
///
/// Only the form is judged: whether such a language exists is nobody's business here.
#[must_use]
pub fn canonical(locale: &str) -> Option<String> {
    let mut subtags = locale.split(['-', '_']);
    let language = subtags.next().filter(|first| (2..=8).contains(&first.len()) && is_alphabetic(first))?;
    let mut tag = language.to_ascii_lowercase();
    for subtag in subtags {
        if !(1..=8).contains(&subtag.len()) || !subtag.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return None;
        }
        tag.push('-');
        tag.push_str(&usual_case(subtag));
    }
    (tag.len() <= LONGEST_TAG).then_some(tag)
}

/// The languages to look for, the best first: `pt-BR` gives `pt-BR`, `pt`, `en`. What is no tag gives only `en`.
///
/// Where a region writes its language in another script than is usual, that one is looked for before the usual one: `zh-TW`
/// gives `zh-TW`, `zh-Hant`, `zh`, `en`. After what was asked for comes the name that a language has today (`iw` → `he`).
#[must_use]
pub fn candidates(locale: &str) -> Vec<String> {
    let tag = canonical(locale).unwrap_or_default();
    let mut found = shortened(&tag);
    if let Some(script) = unusual_script(&tag) {
        found.insert(found.len() - 1, script);
    }
    // This runs for every message, and nearly every one is in a language that is known by its name.
    if !found.last().is_some_and(|language| LANGUAGES.contains(&language.as_str()))
        && let Some(today) = name_of_today(&tag)
    {
        found.extend(shortened(&today));
    }
    if !found.iter().any(|tag| tag == LAST_RESORT) {
        found.push(LAST_RESORT.to_owned());
    }
    found
}

/// The tag, and what is left of it as its end is cut off bit by bit.
fn shortened(tag: &str) -> Vec<String> {
    let mut tag = tag.to_owned();
    let mut found = Vec::new();
    while !tag.is_empty() {
        found.push(tag.clone());
        tag.truncate(tag.rfind('-').unwrap_or(0));
        // A single character announces what follows it, and means nothing without it.
        if tag.len() > 2 && tag.as_bytes().get(tag.len() - 2) == Some(&b'-') {
            tag.truncate(tag.len() - 2);
        }
    }
    found
}

/// The language with its script, where a tag with a region and without a script implies another than the language alone does.
fn unusual_script(tag: &str) -> Option<String> {
    let asked: LanguageIdentifier = tag.parse().ok().filter(|asked: &LanguageIdentifier| asked.script.is_none())?;
    asked.region?;
    let script = likely(&asked).script?;
    let usual = likely(&LanguageIdentifier::from(asked.language)).script;
    (usual != Some(script)).then(|| format!("{}-{script}", asked.language))
}

/// What a tag is called today (Unicode CLDR's aliases), if that is something else.
fn name_of_today(tag: &str) -> Option<String> {
    let mut today: Locale = tag.parse().ok()?;
    LocaleCanonicalizer::new_common().canonicalize(&mut today);
    // Of the two ways to write Norwegian there are texts in one, which everybody reads.
    if ["no", "nn"].contains(&today.id.language.as_str()) {
        today.id.language = language!("nb");
    }
    let today = today.to_string();
    (today != tag).then_some(today)
}

/// The tag with what is likely where it says nothing (Unicode CLDR's likely subtags). What CLDR has no word for is left as it is.
fn likely(tag: &LanguageIdentifier) -> LanguageIdentifier {
    let mut whole = tag.clone();
    LocaleExpander::new_extended().maximize(&mut whole);
    whole
}

/// The language that most people of a country (ISO 3166-1 alpha-2) read, as `es-ES`, by Unicode CLDR's likely subtags; none
/// if no built-in text is in it.
#[must_use]
pub fn of_country(country: &str) -> Option<String> {
    let region = country.parse().ok().filter(|_| country.len() == 2)?;
    let likely = likely(&LanguageIdentifier { region: Some(region), ..LanguageIdentifier::UNKNOWN });
    // CLDR leaves out the countries whose language is English: that is what it takes for likely where it says nothing.
    let language = if likely.language.is_unknown() { language!("en") } else { likely.language };
    let tag = format!("{language}-{region}");
    let is_spoken = || LANGUAGES.contains(&language.as_str()) || negotiate(&tag, &LANGUAGES) != Some(LAST_RESORT);
    is_spoken().then_some(tag)
}

/// Whether a language is written from the right to the left.
#[must_use]
pub fn is_right_to_left(tag: &str) -> bool {
    tag.parse().is_ok_and(|tag: LanguageIdentifier| LocaleDirectionality::new_extended().is_right_to_left(&tag))
}

/// The best of the available languages for a wish; none if not even English is there.
#[must_use]
pub fn negotiate<'a>(requested: &str, available: &[&'a str]) -> Option<&'a str> {
    let offered = |wanted: &String| available.iter().find(|offered| offered.eq_ignore_ascii_case(wanted)).copied();
    candidates(requested).iter().find_map(offered)
}

fn is_alphabetic(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphabetic())
}

/// RFC 5646, section 2.1.1: regions in capitals, scripts with a capital, the rest in small letters.
fn usual_case(subtag: &str) -> String {
    let mut text = subtag.to_ascii_lowercase();
    match text.len() {
        2 if is_alphabetic(&text) => text.make_ascii_uppercase(),
        4 if is_alphabetic(&text) => {
            if let Some(first) = text.get_mut(..1) {
                first.make_ascii_uppercase();
            }
        }
        _ => {}
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_region_falls_back_to_its_language_and_then_to_english() {
        assert_eq!(candidates("pt-BR"), ["pt-BR", "pt", "en"]);
        assert_eq!(candidates("ZH_hant_tw"), ["zh-Hant-TW", "zh-Hant", "zh", "en"]);
        assert_eq!(candidates("en-GB"), ["en-GB", "en"]);
        assert_eq!(candidates("de-x-office"), ["de-x-office", "de", "en"]);
    }

    #[test]
    fn what_is_no_language_tag_gives_english() {
        for text in ["", "-", "e", "español", "pt--BR", "en/../../x", "123", &"a-".repeat(40), "en-\r\n"] {
            assert_eq!(candidates(text), ["en"], "{text:?}");
        }
    }

    #[test]
    fn the_best_of_what_is_there_is_taken() {
        assert_eq!(negotiate("pt-BR", &["en", "pt", "pt-br"]), Some("pt-br"));
        assert_eq!(negotiate("pt-BR", &["en", "pt"]), Some("pt"));
        assert_eq!(negotiate("fi", &["en", "pt"]), Some("en"));
        assert_eq!(negotiate("fi", &["de"]), None);
    }

    #[test]
    fn a_region_that_writes_another_script_gets_that_one() {
        assert_eq!(candidates("zh-TW"), ["zh-TW", "zh-Hant", "zh", "en"]);
        assert_eq!(candidates("zh-CN"), ["zh-CN", "zh", "en"]);
        assert_eq!(candidates("zh-Hans-HK"), ["zh-Hans-HK", "zh-Hans", "zh", "en"]);
        assert_eq!(candidates("sr-ME"), ["sr-ME", "sr-Latn", "sr", "en"]);
        assert_eq!(candidates("sr-RS"), ["sr-RS", "sr", "en"]);
    }

    #[test]
    fn a_language_is_found_under_its_old_names_too() {
        for (old, today) in
            [("iw", "he"), ("in-ID", "id"), ("tl", "fil"), ("no", "nb"), ("nn-NO", "nb"), ("sh", "sr-Latn")]
        {
            assert_eq!(negotiate(old, &LANGUAGES), Some(today), "{old}: {:?}", candidates(old));
        }
    }

    #[test]
    fn a_country_has_the_language_that_most_of_it_reads() {
        for (country, tag, found) in [
            ("ES", "es-ES", "es"),
            ("MX", "es-MX", "es"),
            ("BR", "pt-BR", "pt"),
            ("AT", "de-AT", "de"),
            ("CH", "de-CH", "de"),
            ("BE", "nl-BE", "nl"),
            ("GB", "en-GB", "en"),
            ("US", "en-US", "en"),
            ("EG", "ar-EG", "ar"),
            ("IL", "he-IL", "he"),
            ("IR", "fa-IR", "fa"),
            ("PK", "ur-PK", "ur"),
            ("IN", "hi-IN", "hi"),
            ("PH", "fil-PH", "fil"),
            ("CN", "zh-CN", "zh"),
            ("TW", "zh-TW", "zh-Hant"),
            ("HK", "zh-HK", "zh-Hant"),
            ("NO", "nb-NO", "nb"),
            ("RS", "sr-RS", "sr"),
            ("ME", "sr-ME", "sr-Latn"),
            ("CY", "el-CY", "el"),
            ("AD", "ca-AD", "ca"),
            ("ZA", "en-ZA", "en"),
        ] {
            assert_eq!(of_country(country).as_deref(), Some(tag));
            assert_eq!(negotiate(tag, &LANGUAGES), Some(found));
        }
        for nobodys in ["IS", "GE", "ET", "BA", "", "Spain", "001"] {
            assert_eq!(of_country(nobodys), None, "{nobodys}");
        }
    }

    #[test]
    fn four_of_the_languages_run_from_the_right() {
        let from_the_right: Vec<&str> = LANGUAGES.into_iter().filter(|tag| is_right_to_left(tag)).collect();
        assert_eq!(from_the_right, ["ar", "fa", "he", "ur"]);
    }

    proptest! {
        #[test]
        fn any_wish_ends_in_english(wish in "\\PC{0,40}|[a-zA-Z]{1,8}([-_][a-zA-Z0-9]{1,8}){0,5}") {
            let found = candidates(&wish);
            prop_assert!(found.iter().any(|tag| tag == LAST_RESORT));
            let _ = of_country(&wish);
        }
    }
}
