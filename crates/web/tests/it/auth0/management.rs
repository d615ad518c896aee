//! Administration.

use super::*;
use countersign_engine::{
    Caller, UserRef,
    commands::{ChangeUser, KnownLanguage},
};

/// A user in a path.
pub(super) fn of(user: UserId) -> String {
    format!("auth0%7C{}", data_encoding::HEXLOWER.encode(&user.to_bytes()))
}

pub(super) async fn administrator(auth0: &Auth0) -> String {
    let ask = json!({ "grant_type": "client_credentials", "audience": "https://verify.example.com/api/v2/" });
    text(&auth0.token(ask).await.json(), "access_token")
}

#[tokio::test]
async fn cases_54_and_55_factors_are_given_and_good_at_once() {
    let mut auth0 = Auth0::new().await;
    let admin = administrator(&auth0).await;
    let person = auth0.person(MfaRule::Required).await;
    let path = format!("/api/v2/users/{}/authentication-methods", of(person.id));
    let phone = json!({ "type": "phone", "name": "work", "phone_number": PHONE });
    let made = auth0.call(Method::POST, &path, Some(&phone), Some(&admin)).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let with_totals = auth0
        .call(Method::GET, &format!("{path}?page=0&per_page=50&include_totals=true"), None, Some(&admin))
        .await
        .json();
    assert_eq!(
        (&with_totals["start"], &with_totals["limit"], &with_totals["total"]),
        (&json!(0), &json!(50), &json!(1))
    );
    assert_eq!(with_totals["authenticators"][0]["id"], made.json()["id"]);
    assert!(auth0.call(Method::GET, &path, None, Some(&admin)).await.json().is_array());
    let token = auth0.mfa_token(&person).await;
    assert_eq!(auth0.challenge(&token, json!({ "challenge_type": "oob" })).await.status, 200);

    let one = format!("{path}/{}", text(&made.json(), "id").replace('|', "%7C"));
    let changed = json!({ "name": "home", "preferred_authentication_method": "voice" });
    let changed = auth0.call(Method::PATCH, &one, Some(&changed), Some(&admin)).await.json();
    assert_eq!((&changed["name"], &changed["preferred_authentication_method"]), (&json!("home"), &json!("voice")));
    let new = json!([{ "type": "totp", "totp_secret": "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" }, { "type": "email", "email": "a@b.example" }]);
    let replaced = auth0.call(Method::PUT, &path, Some(&new), Some(&admin)).await;
    assert_eq!((replaced.status, replaced.json().as_array().unwrap().len()), (200, 2));
    let token = auth0.mfa_token(&person).await;
    assert_eq!(auth0.with_otp(&token, &auth0.shown_by_app("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")).await.status, 200);
    assert_eq!(auth0.call(Method::GET, &one, None, Some(&admin)).await.status, 404);
    assert_eq!(auth0.call(Method::DELETE, &path, None, Some(&admin)).await.status, 204);
    assert_eq!(auth0.call(Method::GET, &path, None, Some(&admin)).await.json(), json!([]));
    for bad in [
        json!({ "type": "phone" }),
        json!({ "type": "totp", "totp_secret": "short" }),
        json!({ "type": "push" }),
        json!({}),
    ] {
        let answer = auth0.call(Method::POST, &path, Some(&bad), Some(&admin)).await;
        assert_eq!((answer.status, answer.json()["statusCode"].as_u64()), (400, Some(400)), "{bad}");
    }
}

#[tokio::test]
async fn case_56_a_new_recovery_code_takes_the_place_of_the_old_one() {
    let mut auth0 = Auth0::new().await;
    let admin = administrator(&auth0).await;
    let (person, _, old) = auth0.with_app().await;
    let path = format!("/api/v2/users/{}/recovery-code-regeneration", of(person.id));
    let answer = auth0.call(Method::POST, &path, None, Some(&admin)).await;
    let new = text(&answer.json(), "recovery_code");
    assert_eq!((answer.status, new.len()), (201, 24));
    for (code, status) in [(old, 403), (new, 200)] {
        let token = auth0.mfa_token(&person).await;
        let body = json!({ "grant_type": MFA_RECOVERY, "mfa_token": token, "recovery_code": code });
        assert_eq!(auth0.token(body).await.status, status);
    }
}

