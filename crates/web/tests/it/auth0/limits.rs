//! How often things can be tried.

use super::*;
use axum::extract::ConnectInfo;
use std::net::SocketAddr;

#[tokio::test]
async fn case_7_after_ten_wrong_passwords_nothing_is_taken_from_that_address() {
    let mut auth0 = Auth0::new().await;
    let person = auth0.person(MfaRule::Off).await;
    let from = async |peer: &str, password: &str| {
        let body = json!({ "grant_type": "password", "username": person.name, "password": password });
        let request = Request::post("/oauth/token")
            .header(CONTENT_TYPE, "application/json")
            .extension(ConnectInfo(peer.parse::<SocketAddr>().unwrap()));
        let body = merged(auth0.credentials(), body).to_string();
        auth0.server.send(request.body(Body::from(body)).unwrap()).await
    };
    for _ in 0..10 {
        assert_eq!(from("203.0.113.7:1", "wrong").await.status, 403);
    }
    let blocked = from("203.0.113.7:2", PASSWORD).await;
    assert_eq!((blocked.status, text(&blocked.json(), "error").as_str()), (429, "too_many_attempts"));
    assert!(text(&blocked.json(), "error_description").starts_with("Your account has been blocked after multiple"));
    let reset: i64 = blocked.header("x-ratelimit-reset").parse().unwrap();
    assert_eq!(reset, auth0.now().as_ms() / 1000 + 30 * 86_400);
    assert_eq!(from("203.0.113.8:1", PASSWORD).await.status, 200, "another address");
    auth0.pass(30 * 86_400);
    assert_eq!(from("203.0.113.7:3", PASSWORD).await.status, 200);
}

#[tokio::test]
async fn unknown_names_are_blocked_like_known_ones_and_servers_say_where_their_users_are() {
    let auth0 = Auth0::new().await;
    let from = async |address: &str| {
        let body = json!({ "grant_type": "password", "username": "nobody", "password": "x" });
        let request = Request::post("/oauth/token")
            .header(CONTENT_TYPE, "application/json")
            .header("auth0-forwarded-for", address);
        auth0.server.send(request.body(Body::from(merged(auth0.credentials(), body).to_string())).unwrap()).await.status
    };
    for _ in 0..10 {
        assert_eq!(from("203.0.113.7").await, 403);
    }
    assert_eq!(from("203.0.113.7").await, 429);
    assert_eq!(from("203.0.113.8").await, 403);
}

#[tokio::test]
async fn twenty_log_ins_at_once_and_then_ten_a_minute() {
    let mut auth0 = Auth0::new().await;
    let person = auth0.person(MfaRule::Off).await;
    for _ in 0..20 {
        assert_eq!(auth0.log_in(&person, json!({})).await.status, 200);
    }
    let answer = auth0.log_in(&person, json!({})).await;
    assert_eq!((answer.status, answer.header("x-ratelimit-limit")), (429, "20"));
    auth0.pass(6);
    assert_eq!(auth0.log_in(&person, json!({})).await.status, 200);
    assert_eq!(auth0.log_in(&person, json!({})).await.status, 429);
}

#[tokio::test]
async fn case_39_after_ten_wrong_codes_not_even_the_right_one_is_taken() {
    let mut auth0 = Auth0::new().await;
    let (person, secret, _) = auth0.with_app().await;
    let token = auth0.mfa_token(&person).await;
    for _ in 0..10 {
        assert_eq!(auth0.with_otp(&token, "nothing").await.status, 403);
    }
    let held = auth0.with_otp(&token, &auth0.shown_by_app(&secret)).await;
    let description = "Too many failed codes. Wait for some minutes before retrying.";
    assert_eq!(refusal(&held), is(429, "invalid_request", description));
    assert!(held.header("x-ratelimit-reset").parse::<i64>().is_ok());
    auth0.pass(360);
    assert_eq!(auth0.with_otp(&token, "nothing").await.status, 403, "one more");
    assert_eq!(auth0.with_otp(&token, &auth0.shown_by_app(&secret)).await.status, 429);
    auth0.pass(360);
    let token = auth0.mfa_token(&person).await;
    assert_eq!(auth0.with_otp(&token, &auth0.shown_by_app(&secret)).await.status, 200);
    let token = auth0.mfa_token(&person).await;
    auth0.pass(30);
    assert_eq!(auth0.with_otp(&token, &auth0.shown_by_app(&secret)).await.status, 200, "a right one costs nothing");
}

