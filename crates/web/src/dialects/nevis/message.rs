//! The text of a code's message: `{{CODE}}` at least once, characters of GSM-7 only (3GPP TS 23.038, with the extension table),
//! and not longer than six parts once the code stands in it.

use countersign_engine::{commands::OwnText, gsm7};

const PLACEHOLDER: &str = "{{CODE}}";
/// Six parts of 153.
const MOST_SEPTETS: usize = 918;

/// The text around a code of so many characters.
///
/// # Errors
/// Says why it is none; goes on after "message".
pub(super) fn own_text(text: &str, code_length: u8) -> Result<OwnText, &'static str> {
    let own = OwnText::with_placeholder(text, PLACEHOLDER).ok_or("must contain the placeholder {{CODE}}")?;
    let longest = gsm7::size(&own.filled_with(&"0".repeat(usize::from(code_length))));
    if longest.encoding != gsm7::Encoding::Gsm7 {
        return Err("must have characters of GSM-7 only");
    }
    if longest.units > MOST_SEPTETS {
        return Err("must not be longer than 918 characters");
    }
    Ok(own)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_occurrence_of_the_placeholder_is_the_code_and_case_counts() {
        let filled = |text| own_text(text, 6).map(|own| own.filled_with("123456"));
        assert_eq!(filled("{{CODE}}"), Ok("123456".to_owned()));
        assert_eq!(filled("Hi {{CODE}}! Again: {{CODE}}"), Ok("Hi 123456! Again: 123456".to_owned()));
        assert_eq!(filled("{{CODE}} {{code}}"), Ok("123456 {{code}}".to_owned()));
        for bad in ["", "Hi", "{{code}}", "{CODE}", "{{ CODE }}"] {
            assert!(filled(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn extension_characters_are_taken_and_count_two_and_others_are_not() {
        assert!(own_text("[€] {{CODE}} ~", 6).is_ok());
        assert!(own_text("{{CODE}} \u{4f60}", 6).is_err());
        assert!(own_text("{{CODE}} ç", 6).is_err());
        let fits = |filler: &str, count| own_text(&format!("{{{{CODE}}}}{}", filler.repeat(count)), 6).is_ok();
        assert!(fits("a", 912) && !fits("a", 913));
        assert!(fits("€", 456) && !fits("€", 457));
    }
}
