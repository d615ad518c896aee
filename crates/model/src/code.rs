//! What a code looks like, and how one is drawn from a stream of keyed bytes. The bytes come from
//! `countersign-engine`'s `keys.rs`; nothing here knows a key.

use serde::{Deserialize, Serialize};
use std::fmt;
use zeroize::Zeroizing;

/// The characters that a code is made of. Letters are upper case. The letters and digits that people take for one another (`0 O`,
/// `1 I L`) are left out where both could occur, but of the two alphabets that hold all: some vendors' APIs promise those.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Alphabet {
    /// `0`–`9`.
    Numeric,
    /// `A`–`Z` without `I`, `L` and `O`.
    Alpha,
    /// `2`–`9` and `A`–`Z` without `I`, `L` and `O`.
    Alphanumeric,
    /// `A`–`Z`, all of them.
    Letters,
    /// `0`–`9` and `A`–`Z`, all of them.
    LettersAndDigits,
}

impl Alphabet {
    const fn characters(self) -> &'static [u8] {
        match self {
            Self::Numeric => b"0123456789",
            Self::Alpha => b"ABCDEFGHJKMNPQRSTUVWXYZ",
            Self::Alphanumeric => b"23456789ABCDEFGHJKMNPQRSTUVWXYZ",
            Self::Letters => b"ABCDEFGHIJKLMNOPQRSTUVWXYZ",
            Self::LettersAndDigits => b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        }
    }

    /// The name on the wire and in settings.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Numeric => "numeric",
            Self::Alpha => "alpha",
            Self::Alphanumeric => "alphanumeric",
            Self::Letters => "letters",
            Self::LettersAndDigits => "letters_and_digits",
        }
    }
}

/// Why a code or its shape is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadCode {
    /// Too short or too long.
    #[error("must have {min} to {max} characters", min = CodeShape::MIN_LENGTH, max = CodeShape::MAX_LENGTH)]
    Length,
    /// Something other than letters and digits.
    #[error("may hold only the digits 0-9 and the letters A-Z and a-z")]
    Characters,
}

/// The alphabet and the length of generated codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "UncheckedShape")]
pub struct CodeShape {
    alphabet: Alphabet,
    length: u8,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UncheckedShape {
    alphabet: Alphabet,
    length: u8,
}

impl TryFrom<UncheckedShape> for CodeShape {
    type Error = BadCode;
    fn try_from(shape: UncheckedShape) -> Result<Self, BadCode> {
        Self::new(shape.alphabet, shape.length)
    }
}

impl CodeShape {
    /// The shortest code, in characters.
    pub const MIN_LENGTH: u8 = 4;
    /// The longest code, in characters.
    pub const MAX_LENGTH: u8 = 16;
    /// Six digits: the usual code.
    pub const SIX_DIGITS: Self = Self { alphabet: Alphabet::Numeric, length: 6 };

    /// A shape of 4 to 16 characters.
    ///
    /// # Errors
    /// When the length is outside of that.
    pub const fn new(alphabet: Alphabet, length: u8) -> Result<Self, BadCode> {
        if length < Self::MIN_LENGTH || length > Self::MAX_LENGTH {
            return Err(BadCode::Length);
        }
        Ok(Self { alphabet, length })
    }

    /// What its codes are made of.
    #[must_use]
    pub const fn alphabet(self) -> Alphabet {
        self.alphabet
    }

    /// How many characters its codes have.
    #[must_use]
    pub const fn length(self) -> u8 {
        self.length
    }

