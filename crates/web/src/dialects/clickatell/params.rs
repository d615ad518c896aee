//! Parameters. Numbers come as numbers or as texts of digits: the vendor's own samples do both.

use super::error::{self, Refused};
use countersign_model::Address;
use serde_json::{Map, Value};

/// The parameters of a body. Unknown ones bother nobody.
pub(super) struct Params {
    pub values: Map<String, Value>,
    /// In XML a list of one cannot be told from a text.
    pub is_xml: bool,
}

impl Params {
    /// A parameter, unless it is absent, null or empty.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        let is_empty = |value: &Value| value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty());
        self.values.get(name).filter(|value| !is_empty(value))
    }

    /// A whole number within bounds, or `default` if it is absent.
    ///
    /// # Errors
    /// 101 for anything else.
    pub(super) fn number(&self, name: &str, bounds: (u32, u32), default: u32) -> Result<u32, Refused> {
        let Some(value) = self.get(name) else { return Ok(default) };
        let number = whole_number(value).filter(|number| (bounds.0..=bounds.1).contains(number));
        number.ok_or(error::INVALID_PARAMETERS)
    }

    /// A text, or the digits of a whole number.
    ///
    /// # Errors
    /// 101 for anything else.
    pub(super) fn text(&self, name: &str) -> Result<Option<String>, Refused> {
        self.get(name).map(|value| text(value).ok_or(error::INVALID_PARAMETERS)).transpose()
    }

    /// Some texts. Where they come as XML, one is a list too.
    ///
    /// # Errors
    /// 101 for anything else.
    pub(super) fn texts(&self, name: &str) -> Result<Vec<String>, Refused> {
        match self.get(name) {
            Some(Value::Array(list)) => list.iter().map(|one| text(one).ok_or(error::INVALID_PARAMETERS)).collect(),
            Some(Value::String(one)) if self.is_xml => Ok(vec![one.clone()]),
            None | Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => {
                Err(error::INVALID_PARAMETERS)
            }
        }
    }
}

/// A text, or the digits of a number that is whole and not negative.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => number.as_u64().map(|number| number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn whole_number(value: &Value) -> Option<u32> {
    let text = text(value)?;
    let digits = text.trim();
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

/// A number in MSISDN form: the digits of an international number, without a plus sign and without zeros before it.
///
/// # Errors
/// 105, or 121 for numbers that reach no person.
pub(super) fn destination(msisdn: &str) -> Result<Address, Refused> {
    Ok(Address::of_msisdn(msisdn.trim())?)
}

/// Whom a message comes from: a number of up to 15 digits, or up to 11 characters that every phone can show.
///
/// # Errors
/// 106.
pub(super) fn source(params: &Params) -> Result<Option<String>, Refused> {
    let Some(value) = params.get("from") else { return Ok(None) };
    let from = text(value).ok_or(error::INVALID_SOURCE)?;
    let from = from.trim();
    let longest = if from.bytes().all(|byte| byte.is_ascii_digit()) { 15 } else { 11 };
    let is_printable = |byte: u8| byte == b' ' || byte.is_ascii_graphic();
    if from.len() <= longest && from.bytes().all(is_printable) {
        Ok(Some(from.to_owned()))
    } else {
        Err(error::INVALID_SOURCE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn params(body: Value) -> Params {
        Params { values: serde_json::from_value(body).unwrap(), is_xml: false }
    }

    #[test]
    fn numbers_are_whole_in_every_spelling_and_within_bounds() {
        let read = |value: Value| params(json!({"a": value})).number("a", (1, 10), 5);
        for (value, number) in [(json!(1), 1), (json!(" 10 "), 10), (json!("007"), 7)] {
            assert_eq!(read(value), Ok(number));
        }
        for nothing in [json!(null), json!(""), json!("  ")] {
            assert_eq!(read(nothing), Ok(5));
        }
        for bad in [
            json!(0),
            json!(11),
            json!("0"),
            json!(-1),
            json!("-1"),
            json!("+1"),
            json!(1.5),
            json!(1.0),
            json!("1.5"),
            json!("1e1"),
            json!("ten"),
            json!(true),
            json!([1]),
            json!({}),
            json!("٣"),
            json!("99999999999999999999"),
        ] {
            assert_eq!(read(bad.clone()), Err(error::INVALID_PARAMETERS), "{bad}");
        }
    }

    #[test]
    fn a_destination_is_the_digits_of_an_international_number() {
        assert_eq!(destination(" 2799900001 ").unwrap().as_str(), "+2799900001");
        for good in ["1234567", "123456789012345", "999123456789"] {
            assert_eq!(destination(good).unwrap().as_str(), format!("+{good}"), "no numbering plan is asked");
        }
        for bad in
            ["+2799900001", "002799900001", "0799900001", "333", "27 999 00001", "2799900001x", "1234567890123456"]
        {
            assert_eq!(destination(bad).err(), Some(error::INVALID_DESTINATION), "{bad}");
        }
        assert_eq!(destination("34803123456").err(), Some(error::BLOCKED), "premium rate");
    }

    #[test]
    fn a_source_is_15_digits_or_11_characters() {
        let read = |from: Value| source(&params(json!({"from": from})));
        for (given, from) in [(json!("Acme Bank"), "Acme Bank"), (json!(27_999_000_000_i64), "27999000000")] {
            assert_eq!(read(given), Ok(Some(from.to_owned())));
        }
        assert_eq!(read(json!("1".repeat(15))), Ok(Some("1".repeat(15))));
        assert_eq!(read(json!("")), Ok(None));
        for bad in [
            json!("1".repeat(16)),
            json!("a".repeat(12)),
            json!("ñ"),
            json!("a\nb"),
            json!(true),
            json!([]),
            json!(1.5),
        ] {
            assert_eq!(read(bad.clone()), Err(error::INVALID_SOURCE), "{bad}");
        }
    }
}
