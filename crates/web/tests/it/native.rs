//! What no file of exchanges can tell: bodies that are too large or too slow, bytes that are no text, parallel requests.

use crate::wire::Server;
use axum::{
    body::Body,
    http::{Request, header},
};
use countersign_engine::{
    jobs::{CallWebhooks, Progress},
    testing::CallError,
};
use futures_util::{StreamExt as _, stream};
use std::{convert::Infallible, fmt::Write as _};

const START: &str = r#"{"to":"+34666666111","channel":"sms"}"#;

fn start(server: &Server, body: Body) -> Request<Body> {
    Request::post("/v1/verifications")
        .header(header::AUTHORIZATION, format!("Bearer {}", server.key))
        .header(header::CONTENT_TYPE, "application/json")
        .body(body)
        .unwrap()
}

#[tokio::test]
async fn a_body_over_64_kib_is_refused_whether_or_not_it_says_so() {
    let server = Server::new().await;
    let large = format!(r#"{{"to":"+34666666111","channel":"sms","locale":"{}"}}"#, "e".repeat(70_000));
    let answer = server.send(start(&server, Body::from(large.clone()))).await;
    assert_eq!((answer.status, answer.json()["code"].as_str()), (413, Some("body_too_large")));
    let chunks = large.into_bytes().chunks(1000).map(<[u8]>::to_vec).collect::<Vec<_>>();
    let unannounced = Body::from_stream(stream::iter(chunks).map(Ok::<_, Infallible>));
    assert_eq!(server.send(start(&server, unannounced)).await.status, 413);
}

#[tokio::test]
async fn a_body_that_does_not_arrive_is_refused_in_time() {
    let server = Server::new().await;
    let stuck = Body::from_stream(stream::once(async { Ok::<_, Infallible>(b"{".to_vec()) }).chain(stream::pending()));
    let answer = server.send(start(&server, stuck)).await;
    assert_eq!((answer.status, answer.header("connection")), (408, "close"));
}

#[tokio::test]
async fn bytes_that_are_no_utf_8_are_malformed_and_not_found() {
    let server = Server::new().await;
    let answer = server.send(start(&server, Body::from(b"{\"to\":\"\xff\xfe\",\"channel\":\"sms\"}".to_vec()))).await;
    assert_eq!((answer.status, answer.header("content-type")), (400, "application/problem+json"));
    assert_eq!(server.get("/v1/verifications/%ff").await.status, 404);
    assert_eq!(server.get("/v1/services/%ff").await.status, 404);
    assert_eq!(server.get("/v1/templates/%ff/%ff/%ff").await.status, 404);
}

#[tokio::test]
async fn what_is_no_json_is_told_as_that_even_if_something_in_it_is_wrong_before() {
    let server = Server::new().await;
    for body in ["[", "[1,", r#"{"a":["#, r#"{"to":1,"#, "{", "nul", r#""x"#] {
        let answer = server.post("/v1/verifications", body).await;
        assert_eq!((answer.status, answer.json()["code"].as_str()), (400, Some("malformed_json")), "{body}");
    }
}

#[tokio::test]
async fn a_wrong_field_is_named_and_nothing_of_our_own_code_is() {
    let server = Server::new().await;
    let payment = |fields: &str| format!(r#"{{"to":"+34666666111","channel":"sms","payment":{fields}}}"#);
    let wrong = [
        ("[]".to_owned(), ""),
        ("1".to_owned(), ""),
        (r#""x""#.to_owned(), ""),
        (payment(r#"{"payee":"Books","amount":"12,50","currency":"EUR"}"#), "/payment/amount"),
        (payment(r#"{"payee":"Books","amount":12.5,"currency":"EUR"}"#), "/payment/amount"),
        (payment(r#"{"payee":"","amount":"12.50","currency":"EUR"}"#), "/payment/payee"),
        (payment(r#"{"payee":"Books","amount":"12.50","currency":"euro"}"#), "/payment/currency"),
        (payment(r#"{"payee":"Books","amount":"12.50","currency":"EUR","tip":"1"}"#), "/payment/tip"),
        (payment("[]"), "/payment"),
        (payment("5"), "/payment"),
        (r#"{"to":"+34666666111","channel":"sms","metadata":{"a":1}}"#.to_owned(), "/metadata/a"),
    ];
    for (body, pointer) in wrong {
        let answer = server.post("/v1/verifications", &body).await;
        assert_eq!((answer.status, answer.json()["errors"][0]["pointer"].as_str()), (422, Some(pointer)), "{body}");
        assert!(!answer.body.contains("struct"), "{}", answer.body);
    }
    let text = r#"{"subject":"Hello","text":"no code"}"#;
    let answer =
        server.send(asked(&server, "PUT", "/v1/templates/verification/sms/en", "application/json", text)).await;
    let errors = answer.json()["errors"].as_array().cloned().unwrap_or_default();
    let mut pointers: Vec<&str> = errors.iter().filter_map(|error| error["pointer"].as_str()).collect();
    pointers.sort_unstable();
    assert_eq!((answer.status, pointers), (422, vec!["/subject", "/text"]), "{}", answer.body);
    let answer = server.post("/v1/services", r#"{"name":"x","policy":{"code":5}}"#).await;
    assert!(answer.status == 422 && !answer.body.contains("struct"), "{}", answer.body);
}

#[tokio::test]
async fn a_merge_patch_may_be_called_what_it_is_and_nothing_else_may() {
    let server = Server::new().await;
    server.post("/v1/services", r#"{"name":"login"}"#).await;
    let patch = |kind: &str| asked(&server, "PATCH", "/v1/services/login", kind, r#"{"brand":"Acme"}"#);
    for (kind, status) in [
        ("application/merge-patch+json", 200),
        ("Application/Merge-Patch+JSON; charset=utf-8", 200),
        ("application/json", 200),
        ("application/json-patch+json", 415),
    ] {
        assert_eq!(server.send(patch(kind)).await.status, status, "{kind}");
    }
    let post = asked(&server, "POST", "/v1/services", "application/merge-patch+json", r#"{"name":"other"}"#);
    assert_eq!(server.send(post).await.status, 415);
}

#[tokio::test]
async fn a_destination_that_is_blocked_for_its_messages_is_not_told_of_wrong_codes() {
    let server = Server::new().await;
    let limits = r#"{"send_gap_seconds":0,"sends":[{"count":1,"seconds":60}],"block_seconds":600}"#;
    server.post("/v1/services", &format!(r#"{{"name":"strict","policy":{{"limits":{limits}}}}}"#)).await;
    let body = r#"{"to":"+34666666111","channel":"sms","service":"strict"}"#;
    let id = server.post("/v1/verifications", body).await.json()["id"].as_str().unwrap().to_owned();
    let codes = [
        server.post("/v1/verifications", body).await,
        server.post("/v1/verifications", body).await,
        server.post(&format!("/v1/verifications/{id}/check"), r#"{"code":"000000"}"#).await,
    ];
    for answer in codes {
        assert_eq!((answer.status, answer.json()["code"].as_str()), (429, Some("too_many_sends")), "{}", answer.body);
    }
}

#[tokio::test]
async fn an_address_of_a_webhook_has_no_credentials_and_no_fragment() {
    let server = Server::new().await;
    for (url, status) in [
        ("https://user:secret@shop.example/x", 422),
        ("https://user@shop.example", 422),
        ("https://shop.example/x#y", 422),
        ("https://shop.example/a@b?c=d@e", 201),
    ] {
        let answer = server.post("/v1/webhook-endpoints", &format!(r#"{{"url":"{url}"}}"#)).await;
        assert_eq!(answer.status, status, "{url}: {}", answer.body);
        assert!(!answer.body.contains("secret@"), "{}", answer.body);
    }
}

#[tokio::test]
async fn a_repeated_request_is_answered_to_the_letter_as_the_first() {
    let mut server = Server::with_applications().await;
    let client = server.named("client_id").to_owned();
    let page = r#""return_to":"https://shop.example.com/done""#;
    for (key, body) in [
        ("without a page", format!(r#"{{"client_id":"{client}","user":"ana"}}"#)),
        ("with one", format!(r#"{{"client_id":"{client}","user":"ana",{page}}}"#)),
    ] {
        assert_eq!(twice(&mut server, "/v1/mfa-tokens", key, &body).await.0, 201);
    }
    let endpoint = server.post("/v1/webhook-endpoints", r#"{"url":"https://shop.example"}"#).await;
    let id = endpoint.json()["id"].as_str().unwrap().to_owned();
    server.harness.callbacks.fail_all(Some(CallError::Refused("a private address".into())));
    for number in 0..3 {
        server.post("/v1/verifications", &START.replace("111", &format!("11{number}"))).await;
    }
    let job = CallWebhooks::new(&server.harness.engine);
    while job.run_once().await.unwrap() == Progress::More {}
    let replay = format!("/v1/webhook-endpoints/{id}/replay");
    assert_eq!(twice(&mut server, &replay, "again", "").await, (202, r#"{"replayed":3}"#.to_owned()));
    let other = with_key(&server, &format!("/v1/webhook-endpoints/{id}/test"), "again", "");
    assert_eq!(server.send(other).await.status, 422, "the key was used for another request");
}

/// The same request twice, under one key; what it is answered.
async fn twice(server: &mut Server, path: &str, key: &str, body: &str) -> (u16, String) {
    let first = server.send(with_key(server, path, key, body)).await;
    server.harness.clock.pass(std::time::Duration::from_secs(7));
    let again = server.send(with_key(server, path, key, body)).await;
    assert_eq!((first.status, &first.body), (again.status, &again.body));
    (first.status, first.body)
}

fn with_key(server: &Server, path: &str, key: &str, body: &str) -> Request<Body> {
    let mut request = asked(server, "POST", path, "application/json", body);
    request.headers_mut().insert("idempotency-key", key.parse().unwrap());
    request
}

fn asked(server: &Server, method: &str, path: &str, kind: &str, body: &str) -> Request<Body> {
    Request::builder()
        .method(method)
        .uri(path)
        .header(header::AUTHORIZATION, format!("Bearer {}", server.key))
        .header(header::CONTENT_TYPE, kind)
        .body(Body::from(body.to_owned()))
        .unwrap()
}

#[tokio::test]
async fn deeply_nested_json_is_refused_without_harm() {
    let server = Server::new().await;
    let answer = server.post("/v1/services", &format!(r#"{{"name":"x","policy":{}}}"#, "[".repeat(30_000))).await;
    assert_eq!(answer.status, 400);
}

#[tokio::test]
async fn every_refusal_changes_nothing() {
    let mut server = Server::new().await;
    for body in [
        "",
        "{",
        "[]",
        "null",
        "{}",
        r#"{"to":1,"channel":"sms"}"#,
        r#"{"to":"+34666666111","channel":"fax"}"#,
        r#"{"to":"+34666666111","channel":"sms","code":"12"}"#,
        r#"{"to":"+34666666111","channel":"sms","nobody":1}"#,
        r#"{"to":"+34666666111","channel":"sms","metadata":{"a":1}}"#,
        r#"{"to":"+34666666111","channel":"sms","payment":{}}"#,
        r#"{"to":"+34666666111","channel":"sms","locale":"english please"}"#,
        r#"{"to":"+34666666111","channel":"email"}"#,
    ] {
        let answer = server.post("/v1/verifications", body).await;
        assert!((400..=422).contains(&answer.status), "{body}: {}", answer.status);
        assert_eq!(answer.header("content-type"), "application/problem+json", "{body}");
    }
    server.deliver().await;
    assert_eq!(server.code(), "");
    assert_eq!(server.post("/v1/verifications", START).await.status, 201, "not even the limit was spent");
}

#[tokio::test]
async fn a_wrong_check_spends_nothing_if_it_is_no_check() {
    let mut server = Server::new().await;
    let id = server.post("/v1/verifications", START).await.json()["id"].as_str().unwrap().to_owned();
    server.deliver().await;
    for body in ["", "{}", r#"{"code":123456}"#, r#"{"code":""}"#, r#"{"code":" - "}"#, r#"{"code":null}"#] {
        assert_eq!(server.post(&format!("/v1/verifications/{id}/check"), body).await.status, 422, "{body}");
    }
    let mut long = String::from(r#"{"code":""#);
    write!(long, "{}\"}}", "1".repeat(65)).unwrap();
    assert_eq!(server.post(&format!("/v1/verifications/{id}/check"), &long).await.status, 422);
    assert_eq!(server.get(&format!("/v1/verifications/{id}")).await.json()["attempts_left"], 5);
}

#[tokio::test]
async fn a_request_id_of_the_caller_is_kept_if_it_is_plain() {
    let server = Server::new().await;
    let ask = |id: &str| Request::get("/healthz/live").header("x-request-id", id).body(Body::empty()).unwrap();
    assert_eq!(server.send(ask("abc-1.2_3")).await.header("x-request-id"), "abc-1.2_3");
    for bad in ["a b", "<script>", &"a".repeat(65)] {
        assert_eq!(server.send(ask(bad)).await.header("x-request-id").len(), 16, "{bad}");
    }
}

#[tokio::test]
async fn without_dev_mode_there_is_no_sandbox() {
    let server = Server::new().await;
    for path in ["/sandbox", "/sandbox/messages", "/sandbox/credentials", "/sandbox/clock", "/"] {
        assert_eq!(server.get(path).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn metrics_count_and_name_nobody() {
    let mut server = Server::new().await;
    server.post("/v1/verifications", START).await;
    server.deliver().await;
    let text = server.get("/metrics").await.body;
    assert!(text.contains(r#"countersign_verifications_started_total{channel="sms"} 1"#), "{text}");
    assert!(text.contains(r#"countersign_send_attempts_total{provider="first",outcome="Accepted"} 1"#), "{text}");
    assert!(text.contains(r#"countersign_http_requests_total{route="/v1/verifications",status="201"} 1"#), "{text}");
    assert!(!text.contains("666666"), "{text}");
}

#[tokio::test]
async fn a_list_is_never_taken_for_an_object() {
    let server = Server::new().await;
    for (path, body) in [
        ("/v1/verifications", r#"["+34666666111","sms",null,null,null,{},null]"#),
        ("/v1/verifications", r#"{"to":"+34666666111","channel":"sms","payment":["x","1","EUR"]}"#),
        ("/v1/services", r#"{"name":"a","policy":[1]}"#),
        ("/v1/services", r#"{"name":"a","policy":{"code":["alpha",5]}}"#),
        ("/v1/services", r#"{"name":"a","policy":{"limits":{"failed_checks":[1,2]}}}"#),
        ("/v1/services", r#"{"name":"a","policy":{"limits":{"sends":[[5,600]]}}}"#),
    ] {
        assert_eq!(server.post(path, body).await.status, 422, "{body}");
    }
}

#[tokio::test]
async fn parallel_patches_of_one_service_are_all_made() {
    let server = Server::new().await;
    server.post("/v1/services", r#"{"name":"s"}"#).await;
    let patch = |field: String| {
        let request = Request::patch("/v1/services/s")
            .header(header::AUTHORIZATION, format!("Bearer {}", server.key))
            .header(header::CONTENT_TYPE, "application/json");
        server.send(request.body(Body::from(field)).unwrap())
    };
    let all = futures_util::future::join_all((101..=130).map(|n| {
        patch(if n % 2 == 0 {
            format!(r#"{{"brand":"B{n}"}}"#)
        } else {
            format!(r#"{{"policy":{{"max_checks":{n}}}}}"#)
        })
    }));
    assert!(all.await.iter().all(|answer| answer.status == 200));
    let service = server.get("/v1/services/s").await.json();
    assert!(service["brand"].is_string() && service["policy"]["max_checks"] != 5, "neither kind undid the other");
}

#[tokio::test]
async fn a_key_grants_no_more_than_its_maker_has() {
    let mut server = Server::new().await;
    let made = server.post("/v1/keys", r#"{"name":"admin","scopes":["admin"]}"#).await.json();
    made["secret"].as_str().unwrap().clone_into(&mut server.key);
    assert_eq!(server.post("/v1/keys", r#"{"name":"x","scopes":["admin"]}"#).await.status, 201);
    assert_eq!(server.post("/v1/keys", r#"{"name":"x","scopes":["verifications:read"]}"#).await.status, 403);
    let forged = server.post("/v1/keys", r#"{"name":"x\ny active","scopes":["admin"]}"#).await;
    assert_eq!((forged.status, forged.json()["errors"][0]["pointer"].as_str()), (422, Some("/name")));
}

#[tokio::test]
async fn an_expired_verification_has_the_moment_at_which_it_expired() {
    let server = Server::new().await;
    let id = server.post("/v1/verifications", START).await.json()["id"].as_str().unwrap().to_owned();
    server.harness.clock.pass(std::time::Duration::from_hours(1));
    let now = server.get(&format!("/v1/verifications/{id}")).await.json();
    assert_eq!((now["status"].as_str(), &now["decided_at"]), (Some("expired"), &now["expires_at"]));
}

/// Every header of it, and no others: not even a host.
fn bare(path: &str, headers: &[(&str, &str)]) -> Request<Body> {
    let request = headers.iter().fold(Request::post(path), |request, (name, value)| request.header(*name, *value));
    request.body(Body::from(START)).unwrap()
}

#[tokio::test]
async fn what_no_api_can_take_is_refused_in_the_words_of_each() {
    let server = Server::new().await;
    let cases = [
        (vec![], 400, "invalid_host"),
        (vec![("host", "a"), ("host", "b")], 400, "invalid_host"),
        (vec![("host", "a"), ("content-encoding", "gzip")], 415, "unsupported_media_type"),
        (vec![("host", "a"), ("transfer-encoding", "gzip, chunked")], 501, "not_implemented"),
    ];
    for (headers, status, code) in cases {
        let ours = server.send_as_it_is(bare("/v1/verifications", &headers)).await;
        assert_eq!((ours.status, ours.json()["code"].as_str()), (status, Some(code)), "{headers:?}");
        assert_eq!(ours.header("content-type"), "application/problem+json");
        assert_eq!(ours.header("accept-encoding"), if status == 415 { "identity" } else { "" });
        assert_eq!(ours.header("x-request-id").len(), 16);
        let theirs = server.send_as_it_is(bare("/api/2fa/send", &headers)).await;
        assert_eq!((theirs.status, theirs.json()["status"].as_str()), (status, Some("error")), "{headers:?}");
    }
    let with_host = [("host", "a"), ("content-encoding", "identity"), ("transfer-encoding", "chunked")];
    assert_eq!(server.send_as_it_is(bare("/v1/verifications", &with_host)).await.status, 401);
}
