//! Webhooks from outside: a receiver on this machine, and the real binary that tells it.

use crate::{
    program::{good, run, written},
    running::Running,
};
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header::LOCATION},
    response::{IntoResponse as _, Response},
    routing::post,
};
use countersign_store::testing;
use serde_json::{Value, json};
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU16, Ordering},
};
use tokio::sync::watch;

/// One call as it arrived.
#[derive(Clone, Debug)]
struct Call {
    id: String,
    body: Value,
    text: String,
    was_taken: bool,
}

impl Call {
    fn verification(&self) -> &str {
        self.body["data"]["verification"]["id"].as_str().unwrap()
    }
}

/// A server of a tenant's, which answers with the status that it was told.
#[derive(Clone)]
struct Receiver {
    calls: Arc<Mutex<Vec<Call>>>,
    elsewhere: Arc<AtomicU16>,
    status: Arc<AtomicU16>,
    news: watch::Sender<()>,
    url: String,
}

impl Receiver {
    async fn start(status: u16) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hooks", listener.local_addr().unwrap());
        let receiver = Self {
            calls: Arc::default(),
            elsewhere: Arc::default(),
            status: Arc::new(AtomicU16::new(status)),
            news: watch::Sender::new(()),
            url,
        };
        let take = |State(receiver): State<Self>, headers: HeaderMap, body: Bytes| async move {
            receiver.take(&headers, &body)
        };
        let elsewhere = |State(receiver): State<Self>| async move {
            receiver.elsewhere.fetch_add(1, Ordering::SeqCst);
        };
        let router = Router::new().route("/hooks", post(take)).route("/elsewhere", post(elsewhere));
        let router = router.with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        receiver
    }

    fn take(&self, headers: &HeaderMap, body: &Bytes) -> Response {
        let status = StatusCode::from_u16(self.status.load(Ordering::SeqCst)).unwrap();
        self.calls.lock().unwrap().push(Call {
            id: headers["webhook-id"].to_str().unwrap().to_owned(),
            body: serde_json::from_slice(body).unwrap(),
            text: String::from_utf8(body.to_vec()).unwrap(),
            was_taken: status.is_success(),
        });
        self.news.send_replace(());
        (status, [(LOCATION, "/elsewhere")]).into_response()
    }

    fn answer(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }

    fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }

    /// Waits until the calls are as wanted.
    async fn until(&self, wanted: impl Fn(&[Call]) -> bool) -> Vec<Call> {
        let mut news = self.news.subscribe();
        loop {
            let calls = self.calls();
            if wanted(&calls) {
                return calls;
            }
            news.changed().await.unwrap();
        }
    }

    /// The names of what was taken of a verification, in its order.
    fn taken(&self, of: &str) -> Vec<String> {
        let of = |call: &Call| call.was_taken && call.verification() == of;
        self.calls().into_iter().filter(of).map(|call| call.id).collect()
    }
}

async fn endpoint(server: &Running, receiver: &Receiver) -> String {
    let made = server.post("/v1/webhook-endpoints", json!({"url": receiver.url})).await;
    assert_eq!(made.status, 201, "{}", made.body);
    made.body["id"].as_str().unwrap().to_owned()
}

async fn advance(server: &Running, seconds: u32) {
    assert_eq!(server.post("/sandbox/clock", json!({"advance_seconds": seconds})).await.status, 200);
}

async fn history(server: &Running, id: &str) -> Vec<String> {
    let events = server.get(&format!("/v1/verifications/{id}/events")).await.body;
    events["events"].as_array().unwrap().iter().map(|event| event["id"].as_str().unwrap().to_owned()).collect()
}

/// Waits until it is noted of each first event that it was tried so often in vain: what is tried next, and when, is known then.
async fn tried(server: &Running, times: u64) {
    let is_first = |delivery: &&Value| delivery["type"] == "verification.started";
    loop {
        let waiting = server.get("/v1/webhook-deliveries?status=pending").await.body;
        let mut first = waiting["deliveries"].as_array().unwrap().iter().filter(is_first);
        if first.all(|delivery| delivery["attempts"].as_u64().unwrap() >= times) {
            return;
        }
    }
}

