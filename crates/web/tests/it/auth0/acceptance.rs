//! Enrolling, listing, challenging and proving.

use super::management::{administrator, of};
use super::*;
use futures_util::future::join_all;

#[tokio::test]
async fn cases_1_to_4_6_and_12_passwords_and_tokens() {
    let mut auth0 = Auth0::new().await;
    let person = auth0.person(MfaRule::Off).await;
    let answer = auth0.log_in(&person, json!({ "realm": null, "audience": null, "scope": null, "x": [1] })).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
    assert_eq!((answer.header("cache-control"), answer.header("pragma")), ("no-store", "no-cache"));
    assert_eq!(
        (answer.json()["token_type"].as_str(), answer.json()["expires_in"].as_u64()),
        (Some("Bearer"), Some(86400))
    );
    let wrong = auth0.log_in(&person, json!({ "password": "wrong" })).await;
    assert_eq!(refusal(&wrong), is(403, "invalid_grant", "Wrong email or password."));
    let nobody = auth0.log_in(&person, json!({ "username": "nobody@example.com" })).await;
    assert_eq!(refusal(&nobody), is(403, "invalid_grant", "Wrong email or password."));
    let missing = auth0.token(json!({ "grant_type": "password", "password": "x" })).await;
    assert_eq!(refusal(&missing), is(400, "invalid_request", "Missing required parameter: username"));
    let spelled = auth0.log_in(&person, json!({ "username": person.name.to_uppercase() })).await;
    assert_eq!(spelled.status, 200);

    let person = auth0.person(MfaRule::Required).await;
    let answer = auth0.log_in(&person, json!({})).await;
    assert_eq!(refusal(&answer), is(403, "mfa_required", "Multifactor authentication required"));
    assert_eq!(answer.header("content-type"), "application/json");
    assert!(text(&answer.json(), "mfa_token").starts_with("Fe26.2*"));
    let kinds = ["otp", "phone", "push-notification", "email"];
    let all: Vec<Value> = kinds.iter().map(|kind| json!({ "type": kind })).collect();
    assert_eq!(answer.json()["mfa_requirements"], json!({ "enroll": all }));
}

#[tokio::test]
async fn cases_8_to_15_38_an_app_from_enrolment_to_recovery() {
    let mut auth0 = Auth0::new().await;
    let person = auth0.person(MfaRule::Required).await;
    let token = auth0.mfa_token(&person).await;
    assert_eq!(auth0.list(&token).await, Vec::<Value>::new());
    let junk = auth0.call(Method::GET, "/mfa/authenticators", None, Some("junk")).await;
    let invalid = "The mfa_token provided is invalid. Try getting a new token.";
    assert_eq!(refusal(&junk), is(401, "invalid_grant", invalid));
    assert_eq!(auth0.call(Method::GET, "/mfa/authenticators", None, None).await.status, 401);

    let answer = auth0.associate(&token, json!({ "authenticator_types": ["otp"] })).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json; charset=utf-8"));
    let body = answer.json();
    let secret = text(&body, "secret");
    assert_eq!((secret.len(), body["recovery_codes"].as_array().map(Vec::len)), (32, Some(1)));
    let uri = format!(
        "otpauth://totp/acme:user1%40example.com?secret={secret}&issuer=acme&algorithm=SHA1&digits=6&period=30"
    );
    assert_eq!(text(&body, "barcode_uri"), uri);
    assert_eq!(auth0.list(&token).await[0]["active"], false);

    assert_eq!(refusal(&auth0.with_otp(&token, "000000").await), is(403, "invalid_grant", "Invalid otp_code."));
    let code = auth0.shown_by_app(&secret);
    let answer = auth0.with_otp(&token, &code).await.json();
    let told = claims(&text(&answer, "id_token"));
    assert_eq!(told["aud"], auth0.server.named("client_id"));
    assert_eq!((&told["iss"], &told["amr"]), (&json!("https://verify.example.com/"), &json!(["mfa"])));
    assert_eq!(told["sub"], claims(&text(&answer, "access_token"))["sub"]);
    let listed = auth0.list(&token).await;
    assert!(listed.iter().all(|entry| entry["active"] == true && entry["type"].is_string()), "{listed:?}");
    assert!(listed[0]["id"].as_str().unwrap().starts_with("totp|dev_"));

    let again = auth0.mfa_token(&person).await;
    assert_eq!(refusal(&auth0.with_otp(&again, &code).await), is(403, "invalid_grant", "Invalid otp_code."));
    let enrolled = auth0.associate(&again, json!({ "authenticator_types": ["otp"] })).await;
    assert_eq!(refusal(&enrolled), is(403, "access_denied", "User is already enrolled."));
}

