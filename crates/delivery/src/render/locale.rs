//! Which language a message is written in. Languages are BCP 47 tags; a wish is met by the "lookup" of RFC 4647,
//! section 3.4: the tag itself, then the tag with its end cut off bit by bit, and English at last.

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
#[must_use]
pub fn candidates(locale: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut tag = canonical(locale).unwrap_or_default();
    while !tag.is_empty() {
        found.push(tag.clone());
        tag.truncate(tag.rfind('-').unwrap_or(0));
        // A single character announces what follows it, and means nothing without it.
        if tag.len() > 2 && tag.as_bytes().get(tag.len() - 2) == Some(&b'-') {
            tag.truncate(tag.len() - 2);
        }
    }
    if !found.iter().any(|tag| tag == LAST_RESORT) {
        found.push(LAST_RESORT.to_owned());
    }
    found
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
}
