//! What an operator can set for this dialect, as the section `[dialects.nevis]`. The vendor does not publish most of it: whoever
//! has seen a real tenant's answers can say so here.

use super::message::own_text;
use axum::http::StatusCode;
use countersign_engine::commands::{Overrides, OwnText};
use countersign_model::{Alphabet, CodeShape, policy::Limits};
use serde::{Deserialize, Deserializer, de::Error as _};
use std::time::Duration;

/// What can be set.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a section")]
pub struct Settings {
    /// The domain below which each tenant has a host name of its own; none: hosts tell nothing.
    #[serde(deserialize_with = "domain")]
    pub instance_domain: Option<String>,
    /// The status of an enrolment and of an approval that have begun.
    pub created_status: CreatedStatus,
    /// The status of a code that does not verify.
    pub failed_status: FailedStatus,
    /// Where the answer to an enrolment by text message has its status token.
    pub status_token_place: StatusTokenPlace,
    /// Whether users show their phones and recovery codes, in members of our own.
    pub show_phones_and_recovery_codes: bool,
    /// What a code's message says when the caller does not; `{{CODE}}` stands for the code.
    #[serde(deserialize_with = "text")]
    pub default_text: OwnText,
    /// How many digits a code has.
    #[serde(deserialize_with = "digits")]
    pub code_digits: CodeShape,
    /// How long a code and its status token can be used.
    #[serde(rename = "code_life_seconds", deserialize_with = "seconds")]
    pub code_life: u32,
    /// How many wrong codes end a transaction.
    #[serde(deserialize_with = "one_or_more")]
    pub max_tries: u32,
    /// How long an intent token can be used.
    #[serde(rename = "intent_life_seconds", deserialize_with = "seconds")]
    pub intent_life: u32,
    /// How long the token that proves a result can be used.
    #[serde(rename = "transaction_life_seconds", deserialize_with = "seconds")]
    pub transaction_life: u32,
    /// Whether introspection uses up the token that proves a result.
    pub introspection_consumes: bool,
    /// How many recovery codes a set has.
    #[serde(deserialize_with = "recovery_codes")]
    pub recovery_codes: u8,
    /// How long an answer waits for the SMS gateway; 0: not at all.
    #[serde(rename = "gateway_wait_seconds", deserialize_with = "gateway_wait")]
    pub gateway_wait: Duration,
    /// How many records an export of the log has at most.
    #[serde(deserialize_with = "one_or_more")]
    pub export_records: u32,
    /// What one user, and one phone number, may cost and try.
    #[serde(deserialize_with = "limits")]
    pub limits: Limits,
}

/// The status of an enrolment and of an approval that have begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CreatedStatus(Option<StatusCode>);

impl CreatedStatus {
    pub(super) fn of_enrolment(self) -> StatusCode {
        self.0.unwrap_or(StatusCode::CREATED)
    }

    pub(super) fn of_approval(self) -> StatusCode {
        self.0.unwrap_or(StatusCode::OK)
    }
}

impl<'de> Deserialize<'de> for CreatedStatus {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Given {
            Number(u16),
            Text(String),
        }
        let wrong = "must be 200 or 201, or an empty text for 201 on enrolment and 200 on approval";
        match Given::deserialize(from).map_err(|_| D::Error::custom(wrong))? {
            Given::Number(200) => Ok(Self(Some(StatusCode::OK))),
            Given::Number(201) => Ok(Self(Some(StatusCode::CREATED))),
            Given::Text(text) if text.is_empty() => Ok(Self(None)),
            Given::Number(_) | Given::Text(_) => Err(D::Error::custom(wrong)),
        }
    }
}

/// The status of a code that does not verify.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailedStatus(pub(super) StatusCode);

impl<'de> Deserialize<'de> for FailedStatus {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let status = u16::deserialize(from)?;
        let known = StatusCode::from_u16(status).ok().filter(StatusCode::is_client_error);
        known.map(Self).ok_or_else(|| D::Error::custom("must be from 400 to 499"))
    }
}

/// Where the answer to an enrolment by text message has its status token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StatusTokenPlace {
    /// In `enrollment` only, as on the other channels.
    Enrollment,
    /// At the top only.
    Top,
    /// In both places.
    Both,
}

impl Settings {
    /// What the codes of this dialect do otherwise than their service says.
    pub(super) fn overrides(&self, text: Option<OwnText>) -> Overrides {
        Overrides {
            code: Some(self.code_digits),
            life_seconds: Some(self.code_life.into()),
            max_checks: Some(self.max_tries),
            limits: Some(self.limits.clone()),
            number_lookup: Some(false),
            text: Some(text.unwrap_or_else(|| self.default_text.clone())),
            ..Overrides::default()
        }
    }
}

fn domain<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(from)?.to_ascii_lowercase();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.';
    let is_domain = text.bytes().all(plain) && !text.starts_with('.') && !text.ends_with('.') && !text.contains("..");
    if is_domain {
        Ok((!text.is_empty()).then_some(text))
    } else {
        Err(D::Error::custom("must be a domain without a dot before it, such as mauth.example.com"))
    }
}

