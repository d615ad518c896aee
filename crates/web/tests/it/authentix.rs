//! Authentix: what no file of exchanges can tell.

use crate::wire::{Answer, Server};
use axum::{
    body::Body,
    http::{Request, header::CONTENT_TYPE},
};
use countersign_engine::commands::{CreateKey, KeyForm};
use countersign_model::Scope;
use futures_util::future::join_all;
use serde_json::Value;

const ROOT: &str = "/rest/authentix/v1";

async fn ask(server: &Server, key: &str, method: &str, path: &str, form: impl Into<Body>) -> Answer {
    let request = Request::builder().method(method).uri(format!("{ROOT}{path}"));
    let request = request.header("ApiUser", "acme").header("ApiKey", key);
    let request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    server.send(request.body(form.into()).unwrap()).await
}

async fn post(server: &Server, path: &str, form: &str) -> Answer {
    ask(server, &server.key, "POST", path, form.to_owned()).await
}

/// The path of a fresh configuration.
async fn configured(server: &Server, form: &str) -> String {
    let made = post(server, "/configurations", form).await;
    assert_eq!(made.status, 201, "{}", made.body);
    format!("/configurations/{}", text(&made.json(), "configurationId"))
}

fn text(object: &Value, name: &str) -> String {
    object.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn refused(answer: &Answer, status: u16, code: u64) {
    let body = answer.json();
    let said = (answer.status, body.get("errorCode").and_then(Value::as_u64));
    assert_eq!(said, (status, Some(code)), "{}", answer.body);
    assert_eq!(body.get("status").and_then(Value::as_u64), Some(status.into()));
    assert!(body.get("errorDetails").is_some_and(Value::is_object), "{}", answer.body);
    assert_eq!(answer.header("content-type"), "application/json");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_ten_parallel_wrong_controls_three_fail_and_seven_are_too_many() {
    let server = Server::new().await;
    let below = configured(&server, "serviceName=Shop").await;
    let started = post(&server, &format!("{below}/authentications"), "dest=%2B237671234567&channel=sms").await;
    let form = format!("authenticationId={}&code=x", text(&started.json(), "authenticationId"));
    let path = format!("{below}/authentication-controls");
    let answers = join_all((0..10).map(|_| post(&server, &path, &form))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 3);
    assert_eq!(answers.iter().filter(|answer| answer.status == 429).count(), 7);
}

#[tokio::test]
async fn a_fault_of_the_store_is_503_in_this_api_s_form() {
    let server = Server::new().await;
    let below = configured(&server, "serviceName=Shop").await;
    server.harness.store.close().await;
    for (method, path) in [
        ("POST", "/configurations".to_owned()),
        ("POST", format!("{below}/authentications")),
        ("POST", format!("{below}/authentication-controls")),
        ("GET", "/authenticationTrials".to_owned()),
        ("GET", "/authenticationTrialStats".to_owned()),
    ] {
        let form = "serviceName=x&dest=%2B237671234567&channel=sms&code=1";
        refused(&ask(&server, &server.key, method, &path, form).await, 503, 20209);
    }
}

#[tokio::test]
async fn bodies_that_are_too_large_or_too_slow_are_refused_in_this_api_s_form() {
    let server = Server::new().await;
    let large = format!("serviceName={}", "x".repeat(64 * 1024));
    refused(&post(&server, "/configurations", &large).await, 413, 400);
    let stuck = Body::from_stream(futures_util::stream::pending::<Result<Vec<u8>, std::convert::Infallible>>());
    let answer = ask(&server, &server.key, "POST", "/configurations", stuck).await;
    refused(&answer, 408, 400);
    assert_eq!(answer.header("connection"), "close");
    let bytes: &[u8] = b"serviceName=%ff\xff&codeLength=6";
    assert_eq!(ask(&server, &server.key, "POST", "/configurations", bytes).await.status, 201, "no text is no panic");
    let odd = ask(&server, &server.key, "GET", "/configurations/%ff%00", "").await;
    refused(&odd, 404, 404);
}

#[tokio::test]
async fn a_key_without_the_right_for_a_call_is_forbidden_it() {
    let server = Server::new().await;
    let below = configured(&server, "serviceName=Shop").await;
    let command = CreateKey {
        name: "sender".into(),
        scopes: vec![Scope::VerificationsWrite, Scope::VerificationsRead],
        form: KeyForm::Native,
        allowed_from: vec![],
        test: false,
    };
    let key = server.harness.engine.run(&server.harness.caller, None, &command).await.unwrap().secret;
    for (method, path, form) in [
        ("POST", "/configurations", "serviceName=x"),
        ("POST", below.as_str(), "codeLength=6"),
        ("DELETE", below.as_str(), ""),
    ] {
        refused(&ask(&server, &key, method, path, form).await, 403, 403);
    }
    let form = "dest=%2B237671234567&channel=sms";
    assert_eq!(ask(&server, &key, "POST", &format!("{below}/authentications"), form).await.status, 201);
}

#[tokio::test]
async fn later_changes_of_a_configuration_do_not_touch_what_is_on_its_way() {
    let server = Server::new().await;
    let below = configured(&server, "serviceName=Shop&codeLength=4&defaultMaxControls=6").await;
    let path = format!("{below}/authentications");
    let started = post(&server, &path, "dest=%2B237671234567&channel=sms").await.json();
    let changed = "codeLength=10&defaultMaxControls=1&defaultExpiryTime=1&usedForDigitalPayment=true";
    assert_eq!(post(&server, &below, changed).await.status, 200);
    let id = text(&started, "authenticationId");
    let fetched = ask(&server, &server.key, "GET", &format!("{path}/{id}"), "").await;
    assert_eq!(fetched.json(), started);
    let controls = format!("{below}/authentication-controls");
    // It was started without a payment, so whatever payment comes along is none of its business.
    let payment = "paymentInfo=%7B%27payee%27%3A%27A%27%2C%27amount%27%3A1%2C%27currency%27%3A%27xaf%27%7D";
    let form = format!("authenticationId={id}&code=x&{payment}");
    for _ in 0..6 {
        assert_eq!(text(&post(&server, &controls, &form).await.json(), "status"), "failed");
    }
    refused(&post(&server, &controls, &form).await, 429, 20208);
}
