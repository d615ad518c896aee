//! Maps that are written as text. The vendor's own examples write them as Python would (`{'payee': 'ACME'}`), its Java library as
//! JSON; both are read, strictly first, then leniently. A value is a text, a number, yes, no or nothing; in JSON it may be an object or
//! a list, too. Nothing is ever evaluated.

use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// A map. Of a key that is there twice the last counts.
pub(super) type Map = BTreeMap<String, Value>;

/// A value of such a map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// In quotes.
    Text(String),
    /// A number, digit by digit.
    Number(String),
    /// Yes or no.
    Bool(bool),
    /// Nothing.
    Null,
    /// An object or a list, as JSON without blanks.
    Nested(String),
}

/// The longest map, in bytes.
const LONGEST: usize = 4096;

/// Reads a map; none if it is none, or too long.
pub(super) fn parse(text: &str) -> Option<Map> {
    if text.len() > LONGEST {
        return None;
    }
    strict(text).or_else(|| Lenient { rest: text }.map())
}

impl Value {
    /// As it stands in a message.
    pub(super) fn into_text(self) -> String {
        match self {
            Self::Text(text) | Self::Number(text) | Self::Nested(text) => text,
            Self::Bool(flag) => flag.to_string(),
            Self::Null => String::new(),
        }
    }
}

fn strict(text: &str) -> Option<Map> {
    let object: BTreeMap<String, &RawValue> = serde_json::from_str(text).ok()?;
    let scalar = |raw: &str| {
        Some(match raw.as_bytes().first()? {
            b'"' => Value::Text(serde_json::from_str(raw).ok()?),
            b't' => Value::Bool(true),
            b'f' => Value::Bool(false),
            b'n' => Value::Null,
            b'{' | b'[' => Value::Nested(compact(raw)),
            _ => Value::Number(raw.to_owned()),
        })
    };
    object.into_iter().map(|(name, raw)| Some((name, scalar(raw.get())?))).collect()
}

/// The same JSON without blanks between its parts.
fn compact(json: &str) -> String {
    let (mut in_text, mut is_escaped) = (false, false);
    let says_something = |character: &char| {
        let is_kept = in_text || !character.is_ascii_whitespace();
        in_text ^= *character == '"' && !is_escaped;
        is_escaped = in_text && *character == '\\' && !is_escaped;
        is_kept
    };
    json.chars().filter(says_something).collect()
}

/// What is left to be read.
struct Lenient<'t> {
    rest: &'t str,
}

impl Lenient<'_> {
    fn map(mut self) -> Option<Map> {
        let mut map = Map::new();
        self.symbol('{')?;
        loop {
            if self.symbol('}').is_some() {
                break;
            }
            let name = self.quoted()?;
            self.symbol(':')?;
            map.insert(name, self.scalar()?);
            if self.symbol(',').is_none() {
                self.symbol('}')?;
                break;
            }
        }
        self.rest.trim().is_empty().then_some(map)
    }

    /// This character, after any blanks.
    fn symbol(&mut self, symbol: char) -> Option<()> {
        self.rest = self.rest.trim_start().strip_prefix(symbol)?;
        Some(())
    }

    fn scalar(&mut self) -> Option<Value> {
        if let Some(text) = self.quoted() {
            return Some(Value::Text(text));
        }
        let is_bare = |character: char| character.is_ascii_alphanumeric() || "+-.".contains(character);
        let trimmed = self.rest.trim_start();
        let end = trimmed.find(|character| !is_bare(character)).unwrap_or(trimmed.len());
        let (word, rest) = trimmed.split_at(end);
        let scalar = match word {
            "true" | "True" => Value::Bool(true),
            "false" | "False" => Value::Bool(false),
            "null" | "None" => Value::Null,
            _ => Value::Number(number(word)?),
        };
        self.rest = rest;
        Some(scalar)
    }

    /// A text in quotes of either kind. Nothing is taken if there is none.
    fn quoted(&mut self) -> Option<String> {
        let trimmed = self.rest.trim_start();
        let quote = trimmed.chars().next().filter(|quote| matches!(quote, '\'' | '"'))?;
        let mut characters = trimmed.get(1..)?.chars();
        let mut text = String::new();
        loop {
            match characters.next()? {
                end if end == quote => break,
                '\\' => text.push(escaped(&mut characters)?),
                character => text.push(character),
            }
        }
        self.rest = characters.as_str();
        Some(text)
    }
}

/// What stands after a backslash, as JSON, JavaScript and Python write it.
fn escaped(characters: &mut std::str::Chars<'_>) -> Option<char> {
    Some(match characters.next()? {
        same @ ('\\' | '\'' | '"' | '/') => same,
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'x' => char::from_u32(hexadecimal(characters, 2)?)?,
        'u' => {
            let first = hexadecimal(characters, 4)?;
            if !(0xd800..0xdc00).contains(&first) {
                return char::from_u32(first);
            }
            // The first half of a pair (RFC 8259, section 7).
            if (characters.next()?, characters.next()?) != ('\\', 'u') {
                return None;
            }
            let second = hexadecimal(characters, 4)?.checked_sub(0xdc00).filter(|half| *half < 0x400)?;
            char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + second)?
        }
        _ => return None,
    })
}

