//! From a request to parameters, in the order in which this API refuses: content type, JSON, key, and then what each call
//! asks for. Numbers come as numbers or as texts of digits, as lax servers behind PHP clients have always taken them.

use super::{
    auth,
    error::{self, Refused},
};
use crate::{Web, body, peer};
use axum::{
    extract::{FromRequest, Request},
    http::{HeaderMap, Uri, header::CONTENT_TYPE},
};
use countersign_engine::{Caller, reports::ReportTo};
use countersign_model::Address;
use serde_json::{Map, Value};

/// A call: who asks, and with what. Its body has at most `MOST_BYTES`.
pub(super) struct Call<const MOST_BYTES: usize = { body::MOST_BYTES }> {
    pub caller: Caller,
    pub params: Params,
}

/// Room for a thousand messages of 459 characters.
pub(super) const MOST_BYTES_OF_MANY: usize = 1024 * 1024;

impl<const MOST_BYTES: usize> FromRequest<Web> for Call<MOST_BYTES> {
    type Rejection = Refused;

    async fn from_request(request: Request, web: &Web) -> Result<Self, Refused> {
        let (parts, body) = request.into_parts();
        must_be_json(&parts.headers)?;
        let bytes = body::read_up_to(MOST_BYTES, &parts.headers, body, web.body_timeout()).await?;
        let body: Map<String, Value> = serde_json::from_slice(&bytes).map_err(|_| error::JSON_PARSE_ERROR)?;
        let caller = auth::caller(web, &body, peer::of(&parts, web)).await?;
        Ok(Self { caller, params: Params(body) })
    }
}

fn must_be_json(headers: &HeaderMap) -> Result<(), Refused> {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/json") { Ok(()) } else { Err(error::INVALID_CONTENT_TYPE) }
}

/// The members of a JSON object. Whoever sends unknown ones is not bothered.
pub(super) struct Params(pub Map<String, Value>);

impl Params {
    /// A parameter, unless it is absent or null.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// A parameter that must be there and not empty.
    pub(super) fn required(&self, name: &str) -> Result<&Value, Refused> {
        let is_empty = |value: &Value| value.as_str().is_some_and(|text| text.trim().is_empty());
        self.get(name).filter(|value| !is_empty(value)).ok_or_else(|| Refused::missing(name))
    }

    /// A 0 or 1, as number or text, to the letter; `default` if it is absent.
    pub(super) fn flag(&self, name: &str, default: bool) -> Option<bool> {
        match self.get(name) {
            None => Some(default),
            Some(Value::Bool(flag)) => Some(*flag),
            Some(value) => match (value.as_u64(), value.as_str()) {
                (Some(0), _) | (_, Some("0")) => Some(false),
                (Some(1), _) | (_, Some("1")) => Some(true),
                _ => None,
            },
        }
    }

    /// Who is told what becomes of the message. Whether that address may be called is decided when it is called: clients send
    /// "http://localhost" with every message and mean nobody.
    pub(super) fn report_to(&self, custom: &str) -> Result<Option<ReportTo>, Refused> {
        let url = match self.get("report_url") {
            None => return Ok(None),
            Some(value) => text("report_url", value)?.trim().to_owned(),
        };
        if url.is_empty() {
            return Ok(None);
        }
        if !is_web_address(&url) {
            return Err(Refused::bad("report_url", "be an absolute http or https URL"));
        }
        Ok(Some(ReportTo { dialect: super::NAME.to_owned(), url, custom: custom.to_owned() }))
    }
}

/// Whether it is an absolute address of the web.
pub(super) fn is_web_address(text: &str) -> bool {
    let Ok(address) = text.parse::<Uri>() else { return false };
    let is_web = matches!(address.scheme_str(), Some("http" | "https"));
    is_web && address.host().is_some_and(|host| !host.is_empty())
}

/// A text, or the digits of a whole number.
pub(super) fn text(name: &str, value: &Value) -> Result<String, Refused> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) if number.is_u64() => Ok(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            Err(Refused::bad(name, "be a string"))
        }
    }
}

/// A number that is whole and not negative, or its digits. One that is too large for the type is its largest.
pub(super) fn whole_number(value: &Value) -> Option<u64> {
    let is_whole = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match value {
        Value::String(text) => is_whole(text).then(|| text.parse().unwrap_or(u64::MAX)),
        // JSON's reader gives up digits of a whole number that is larger than any of the type.
        Value::Number(number) => number.as_u64().or_else(|| (number.as_f64()? >= TWO_TO_THE_64).then_some(u64::MAX)),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

const TWO_TO_THE_64: f64 = 18_446_744_073_709_551_616.0;

/// The text of a number's parameter, or a JSON number as it stands: whether that is a number that can be called is asked later.
pub(super) fn msisdn(name: &str, value: &Value) -> Result<String, Refused> {
    value.as_number().map_or_else(|| text(name, value), |number| Ok(number.to_string()))
}

/// A number in MSISDN form: the digits of an international number, without a plus sign and without zeros before it.
pub(super) fn number(msisdn: &str) -> Result<Address, Refused> {
    Address::of_msisdn(msisdn.trim()).map_err(|_| error::INVALID_NUMBER)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn params(body: Value) -> Params {
        Params(serde_json::from_value(body).unwrap())
    }

    #[test]
    fn absent_null_and_empty_are_all_missing() {
        for body in [json!({}), json!({"a": null}), json!({"a": ""}), json!({"a": " "})] {
            assert_eq!(params(body).required("a").err(), Some(Refused::missing("a")));
        }
        assert!(params(json!({"a": 0})).required("a").is_ok());
    }

    #[test]
    fn flags_are_0_and_1_in_every_spelling() {
        for (value, flag) in [(json!(0), false), (json!("1"), true), (json!(true), true), (json!(null), true)] {
            assert_eq!(params(json!({"a": value})).flag("a", true), Some(flag));
        }
        for bad in [
            json!(2),
            json!(-1),
            json!("yes"),
            json!(""),
            json!([]),
            json!({}),
            json!(1.0),
            json!("+1"),
            json!("01"),
            json!("00"),
            json!("0000001"),
            json!(" 1"),
        ] {
            assert_eq!(params(json!({"a": bad.clone()})).flag("a", true), None, "{bad}");
        }
    }

    #[test]
    fn numbers_are_digits_and_nothing_else() {
        assert_eq!(number(" 34666666111 ").unwrap().as_str(), "+34666666111");
        for good in ["34666666111", "3466666", "123456789012345"] {
            assert_eq!(number(good).unwrap().as_str(), format!("+{good}"));
        }
        for bad in [
            "+34666666111",
            "0034666666111",
            "666 666 111",
            "hello",
            "",
            "346666",
            "34803123456",
            "٣٤٦٦٦٦٦٦١١١",
            "-5",
            "5.5",
        ] {
            assert_eq!(number(bad).err(), Some(error::INVALID_NUMBER), "{bad}");
        }
    }

    #[test]
    fn reports_go_to_absolute_addresses_of_the_web() {
        for good in ["http://localhost", "https://shop.example/dlr?a=1", "HTTP://10.0.0.1:8080/x"] {
            assert!(is_web_address(good), "{good}");
        }
        for bad in
            ["not a url", "ftp://x.example", "//x.example", "/dlr", "http://", "http:///dlr", "javascript:alert(1)"]
        {
            assert!(!is_web_address(bad), "{bad}");
        }
    }
}
