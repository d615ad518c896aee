//! Case 37: a device registers, is asked, and answers, as the vendor's libraries for apps do it; and what its clients are told.

use super::*;
use countersign_engine::testing::CallError;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256};

/// An app on a device, with a key of its own.
struct App {
    key: EncodingKey,
    jwk: Value,
}

impl App {
    fn new() -> Self {
        let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let part = |bytes: &[u8]| data_encoding::BASE64URL_NOPAD.encode(bytes);
        let (x, y) = pair.public_key_raw()[1..].split_at(32);
        let jwk = json!({ "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "x": part(x), "y": part(y) });
        Self { key: EncodingKey::from_ec_pem(pair.serialize_pem().as_bytes()).unwrap(), jwk }
    }

    fn registration(&self) -> Value {
        json!({
            "identifier": "device-1", "name": "Ana's phone", "public_key": self.jwk,
            "push_credentials": { "service": "GCM", "token": "name-at-the-service" },
        })
    }

    async fn register(&self, auth0: &Auth0, ticket: &str) -> Answer {
        let request =
            Request::post("/appliance-mfa/api/enroll").header(AUTHORIZATION, format!("Ticket id=\"{ticket}\""));
        let request = request.header(CONTENT_TYPE, "application/json");
        auth0.server.send(request.body(Body::from(self.registration().to_string())).unwrap()).await
    }

    /// What it signs about a question.
    fn claims(auth0: &Auth0, question: &Value, accepted: bool) -> Value {
        let now = auth0.now().as_ms() / 1000;
        json!({
            "iss": "device-1", "sub": question["c"], "iat": now, "exp": now + 30,
            "aud": "https://verify.example.com/appliance-mfa/api/resolve-transaction",
            "auth0_guardian_method": "push", "auth0_guardian_accepted": accepted,
        })
    }

    async fn send(&self, auth0: &Auth0, question: &Value, claims: &Value) -> Answer {
        let signed = encode(&Header::new(Algorithm::ES256), claims, &self.key).unwrap();
        let body = json!({ "challenge_response": signed });
        auth0
            .call(Method::POST, "/appliance-mfa/api/resolve-transaction", Some(&body), question["txtkn"].as_str())
            .await
    }

    async fn answer(&self, auth0: &Auth0, question: &Value, accepted: bool) -> Answer {
        self.send(auth0, question, &Self::claims(auth0, question, accepted)).await
    }
}

fn push() -> Value {
    json!({ "authenticator_types": ["oob"], "oob_channels": ["auth0"] })
}

fn ticket_in(associated: &Value) -> String {
    let uri = text(associated, "barcode_uri");
    uri.split_once("enrollment_tx_id=").unwrap().1.split('&').next().unwrap().to_owned()
}

/// What was given to whoever carries questions.
fn carried(auth0: &Auth0) -> Value {
    let call = auth0.server.harness.callbacks.take().pop().expect("a question was carried");
    assert_eq!(call.url, "https://push.example.com/");
    serde_json::from_slice(&call.body).unwrap()
}

async fn poll(auth0: &Auth0, token: &str, oob_code: &str) -> Answer {
    auth0.token(json!({ "grant_type": MFA_OOB, "mfa_token": token, "oob_code": oob_code, "scope": "openid" })).await
}

fn pending() -> (u16, String, String) {
    is(400, "authorization_pending", "Authorization pending: please repeat the request in a few seconds.")
}

/// Somebody with a device.
async fn with_device(auth0: &mut Auth0) -> (Person, App) {
    let (person, app) = (auth0.person(MfaRule::Required).await, App::new());
    let token = auth0.mfa_token(&person).await;
    let associated = auth0.associate(&token, push()).await.json();
    assert_eq!(app.register(auth0, &ticket_in(&associated)).await.status, 200);
    assert_eq!(poll(auth0, &token, &text(&associated, "oob_code")).await.status, 200);
    (person, app)
}

#[tokio::test]
async fn a_device_is_enrolled_by_its_app_and_is_an_app_that_counts_out_codes_too() {
    let mut auth0 = Auth0::new().await;
    let (person, app) = (auth0.person(MfaRule::Required).await, App::new());
    let token = auth0.mfa_token(&person).await;
    let associated = auth0.associate(&token, push()).await;
    assert_eq!(associated.status, 200, "{}", associated.body);
    let associated = associated.json();
    assert_eq!(
        (associated["authenticator_type"].as_str(), associated["oob_channel"].as_str(), &associated["binding_method"]),
        (Some("oob"), Some("auth0"), &Value::Null)
    );
    assert!(text(&associated, "barcode_uri").starts_with("otpauth://totp/acme:user1%40example.com?enrollment_tx_id="));
    assert!(text(&associated, "barcode_uri").ends_with("&base_url=https%3A%2F%2Fverify.example.com%2Fappliance-mfa"));
    assert_eq!(associated["recovery_codes"].as_array().unwrap().len(), 1);
    let oob_code = text(&associated, "oob_code");
    assert_eq!(refusal(&poll(&auth0, &token, &oob_code).await), pending());

    for bad in ["", "x", &ticket_in(&associated)[1..]] {
        assert_eq!(app.register(&auth0, bad).await.status, 401, "{bad}");
    }
    let registered = app.register(&auth0, &ticket_in(&associated)).await;
    assert_eq!(registered.status, 200, "{}", registered.body);
    let secret = text(&registered.json()["totp"], "secret");
    assert_eq!(App::new().register(&auth0, &ticket_in(&associated)).await.status, 409, "one app, once");
    let tokens = poll(&auth0, &token, &oob_code).await;
    assert_eq!(tokens.status, 200, "{}", tokens.body);

    let token = auth0.mfa_token(&person).await;
    let listed = auth0.list(&token).await;
    let kinds: Vec<_> =
        listed.iter().map(|it| (it["type"].as_str().unwrap(), it["active"].as_bool().unwrap())).collect();
    assert_eq!(kinds, [("push-notification", true), ("otp", true), ("recovery-code", true)]);
    let (push, totp) = (text(&listed[0], "id"), text(&listed[1], "id"));
    assert_eq!(push.strip_prefix("push|"), totp.strip_prefix("totp|"));
    assert_eq!((listed[0]["name"].as_str(), listed[0]["oob_channel"].as_str()), (Some("Ana's phone"), Some("auth0")));
    assert_eq!(auth0.with_otp(&token, &auth0.shown_by_app(&secret)).await.status, 200);
}

#[tokio::test]
async fn case_37_a_question_is_answered_once_and_polled_for_until_then() {
    let mut auth0 = Auth0::new().await;
    let (person, app) = with_device(&mut auth0).await;
    let token = auth0.mfa_token(&person).await;
    let asked = auth0.challenge(&token, json!({ "challenge_type": "oob" })).await.json();
    assert_eq!(asked.as_object().unwrap().keys().collect::<Vec<_>>(), ["challenge_type", "oob_code"]);
    let (oob_code, carried) = (text(&asked, "oob_code"), carried(&auth0));
    assert_eq!((carried["service"].as_str(), carried["token"].as_str()), (Some("GCM"), Some("name-at-the-service")));
    let question = carried["data"].clone();

    let polls: Vec<_> = futures_util::future::join_all((0..20).map(|_| poll(&auth0, &token, &oob_code))).await;
    let slow = is(400, "slow_down", "You are polling faster than the specified interval of 5 seconds.");
    assert_eq!(polls.iter().filter(|answer| refusal(answer) == pending()).count(), 12);
    assert_eq!(polls.iter().filter(|answer| refusal(answer) == slow).count(), 8);
    auth0.pass(5);
    assert_eq!(refusal(&poll(&auth0, &token, &oob_code).await), pending());

    // Only this app, about this question, and not too late.
    let good = App::claims(&auth0, &question, true);
    for (name, value) in [
        ("iss", json!("device-2")),
        ("sub", json!("x")),
        ("aud", json!("https://evil.example/appliance-mfa/api/resolve-transaction")),
        ("exp", json!(0)),
        ("auth0_guardian_method", json!("sms")),
        ("auth0_guardian_accepted", json!("true")),
    ] {
        assert_eq!(
            app.send(&auth0, &question, &merged(good.clone(), json!({ name: value }))).await.status,
            400,
            "{name}"
        );
    }
    assert_eq!(App::new().send(&auth0, &question, &good).await.status, 400);
    let foreign = merged(question.clone(), json!({ "txtkn": "x" }));
    assert_eq!(app.send(&auth0, &foreign, &good).await.status, 401);

    assert_eq!(app.answer(&auth0, &question, true).await.status, 204);
    assert_eq!(app.answer(&auth0, &question, false).await.status, 400, "the first answer counts");
    let answers = futures_util::future::join_all((0..4).map(|_| poll(&auth0, &token, &oob_code))).await;
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 403, 403, 403]);
}

