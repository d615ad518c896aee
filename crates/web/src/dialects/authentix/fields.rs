//! Parameters, from a form, a query or a JSON object: the same names and the same meaning in each. Unknown ones are nobody's
//! business; where one is there twice, the last one counts.

use super::error::{Code, Refused};
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// The parameters of a request, in their order.
#[derive(Debug, Default)]
pub(super) struct Fields(Vec<(String, Field)>);

/// A value as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Field {
    /// A text, which is all that a form has.
    Text(String),
    /// A JSON number, digit by digit.
    Number(String),
    /// A JSON boolean.
    Bool(bool),
    /// A JSON object, as it stands in the body.
    Object(String),
    /// A JSON array.
    List,
}

impl Fields {
    /// Of `application/x-www-form-urlencoded`, in which `+` and `%20` are a blank.
    pub(super) fn of_form(bytes: &[u8]) -> Self {
        let pairs = form_urlencoded::parse(bytes);
        Self(pairs.map(|(name, value)| (name.into_owned(), Field::Text(value.into_owned()))).collect())
    }

    /// Of a body. One that does not say what it is is taken for what it looks like.
    ///
    /// # Errors
    /// When it is neither a form nor a JSON object.
    pub(super) fn of_body(kind: Option<&str>, bytes: &[u8]) -> Result<Self, Refused> {
        let essence = kind.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match essence.as_str() {
            _ if bytes.is_empty() => Ok(Self::default()),
            "application/json" => Self::of_json(bytes),
            "" if bytes.trim_ascii_start().starts_with(b"{") => Self::of_json(bytes),
            "" | "application/x-www-form-urlencoded" => Ok(Self::of_form(bytes)),
            _ => Err(Code::BadRequest
                .because("The content type must be application/x-www-form-urlencoded or application/json.")),
        }
    }

    fn of_json(bytes: &[u8]) -> Result<Self, Refused> {
        let object: Result<BTreeMap<String, Box<RawValue>>, _> = serde_json::from_slice(bytes);
        let object = object.map_err(|_| Code::BadRequest.because("The body must be a JSON object."))?;
        let field = |(name, raw): (String, Box<RawValue>)| Some((name, Field::of_json(raw.get())?));
        Ok(Self(object.into_iter().filter_map(field).collect()))
    }

    /// A parameter; of several the last.
    pub(super) fn get(&self, name: &str) -> Option<&Field> {
        self.0.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// Whether a parameter is there more than once.
    pub(super) fn repeats(&self, name: &str) -> bool {
        self.0.iter().filter(|(known, _)| known == name).count() > 1
    }

    /// A text.
    ///
    /// # Errors
    /// When it is an object or an array.
    pub(super) fn text(&self, name: &str) -> Result<Option<String>, Refused> {
        match self.get(name) {
            None => Ok(None),
            Some(Field::Text(text) | Field::Number(text)) => Ok(Some(text.clone())),
            Some(Field::Bool(flag)) => Ok(Some(flag.to_string())),
            Some(Field::Object(_) | Field::List) => Err(Refused::bad(name, "be a text")),
        }
    }

    /// A text with something in it.
    ///
    /// # Errors
    /// As [`Self::text`].
    pub(super) fn filled(&self, name: &str) -> Result<Option<String>, Refused> {
        Ok(self.text(name)?.filter(|text| !text.trim().is_empty()))
    }

    /// Yes or no: `true` and `false` in any case, since Python writes `True`.
    ///
    /// # Errors
    /// When it is something else.
    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, Refused> {
        let wrong = || Refused::bad(name, "be true or false");
        match self.get(name) {
            None => Ok(None),
            Some(Field::Bool(flag)) => Ok(Some(*flag)),
            Some(Field::Text(text)) => match text.trim().to_ascii_lowercase().as_str() {
                "true" => Ok(Some(true)),
                "false" => Ok(Some(false)),
                _ => Err(wrong()),
            },
            Some(Field::Number(_) | Field::Object(_) | Field::List) => Err(wrong()),
        }
    }

    /// A whole number; with this code of refusal when it is none, or too large to be meant.
    ///
    /// # Errors
    /// That.
    pub(super) fn number<T: TryFrom<u32>>(&self, name: &str, wrong: Code) -> Result<Option<T>, Refused> {
        let text = match self.get(name) {
            None => return Ok(None),
            Some(Field::Text(text) | Field::Number(text)) => text.trim(),
            Some(Field::Bool(_) | Field::Object(_) | Field::List) => return Err(wrong.refused()),
        };
        let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = is_plain.then(|| text.parse::<u32>().ok()?.try_into().ok()).flatten();
        number.map(Some).ok_or_else(|| wrong.refused())
    }
}

impl Field {
    /// None for null, which is as good as absent.
    fn of_json(raw: &str) -> Option<Self> {
        Some(match raw.as_bytes().first() {
            Some(b'"') => Self::Text(serde_json::from_str(raw).ok()?),
            Some(b't') => Self::Bool(true),
            Some(b'f') => Self::Bool(false),
            Some(b'{') => Self::Object(raw.to_owned()),
            Some(b'[') => Self::List,
            Some(b'n') | None => return None,
            Some(_) => Self::Number(raw.to_owned()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_and_json_say_the_same() {
        let form = Fields::of_form(b"a=x%20y+z&b=True&n=7&a=last");
        let json = Fields::of_body(Some("application/json; charset=utf-8"), br#"{"a":"last","b":true,"n":7,"z":null}"#);
        for fields in [form, json.unwrap()] {
            assert_eq!(fields.text("a"), Ok(Some("last".to_owned())));
            assert_eq!(fields.flag("b"), Ok(Some(true)));
            assert_eq!(fields.number::<u8>("n", Code::BadCodeLength), Ok(Some(7)));
            assert_eq!(fields.text("z"), Ok(None));
        }
        assert_eq!(Fields::of_form(b"a=x%20y+z%2B").text("a"), Ok(Some("x y z+".to_owned())));
        assert!(Fields::of_form(b"a=1&a=2").repeats("a"));
    }

    #[test]
    fn a_body_that_does_not_say_what_it_is_is_taken_for_what_it_looks_like() {
        assert_eq!(Fields::of_body(None, b" {\"a\":\"b\"}").unwrap().text("a"), Ok(Some("b".to_owned())));
        assert_eq!(Fields::of_body(None, b"a=b").unwrap().text("a"), Ok(Some("b".to_owned())));
        for (kind, body) in [("application/json", "[]"), ("application/json", "{"), ("text/plain", "a=b")] {
            assert!(Fields::of_body(Some(kind), body.as_bytes()).is_err(), "{kind} {body}");
        }
    }

    #[test]
    fn what_is_no_number_or_flag_is_refused() {
        let number = |text: &str| Fields::of_form(text.as_bytes()).number::<u8>("n", Code::BadCodeLength);
        for bad in ["n=", "n=x", "n=-1", "n=1.5", "n=%2B5", "n=256", "n=99999999999999999999", "n=٣"] {
            assert_eq!(number(bad), Err(Code::BadCodeLength.refused()), "{bad}");
        }
        assert_eq!(number("n=%2005"), Ok(Some(5)));
        for bad in ["f=", "f=1", "f=yes"] {
            assert!(Fields::of_form(bad.as_bytes()).flag("f").is_err(), "{bad}");
        }
    }
}
