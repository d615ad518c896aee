//! How long a text message is: the default alphabet of 3GPP TS 23.038 (GSM 03.38), its extension table, and the parts
//! that a text takes (3GPP TS 23.040: a part of several gives six octets to their numbering). Bytes are not made here:
//! that is a provider's business.

use serde::Serialize;

/// 3GPP TS 23.038, table 6.2.1, in the order of its codes; the escape (0x1B) stands as U+001B.
const DEFAULT: [char; 128] = [
    '@', '£', '$', '¥', 'è', 'é', 'ù', 'ì', 'ò', 'Ç', '\n', 'Ø', 'ø', '\r', 'Å', 'å', //
    'Δ', '_', 'Φ', 'Γ', 'Λ', 'Ω', 'Π', 'Ψ', 'Σ', 'Θ', 'Ξ', '\u{1b}', 'Æ', 'æ', 'ß', 'É', //
    ' ', '!', '"', '#', '¤', '%', '&', '\'', '(', ')', '*', '+', ',', '-', '.', '/', //
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', ':', ';', '<', '=', '>', '?', //
    '¡', 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M', 'N', 'O', //
    'P', 'Q', 'R', 'S', 'T', 'U', 'V', 'W', 'X', 'Y', 'Z', 'Ä', 'Ö', 'Ñ', 'Ü', '§', //
    '¿', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', //
    'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', 'ä', 'ö', 'ñ', 'ü', 'à',
];

/// 3GPP TS 23.038, table 6.2.1.1: the code that follows the escape.
const EXTENSION: [(char, u8); 10] = [
    ('\u{c}', 0x0a),
    ('^', 0x14),
    ('{', 0x28),
    ('}', 0x29),
    ('\\', 0x2f),
    ('[', 0x3c),
    ('~', 0x3d),
    (']', 0x3e),
    ('|', 0x40),
    ('€', 0x65),
];

const ESCAPE: u8 = 0x1b;

/// How a text travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Encoding {
    /// Seven bits a character: 160 in one part, 153 in each of several.
    #[serde(rename = "gsm7")]
    Gsm7,
    /// Sixteen bits a character: 70 in one part, 67 in each of several.
    #[serde(rename = "ucs2")]
    Ucs2,
}

impl Encoding {
    /// Its name in settings and answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gsm7 => "gsm7",
            Self::Ucs2 => "ucs2",
        }
    }

    const fn room(self) -> (usize, usize) {
        match self {
            Self::Gsm7 => (160, 153),
            Self::Ucs2 => (70, 67),
        }
    }
}

/// How much room a text takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Size {
    /// How it travels.
    pub encoding: Encoding,
    /// Its length: in septets for GSM-7, in UTF-16 units for UCS-2.
    pub units: usize,
    /// How many text messages it takes; 0 for an empty text.
    pub parts: usize,
}

/// The septets of a character: one, or the escape and one more. None: GSM-7 does not have it.
#[must_use]
pub fn septets(character: char) -> Option<(Option<u8>, u8)> {
    let basic = DEFAULT.iter().position(|known| *known == character).and_then(|code| u8::try_from(code).ok());
    if let Some(code) = basic.filter(|code| *code != ESCAPE) {
        return Some((None, code));
    }
    EXTENSION.iter().find(|(known, _)| *known == character).map(|(_, code)| (Some(ESCAPE), *code))
}

/// How much room a text takes: GSM-7 if it can, else UCS-2. A character that takes two units is never torn apart between
/// two parts.
#[must_use]
pub fn size(text: &str) -> Size {
    let seven_bits: Option<Vec<usize>> = text
        .chars()
        .map(|character| septets(character).map(|(escape, _)| if escape.is_some() { 2 } else { 1 }))
        .collect();
    match seven_bits {
        Some(widths) => measure(Encoding::Gsm7, &widths),
        None => measure(Encoding::Ucs2, &text.chars().map(char::len_utf16).collect::<Vec<_>>()),
    }
}

fn measure(encoding: Encoding, widths: &[usize]) -> Size {
    let units = widths.iter().sum();
    let (single, several) = encoding.room();
    if units <= single {
        return Size { encoding, units, parts: usize::from(units > 0) };
    }
    let (mut parts, mut used) = (1, 0);
    for width in widths {
        if used + width > several {
            parts += 1;
            used = 0;
        }
        used += width;
    }
    Size { encoding, units, parts }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn counted(text: &str) -> (Encoding, usize, usize) {
        let size = size(text);
        (size.encoding, size.units, size.parts)
    }

    #[test]
    fn a_part_ends_where_the_standard_says() {
        assert_eq!(counted(""), (Encoding::Gsm7, 0, 0));
        assert_eq!(counted(&"a".repeat(160)), (Encoding::Gsm7, 160, 1));
        assert_eq!(counted(&"a".repeat(161)), (Encoding::Gsm7, 161, 2));
        assert_eq!(counted(&"a".repeat(306)), (Encoding::Gsm7, 306, 2));
        assert_eq!(counted(&"a".repeat(307)), (Encoding::Gsm7, 307, 3));
        assert_eq!(counted(&"ó".repeat(70)), (Encoding::Ucs2, 70, 1));
        assert_eq!(counted(&"ó".repeat(71)), (Encoding::Ucs2, 71, 2));
        assert_eq!(counted(&"ó".repeat(135)), (Encoding::Ucs2, 135, 3));
    }

    #[test]
    fn extension_characters_count_two_and_are_not_torn_apart() {
        assert_eq!(counted("€"), (Encoding::Gsm7, 2, 1));
        assert_eq!(counted(&"€".repeat(80)), (Encoding::Gsm7, 160, 1));
        // 76 euro signs fill 152 of 153 septets: the 77th must move to the next part.
        assert_eq!(counted(&"€".repeat(153)), (Encoding::Gsm7, 306, 3));
        assert_eq!(counted(&"😀".repeat(67)), (Encoding::Ucs2, 134, 3));
    }

    #[test]
    fn letters_that_look_alike_are_told_apart() {
        for inside in "@£$¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ¤¡ÄÖÑÜ§¿äöñüà€[]{}\\^~|".chars()
        {
            assert!(septets(inside).is_some(), "{inside}");
        }
        for outside in "çáíóúêâãõÀÈ`’“”–…\u{1b}\u{a0}\tА".chars() {
            assert!(septets(outside).is_none(), "{outside}");
        }
        assert_eq!(
            (septets('@'), septets('à'), septets('€')),
            (Some((None, 0)), Some((None, 127)), Some((Some(27), 0x65)))
        );
    }

    proptest! {
        #[test]
        fn parts_always_hold_the_units(text in "[a-z€\\[ó😀]{0,400}") {
            let size = size(&text);
            let (single, several) = size.encoding.room();
            prop_assert!(size.parts <= 1 && size.units <= single || size.units <= size.parts * several);
            prop_assert!(size.parts <= 1 || size.units > (size.parts - 1) * (several - 1), "no part is wasted");
        }

        #[test]
        fn no_two_characters_share_a_code(a in any::<char>(), b in any::<char>()) {
            prop_assert!(a == b || septets(a).is_none() || septets(a) != septets(b));
        }
    }
}