fn hexadecimal(characters: &mut std::str::Chars<'_>, digits: usize) -> Option<u32> {
    (0..digits).try_fold(0, |number, _| Some(number * 16 + characters.next()?.to_digit(16)?))
}

/// A number without quotes: JSON's, and a little more (`+5`, `.5`, `5.`).
fn number(word: &str) -> Option<String> {
    let unsigned = word.strip_prefix(['+', '-']).unwrap_or(word);
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_number =
        is_digits(&mantissa.replacen('.', "", 1)) && is_digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent));
    is_number.then(|| word.strip_prefix('+').unwrap_or(word).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    #[test]
    fn the_vendors_own_examples_are_read() {
        let payment = parse("{'payee': 'ACME', 'amount': '1000', 'currency': 'xaf'}").unwrap();
        assert_eq!(payment.get("amount"), Some(&text("1000")));
        let json = parse(r#"{"payee":"ACME","amount":"1000","currency":"xaf"}"#).unwrap();
        assert_eq!(json, payment);
        let sender = parse("{'sender_email': 'me@my-company.com'}").unwrap();
        assert_eq!(sender, Map::from([("sender_email".to_owned(), text("me@my-company.com"))]));
    }

    #[test]
    fn both_kinds_of_quotes_bare_numbers_and_words_are_read() {
        let map = parse(
            r#" { "a" : 'it\'s', 'b': "\"q\"" , 'c':-1.50e3,'d': True,"e":null , 'f':'\u00e9\x41\ud83d\ude00', } "#,
        );
        let expected = [
            ("a", text("it's")),
            ("b", text("\"q\"")),
            ("c", Value::Number("-1.50e3".to_owned())),
            ("d", Value::Bool(true)),
            ("e", Value::Null),
            ("f", text("éA😀")),
        ];
        assert_eq!(map, Some(expected.map(|(name, value)| (name.to_owned(), value)).into()));
        assert_eq!(parse("{}"), Some(Map::new()));
        let exact = parse(r#"{"n": 1000.10}"#).unwrap();
        assert_eq!(exact.get("n"), Some(&Value::Number("1000.10".to_owned())), "digit by digit, not as a float");
        assert_eq!(parse("{'a': 1, 'a': 2}").unwrap().get("a"), Some(&Value::Number("2".to_owned())));
    }

    #[test]
    fn strict_json_may_be_nested_and_is_kept_without_blanks() {
        let map =
            parse(r#"{"a": { "b" : [1.50, "x \" y" , null ] }, "c": [ ], "d": {"e":"\\\\" , "f" : " "}}"#).unwrap();
        let nested = |name: &str| map.get(name).cloned().unwrap().into_text();
        assert_eq!(nested("a"), r#"{"b":[1.50,"x \" y",null]}"#);
        assert_eq!((nested("c").as_str(), nested("d").as_str()), ("[]", r#"{"e":"\\\\","f":" "}"#));
        let deep = format!(r#"{{"a":{}{}}}"#, "[".repeat(2000), "]".repeat(2000));
        assert_eq!(parse(&deep).unwrap().get("a").cloned().unwrap().into_text().len(), 4000);
    }

    #[test]
    fn what_is_no_map_is_none() {
        for bad in [
            "",
            "nope",
            "[]",
            "{",
            "}",
            "{'a'}",
            "{'a':}",
            "{a: 1}",
            "{'a': b}",
            "{'a': {'b': 1}}",
            "{'a': [1]}",
            "{'a': {\"b\": 1}}",
            r#"{"a": {}} x"#,
            r#"{"a": {"b"}}"#,
            r#"{"a": [1,]}"#,
            "{'a': 1} x",
            "{'a': 1,,}",
            "{,}",
            "{'a': 'b}",
            r"{'a': '\q'}",
            r"{'a': '\ud800'}",
            "{'a': 1e}",
            "{'a': --1}",
            "{'a': 1.2.3}",
            "{'a': __import__('os')}",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
        assert_eq!(parse(&format!("{{'a': '{}'}}", "x".repeat(LONGEST))), None);
    }

    /// As Python's `repr` writes a text.
    fn python(text: &str) -> String {
        format!("'{}'", text.replace('\\', r"\\").replace('\'', r"\'").replace('\n', r"\n"))
    }

    proptest! {
        #[test]
        fn what_json_and_python_write_is_read_back(map in prop::collection::btree_map(".{0,12}", ".{0,20}", 0..8)) {
            let expected: Map = map.iter().map(|(name, value)| (name.clone(), text(value))).collect();
            let pairs: Vec<String> = map.iter().map(|(name, value)| format!("{}: {}", python(name), python(value))).collect();
            prop_assert_eq!(parse(&serde_json::to_string(&map).unwrap()), Some(expected.clone()));
            prop_assert_eq!(parse(&format!("{{{}}}", pairs.join(", "))), Some(expected));
        }

        #[test]
        fn nothing_is_a_panic(text in ".{0,200}", maplike in r#"[{}'":,\\ux0-9a-f é]{0,60}"#) {
            let _ = parse(&text);
            let _ = parse(&maplike);
        }
    }
}
