//! `2fa/request`: sends somebody a PIN. The answer comes before the message goes out, and names nothing: the key's tenant
//! and the number are what `2fa/verify` finds the PIN by, and only the PIN made last is good.

use super::{
    NAME, Settings,
    error::{self, Refused},
    ok,
    params::{Call, Params, msisdn, number, text, whole_number},
    text::{around_pin, sender},
};
use crate::Web;
use axum::{extract::State, response::Response};
use countersign_engine::commands::{Overrides, ServiceRef, StartVerification};
use countersign_model::{Alphabet, Channel, CodeShape};
use serde_json::Value;
use std::collections::BTreeMap;

pub(super) async fn request(State(web): State<Web>, call: Call) -> Result<Response, Refused> {
    let command = start(&call.params, &web.dialects().gateway360)?;
    web.engine().run(&call.caller, None, &command).await.map_err(|error| Refused::of(&error))?;
    Ok(ok())
}

/// Refuses in the order in which this API does.
fn start(params: &Params, settings: &Settings) -> Result<StartVerification, Refused> {
    let (to, from) = (params.required("msisdn")?, params.required("sender")?);
    let (to, from) = (msisdn("msisdn", to)?, text("sender", from)?);
    let own_text = params.get("sms_text").map(|value| text("sms_text", value)).transpose()?;
    let report = params.report_to("")?;
    let number_lookup = params.flag("hlr_lookup", true).ok_or(error::INVALID_HLR_LOOKUP_PARAM)?;
    let pin = PinParams::of(params)?;
    let own_text = own_text.map(|text| around_pin(&text, pin.shape.length())).transpose()?;
    let own_text = own_text.unwrap_or_else(|| settings.default_text.clone());
    let from = sender(&from)?;
    let to = number(&to)?;
    let overrides = Overrides {
        code: Some(pin.shape),
        life_seconds: Some(pin.expires_in),
        max_checks: Some(pin.max_tries),
        number_lookup: Some(number_lookup),
        sender: Some(from),
        text: Some(own_text),
        report,
        replaces_older: true,
        ..Overrides::default()
    };
    Ok(StartVerification {
        service: ServiceRef::Dialect(NAME),
        channel: Channel::Sms,
        to,
        code: None,
        locale: None,
        metadata: BTreeMap::new(),
        payment: None,
        overrides,
    })
}

/// What the PIN is like. For both counts 0 means no end.
#[derive(Debug, PartialEq, Eq)]
struct PinParams {
    shape: CodeShape,
    expires_in: u64,
    max_tries: u32,
}

const DEFAULT_LENGTH: u64 = 6;
const DEFAULT_EXPIRES_IN: u64 = 3600;
const DEFAULT_MAX_TRIES: u64 = 3;

impl PinParams {
    /// An object, or a list with one in it, as a public client sends it. None, and an empty list: the defaults.
    fn of(params: &Params) -> Result<Self, Refused> {
        let given = match params.get("pin_params") {
            None => None,
            Some(Value::Array(list)) if list.is_empty() => None,
            Some(Value::Array(list)) if list.len() == 1 => list.first(),
            Some(other) => Some(other),
        };
        let given = match given {
            None => Params(serde_json::Map::new()),
            Some(Value::Object(given)) => Params(given.clone()),
            Some(_) => return Err(error::INVALID_PIN_PARAMS),
        };
        Self::read(&given).ok_or(error::INVALID_PIN_PARAMS)
    }

