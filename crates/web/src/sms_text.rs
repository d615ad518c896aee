//! Texts as they fit into a text message, for the dialects that make their own. Characters that it cannot carry become the nearest
//! that it can (á → a), or go.

use countersign_engine::gsm7;
use deunicode::deunicode_char;

/// What one message holds, in septets of GSM-7.
pub(crate) const ROOM_OF_ONE_GSM7: usize = 160;

/// The text in the characters of GSM-7.
pub(crate) fn in_gsm7(text: &str) -> String {
    replaced(text, |character| gsm7::septets(character).is_some())
}

/// How long a text of these characters is.
pub(crate) fn septets(text: &str) -> usize {
    gsm7::size(text).units
}

/// The text with whatever does not fit replaced by the nearest that does, or by nothing.
pub(crate) fn replaced(text: &str, fits: impl Fn(char) -> bool) -> String {
    let mut kept = String::with_capacity(text.len());
    for character in text.chars() {
        if fits(character) {
            kept.push(character);
        } else {
            kept.extend(nearest(character).chars().filter(|near| fits(*near)));
        }
    }
    kept
}

/// Letters, digits and punctuation have something near; a picture has not.
fn nearest(character: char) -> &'static str {
    let is_punctuation = ('\u{2010}'..='\u{205e}').contains(&character) || "`´‚«»".contains(character);
    if character.is_whitespace() {
        " "
    } else if character.is_alphanumeric() || is_punctuation {
        deunicode_char(character).unwrap_or_default()
    } else {
        ""
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_a_message_cannot_carry_become_the_nearest_or_go() {
        for (text, sent) in [
            ("¿Qué? Ñandú a 5 €", "¿Qué? Ñandu a 5 €"),
            ("“quoted” – it’s…", "\"quoted\" - it's..."),
            ("pizza 🍕 now", "pizza  now"),
            ("a\u{a0}b\tc", "a b c"),
            ("Čeština, Ελλάδα, ΛΕΥΚΑ", "Cestina, Ellada, ΛEUKA"),
        ] {
            assert!(gsm7::size(&in_gsm7(text)).encoding == gsm7::Encoding::Gsm7, "{text}");
            assert_eq!(in_gsm7(text), sent);
        }
    }
}