#[tokio::test]
async fn case_37_a_refusal_is_the_end_of_the_question_but_not_of_the_log_in() {
    let mut auth0 = Auth0::new().await;
    let (person, app) = with_device(&mut auth0).await;
    let token = auth0.mfa_token(&person).await;
    let asked = auth0.challenge(&token, json!({ "challenge_type": "oob", "oob_channel": "auth0" })).await.json();
    let refused = text(&asked, "oob_code");
    assert_eq!(app.answer(&auth0, &carried(&auth0)["data"], false).await.status, 204);
    let rejected = is(400, "access_denied", "MFA Authorization rejected.");
    for _ in 0..2 {
        assert_eq!(refusal(&poll(&auth0, &token, &refused).await), rejected);
    }
    let asked = auth0.challenge(&token, json!({})).await.json();
    assert_eq!(refusal(&poll(&auth0, &token, &refused).await), rejected, "the next question leaves it refused");
    let question = carried(&auth0)["data"].clone();
    let other = auth0.mfa_token(&person).await;
    assert_eq!(
        refusal(&poll(&auth0, &other, &text(&asked, "oob_code")).await),
        is(400, "invalid_request", "The oob_code doesn't match the mfa_token")
    );
    assert_eq!(app.answer(&auth0, &question, true).await.status, 204);
    assert_eq!(poll(&auth0, &token, &text(&asked, "oob_code")).await.status, 200);

    let token = auth0.mfa_token(&person).await;
    let asked = auth0.challenge(&token, json!({})).await.json();
    let question = carried(&auth0)["data"].clone();
    auth0.pass(301);
    assert_eq!(app.answer(&auth0, &question, true).await.status, 401);
    let late = poll(&auth0, &token, &text(&asked, "oob_code")).await;
    assert_eq!(refusal(&late), is(403, "expired_token", "oob_code is expired"));
}