    fn read(given: &Params) -> Option<Self> {
        let alphabet = match given.get("type") {
            None => Alphabet::Numeric,
            Some(kind) => match kind.as_str()? {
                "numeric" => Alphabet::Numeric,
                "alpha" => Alphabet::Letters,
                "alphanumeric" => Alphabet::LettersAndDigits,
                _ => return None,
            },
        };
        let count = |name, default| given.get(name).map_or(Some(default), whole_number);
        let length = u8::try_from(count("length", DEFAULT_LENGTH)?).ok()?;
        let (expires_in, max_tries) =
            (count("expires_in", DEFAULT_EXPIRES_IN)?, count("max_tries", DEFAULT_MAX_TRIES)?);
        // Nobody gets through four thousand million tries.
        let max_tries = u32::try_from(max_tries).unwrap_or(u32::MAX);
        Some(Self { shape: CodeShape::new(alphabet, length).ok()?, expires_in, max_tries })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(pin_params: &Value) -> Result<PinParams, Refused> {
        PinParams::of(&Params(serde_json::from_value(json!({"pin_params": pin_params})).unwrap()))
    }

    #[test]
    fn the_callers_text_is_kept_to_the_blank_and_without_one_ours_is_taken() {
        let settings = r#"{"time_zone":"UTC","default_text":"{PIN}!"}"#;
        let settings: Settings = serde_json::from_str(settings).unwrap();
        let words = |sms_text: Value| {
            let body = json!({"msisdn": "34666666111", "sender": "x", "sms_text": sms_text});
            let text = start(&Params(serde_json::from_value(body).unwrap()), &settings).unwrap().overrides.text;
            text.map(|own| own.filled_with("1")).unwrap()
        };
        assert_eq!(words(json!("  {PIN}\n ")), "  1\n ");
        assert_eq!(words(json!(null)), "1!");
    }

    #[test]
    fn nothing_in_all_its_forms_means_the_defaults() {
        let defaults = PinParams { shape: CodeShape::SIX_DIGITS, expires_in: 3600, max_tries: 3 };
        for nothing in [json!(null), json!({}), json!([]), json!([{}]), json!({"length": null, "other": 1})] {
            assert_eq!(read(&nothing).as_ref(), Ok(&defaults), "{nothing}");
        }
    }

    #[test]
    fn numbers_are_taken_as_digits_and_lists_with_one_object() {
        let expected = PinParams {
            shape: CodeShape::new(Alphabet::LettersAndDigits, 16).unwrap(),
            expires_in: 0,
            max_tries: u32::MAX,
        };
        let given = json!([{"type": "alphanumeric", "length": "16", "expires_in": 0, "max_tries": u32::MAX}]);
        assert_eq!(read(&given), Ok(expected));
    }

    #[test]
    fn lives_and_tries_have_no_upper_bound() {
        let of = |text: &str| {
            let given: Value = serde_json::from_str(&format!(r#"{{"expires_in":{text},"max_tries":{text}}}"#)).unwrap();
            read(&given).map(|read| (read.expires_in, read.max_tries))
        };
        for (text, expires_in) in [
            ("4294967295", 4_294_967_295),
            ("4294967296", 4_294_967_296),
            ("\"10000000000000\"", 10_000_000_000_000),
            ("18446744073709551615", u64::MAX),
            ("18446744073709551616", u64::MAX),
            ("\"99999999999999999999999999999999999999999\"", u64::MAX),
        ] {
            assert_eq!(of(text), Ok((expires_in, u32::MAX)), "{text}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for bad in [
            json!("x"),
            json!(6),
            json!([[]]),
            json!([{}, {}]),
            json!({"length": 3}),
            json!({"length": 17}),
            json!({"length": "x"}),
            json!({"length": ""}),
            json!({"length": 4.5}),
            json!({"length": 260}),
            json!({"type": "hex"}),
            json!({"type": 1}),
            json!({"expires_in": -1}),
            json!({"max_tries": -1}),
            json!({"max_tries": "-1"}),
            json!({"expires_in": true}),
            json!({"expires_in": 0.5}),
            json!({"expires_in": -1e30}),
            json!({"expires_in": "1e30"}),
            json!({"expires_in": ""}),
            json!({"max_tries": "+1"}),
        ] {
            assert_eq!(read(&bad), Err(error::INVALID_PIN_PARAMS), "{bad}");
        }
    }
}