#[tokio::test]
async fn cases_57_and_58_factors_are_switched_and_texts_written() {
    let mut auth0 = Auth0::new().await;
    let admin = administrator(&auth0).await;
    let person = auth0.with_phone().await;
    let token = auth0.mfa_token(&person).await;
    let put = async |path: &str, body: Value| {
        auth0.call(Method::PUT, &format!("/api/v2/guardian/{path}"), Some(&body), Some(&admin)).await.status
    };
    assert_eq!(put("factors/sms", json!({ "enabled": false })).await, 200);
    let off = auth0.challenge(&token, json!({ "challenge_type": "oob" })).await;
    assert_eq!((off.status, text(&off.json(), "error").as_str()), (401, "unsupported_challenge_type"));
    // A password alone is not enough to enrol another phone: what is left is the recovery code, or an administrator.
    let waiting = auth0.log_in(&person, json!({})).await.json();
    assert_eq!(waiting["mfa_requirements"], json!({ "challenge": [{ "type": "recovery-code" }] }));
    let enrolled = auth0.associate(&text(&waiting, "mfa_token"), json!({ "authenticator_types": ["otp"] })).await;
    assert_eq!(refusal(&enrolled), is(403, "access_denied", "User is already enrolled."));
    assert_eq!(put("factors/recovery-code", json!({ "enabled": false })).await, 200);
    let requirements = auth0.log_in(&person, json!({})).await.json()["mfa_requirements"].clone();
    assert_eq!(requirements, json!({ "challenge": [] }));
    assert_eq!(put("factors/recovery-code", json!({ "enabled": true })).await, 200);
    assert_eq!(put("factors/sms", json!({ "enabled": true })).await, 200);
    let texts = json!({
        "enrollment_message": "{{code}}",
        "verification_message": "{% if locale contains 'fr' %}Votre code : {{ code }}{% else %}Code {{ code }}{% endif %}",
    });
    assert_eq!(put("factors/sms/templates", texts.clone()).await, 200);
    assert_eq!(put("factors/sms/templates", merged(texts, json!({ "enrollment_message": "none" }))).await, 400);
    assert_eq!(put("factors/phone/message-types", json!({ "message_types": ["sms"] })).await, 200);
    assert_eq!(auth0.list(&token).await.iter().filter(|entry| entry["oob_channel"] == "voice").count(), 0);
    let reads = async |language: KnownLanguage| {
        let harness = &auth0.server.harness;
        let (user, language) = (UserRef::Id(person.id), Some(language));
        let command = ChangeUser { user, password: None, mfa: None, language };
        harness.engine.run(&Caller::operator(harness.caller.tenant()), None, &command).await.unwrap();
    };
    let french = || KnownLanguage::Is("fr".to_owned());
    for (known, language, expected) in [
        (KnownLanguage::Unknown, "fr", "Votre code : "),
        (KnownLanguage::Unknown, "en", "Code "),
        (KnownLanguage::Unknown, "", "Code "),
        (french(), "", "Votre code : "),
        (french(), "en", "Code "),
    ] {
        reads(known).await;
        let body = merged(auth0.credentials(), json!({ "mfa_token": token, "challenge_type": "oob" }));
        let request = Request::post("/mfa/challenge").header("x-request-language", language);
        auth0.server.send(request.body(Body::from(body.to_string())).unwrap()).await;
        auth0.server.harness.deliver().await;
        let sent = auth0.server.harness.first.take().pop().unwrap();
        assert_eq!(sent.text, format!("{expected}{}", sent.code));
    }
}