#[tokio::test]
async fn case_38_a_recovery_code_is_replaced_when_it_is_used() {
    let mut auth0 = Auth0::new().await;
    let (person, _, recovery) = auth0.with_app().await;
    assert!(recovery.len() == 24 && recovery.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase()));
    let recover = async |code: &str| {
        let token = auth0.mfa_token(&person).await;
        auth0.token(json!({ "grant_type": MFA_RECOVERY, "mfa_token": token, "recovery_code": code })).await
    };
    let answer = recover(&recovery).await;
    let next = text(&answer.json(), "recovery_code");
    assert!(answer.status == 200 && next.len() == 24 && next != recovery);
    assert_eq!(refusal(&recover(&recovery).await), is(403, "invalid_grant", "MFA Authorization rejected."));
    assert_eq!(recover(&next).await.status, 200);
}

#[tokio::test]
async fn cases_16_to_21_a_phone_is_enrolled_and_has_two_ways() {
    let mut auth0 = Auth0::new().await;
    let person = auth0.person(MfaRule::Required).await;
    let token = auth0.mfa_token(&person).await;
    let bad = auth0.associate(&token, sms("123")).await;
    assert_eq!(refusal(&bad), is(400, "invalid_request", "The phone number is invalid."));
    let without = auth0.associate(&token, json!({ "authenticator_types": ["oob"] })).await;
    assert_eq!(refusal(&without), is(400, "invalid_request", "Missing required parameter: oob_channels"));
    let answer = auth0.associate(&token, sms(PHONE)).await.json();
    assert_eq!((&answer["authenticator_type"], &answer["binding_method"]), (&json!("oob"), &json!("prompt")));
    assert_eq!(answer["oob_channel"], "sms");
    auth0.server.deliver().await;
    let (oob_code, code) = (text(&answer, "oob_code"), auth0.server.code().to_owned());
    assert!(code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()));
    let missing = auth0.token(json!({ "grant_type": MFA_OOB, "mfa_token": token, "oob_code": oob_code })).await;
    assert_eq!(refusal(&missing), is(400, "invalid_request", "Missing required parameter: binding_code"));
    let refused = auth0.with_code(&token, &oob_code, wrong(&code)).await;
    assert_eq!(refusal(&refused), is(403, "invalid_grant", "Invalid binding_code."));
    assert_eq!(auth0.with_code(&token, &oob_code, &code).await.status, 200);
    let listed = auth0.list(&token).await;
    let names: Vec<_> = listed.iter().map(|entry| entry["id"].as_str().unwrap().split('|').next().unwrap()).collect();
    assert_eq!(names, ["sms", "voice", "recovery-code"]);
    assert_eq!((&listed[0]["name"], &listed[0]["oob_channel"]), (&json!("XXXXXXXX8730"), &json!("sms")));
    assert!(listed.iter().all(|entry| entry.get("oob_channels").is_none()));
    let device = |entry: &Value| text(entry, "id").split('|').nth(1).unwrap().to_owned();
    assert_eq!(device(&listed[0]), device(&listed[1]));
    assert_eq!(device(&listed[0]).len(), 20);
}

