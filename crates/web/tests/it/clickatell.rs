//! Clickatell: what no file of exchanges can tell. The cases are those of the dialect's acceptance list (C…).

use crate::wire::{Answer, Server};
use axum::{
    body::Body,
    extract::ConnectInfo,
    http::{Method, Request, header::AUTHORIZATION},
};
use countersign_engine::commands::{CreateKey, KeyForm};
use countersign_model::{Scope, SendError};
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::{collections::BTreeSet, net::SocketAddr};

const TO: &str = "2799900001";

async fn call(server: &Server, method: Method, path: &str, body: &Value) -> Answer {
    let request = Request::builder().method(method).uri(path).header("x-version", "1");
    let request = request.header(AUTHORIZATION, format!("Bearer {}", server.key));
    server.send(request.body(Body::from(body.to_string())).unwrap()).await
}

/// Starts an authentication, and lets its message leave.
pub async fn started(server: &mut Server, more: Value) -> String {
    let mut body = json!({"authType": "pin", "to": TO});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let answer = call(server, Method::POST, "/rest/auth", &body).await;
    assert_eq!(answer.status, 202, "{}", answer.body);
    server.deliver().await;
    answer.json()["data"]["apiRequestId"].as_str().unwrap().to_owned()
}

pub async fn status(server: &Server, id: &str) -> String {
    let answer = call(server, Method::GET, &format!("/rest/auth/{id}"), &json!({})).await;
    answer.json()["data"]["challengeStatus"].as_str().unwrap().to_owned()
}