    /// Draws a code from pseudo-random blocks: `block(0)`, `block(1)`, … are asked for as long as they are needed. Bytes
    /// that would favour some characters are rejected, so every code is equally likely.
    pub fn draw(self, mut block: impl FnMut(u32) -> [u8; 32]) -> Code {
        let characters = self.alphabet.characters();
        let fair = 256 - 256 % characters.len();
        let mut code = Zeroizing::new(String::with_capacity(usize::from(self.length)));
        for counter in 0.. {
            let bytes = Zeroizing::new(block(counter));
            let drawn = bytes.iter().map(|byte| usize::from(*byte)).filter(|byte| *byte < fair);
            for character in drawn.filter_map(|byte| characters.get(byte % characters.len())) {
                if code.len() == usize::from(self.length) {
                    return Code(code);
                }
                code.push(char::from(*character));
            }
        }
        Code(code)
    }
}

/// A code in the clear: for a message on its way out, or as somebody typed it. Wiped from memory when dropped, and masked
/// when printed for debugging.
#[derive(Clone)]
pub struct Code(Zeroizing<String>);

impl Code {
    /// A code that the caller brings along.
    ///
    /// # Errors
    /// When it has not 4 to 16 characters, all of them letters or digits.
    pub fn own(text: &str) -> Result<Self, BadCode> {
        let code = Self::typed(text);
        if !code.0.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(BadCode::Characters);
        }
        let fits = usize::from(CodeShape::MIN_LENGTH)..=usize::from(CodeShape::MAX_LENGTH);
        if fits.contains(&code.0.len()) { Ok(code) } else { Err(BadCode::Length) }
    }

    /// What must be equal to the last character: kept as it is, without the blanks around it.
    #[must_use]
    pub fn verbatim(text: &str) -> Self {
        Self(Zeroizing::new(text.trim().to_owned()))
    }

    /// What a person typed: blanks and dashes between the characters dropped. Anything is taken; what is no code equals none.
    #[must_use]
    pub fn typed(text: &str) -> Self {
        let kept = text.chars().filter(|character| !character.is_whitespace() && *character != '-');
        Self(Zeroizing::new(kept.collect()))
    }

    /// The characters, for the message that carries them.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The bytes to compare, letters in upper case: generated codes have no small letters, and people type them anyway.
    #[must_use]
    pub fn comparable(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(self.0.to_ascii_uppercase().into_bytes())
    }
}

/// A code as it came over the wire.
#[derive(Clone, Debug)]
pub enum Typed {
    /// As text.
    Text(Code),
    /// As text, small letters and capitals told apart.
    Exact(Code),
    /// As a number, which has lost its leading zeros.
    Number(u64),
}

impl Typed {
    /// The code that was meant, of a code of this shape.
    #[must_use]
    pub fn as_code(&self, shape: CodeShape) -> Code {
        match (self, shape.alphabet) {
            (Self::Text(code) | Self::Exact(code), _) => code.clone(),
            (Self::Number(number), Alphabet::Numeric) => {
                Code::typed(&format!("{number:0>width$}", width = usize::from(shape.length)))
            }
            (
                Self::Number(number),
                Alphabet::Alpha | Alphabet::Alphanumeric | Alphabet::Letters | Alphabet::LettersAndDigits,
            ) => Code::typed(&number.to_string()),
        }
    }
}