#[tokio::test]
async fn cases_22_to_29_challenges() {
    let mut auth0 = Auth0::new().await;
    let fresh = auth0.person(MfaRule::Required).await;
    let nothing = auth0.challenge(&auth0.mfa_token(&fresh).await, json!({ "challenge_type": "otp" })).await;
    assert_eq!((nothing.status, text(&nothing.json(), "error").as_str()), (400, "association_required"));

    let (person, ..) = auth0.with_app().await;
    let token = auth0.mfa_token(&person).await;
    for types in [json!("otp"), json!("oob otp"), json!(null), json!("OTP")] {
        let answer = auth0.challenge(&token, json!({ "challenge_type": types })).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, r#"{"challenge_type":"otp"}"#), "{types}");
    }
    let unfit = auth0.challenge(&token, json!({ "challenge_type": "oob" })).await;
    assert_eq!((unfit.status, text(&unfit.json(), "error").as_str()), (401, "unsupported_challenge_type"));

    let other = auth0.with_phone().await;
    let others = auth0.mfa_token(&other).await;
    let phone = auth0.list(&others).await[0]["id"].clone();
    let answer = auth0.challenge(&others, json!({ "challenge_type": "oob", "authenticator_id": phone })).await;
    let body = answer.json();
    let mut members: Vec<&String> = body.as_object().unwrap().keys().collect();
    members.sort();
    assert_eq!(members, ["binding_method", "challenge_type", "oob_code"]);
    auth0.server.deliver().await;
    assert_eq!(auth0.server.code().len(), 6);
    let foreign = auth0.challenge(&token, json!({ "challenge_type": "oob", "authenticator_id": phone })).await;
    assert_eq!((foreign.status, text(&foreign.json(), "error").as_str()), (400, "invalid_authenticator"));
    auth0.server.harness.deliver().await;
    assert!(auth0.server.harness.first.take().is_empty());
}

#[tokio::test]
async fn cases_30_to_36_tokens_that_are_of_no_use() {
    let mut auth0 = Auth0::new().await;
    let person = auth0.with_phone().await;
    let token = auth0.mfa_token(&person).await;
    let malformed = is(403, "invalid_grant", "Malformed mfa_token");
    assert_eq!(refusal(&auth0.challenge("abc", json!({})).await), malformed);
    assert_eq!(refusal(&auth0.with_otp("abc", "123456").await), malformed);
    let access = auth0.log_in(&person, json!({ "audience": OF_FACTORS, "scope": "enroll" })).await;
    assert_eq!(access.status, 403, "this user has a phone, and must use it first");

    let (other, secret) = auth0
        .server
        .application(countersign_engine::commands::ClientKind::Secret, &[countersign_model::Grant::Mfa])
        .await;
    let of_other = json!({ "client_id": other, "client_secret": secret });
    let foreign = auth0.challenge(&token, of_other.clone()).await;
    assert_eq!(refusal(&foreign), is(400, "invalid_request", "mfa_token not issued to this client"));
    let foreign = auth0.token(merged(json!({ "grant_type": MFA_OTP, "mfa_token": token, "otp": "1" }), of_other)).await;
    assert_eq!(refusal(&foreign), is(400, "invalid_request", "mfa_token not issued to this client"));
    let confidential = json!({ "client_id": auth0.server.named("client_id"), "mfa_token": token });
    let without = auth0.call(Method::POST, "/mfa/challenge", Some(&confidential), None).await;
    assert_eq!((without.status, text(&without.json(), "error").as_str()), (401, "invalid_client"));

    let first = text(&auth0.challenge(&token, json!({ "challenge_type": "oob" })).await.json(), "oob_code");
    auth0.server.deliver().await;
    let code = auth0.server.code().to_owned();
    assert_eq!(refusal(&auth0.with_code(&token, "x", &code).await), is(403, "invalid_grant", "Malformed oob_code"));
    let elsewhere = auth0.with_code(&auth0.mfa_token(&person).await, &first, &code).await;
    assert_eq!(refusal(&elsewhere), is(400, "invalid_request", "The oob_code doesn't match the mfa_token"));
    auth0.pass(301);
    let late = auth0.with_code(&token, &first, &code).await;
    assert_eq!(refusal(&late), is(403, "expired_token", "oob_code is expired"));
    auth0.pass(300);
    let expired = is(403, "expired_token", "mfa_token is expired");
    assert_eq!(refusal(&auth0.challenge(&token, json!({})).await), expired);
    assert_eq!(refusal(&auth0.with_otp(&token, "123456").await), expired);
    let listed = auth0.call(Method::GET, "/mfa/authenticators", None, Some(&token)).await;
    assert_eq!(refusal(&listed), is(401, "expired_token", "mfa_token is expired"));
}