async fn start(server: &Running, to: &str) -> String {
    let started = server.post("/v1/verifications", json!({"to": to, "channel": "sms"})).await;
    assert_eq!(started.status, 201, "{}", started.body);
    started.body["id"].as_str().unwrap().to_owned()
}

const LOOPBACK: &[&str] = &["--allow-loopback-callbacks"];
const DAY: u32 = 86_400;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_is_down_for_a_day_and_a_kill_gets_each_event_in_its_order_without_code_and_number() {
    let (data, receiver) = (tempfile::tempdir().unwrap(), Receiver::start(503).await);
    let server = Running::dev_with(data.path(), LOOPBACK).await;
    endpoint(&server, &receiver).await;
    let mut verifications = Vec::new();
    for number in 0..5 {
        let to = format!("+3466666620{number}");
        let (id, code) = server.started_with_code(&to).await;
        for code in ["nonsense", code.as_str()] {
            server.post(&format!("/v1/verifications/{id}/check"), json!({"code": code})).await;
        }
        verifications.push((id, to, code));
    }
    receiver.until(|calls| calls.len() >= 5).await;
    server.kill();

    let server = Running::dev_with(data.path(), LOOPBACK).await;
    tried(&server, 1).await;
    advance(&server, 10).await;
    tried(&server, 2).await;
    advance(&server, DAY).await;
    tried(&server, 3).await;
    assert!(receiver.calls().iter().all(|call| call.body["type"] == "verification.started"), "the others wait");
    receiver.answer(204);
    advance(&server, DAY).await;
    for (id, to, code) in &verifications {
        let wanted = history(&server, id).await;
        assert!(wanted.len() >= 5, "{wanted:?}");
        receiver.until(|_| receiver.taken(id).len() >= wanted.len()).await;
        assert_eq!(receiver.taken(id), wanted);
        for call in receiver.calls() {
            assert!(!call.text.contains(code.as_str()) && !call.text.contains(&to[1..]), "{}", call.text);
        }
    }
    assert_eq!(server.get("/v1/webhook-deliveries").await.body["deliveries"], json!([]));
    let (_, log) = server.stop();
    for (_, to, code) in &verifications {
        assert!(!log.contains(code.as_str()) && !log.contains(&to[1..]), "{log}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dead_letters_are_listed_and_sent_again_by_one_command_each() {
    let (data, receiver) = (tempfile::tempdir().unwrap(), Receiver::start(503).await);
    let server = Running::dev_on_file(data.path(), LOOPBACK).await;
    let endpoint = endpoint(&server, &receiver).await;
    for number in ["+34666666201", "+34666666202"] {
        start(&server, number).await;
    }
    // What is tried next depends on when the last try was noted: the clock is moved until nothing waits any more.
    let listed = async |state: &str| {
        let found = server.get(&format!("/v1/webhook-deliveries?status={state}")).await.body;
        found["deliveries"].as_array().unwrap().len()
    };
    while listed("pending").await > 0 {
        advance(&server, DAY).await;
    }
    let dead = listed("dead").await;
    assert!(dead >= 2, "{dead}");

    let config = written(data.path(), &good(data.path()));
    let tool = |arguments: &[&str]| {
        let (status, out, err) = run(&[&["webhooks"], arguments, &["--tenant", "dev", "--config", &config]].concat());
        assert_eq!(status, Some(0), "{err}");
        out
    };
    let listed = tool(&["list"]);
    assert!(listed.contains(&endpoint) && listed.contains("enabled") && listed.contains(&receiver.url), "{listed}");
    let letters = tool(&["dead"]);
    assert_eq!(letters.lines().count(), dead);
    let words: Vec<&str> = letters.lines().last().unwrap().split_whitespace().collect();
    assert_eq!((words[1], words[3], words[4], words[5]), ("verification.started", endpoint.as_str(), "status", "503"));
    receiver.answer(200);
    assert_eq!(tool(&["replay", words[0]]), "");
    advance(&server, 1).await;
    let calls = receiver.until(|calls| calls.iter().any(|call| call.was_taken)).await;
    let taken = calls.iter().find(|call| call.was_taken).unwrap();
    assert_eq!(taken.verification(), words[2]);
    assert!(calls.iter().any(|call| !call.was_taken && call.id == taken.id), "under the same name as before");
    assert_eq!(tool(&["replay", "--all", &endpoint]).trim(), (dead - 1).to_string());
    advance(&server, 1).await;
    receiver.until(|calls| calls.iter().filter(|call| call.was_taken).count() == dead).await;
    assert_eq!(tool(&["dead"]), "");

    let (status, _, err) = run(&["webhooks", "replay", words[0], "--tenant", "dev", "--config", &config]);
    let wanted =
        format!("cannot send {} again: no such webhook delivery; `countersign webhooks dead` shows all", words[0]);
    assert!(status == Some(1) && err.contains(&wanted), "{err}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redirect_is_not_followed_and_a_410_ends_it() {
    let (data, receiver) = (tempfile::tempdir().unwrap(), Receiver::start(307).await);
    let server = Running::dev_with(data.path(), LOOPBACK).await;
    let endpoint = endpoint(&server, &receiver).await;
    let id = start(&server, "+34666666203").await;
    receiver.until(|calls| !calls.is_empty()).await;
    receiver.answer(410);
    advance(&server, 10).await;
    receiver.until(|calls| calls.len() == 2).await;
    let shown = loop {
        let shown = server.get(&format!("/v1/webhook-endpoints/{endpoint}")).await.body;
        if shown["enabled"] == false {
            break shown;
        }
    };
    assert_eq!(shown["disabled_because"], "gone");
    assert_eq!(receiver.elsewhere.load(Ordering::SeqCst), 0, "nobody was called elsewhere");
    let dead = loop {
        let dead = server.get("/v1/webhook-deliveries").await.body["deliveries"].clone();
        let waiting = server.get("/v1/webhook-deliveries?status=pending").await.body["deliveries"].clone();
        if waiting == json!([]) {
            break dead;
        }
    };
    assert!(dead.as_array().unwrap().iter().all(|letter| letter["verification"] == id.as_str()), "{dead}");
    assert_eq!(dead.as_array().unwrap().last().unwrap()["reason"], "status 410");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dev_mode_records_what_it_would_send_and_calls_nobody_unless_it_is_told_to() {
    let (data, receiver) = (tempfile::tempdir().unwrap(), Receiver::start(200).await);
    let server = Running::dev(data.path()).await;
    let refused = server.post("/v1/webhook-endpoints", json!({"url": receiver.url})).await;
    assert_eq!((refused.status, refused.body["code"].as_str()), (422, Some("invalid_request")));
    let made = server.post("/v1/webhook-endpoints", json!({"url": "https://shop.example/hooks"})).await;
    assert_eq!(made.status, 201);
    start(&server, "+34666666204").await;
    let recorded = server.get("/sandbox/callbacks?after=0&wait=30").await.body;
    let call = &recorded["callbacks"][0];
    assert_eq!((call["url"].as_str(), call["method"].as_str()), (Some("https://shop.example/hooks"), Some("POST")));
    assert!(call["headers"]["webhook-signature"].as_str().unwrap().starts_with("v1,"), "{call}");
    assert!(call["body"].as_str().unwrap().contains("+34*******04"), "{call}");
    assert!(receiver.calls().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_node_on_a_database_hears_of_an_endpoint_and_one_of_them_tells_each_event() {
    let (data, url) = (tempfile::tempdir().unwrap(), testing::database().await);
    let receiver = Receiver::start(200).await;
    let first = Running::node(data.path(), &url, LOOPBACK).await;
    let second = Running::node(data.path(), &url, LOOPBACK).await;
    endpoint(&first, &receiver).await;
    let mut number = 0;
    while receiver.calls().is_empty() {
        number += 1;
        start(&second, &format!("+3466666{number:04}")).await;
    }
    let last = start(&second, "+34667000000").await;
    receiver.until(|calls| calls.iter().any(|call| call.verification() == last)).await;
    second.post(&format!("/v1/verifications/{last}/cancel"), json!({})).await;
    let ended = |calls: &[Call]| calls.iter().any(|call| call.body["type"] == "verification.cancelled");
    receiver.until(ended).await;
    let taken = receiver.taken(&last);
    assert_eq!(taken, history(&first, &last).await[..taken.len()]);
}