impl Typed {
    /// The bytes of both, which are equal if this is that code. Comparing them, in constant time, is the caller's business.
    #[must_use]
    pub fn comparable_with(&self, code: &Code, shape: CodeShape) -> [Zeroizing<Vec<u8>>; 2] {
        let typed = self.as_code(shape);
        match self {
            Self::Exact(_) => [&typed, code].map(|code| Zeroizing::new(code.expose().as_bytes().to_vec())),
            Self::Text(_) | Self::Number(_) => [&typed, code].map(Code::comparable),
        }
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A small generator (splitmix64) that is good enough to judge the mapping, not the bytes.
    fn blocks(mut seed: u64) -> impl FnMut(u32) -> [u8; 32] {
        move |_| {
            let mut block = [0; 32];
            for chunk in block.chunks_mut(8) {
                seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
                let mut z = seed;
                z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
                chunk.copy_from_slice(&(z ^ (z >> 31)).to_le_bytes());
            }
            block
        }
    }

    #[test]
    fn every_character_is_equally_likely() {
        for (alphabet, count) in [
            (Alphabet::Numeric, 10),
            (Alphabet::Alpha, 23),
            (Alphabet::Alphanumeric, 31),
            (Alphabet::Letters, 26),
            (Alphabet::LettersAndDigits, 36),
        ] {
            let shape = CodeShape::new(alphabet, 16).unwrap();
            let mut counts = [0_u32; 256];
            let mut source = blocks(7);
            for _ in 0..20_000 {
                for byte in shape.draw(&mut source).expose().bytes() {
                    counts[usize::from(byte)] += 1;
                }
            }
            let characters = alphabet.characters();
            assert_eq!(characters.len(), count, "{alphabet:?}");
            let expected = f64::from(20_000 * 16_u32) / characters.len() as f64;
            let chi_square: f64 =
                characters.iter().map(|c| (f64::from(counts[usize::from(*c)]) - expected).powi(2) / expected).sum();
            assert_eq!(counts.iter().sum::<u32>(), 320_000);
            // With at most 35 degrees of freedom a fair draw stays below 67 in 99.9 % of all seeds; this seed is fixed.
            assert!(chi_square < 67.0, "{alphabet:?}: {chi_square}");
        }
    }

    #[test]
    fn bytes_that_would_favour_low_digits_are_rejected() {
        let code = CodeShape::SIX_DIGITS.draw(|counter| if counter == 0 { [250; 32] } else { [249; 32] });
        assert_eq!(code.expose(), "999999");
    }

    #[test]
    fn a_shape_outside_of_four_to_sixteen_is_refused_even_from_a_file() {
        assert_eq!(CodeShape::new(Alphabet::Numeric, 3), Err(BadCode::Length));
        assert_eq!(CodeShape::new(Alphabet::Numeric, 17), Err(BadCode::Length));
        assert!(serde_json::from_str::<CodeShape>(r#"{"alphabet":"numeric","length":3}"#).is_err());
        assert!(serde_json::from_str::<CodeShape>(r#"{"alphabet":"numeric","length":16}"#).is_ok());
    }

    #[test]
    fn an_alphabet_is_written_by_its_name() {
        for alphabet in
            [Alphabet::Numeric, Alphabet::Alpha, Alphabet::Alphanumeric, Alphabet::Letters, Alphabet::LettersAndDigits]
        {
            assert_eq!(serde_json::to_value(alphabet).unwrap(), alphabet.name());
        }
    }

    #[test]
    fn a_number_gets_its_leading_zeros_back_where_the_code_is_numeric() {
        assert_eq!(Typed::Number(12_345).as_code(CodeShape::SIX_DIGITS).expose(), "012345");
        assert_eq!(Typed::Number(0).as_code(CodeShape::SIX_DIGITS).expose(), "000000");
        let letters = CodeShape::new(Alphabet::Alphanumeric, 6).unwrap();
        assert_eq!(Typed::Number(12_345).as_code(letters).expose(), "12345");
    }

    #[test]
    fn an_own_code_is_letters_and_digits() {
        assert!(Code::own("aB12").is_ok());
        assert_eq!(Code::own("123").err(), Some(BadCode::Length));
        assert_eq!(Code::own("12345678901234567").err(), Some(BadCode::Length));
        assert_eq!(Code::own("12é456").err(), Some(BadCode::Characters));
        assert_eq!(Code::own("12\n34<b>").err(), Some(BadCode::Characters));
    }

    #[test]
    fn what_must_be_exact_is_compared_to_the_last_character() {
        let code = Code::own("AB12").unwrap();
        let is_equal = |typed: &Typed| {
            let [typed, code] = typed.comparable_with(&code, CodeShape::SIX_DIGITS);
            typed == code
        };
        assert!(is_equal(&Typed::Exact(Code::verbatim(" AB12 "))));
        for bad in ["ab12", "AB 12", "AB-12", "AB1", ""] {
            assert!(!is_equal(&Typed::Exact(Code::verbatim(bad))), "{bad}");
        }
        assert!(is_equal(&Typed::Text(Code::typed("ab-12"))));
    }

    #[test]
    fn blanks_dashes_and_small_letters_do_not_make_a_typed_code_wrong() {
        assert_eq!(*Code::typed(" 123-456 ").comparable(), b"123456");
        assert_eq!(Code::typed("ab cd").comparable(), Code::typed("ABCD").comparable());
    }
}