#[tokio::test]
async fn of_two_codes_to_confirm_a_phone_the_later_one_is_good() {
    let mut auth0 = Auth0::new().await;
    let person = auth0.person(MfaRule::Required).await;
    let token = auth0.mfa_token(&person).await;
    let mut sent = Vec::new();
    for _ in 0..2 {
        let oob_code = text(&auth0.associate(&token, sms(PHONE)).await.json(), "oob_code");
        auth0.server.deliver().await;
        sent.push((oob_code, auth0.server.code().to_owned()));
    }
    let early = auth0.with_code(&token, &sent[0].0, &sent[0].1).await;
    assert_eq!(refusal(&early), is(403, "invalid_grant", "Invalid binding_code."));
    assert_eq!(auth0.with_code(&token, &sent[1].0, &sent[1].1).await.status, 200);

    // A phone that was taken away has no successor: that is another answer.
    let token = auth0.mfa_token(&person).await;
    let oob_code = text(&auth0.challenge(&token, json!({})).await.json(), "oob_code");
    auth0.server.deliver().await;
    let admin = administrator(&auth0).await;
    let path = format!("/api/v2/users/{}/authenticators", of(person.id));
    assert_eq!(auth0.call(Method::DELETE, &path, None, Some(&admin)).await.status, 204);
    let gone = auth0.with_code(&token, &oob_code, auth0.server.code()).await;
    let text = "User is not enrolled with this kind of factor";
    assert_eq!(refusal(&gone), is(401, "unsupported_challenge_type", text));
}

#[tokio::test]
async fn of_two_codes_in_one_log_in_the_later_one_is_good_and_other_log_ins_do_no_harm() {
    let mut auth0 = Auth0::new().await;
    let person = auth0.with_phone().await;
    let (token, other) = (auth0.mfa_token(&person).await, auth0.mfa_token(&person).await);
    let mut sent = Vec::new();
    for token in [&token, &other, &token] {
        let answer = auth0.challenge(token, json!({ "challenge_type": "oob" })).await;
        auth0.server.deliver().await;
        sent.push((text(&answer.json(), "oob_code"), auth0.server.code().to_owned()));
    }
    let superseded = auth0.with_code(&token, &sent[0].0, &sent[0].1).await;
    assert_eq!(refusal(&superseded), is(403, "invalid_grant", "Invalid binding_code."));
    assert_eq!(auth0.with_code(&other, &sent[1].0, &sent[1].1).await.status, 200);
    assert_eq!(auth0.with_code(&token, &sent[2].0, &sent[2].1).await.status, 200);
}

#[tokio::test]
async fn case_33_a_client_without_a_secret_challenges() {
    let mut auth0 = Auth0::new().await;
    let (person, secret, _) = auth0.with_app().await;
    let name = auth0.server.named("public_client_id").to_owned();
    let basic = data_encoding::BASE64.encode(format!("{name}:").as_bytes());
    let nothing = Request::post("/oauth/revoke").header(AUTHORIZATION, format!("Basic {basic}"));
    assert_eq!(
        auth0.server.send(nothing.body(Body::from("token=v1.nothing")).unwrap()).await.status,
        200,
        "an empty secret"
    );
    let public = json!({ "client_id": name });
    let log_in = json!({ "grant_type": "password", "username": person.name, "password": PASSWORD });
    let answer = auth0.call(Method::POST, "/oauth/token", Some(&merged(log_in, public.clone())), None).await;
    let token = text(&answer.json(), "mfa_token");
    let challenge = merged(json!({ "mfa_token": token, "challenge_type": "otp" }), public.clone());
    assert_eq!(auth0.call(Method::POST, "/mfa/challenge", Some(&challenge), None).await.status, 200);
    let otp = json!({ "grant_type": MFA_OTP, "mfa_token": token, "otp": auth0.shown_by_app(&secret) });
    assert_eq!(auth0.call(Method::POST, "/oauth/token", Some(&merged(otp, public)), None).await.status, 200);
}

