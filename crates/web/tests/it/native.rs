//! What no file of exchanges can tell: bodies that are too large or too slow, bytes that are no text, parallel requests.

use crate::wire::Server;
use axum::{
    body::Body,
    http::{Request, header},
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