#[tokio::test]
async fn wrong_recovery_codes_are_counted_apart() {
    let mut auth0 = Auth0::new().await;
    let (person, secret, recovery) = auth0.with_app().await;
    let token = auth0.mfa_token(&person).await;
    let recover = async |code: &str| {
        auth0.token(json!({ "grant_type": MFA_RECOVERY, "mfa_token": token, "recovery_code": code })).await.status
    };
    for _ in 0..10 {
        assert_eq!(recover("AAAAAAAAAAAAAAAAAAAAAAAA").await, 403);
    }
    assert_eq!(recover(&recovery).await, 429);
    assert_eq!(auth0.with_otp(&token, &auth0.shown_by_app(&secret)).await.status, 200);
}

#[tokio::test]
async fn case_40_the_eleventh_text_message_within_the_hour_does_not_leave() {
    let mut auth0 = Auth0::new().await;
    let person = auth0.with_phone().await;
    let token = auth0.mfa_token(&person).await;
    for _ in 0..9 {
        assert_eq!(auth0.challenge(&token, json!({ "challenge_type": "oob" })).await.status, 200);
    }
    auth0.server.harness.deliver().await;
    auth0.server.harness.first.take();
    let answer = auth0.challenge(&token, json!({ "challenge_type": "oob" })).await;
    let description = "Too many SMS sent by the user. Wait for some minutes before retrying.";
    assert_eq!(refusal(&answer), is(429, "invalid_request", description));
    auth0.server.harness.deliver().await;
    assert!(auth0.server.harness.first.take().is_empty());
    auth0.pass(3600);
    let token = auth0.mfa_token(&person).await;
    assert_eq!(auth0.challenge(&token, json!({ "challenge_type": "oob" })).await.status, 200);
}

#[tokio::test]
async fn twelve_exchanges_of_one_log_in_and_then_one_every_five_seconds() {
    let mut auth0 = Auth0::new().await;
    let person = auth0.with_phone().await;
    let token = auth0.mfa_token(&person).await;
    let oob_code = text(&auth0.challenge(&token, json!({ "challenge_type": "oob" })).await.json(), "oob_code");
    auth0.server.deliver().await;
    let code = auth0.server.code().to_owned();
    // Ten wrong ones are all that the user has; the tries of the log-in go on being counted.
    for status in [403; 10].into_iter().chain([429; 4]) {
        assert_eq!(auth0.with_code(&token, &oob_code, wrong(&code)).await.status, status);
    }
    auth0.pass(5);
    assert_eq!(auth0.with_code(&token, &oob_code, &code).await.status, 429);
}

/// What an answer tells of the limit that its call has spent some of: its size, what is left, and in how many seconds one more comes.
fn told(answer: &Answer, now: Timestamp) -> Option<(i64, i64, i64)> {
    let number = |name: &str| answer.header(&format!("x-ratelimit-{name}")).parse::<i64>().ok();
    Some((number("limit")?, number("remaining")?, number("reset")? - now.as_ms() / 1000))
}

#[tokio::test]
async fn whatever_spends_some_of_a_limit_tells_what_is_left() {
    let mut auth0 = Auth0::new().await;
    let easy = auth0.person(MfaRule::Off).await;
    let now = auth0.now();
    assert_eq!(told(&auth0.log_in(&easy, json!({})).await, now), Some((20, 19, 6)));
    let wrong = auth0.log_in(&easy, json!({ "password": "wrong" })).await;
    assert_eq!((wrong.status, told(&wrong, now)), (403, Some((20, 18, 6))));

    let person = auth0.person(MfaRule::Required).await;
    let waiting = auth0.log_in(&person, json!({})).await;
    assert_eq!((waiting.status, told(&waiting, now)), (403, Some((20, 19, 6))));
    let token = text(&waiting.json(), "mfa_token");
    let enrolled = auth0.associate(&token, sms(PHONE)).await;
    assert_eq!(told(&enrolled, now), Some((10, 9, 3600)));
    auth0.server.deliver().await;
    let (oob_code, code) = (text(&enrolled.json(), "oob_code"), auth0.server.code().to_owned());
    let refused = auth0.with_code(&token, &oob_code, super::wrong(&code)).await;
    assert_eq!((refused.status, told(&refused, now)), (403, Some((10, 9, 360))));
    assert_eq!(auth0.with_code(&token, &oob_code, &code).await.status, 200);

    auth0.pass(60);
    let token = auth0.mfa_token(&person).await;
    assert_eq!(told(&auth0.challenge(&token, json!({})).await, auth0.now()), Some((10, 8, 3540)));
    let mail = json!({ "authenticator_types": ["oob"], "oob_channels": ["email"] });
    let other = auth0.person(MfaRule::Required).await;
    let mailed = auth0.associate(&auth0.mfa_token(&other).await, mail).await;
    assert_eq!(told(&mailed, auth0.now()), Some((20, 19, 60)));

    // Nothing spent, nothing told.
    let app = auth0.associate(&auth0.mfa_token(&other).await, json!({ "authenticator_types": ["otp"] })).await;
    assert_eq!((app.status, told(&app, now)), (200, None));
}