#[tokio::test]
async fn cases_41_to_43_tokens_for_factors_take_them_away_and_add_them() {
    let mut auth0 = Auth0::new().await;
    let person = auth0.person(MfaRule::Required).await;
    let ask = json!({ "audience": OF_FACTORS, "scope": "enroll read:authenticators remove:authenticators" });
    let answer = auth0.log_in(&person, ask.clone()).await;
    assert_eq!((answer.status, answer.json()["expires_in"].as_u64()), (200, Some(600)), "{}", answer.body);
    let token = text(&answer.json(), "access_token");
    assert_eq!(claims(&token)["aud"], OF_FACTORS);

    // Confirmed with the very token that enrolled it; for a challenge it is none.
    let answer = auth0.associate(&token, sms(PHONE)).await;
    auth0.server.deliver().await;
    let confirmed = auth0.with_code(&token, &text(&answer.json(), "oob_code"), auth0.server.code()).await;
    assert_eq!(confirmed.status, 200, "{}", confirmed.body);
    let challenged = auth0.challenge(&token, json!({})).await;
    assert_eq!(refusal(&challenged), is(403, "invalid_grant", "Malformed mfa_token"));

    let waiting = auth0.mfa_token(&person).await;
    let phone = text(&auth0.list(&token).await[0], "id").replace('|', "%7C");
    let path = format!("/mfa/authenticators/{phone}");
    let half = auth0.call(Method::DELETE, &path, None, Some(&waiting)).await;
    assert_eq!((half.status, text(&half.json(), "error").as_str()), (403, "insufficient_scope"));
    assert_eq!(auth0.call(Method::DELETE, &path, None, Some("junk")).await.status, 401);
    let unknown = auth0.call(Method::DELETE, "/mfa/authenticators/sms%7Cdev_x", None, Some(&token)).await;
    assert_eq!(unknown.status, 404);
    let gone = auth0.call(Method::DELETE, &path, None, Some(&token)).await;
    let head = |answer: &Answer| (answer.header("content-type").to_owned(), answer.header("pragma").to_owned());
    let of_body = "application/json; charset=utf-8".to_owned();
    assert_eq!(head(&gone), ("application/json".to_owned(), "no-cache".to_owned()), "bare, where nothing follows");
    assert_eq!(
        (head(&unknown), head(&half)),
        ((of_body.clone(), "no-cache".to_owned()), (of_body, "no-cache".to_owned()))
    );
    assert_eq!((gone.status, gone.body.as_str(), gone.header("content-type")), (204, "", "application/json"));
    let left = auth0.list(&token).await;
    assert!(left.iter().all(|entry| entry["authenticator_type"] == "recovery-code"), "{left:?}");

    let reader = auth0.log_in(&person, json!({ "audience": OF_FACTORS, "scope": "read:authenticators" })).await;
    let reader = text(&reader.json(), "access_token");
    for (method, path) in [(Method::DELETE, path.as_str()), (Method::POST, "/mfa/associate")] {
        let refused = auth0.call(method, path, Some(&sms(PHONE)), Some(&reader)).await;
        assert_eq!((refused.status, text(&refused.json(), "error").as_str()), (403, "insufficient_scope"));
    }
}

#[tokio::test]
async fn a_second_app_is_confirmed_with_a_token_that_the_first_one_got() {
    let mut auth0 = Auth0::new().await;
    let (person, secret, _) = auth0.with_app().await;
    let waiting = auth0.log_in(&person, json!({ "audience": OF_FACTORS, "scope": "enroll" })).await;
    let waiting = text(&waiting.json(), "mfa_token");
    let answer = auth0.with_otp(&waiting, &auth0.shown_by_app(&secret)).await.json();
    assert_eq!(answer["expires_in"], 600);
    let token = text(&answer, "access_token");
    let second = text(&auth0.associate(&token, json!({ "authenticator_types": ["otp"] })).await.json(), "secret");
    auth0.pass(60);
    // A pending factor is good for nothing in a log-in.
    let log_in = auth0.mfa_token(&person).await;
    assert_eq!(auth0.with_otp(&log_in, &auth0.shown_by_app(&second)).await.status, 403);
    assert_eq!(auth0.with_otp(&token, &auth0.shown_by_app(&second)).await.status, 200);
    auth0.pass(60);
    assert_eq!(auth0.with_otp(&log_in, &auth0.shown_by_app(&second)).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn case_52_of_two_parallel_redemptions_one_succeeds() {
    let mut auth0 = Auth0::new().await;
    let (person, secret, _) = auth0.with_app().await;
    let token = auth0.mfa_token(&person).await;
    let code = auth0.shown_by_app(&secret);
    let answers = join_all((0..8).map(|_| auth0.with_otp(&token, &code))).await;
    let good = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(good, 1);
    let late = auth0.with_otp(&token, &code).await;
    assert_eq!(refusal(&late), is(403, "invalid_grant", "Malformed mfa_token"));

    let person = auth0.with_phone().await;
    let token = auth0.mfa_token(&person).await;
    let oob_code = text(&auth0.challenge(&token, json!({ "challenge_type": "oob" })).await.json(), "oob_code");
    auth0.server.deliver().await;
    let code = auth0.server.code();
    let answers = join_all((0..8).map(|_| auth0.with_code(&token, &oob_code, code))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
}