#[tokio::test]
async fn questions_are_limited_and_one_that_is_not_carried_is_told() {
    let mut auth0 = Auth0::new().await;
    let (person, _) = with_device(&mut auth0).await;
    let token = auth0.mfa_token(&person).await;
    auth0.server.harness.callbacks.fail_next(CallError::Retry("away".into()));
    let failed = auth0.challenge(&token, json!({})).await;
    assert_eq!((failed.status, text(&failed.json(), "error")), (502, "bad_gateway".to_owned()));
    for _ in 0..4 {
        assert_eq!(auth0.challenge(&token, json!({})).await.status, 200);
    }
    auth0.server.harness.callbacks.take();
    let sixth = auth0.challenge(&token, json!({})).await;
    assert_eq!((sixth.status, sixth.header("x-ratelimit-remaining")), (429, "0"));
    assert!(auth0.server.harness.callbacks.take().is_empty(), "nothing is carried");
    auth0.pass(12);
    assert_eq!(auth0.challenge(&token, json!({})).await.status, 200);
}

#[tokio::test]
async fn a_device_goes_with_its_codes() {
    let mut auth0 = Auth0::new().await;
    let (person, app) = with_device(&mut auth0).await;
    let token = auth0.mfa_token(&person).await;
    let asked = auth0.challenge(&token, json!({})).await.json();
    let question = carried(&auth0)["data"].clone();
    let scopes = "enroll read:authenticators remove:authenticators";
    let answer = auth0.log_in(&person, json!({ "audience": OF_FACTORS, "scope": scopes })).await;
    let waits = text(&answer.json(), "mfa_token");
    let again = auth0.challenge(&waits, json!({})).await.json();
    assert_eq!(app.answer(&auth0, &carried(&auth0)["data"], true).await.status, 204);
    let own = text(&poll(&auth0, &waits, &text(&again, "oob_code")).await.json(), "access_token");
    let id = text(&auth0.list(&own).await[0], "id").replace('|', "%7C");
    let deleted = auth0.call(Method::DELETE, &format!("/mfa/authenticators/{id}"), None, Some(&own)).await;
    assert_eq!(deleted.status, 204);
    let left: Vec<_> = auth0.list(&own).await.iter().map(|it| text(it, "type")).collect();
    assert_eq!(left, ["recovery-code"]);
    assert_ne!(app.answer(&auth0, &question, true).await.status, 204);
    assert_ne!(poll(&auth0, &token, &text(&asked, "oob_code")).await.status, 200);
}

#[tokio::test]
async fn what_is_switched_off_is_neither_enrolled_nor_asked_nor_listed() {
    let mut auth0 = Auth0::new().await;
    let (person, _) = with_device(&mut auth0).await;
    let admin = management::administrator(&auth0).await;
    let switch = async |enabled: bool| {
        let body = json!({ "enabled": enabled });
        auth0.call(Method::PUT, "/api/v2/guardian/factors/push-notification", Some(&body), Some(&admin)).await.status
    };
    assert_eq!(switch(false).await, 200);
    let token = auth0.mfa_token(&person).await;
    let kinds: Vec<_> = auth0.list(&token).await.iter().map(|it| text(it, "type")).collect();
    assert_eq!(kinds, ["otp", "recovery-code"]);
    let asked = auth0.challenge(&token, json!({ "challenge_type": "oob" })).await;
    assert_eq!((asked.status, text(&asked.json(), "error").as_str()), (401, "unsupported_challenge_type"));
    let fresh = Person {
        name: "fresh@example.com".into(),
        id: auth0.server.user("fresh@example.com", MfaRule::Required).await,
    };
    let refused = auth0.associate(&auth0.mfa_token(&fresh).await, push()).await;
    assert_eq!((refused.status, text(&refused.json(), "error").as_str()), (400, "unsupported_challenge_type"));
    assert_eq!(switch(true).await, 200);
    assert_eq!(auth0.challenge(&token, json!({ "challenge_type": "oob" })).await.status, 200);
}
