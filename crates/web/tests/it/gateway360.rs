//! Gateway360: what no file of exchanges can tell. The cases are those of the dialect's acceptance list (G…).

use crate::wire::{Answer, Server};
use axum::{
    body::Body,
    extract::ConnectInfo,
    http::{Request, header::CONTENT_TYPE},
};
use countersign_engine::commands::{CreateKey, KeyForm};
use countersign_model::Scope;
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::{collections::BTreeSet, net::SocketAddr, time::Duration};

const NUMBER: &str = "34666666111";

async fn call(server: &Server, path: &str, body: &Value) -> Answer {
    let request = Request::post(path).header(CONTENT_TYPE, "application/json");
    server.send(request.body(Body::from(body.to_string())).unwrap()).await
}

async fn request(server: &Server, msisdn: &str, pin_params: Value) -> Answer {
    let (api_key, sender) = (&server.gateway_key, "GOOD PIZZA");
    let body = json!({"api_key": api_key, "msisdn": msisdn, "sender": sender, "pin_params": pin_params});
    call(server, "/api/2fa/request", &body).await
}

async fn verify(server: &Server, msisdn: &str, pin: Value) -> String {
    let body = json!({"api_key": server.gateway_key, "msisdn": msisdn, "pin": pin});
    let answer = call(server, "/api/2fa/verify", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let answer = answer.json();
    let word = answer.get("error_id").or(answer.get("status")).and_then(Value::as_str);
    word.unwrap().to_owned()
}

/// A server on which a PIN has reached [`NUMBER`].
async fn with_pin(pin_params: Value) -> Server {
    let mut server = Server::with_gateway_keys().await;
    let answer = request(&server, NUMBER, pin_params).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, r#"{"status":"ok"}"#));
    server.deliver().await;
    server
}

#[tokio::test]
async fn g32_without_a_limit_fifty_wrong_pins_do_no_harm() {
    let server = with_pin(json!({"max_tries": 0})).await;
    for _ in 0..50 {
        assert_eq!(verify(&server, NUMBER, json!("wrong1")).await, "INVALID_PIN");
    }
    assert_eq!(verify(&server, NUMBER, json!(server.code())).await, "ok");
}

#[tokio::test]
async fn g34_a_pin_without_end_is_good_after_ten_years() {
    let server = with_pin(json!({"expires_in": 0})).await;
    server.harness.clock.pass(Duration::from_hours(24 * 3653));
    assert_eq!(verify(&server, NUMBER, json!(server.code())).await, "ok");
}

#[tokio::test]
async fn g19_and_g20_all_letters_and_all_digits_occur_in_pins() {
    let mut server = Server::with_gateway_keys().await;
    let (letters, digits) = ("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789");
    for (kind, all) in [("alpha", letters.to_owned()), ("alphanumeric", format!("{digits}{letters}"))] {
        let mut seen = BTreeSet::new();
        for subscriber in 100..140 {
            request(&server, &format!("34666666{subscriber}"), json!({"type": kind, "length": 16})).await;
            server.deliver().await;
            seen.extend(server.code().chars());
        }
        assert_eq!(seen.into_iter().collect::<String>(), all, "{kind}");
    }
}

#[tokio::test]
async fn g39_a_pin_that_came_as_a_number_gets_its_leading_zeros_back() {
    let mut server = Server::with_gateway_keys().await;
    for subscriber in 100..200 {
        let msisdn = format!("34666666{subscriber}");
        request(&server, &msisdn, json!(null)).await;
        server.deliver().await;
        if server.code().starts_with('0') {
            let pin: u64 = server.code().parse().unwrap();
            assert!(pin < 100_000);
            assert_eq!(verify(&server, &msisdn, json!(pin)).await, "ok");
            return;
        }
    }
    panic!("of a hundred PINs none began with a zero");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g40_of_fifty_parallel_right_pins_one_is_ok() {
    let server = with_pin(json!(null)).await;
    let answers = join_all((0..50).map(|_| verify(&server, NUMBER, json!(server.code())))).await;
    assert_eq!(answers.iter().filter(|answer| *answer == "ok").count(), 1);
    assert_eq!(answers.iter().filter(|answer| *answer == "INVALID_PIN").count(), 49);
}

#[tokio::test]
async fn g16_a_key_that_is_bound_to_addresses_opens_nothing_from_elsewhere() {
    let server = Server::with_gateway_keys().await;
    let command = CreateKey {
        name: "bound".into(),
        scopes: vec![Scope::VerificationsWrite],
        form: KeyForm::Hex32,
        allowed_from: vec!["203.0.113.0/24".parse().unwrap()],
        test: false,
    };
    let key = server.harness.engine.run(&server.harness.caller, None, &command).await.unwrap().secret;
    let body = json!({"api_key": key, "msisdn": NUMBER, "sender": "GOOD PIZZA"}).to_string();
    let from = async |peer: Option<&str>| {
        let mut request = Request::post("/api/2fa/request").header(CONTENT_TYPE, "application/json");
        if let Some(peer) = peer {
            request = request.extension(ConnectInfo(peer.parse::<SocketAddr>().unwrap()));
        }
        server.send(request.body(Body::from(body.clone())).unwrap()).await
    };
    assert_eq!(from(Some("203.0.113.7:4711")).await.status, 200);
    let blocked = r#"{"status":"error","error_id":"UNAUTHORIZED","error_msg":"Your API key may be invalid or your IP is blocked."}"#;
    for elsewhere in [Some("203.0.114.7:4711"), Some("[2001:db8::1]:4711"), None] {
        let answer = from(elsewhere).await;
        assert_eq!((answer.status, answer.body.as_str()), (401, blocked), "{elsewhere:?}");
    }
}

#[tokio::test]
async fn a_key_without_the_right_for_a_call_is_refused_as_any_other() {
    let server = Server::with_gateway_keys().await;
    let command = CreateKey {
        name: "reader".into(),
        scopes: vec![Scope::VerificationsRead],
        form: KeyForm::Hex32,
        allowed_from: vec![],
        test: false,
    };
    let key = server.harness.engine.run(&server.harness.caller, None, &command).await.unwrap().secret;
    let body = json!({"api_key": key, "msisdn": NUMBER, "sender": "x", "user_name": "ana", "amount": 1});
    // The last one it may ask; there is no such account.
    for (path, status) in
        [("/api/2fa/request", 401), ("/api/3.0/subaccount/add-balance", 401), ("/api/subaccount/get-balance", 400)]
    {
        assert_eq!(call(&server, path, &body).await.status, status, "{path}");
    }
}

#[tokio::test]
async fn g48_a_fault_of_the_store_is_500_in_the_envelope() {
    let server = Server::with_gateway_keys().await;
    server.harness.store.close().await;
    let unknown = r#"{"status":"error","error_id":"UNKNOWN_ERROR","error_msg":"The system threw an unknown error."}"#;
    for (path, rest) in [
        ("/api/2fa/request", json!({"msisdn": NUMBER, "sender": "GOOD PIZZA"})),
        ("/api/3.0/2fa/verify", json!({"msisdn": NUMBER, "pin": "123456"})),
        ("/api/3.0/subaccount/add-balance", json!({"user_name": "ana", "amount": 1})),
    ] {
        let mut body = rest;
        body["api_key"] = json!(server.gateway_key);
        let answer = call(&server, path, &body).await;
        assert_eq!((answer.status, answer.body.as_str()), (500, unknown), "{path}");
        assert_eq!(answer.header("content-type"), "application/json");
    }
}

#[tokio::test]
async fn bodies_that_are_too_large_or_too_slow_are_refused_in_the_envelope() {
    let server = Server::with_gateway_keys().await;
    let large = json!({"api_key": server.gateway_key, "x": "y".repeat(64 * 1024)});
    let answer = call(&server, "/api/2fa/request", &large).await;
    assert_eq!((answer.status, answer.json()["error_id"].as_str()), (413, Some("UNKNOWN_ERROR")));
    let stuck = Body::from_stream(futures_util::stream::pending::<Result<Vec<u8>, std::convert::Infallible>>());
    let request = Request::post("/api/3.0/2fa/verify").header(CONTENT_TYPE, "application/json").body(stuck).unwrap();
    let answer = server.send(request).await;
    assert_eq!((answer.status, answer.header("connection")), (408, "close"));
    assert_eq!(answer.json()["error_id"], "UNKNOWN_ERROR");
    let bytes = Request::post("/api/2fa/request").header(CONTENT_TYPE, "application/json");
    let answer = server.send(bytes.body(Body::from(b"{\"api_key\":\"\xff\"}".to_vec())).unwrap()).await;
    assert_eq!((answer.status, answer.json()["error_id"].as_str()), (400, Some("JSON_PARSE_ERROR")));
}

#[tokio::test]
async fn a_thousand_messages_go_in_one_call_and_one_more_does_not() {
    let server = Server::with_gateway_keys().await;
    let message = json!({"from": "GOOD PIZZA", "to": NUMBER, "text": "a".repeat(459), "custom": "c".repeat(32)});
    let send = async |count: usize| {
        let body = json!({"api_key": server.gateway_key, "messages": vec![message.clone(); count]});
        call(&server, "/api/3.0/sms/send", &body).await
    };
    let answer = send(1000).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let results = answer.json()["result"].as_array().unwrap().clone();
    assert_eq!(results.iter().filter(|result| result["status"] == "ok").count(), 1000);
    let mut ids: Vec<&str> = results.iter().map(|result| result["sms_id"].as_str().unwrap()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 1000);
    assert!(ids.iter().all(|id| id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit())));
    assert_eq!(send(1001).await.status, 400);
}

#[tokio::test]
async fn the_hundred_and_first_message_of_a_day_is_429_and_guessing_is_held_silently() {
    let server = Server::with_gateway_keys().await;
    for _ in 0..100 {
        assert_eq!(request(&server, NUMBER, json!({"max_tries": 0})).await.status, 200);
    }
    let answer = request(&server, NUMBER, json!(null)).await;
    assert_eq!((answer.status, answer.json()["error_id"].as_str()), (429, Some("UNKNOWN_ERROR")));
    for _ in 0..101 {
        assert_eq!(verify(&server, NUMBER, json!("wrong1")).await, "INVALID_PIN");
    }
}
