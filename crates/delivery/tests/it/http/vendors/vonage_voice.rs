//! Vonage Voice API, version 1, and the NCCO that is spoken.

use crate::http::{
    bench::{OUR_KEY, secret},
    simulator::{Call, Carries, Fields, Heard, ID, Reply, Report, Request, Sms, Vendor},
};
use aws_lc_rs::digest;
use axum::http::Method;
use countersign_delivery::receipt::ReceiptAnswer;
use countersign_model::Channel;
use data_encoding::HEXLOWER;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde_json::{Value, json};

pub static SIMULATED: VonageVoice = VonageVoice;
pub struct VonageVoice;

const APPLICATION: &str = "aaaaaaaa-bbbb-4ccc-8ddd-0123456789ab";
const NUMBER: &str = "15005550006";

impl VonageVoice {
    /// A token of the application's, made at the time of the message, with an id of its own.
    fn is_ours(request: &Request) -> bool {
        let Some(token) = request.header("authorization").strip_prefix("Bearer ") else { return false };
        let mut rules = Validation::new(Algorithm::RS256);
        // The message of the tests has a time of its own.
        rules.validate_exp = false;
        let Ok(read) = decode::<Value>(token, &DecodingKey::from_rsa_der(&OUR_KEY.public), &rules) else {
            return false;
        };
        let (claims, kind) = (read.claims, read.header.typ);
        assert_eq!(kind.as_deref(), Some("JWT"));
        assert_eq!((&claims["iat"], &claims["exp"]), (&json!(1_767_225_600), &json!(1_767_226_500)));
        assert!(claims["jti"].as_str().is_some_and(|id| id.len() > 32));
        claims["application_id"] == APPLICATION
    }

    fn call(request: &Request) -> Option<Sms> {
        let mut fields = Fields::of(&request.json()?)?;
        let to = fields.take("to")?;
        let number = to[0]["number"].as_str().filter(|it| it.bytes().all(|byte| byte.is_ascii_digit()))?;
        let from = fields.take("from")?;
        (to[0]["type"] == "phone" && from["type"] == "phone").then_some(())?;
        let event_url = fields.take("event_url");
        let sms = Sms {
            to: format!("+{number}"),
            from: from["number"].as_str().map(str::to_owned),
            link: event_url.and_then(|url| url[0].as_str().map(str::to_owned)),
            ..Sms::default()
        };
        fields.take("answer_url").filter(|url| url[0].as_str().is_some_and(|url| url.starts_with("https://")))?;
        fields.is("answer_method", "POST")?;
        fields.is("event_method", "POST")?;
        fields.take("ringing_timer").filter(|seconds| *seconds == 30)?;
        fields.take("length_timer").filter(|seconds| *seconds == 120)?;
        fields.nothing_left()?;
        Some(sms)
    }

    fn signed(url: &str, body: &Value) -> Call {
        let body = body.to_string();
        let hash = HEXLOWER.encode(digest::digest(&digest::SHA256, body.as_bytes()).as_ref());
        let claims = json!({"iat": 1_767_225_600, "iss": "Vonage", "jti": "c5ba8f24-1a14-4c10-bfdf-3fbe8ce511b5",
            "api_key": "abcd1234", "application_id": APPLICATION, "payload_hash": hash});
        let key = EncodingKey::from_secret(secret("vonage-signature").as_bytes());
        let token = encode(&Header::new(Algorithm::HS256), &claims, &key).unwrap();
        let headers =
            vec![("content-type", "application/json".to_owned()), ("authorization", format!("Bearer {token}"))];
        Call { method: Method::POST, url: url.to_owned(), headers, body, by_link: true }
    }
}

impl Vendor for VonageVoice {
    fn name(&self) -> &'static str {
        "vonage-voice"
    }

    fn channel(&self) -> Channel {
        Channel::Voice
    }

    fn carries(&self) -> Carries {
        Carries::Call
    }

    fn sender(&self) -> &'static str {
        NUMBER
    }

    fn read(&self, request: &Request) -> Result<Sms, Reply> {
        if request.method != Method::POST || request.path != "/v1/calls" {
            return Err(Reply::text(404, "Not Found"));
        }
        if !Self::is_ours(request) {
            return Err(Reply::json(401, &json!({"type": "UNAUTHORIZED", "error_title": "Unauthorized"})));
        }
        let bad = || Reply::json(400, &json!({"title": "Bad Request", "invalid_parameters": [{"name": "to"}]}));
        Self::call(request).ok_or_else(bad)
    }

    fn accepts(&self) -> Reply {
        let conversation = "CON-f972836a-550f-45fa-956c-12a2ab5b7d22";
        let body = json!({"uuid": ID, "status": "started", "direction": "outbound", "conversation_uuid": conversation});
        Reply::json(201, &body)
    }

    fn refuses(&self, to: &str) -> Reply {
        let invalid = json!([{"name": "to[0].number", "reason": format!("{to} is no number")}]);
        Reply::json(400, &json!({"title": "Bad Request", "invalid_parameters": invalid}))
    }

    fn throttles(&self) -> Reply {
        Reply::json(429, &json!({"title": "Too Many Requests"}))
    }

    fn hears(&self, told: &ReceiptAnswer) -> Heard {
        assert_eq!(told.content_type.as_deref(), Some("application/json"));
        let actions: Vec<Value> = serde_json::from_str(&told.body).unwrap();
        let words = |talk: &Value| {
            assert_eq!(talk["action"], "talk");
            let text = |name| talk[name].as_str().unwrap().to_owned();
            Some((text("text"), text("language")))
        };
        match actions.as_slice() {
            [] => Heard { words: None, waits_at: None },
            [talk] => Heard { words: words(talk), waits_at: None },
            [talk, input] => {
                assert_eq!((&talk["loop"], &talk["bargeIn"]), (&json!(2), &json!(true)));
                assert_eq!((&input["action"], &input["type"]), (&json!("input"), &json!(["dtmf"])));
                assert_eq!((&input["dtmf"]["maxDigits"], &input["eventMethod"]), (&json!(1), &json!("POST")));
                Heard { words: words(talk), waits_at: input["eventUrl"][0].as_str().map(str::to_owned) }
            }
            more => panic!("{more:?}"),
        }
    }

    fn asks(&self, url: &str, pressed: Option<&str>) -> Call {
        let mut body = json!({"from": NUMBER, "to": "34666666111", "uuid": ID, "conversation_uuid": "CON-1"});
        if let Some(digits) = pressed {
            body["dtmf"] = json!({"digits": digits, "timed_out": digits.is_empty()});
        }
        Self::signed(url, &body)
    }

    fn reports(&self, link: &str, what: Report) -> Call {
        let status = what.pick("answered", "completed", "ringing");
        let body = json!({"from": NUMBER, "to": "34666666111", "uuid": ID, "conversation_uuid": "CON-1",
            "status": status, "direction": "outbound", "timestamp": "2026-01-01T00:00:00.000Z"});
        Self::signed(link, &body)
    }

    /// The token of another body.
    fn forges(&self, report: Call) -> Call {
        Call { body: report.body.replace(ID, "another"), ..report }
    }
}
