//! What may stand in a line that a message shows to a person. A payee or a brand comes from a caller and is read as if we had
//! said it, so nothing in it may hide, turn round, or lead away.

/// Whether a text can be shown as one line of at most so many characters: nothing that breaks a line, cannot be seen, or changes
/// the direction of what follows (Unicode's controls, format characters and separators), no blanks around it, and no link.
#[must_use]
pub fn is_plain_line(text: &str, longest: usize) -> bool {
    text.trim() == text && is_plain_line_in_blanks(text, longest)
}

/// The same, but there may be blanks around it. Blanks alone are no line.
#[must_use]
pub fn is_plain_line_in_blanks(text: &str, longest: usize) -> bool {
    !text.trim().is_empty()
        && text.chars().count() <= longest
        && !text.chars().any(|character| character.is_control() || hides(character))
        && !has_link(text)
}

const fn hides(character: char) -> bool {
    matches!(
        character,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

fn has_link(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    text.contains("://") || text.contains("www.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hides_turns_round_or_leads_away_is_refused() {
        for good in ["Books & Co", "Müller GmbH", "株式会社", "amazon.com", "<b>"] {
            assert!(is_plain_line(good, 40), "{good}");
        }
        for bad in [
            "",
            " x",
            "x ",
            "a\nb",
            "a\u{202e}b",
            "a\u{200b}b",
            "a\u{2028}b",
            "a\u{ad}b",
            "https://evil.example",
            "WWW.evil.example",
            "a\u{7}",
        ] {
            assert!(!is_plain_line(bad, 40), "{bad:?}");
        }
        assert!(!is_plain_line("12345", 4));
        assert!(is_plain_line_in_blanks(" x\u{a0}", 3));
        for bad in ["", " ", " x\n", "\tx", "\u{2028}x", " x  "] {
            assert!(!is_plain_line_in_blanks(bad, 3), "{bad:?}");
        }
    }
}