async fn put(server: &Server, id: &str, pin: Value) -> (String, bool) {
    let answer = call(server, Method::PUT, &format!("/rest/auth/{id}"), &json!({"pinCode": pin})).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let data = &answer.json()["data"];
    (data["challengeStatus"].as_str().unwrap().to_owned(), data["challengeSolved"].as_bool().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c35_of_fifty_parallel_right_pins_one_solves() {
    let mut server = Server::new().await;
    let id = started(&mut server, json!({"customPin": "AB12", "maximumRetries": 10})).await;
    let answers = join_all((0..50).map(|_| put(&server, &id, json!("AB12")))).await;
    assert_eq!(answers.iter().filter(|(_, solved)| *solved).count(), 1);
    assert_eq!(answers.iter().filter(|(status, _)| status == "030").count(), 49);
    assert_eq!(status(&server, &id).await, "020");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_fifty_parallel_wrong_pins_as_many_count_as_there_are_attempts() {
    let mut server = Server::new().await;
    let id = started(&mut server, json!({"maximumRetries": 10})).await;
    let answers = join_all((0..50).map(|_| put(&server, &id, json!("x")))).await;
    assert_eq!(answers.iter().filter(|(status, _)| status == "030").count(), 9);
    assert_eq!(answers.iter().filter(|(status, _)| status == "040").count(), 41);
}

#[tokio::test]
async fn a_generated_pin_that_came_as_a_number_gets_its_leading_zeros_back() {
    let mut server = Server::new().await;
    for subscriber in 100..200 {
        let id = started(&mut server, json!({"to": format!("2799900{subscriber}")})).await;
        if server.code().starts_with('0') {
            let pin: u64 = server.code().parse().unwrap();
            assert_eq!(put(&server, &id, json!(pin)).await, ("020".to_owned(), true));
            return;
        }
    }
    panic!("of a hundred PINs none began with a zero");
}

#[tokio::test]
async fn c10_a_token_that_is_bound_to_addresses_is_told_so_from_elsewhere() {
    let server = Server::new().await;
    let command = CreateKey {
        name: "bound".into(),
        scopes: Scope::ALL.to_vec(),
        form: KeyForm::Native,
        allowed_from: vec!["203.0.113.0/24".parse().unwrap()],
        test: false,
    };
    let key = server.harness.engine.run(&server.harness.caller, None, &command).await.unwrap().secret;
    let from = async |peer: &str| {
        let request =
            Request::post("/rest/auth").header("x-version", "1").header(AUTHORIZATION, format!("Bearer {key}"));
        let request = request.extension(ConnectInfo(peer.parse::<SocketAddr>().unwrap()));
        let answer = server.send(request.body(Body::from(r#"{"authType":"pin","to":"2799900001"}"#)).unwrap()).await;
        (answer.status, answer.json()["error"]["code"].as_str().map(str::to_owned))
    };
    assert_eq!(from("203.0.113.7:4711").await, (202, None));
    assert_eq!(from("198.51.100.7:4711").await, (401, Some("007".to_owned())));
}

#[tokio::test]
async fn a_key_without_the_right_for_a_call_is_refused_as_any_other() {
    let server = Server::new().await;
    let scopes = vec![Scope::VerificationsRead];
    let command = CreateKey { name: "reader".into(), scopes, form: KeyForm::Hex32, allowed_from: vec![], test: false };
    let key = server.harness.engine.run(&server.harness.caller, None, &command).await.unwrap().secret;
    let request = Request::post("/rest/auth").header("x-version", "1").header(AUTHORIZATION, format!("Bearer {key}"));
    let answer = server.send(request.body(Body::from(r#"{"authType":"pin","to":"2799900001"}"#)).unwrap()).await;
    assert_eq!((answer.status, answer.json()["error"]["code"].as_str()), (401, Some("001")));
}

#[tokio::test]
async fn c37_every_category_has_a_name_and_a_picture_on_all_three_paths() {
    let server = Server::new().await;
    let list = call(&server, Method::GET, "/rest/auth/categories", &json!({})).await;
    assert_eq!(list.status, 202);
    for path in ["/rest/categories", "/rest/auth", "/rest/categories/"] {
        let same = call(&server, Method::GET, path, &json!({})).await;
        assert_eq!((same.status, same.body.as_str()), (202, list.body.as_str()), "{path}");
    }
    let data = list.json()["data"].clone();
    assert_eq!(data.as_array().map(Vec::len), Some(1));
    let categories = data[0]["category"].as_array().unwrap().clone();
    let names: BTreeSet<&str> = categories.iter().map(|category| category["name"].as_str().unwrap()).collect();
    assert!(names.len() >= 100 && names.len() == categories.len());
    assert!(["dog", "house", "tree"].iter().all(|name| names.contains(name)));
    for (number, category) in (1..).zip(&categories) {
        let url = category["sampleImage"].as_str().unwrap();
        let path = url.strip_prefix("https://verify.example.com").unwrap();
        assert_eq!(path, format!("/mfa/api/image/{number}"));
        if number % 16 == 1 {
            let picture = server.fetch(path).await;
            assert_eq!((picture.status, picture.kind.as_str()), (200, "image/png"), "{path}");
        }
    }
    for nothing in ["0", "9999", "dog", "-1", "1.png"] {
        assert_eq!(server.fetch(&format!("/mfa/api/image/{nothing}")).await.status, 404, "{nothing}");
    }
    assert!(call(&server, Method::POST, "/rest/categories", &json!({})).await.status == 405);
}

#[tokio::test]
async fn what_reached_nobody_is_told_and_cannot_be_solved() {
    let mut server = Server::new().await;
    for provider in [&server.harness.first, &server.harness.second] {
        provider.answer_next(Err(SendError::Refused("no such subscriber".to_owned())));
    }
    let id = started(&mut server, json!({"customPin": "AB12", "maximumRetries": 10})).await;
    assert_eq!(status(&server, &id).await, "060");
    assert_eq!(put(&server, &id, json!("AB12")).await, ("060".to_owned(), false));
    server.harness.clock.pass(std::time::Duration::from_secs(301));
    assert_eq!(status(&server, &id).await, "060", "that is final");
}

#[tokio::test]
async fn the_hundred_and_first_message_of_a_day_is_429_and_tells_until_when() {
    let server = Server::new().await;
    let body = json!({"authType": "pin", "to": TO});
    for _ in 0..100 {
        assert_eq!(call(&server, Method::POST, "/rest/auth", &body).await.status, 202);
    }
    let answer = call(&server, Method::POST, "/rest/auth", &body).await;
    assert_eq!((answer.status, answer.header("retry-after")), (429, "86400"));
    let until = 1_767_225_600 + 86_400;
    assert_eq!(answer.json()["error"]["description"], format!("Maximum MT limit exceeded until {until}"));
    assert_eq!(answer.json()["error"]["code"], "130");
}

#[tokio::test]
async fn a_verification_of_another_api_is_none_of_this_one() {
    let server = Server::new().await;
    let made = server.post("/v1/verifications", r#"{"to":"+34666666111","channel":"sms"}"#).await.json();
    let id: countersign_model::VerificationId = made["id"].as_str().unwrap().parse().unwrap();
    let id = format!("{:032x}", u128::from_be_bytes(id.to_bytes()));
    assert_eq!(call(&server, Method::GET, &format!("/rest/auth/{id}"), &json!({})).await.status, 404);
    let body = json!({"pinCode": "1"});
    assert_eq!(call(&server, Method::PUT, &format!("/rest/auth/{id}"), &body).await.status, 404);
}

#[tokio::test]
async fn five_hundred_numbers_get_a_message_in_one_call() {
    let server = Server::new().await;
    let to: Vec<String> = (0..500).map(|number| format!("279990{number:05}")).collect();
    let answer = call(&server, Method::POST, "/rest/message", &json!({"text": "hello", "to": to})).await;
    assert_eq!(answer.status, 202, "{}", answer.body);
    let messages = answer.json()["data"]["message"].as_array().unwrap().clone();
    let ids: BTreeSet<&str> = messages.iter().map(|message| message["apiMessageId"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 500);
    assert!(messages.iter().zip(&to).all(|(message, to)| message["to"] == to.as_str() && message["accepted"] == true));
}

#[tokio::test]
async fn faults_and_bodies_that_cannot_be_read_are_told_in_the_envelope() {
    let server = Server::new().await;
    let large = call(&server, Method::POST, "/rest/auth", &json!({"x": "y".repeat(64 * 1024)})).await;
    assert_eq!((large.status, large.json()["error"]["code"].as_str()), (413, Some("100")));
    let stuck = Body::from_stream(futures_util::stream::pending::<Result<Vec<u8>, std::convert::Infallible>>());
    let request = Request::post("/rest/auth").header("x-version", "1");
    let request = request.header(AUTHORIZATION, format!("Bearer {}", server.key)).body(stuck).unwrap();
    let answer = server.send(request).await;
    assert_eq!(
        (answer.status, answer.header("connection"), answer.json()["error"]["code"].as_str()),
        (408, "close", Some("100"))
    );
    server.harness.store.close().await;
    let answer = call(&server, Method::POST, "/rest/auth", &json!({"authType": "pin", "to": TO})).await;
    assert_eq!((answer.status, answer.json()["error"]["code"].as_str()), (503, Some("901")));
    assert_eq!(answer.header("retry-after"), "1");
}

#[tokio::test]
async fn every_code_has_a_page() {
    let mut server = Server::new().await;
    let id = started(&mut server, json!({})).await;
    let refused = call(&server, Method::PUT, &format!("/rest/auth/{id}"), &json!({})).await;
    let page = refused.json()["error"]["documentation"].as_str().unwrap().to_owned();
    let page = server.get(page.strip_prefix("https://verify.example.com").unwrap()).await;
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    assert!(page.body.contains("Invalid or missing parameters"));
    assert_eq!(server.get("/help/apidocs/error/999.htm").await.status, 404);
    assert_eq!(server.get("/help/apidocs/error/130.htm").await.status, 200);
}