fn text<'de, D: Deserializer<'de>>(from: D) -> Result<OwnText, D::Error> {
    let text = String::deserialize(from)?;
    own_text(&text, CodeShape::MAX_LENGTH).map_err(|why| D::Error::custom(format!("is no text for a code: {why}")))
}

fn digits<'de, D: Deserializer<'de>>(from: D) -> Result<CodeShape, D::Error> {
    CodeShape::new(Alphabet::Numeric, u8::deserialize(from)?).map_err(|_| D::Error::custom("must be from 4 to 16"))
}

fn seconds<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
    let seconds = u32::deserialize(from)?;
    if (1..=86_400).contains(&seconds) { Ok(seconds) } else { Err(D::Error::custom("must be from 1 to 86400")) }
}

fn one_or_more<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
    let number = u32::deserialize(from)?;
    if number > 0 { Ok(number) } else { Err(D::Error::custom("must be at least 1")) }
}

fn recovery_codes<'de, D: Deserializer<'de>>(from: D) -> Result<u8, D::Error> {
    let number = u8::deserialize(from)?;
    if (1..=100).contains(&number) { Ok(number) } else { Err(D::Error::custom("must be from 1 to 100")) }
}

fn gateway_wait<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    let seconds = u64::deserialize(from)?;
    if seconds <= 30 { Ok(Duration::from_secs(seconds)) } else { Err(D::Error::custom("must be at most 30")) }
}

fn limits<'de, D: Deserializer<'de>>(from: D) -> Result<Limits, D::Error> {
    let limits = Limits::deserialize(from)?;
    limits.check().map_err(|bad| D::Error::custom(bad.to_string()))?;
    Ok(limits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn usual() -> Value {
        json!({
            "instance_domain": "MAUTH.example.com", "created_status": "", "failed_status": 403, "status_token_place": "both",
            "show_phones_and_recovery_codes": true, "default_text": "{{CODE}}", "code_digits": 6, "code_life_seconds": 300,
            "max_tries": 3, "intent_life_seconds": 300, "transaction_life_seconds": 120, "introspection_consumes": false,
            "recovery_codes": 10, "gateway_wait_seconds": 5, "export_records": 10000,
            "limits": {"send_gap_seconds": 0, "sends": [], "failed_checks": {"max": 0, "hold_seconds": 1}}
        })
    }

    fn with(name: &str, value: Value) -> Result<Settings, String> {
        let mut settings = usual();
        settings[name] = value;
        serde_json::from_value(settings).map_err(|error| error.to_string())
    }

    #[test]
    fn a_status_that_is_set_holds_for_enrolment_and_approval() {
        let of = |value| {
            with("created_status", value).map(|it| (it.created_status.of_enrolment(), it.created_status.of_approval()))
        };
        assert_eq!(of(json!("")), Ok((StatusCode::CREATED, StatusCode::OK)));
        assert_eq!(of(json!(200)), Ok((StatusCode::OK, StatusCode::OK)));
        assert_eq!(of(json!(201)), Ok((StatusCode::CREATED, StatusCode::CREATED)));
        assert_eq!(with("instance_domain", json!("")).unwrap().instance_domain, None);
        assert_eq!(
            serde_json::from_value::<Settings>(usual()).unwrap().instance_domain.as_deref(),
            Some("mauth.example.com")
        );
    }

    #[test]
    fn what_cannot_be_used_is_refused_with_a_reason() {
        for (name, bad, why) in [
            ("created_status", json!(204), "must be 200 or 201"),
            ("created_status", json!("no"), "must be 200 or 201"),
            ("created_status", json!(true), "must be 200 or 201"),
            ("failed_status", json!(500), "must be from 400 to 499"),
            ("status_token_place", json!("nowhere"), "unknown variant"),
            ("instance_domain", json!(".example.com"), "must be a domain"),
            ("instance_domain", json!("https://example.com"), "must be a domain"),
            ("default_text", json!("no code"), "is no text for a code"),
            ("default_text", json!("{{CODE}} \u{4f60}"), "GSM-7"),
            ("code_digits", json!(3), "must be from 4 to 16"),
            ("code_life_seconds", json!(0), "must be from 1 to 86400"),
            ("max_tries", json!(0), "must be at least 1"),
            ("recovery_codes", json!(0), "must be from 1 to 100"),
            ("gateway_wait_seconds", json!(31), "must be at most 30"),
            (
                "limits",
                json!({"send_gap_seconds": 0, "sends": [{"count": 0, "seconds": 1}],
                "failed_checks": {"max": 0, "hold_seconds": 1}}),
                "limits.sends takes",
            ),
        ] {
            let told = with(name, bad).unwrap_err();
            assert!(told.contains(why), "{name}: {told}");
        }
    }
}