/// What a list of factors says is on.
fn switched_on(list: &Value) -> Vec<&str> {
    let on = list.as_array().unwrap().iter().filter(|factor| factor["enabled"] == true);
    on.map(|factor| factor["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn switches_of_factors_that_are_not_here_are_kept_and_nobody_is_offered_one() {
    let mut auth0 = Auth0::new().await;
    let admin = administrator(&auth0).await;
    let person = auth0.person(MfaRule::Required).await;
    let list = async || auth0.call(Method::GET, "/api/v2/guardian/factors", None, Some(&admin)).await;
    let usual = r#"[{"enabled":true,"name":"push-notification","trial_expired":false},{"enabled":true,"name":"sms","trial_expired":false},{"enabled":true,"name":"email","trial_expired":false},{"enabled":false,"name":"duo","trial_expired":false},{"enabled":true,"name":"otp","trial_expired":false},{"enabled":false,"name":"webauthn-roaming","trial_expired":false},{"enabled":false,"name":"webauthn-platform","trial_expired":false},{"enabled":true,"name":"recovery-code","trial_expired":false}]"#;
    assert_eq!(list().await.body, usual);
    let offered = async || auth0.log_in(&person, json!({})).await.json()["mfa_requirements"].clone();
    let before = offered().await;
    let put = async |name: &str, body: &str| {
        let path = format!("/api/v2/guardian/factors/{name}");
        let answer = auth0.call(Method::PUT, &path, Some(&serde_json::from_str(body).unwrap()), Some(&admin)).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, body), "{name}");
    };
    for (name, mut expected) in [
        ("duo", vec!["push-notification", "sms", "email", "duo", "otp"]),
        ("webauthn-platform", vec!["push-notification", "sms", "email", "duo", "otp", "webauthn-platform"]),
        (
            "webauthn-roaming",
            vec!["push-notification", "sms", "email", "duo", "otp", "webauthn-roaming", "webauthn-platform"],
        ),
    ] {
        expected.push("recovery-code");
        for _ in 0..2 {
            put(name, r#"{"enabled":true}"#).await;
            assert_eq!(switched_on(&list().await.json()), expected);
        }
        assert_eq!(offered().await, before, "{name}");
    }
    for name in ["duo", "webauthn-platform", "webauthn-roaming", "webauthn-roaming"] {
        put(name, r#"{"enabled":false}"#).await;
    }
    assert_eq!(list().await.body, usual);
    for name in ["nothing", "DUO"] {
        let path = format!("/api/v2/guardian/factors/{name}");
        let unknown = auth0.call(Method::PUT, &path, Some(&json!({ "enabled": true })), Some(&admin)).await;
        assert_eq!(unknown.status, 404, "{name}");
    }
}

#[tokio::test]
async fn push_that_nobody_carries_is_off_until_a_tenant_switches_it_and_offered_to_nobody_even_then() {
    let server = Server::with_applications_and(|set| set.auth0.push_url.clear()).await;
    let mut auth0 = Auth0 { server, users: 0 };
    let admin = administrator(&auth0).await;
    let person = auth0.person(MfaRule::Required).await;
    let path = "/api/v2/guardian/factors/push-notification";
    let list = async || auth0.call(Method::GET, "/api/v2/guardian/factors", None, Some(&admin)).await.json();
    let offered = json!({ "enroll": [{ "type": "otp" }, { "type": "phone" }, { "type": "email" }] });
    assert_eq!(switched_on(&list().await), ["sms", "email", "otp", "recovery-code"]);
    for enabled in [true, false] {
        let switch = json!({ "enabled": enabled });
        let answer = auth0.call(Method::PUT, path, Some(&switch), Some(&admin)).await;
        assert_eq!((answer.status, answer.json()), (200, switch));
        assert_eq!(switched_on(&list().await).contains(&"push-notification"), enabled);
        assert_eq!(auth0.log_in(&person, json!({})).await.json()["mfa_requirements"], offered);
    }
}

#[tokio::test]
async fn a_security_key_is_not_vouched_for_where_nobody_can_be_asked_for_one() {
    let mut auth0 = Auth0::new().await;
    let admin = administrator(&auth0).await;
    let person = auth0.person(MfaRule::Required).await;
    let path = format!("/api/v2/users/{}/authentication-methods", of(person.id));
    let key = json!({ "type": "webauthn-roaming", "name": "key", "key_id": "a2V5", "public_key": "a2V5", "relying_party_identifier": "example.com" });
    let refused = auth0.call(Method::POST, &path, Some(&key), Some(&admin)).await;
    let body = r#"{"error":"Bad Request","errorCode":"operation_not_supported","message":"This server cannot ask for security keys, so it takes none: the types are phone, email and totp.","statusCode":400}"#;
    assert_eq!((refused.status, refused.body.as_str()), (400, body));
    assert_eq!(auth0.call(Method::GET, &path, None, Some(&admin)).await.body, "[]");
}

#[tokio::test]
async fn where_confidence_decides_everybody_is_asked_since_there_is_none() {
    let mut auth0 = Auth0::new().await;
    let admin = administrator(&auth0).await;
    let person = auth0.person(MfaRule::Off).await;
    let path = "/api/v2/guardian/policies";
    for (policies, status) in [
        (r#"["confidence-score"]"#, 403),
        ("[]", 200),
        (r#"["all-applications"]"#, 403),
        (r#"["confidence-score"]"#, 403),
        ("[]", 200),
    ] {
        let given = serde_json::from_str(policies).unwrap();
        let put = auth0.call(Method::PUT, path, Some(&given), Some(&admin)).await;
        assert_eq!((put.status, put.body.as_str()), (200, policies));
        assert_eq!(auth0.call(Method::GET, path, None, Some(&admin)).await.body, policies);
        let log_in = auth0.log_in(&person, json!({})).await;
        assert_eq!(log_in.status, status, "{policies}: {}", log_in.body);
    }
    for bad in [json!(["all-applications", "confidence-score"]), json!(["never"]), json!([""]), json!({})] {
        assert_eq!(auth0.call(Method::PUT, path, Some(&bad), Some(&admin)).await.status, 400, "{bad}");
    }
    assert_eq!(auth0.call(Method::GET, path, None, Some(&admin)).await.body, "[]");
}

#[tokio::test]
async fn who_may_not_is_told_in_this_apis_words() {
    let mut auth0 = Auth0::new().await;
    let person = auth0.person(MfaRule::Off).await;
    let path = format!("/api/v2/users/{}/enrollments", of(person.id));
    let refused =
        |answer: &Answer| (answer.status, answer.json()["statusCode"].as_u64(), text(&answer.json(), "error"));
    let none = auth0.call(Method::GET, &path, None, None).await;
    assert_eq!(refused(&none), (401, Some(401), "Unauthorized".to_owned()));
    let users = text(&auth0.log_in(&person, json!({ "scope": "openid" })).await.json(), "access_token");
    assert_eq!(auth0.call(Method::GET, &path, None, Some(&users)).await.status, 401);
    let narrow = json!({ "grant_type": "client_credentials", "audience": "https://verify.example.com/api/v2/", "scope": "read:users" });
    let narrow = text(&auth0.token(narrow).await.json(), "access_token");
    assert_eq!(auth0.call(Method::GET, &path, None, Some(&narrow)).await.body, "[]");
    let more = auth0.call(Method::GET, "/api/v2/guardian/factors", None, Some(&narrow)).await;
    assert_eq!(more.status, 403);
    assert_eq!(more.json()["errorCode"], "insufficient_scope");
    for (method, path, status) in [
        (Method::GET, "/api/v2/nothing", 404),
        (Method::GET, "/api/v2/users/auth0%7Cnobody/enrollments", 404),
        (Method::PATCH, "/api/v2/guardian/factors", 405),
    ] {
        let answer = auth0.call(method, path, None, Some(&narrow)).await;
        assert_eq!((answer.status, answer.json()["statusCode"].as_u64()), (status, Some(status.into())), "{path}");
    }
}

#[tokio::test]
async fn the_log_has_the_vendors_event_codes_the_newest_first() {
    let mut auth0 = Auth0::new().await;
    let (person, secret, recovery) = auth0.with_app().await;
    let token = auth0.mfa_token(&person).await;
    auth0.with_otp(&token, "000000").await;
    auth0.with_otp(&token, &auth0.shown_by_app(&secret)).await;
    let token = auth0.mfa_token(&person).await;
    auth0.token(json!({ "grant_type": MFA_RECOVERY, "mfa_token": token, "recovery_code": recovery })).await;
    let other = auth0.with_phone().await;
    let token = auth0.mfa_token(&other).await;
    auth0.challenge(&token, json!({})).await;
    let admin = administrator(&auth0).await;
    let log = async |path: &str| auth0.call(Method::GET, &format!("/api/v2/{path}"), None, Some(&admin)).await;
    let types = |log: &Value| log.as_array().unwrap().iter().map(|entry| text(entry, "type")).collect::<Vec<_>>();
    let name = format!("auth0|{}", data_encoding::HEXLOWER.encode(&person.id.to_bytes()));
    let of_person =
        ["gd_recovery_succeed", "gd_auth_succeed", "gd_auth_failed", "gd_enrollment_complete", "gd_start_enroll"];
    assert_eq!(types(&log(&format!("users/{name}/logs")).await.json()), of_person);
    let of_all = ["gd_send_sms", "gd_enrollment_complete", "gd_start_enroll"].into_iter().chain(of_person);
    assert_eq!(types(&log("logs").await.json()), of_all.collect::<Vec<_>>());
    let part = log("logs?page=1&per_page=2&include_totals=true").await.json();
    assert_eq!((part["start"].as_u64(), part["total"].as_u64(), part["length"].as_u64()), (Some(2), Some(8), Some(2)));
    assert_eq!(types(&part["logs"]), ["gd_start_enroll", "gd_recovery_succeed"]);
    assert_eq!(part["logs"][1]["user_name"], person.name.as_str());
    assert_eq!(log("logs?q=type:x").await.status, 400);

    let token = auth0.mfa_token(&person).await;
    for _ in 0..9 {
        auth0.with_otp(&token, "000000").await;
    }
    let newest = log("logs?per_page=2").await.json();
    assert_eq!(types(&newest), ["gd_otp_rate_limit_exceed", "gd_auth_failed"]);
}
