//! Texts and senders as this API takes them.

use super::error::{self, Refused};
use crate::sms_text::{ROOM_OF_ONE_GSM7, in_gsm7, replaced, septets};
use countersign_engine::commands::OwnText;

/// Where the PIN goes.
const PLACEHOLDER: &str = "{PIN}";
/// What one message holds, in UTF-16 units.
pub(super) const ROOM_OF_ONE_UCS2: usize = 70;

/// The text around a PIN of so many characters. With the PIN it must fit one message.
///
/// # Errors
/// `INVALID_SMS_TEXT`.
pub(super) fn around_pin(text: &str, pin_length: u8) -> Result<OwnText, Refused> {
    let around: Vec<&str> = text.split(PLACEHOLDER).collect();
    let [before, after] = around.as_slice() else {
        return Err(Refused::text("The text must have the placeholder {PIN} exactly once."));
    };
    let (before, after) = (in_gsm7(before), in_gsm7(after));
    if septets(&before) + septets(&after) + usize::from(pin_length) > ROOM_OF_ONE_GSM7 {
        return Err(Refused::text("The text is too long: with the PIN it must fit into 160 characters."));
    }
    Ok(OwnText::around(before, after))
}

/// As much of a text as `room` holds, whole characters only.
pub(super) fn cut(text: &str, room: usize, width: impl Fn(char) -> usize) -> String {
    let mut used = 0;
    let fits = |character: &char| {
        used += width(*character);
        used <= room
    };
    text.chars().take_while(fits).collect()
}

/// A sender: up to 15 digits, or up to 11 other characters that every phone can show.
///
/// # Errors
/// `INVALID_SENDER`.
pub(super) fn sender(text: &str) -> Result<String, Refused> {
    let ascii = replaced(text, |character| character.is_ascii());
    let sender = ascii.trim();
    let is_number = sender.bytes().all(|byte| byte.is_ascii_digit());
    let longest = if is_number { 15 } else { 11 };
    let is_printable = |byte: u8| byte == b' ' || byte.is_ascii_graphic();
    if (1..=longest).contains(&sender.len()) && sender.bytes().all(is_printable) {
        Ok(sender.to_owned())
    } else {
        Err(error::INVALID_SENDER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_engine::gsm7;

    #[test]
    fn the_text_and_its_pin_fit_one_message() {
        let fits = |text: &str, pin| around_pin(text, pin).is_ok();
        assert!(fits(&format!("{}{{PIN}}", "a".repeat(154)), 6));
        assert!(!fits(&format!("{}{{PIN}}", "a".repeat(155)), 6));
        assert!(fits(&format!("{}{{PIN}}{}", "€".repeat(70), "b".repeat(16)), 4), "an euro sign counts two");
        assert!(!fits(&format!("{}{{PIN}}{}", "€".repeat(70), "b".repeat(17)), 4));
        for bad in ["", "no code", "{PIN} and {PIN}", "{pin}", "{ PIN }", "｛PIN｝"] {
            assert!(!fits(bad, 6), "{bad}");
        }
        let own = around_pin("Código {PIN} ya", 6).unwrap();
        assert_eq!(own.filled_with("1"), "Codigo 1 ya");
    }

    #[test]
    fn a_sender_is_15_digits_or_11_characters() {
        for (given, sent) in
            [("GOOD PIZZA", "GOOD PIZZA"), ("ñandú", "nandu"), ("🍕 Pizza", "Pizza"), ("My-Shop.com", "My-Shop.com")]
        {
            assert_eq!(sender(given).unwrap(), sent);
        }
        assert!(sender(&"1".repeat(15)).is_ok() && sender(&"a".repeat(11)).is_ok());
        for bad in [&"1".repeat(16), &"a".repeat(12), "1234567890123a", "", " ", "🍕", "a\nb"] {
            assert_eq!(sender(bad).err(), Some(error::INVALID_SENDER), "{bad}");
        }
    }

    #[test]
    fn a_cut_never_tears_a_character() {
        let width = |character: char| gsm7::size(&character.to_string()).units;
        assert_eq!(cut("a€€", 4, width), "a€");
        assert_eq!(cut("a😀😀", 4, char::len_utf16), "a😀");
        assert_eq!(cut("abc", 3, width), "abc");
    }
}
