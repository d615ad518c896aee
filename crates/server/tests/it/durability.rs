//! `kill -9` in a loop under load: whatever was answered is still true afterwards.

use crate::running::{Running, ask};
use reqwest::Method;
use serde_json::json;
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
};
use tokio::{sync::Notify, task::JoinSet};

const ROUNDS: usize = 8;
const CLIENTS: usize = 12;
/// The server is killed in the middle of the load, after so many answers of a round.
const ANSWERS_A_ROUND: u32 = 120;

/// What the server has told somebody of one verification.
#[derive(Clone, Default)]
struct Told {
    wrong: u64,
    approved: bool,
}

#[derive(Default)]
struct Record {
    told: Mutex<HashMap<String, Told>>,
    next_number: AtomicU32,
    answers: AtomicU32,
    enough: Notify,
}

impl Record {
    fn note(&self, id: &str, change: impl FnOnce(&mut Told)) {
        change(self.told.lock().unwrap().entry(id.to_owned()).or_default());
        if self.answers.fetch_add(1, Ordering::SeqCst) + 1 == ANSWERS_A_ROUND {
            self.enough.notify_one();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_answered_survives_kill_9_under_load() {
    let data = tempfile::tempdir().unwrap();
    let record = Arc::new(Record::default());
    for round in 0..ROUNDS {
        let server = Running::dev(data.path()).await;
        verify(&server, &record).await;
        record.answers.store(0, Ordering::SeqCst);
        let mut clients = JoinSet::new();
        for _ in 0..CLIENTS {
            clients.spawn(use_it(server.client(), server.url.clone(), server.key().to_owned(), Arc::clone(&record)));
        }
        record.enough.notified().await;
        server.kill();
        clients.join_all().await;
        println!("round {round}: {} verifications were told of so far", record.told.lock().unwrap().len());
    }
    verify(&Running::dev(data.path()).await, &record).await;
    let told = record.told.lock().unwrap();
    assert!(told.values().any(|told| told.approved) && told.values().any(|told| told.wrong > 0));
}

/// Starts verifications and checks them, wrong and right, until the server is gone.
async fn use_it(client: reqwest::Client, url: String, key: String, record: Arc<Record>) {
    while one_round_trip(&client, &url, &key, &record).await.is_some() {}
}

async fn one_round_trip(client: &reqwest::Client, url: &str, key: &str, record: &Record) -> Option<()> {
    let number = 600_000_000 + record.next_number.fetch_add(1, Ordering::SeqCst);
    let start = json!({"to": format!("+34{number}"), "channel": "sms"});
    let started = ask(client, url, key, Method::POST, "/v1/verifications", Some(start)).await?;
    assert_eq!(started.status, 201, "{}", started.body);
    let id = started.body["id"].as_str().unwrap().to_owned();
    record.note(&id, |_| {});
    let inbox = format!("/sandbox/messages?to=34{number}&wait=30");
    let arrived = ask(client, url, key, Method::GET, &inbox, None).await?.body;
    let code = arrived["messages"][0]["code"].as_str()?.to_owned();
    let path = format!("/v1/verifications/{id}/check");
    for _ in 0..number % 3 {
        let wrong = ask(client, url, key, Method::POST, &path, Some(json!({"code": "wrong"}))).await?;
        assert_eq!(wrong.body["valid"], false, "{}", wrong.body);
        record.note(&id, |told| told.wrong += 1);
    }
    let right = ask(client, url, key, Method::POST, &path, Some(json!({"code": code}))).await?;
    assert_eq!(right.body["valid"], true, "{}", right.body);
    record.note(&id, |told| told.approved = true);
    Some(())
}

/// Every answered start is known, every answered approval stands and cannot be had again, every answered wrong attempt counts.
async fn verify(server: &Running, record: &Record) {
    let told = record.told.lock().unwrap().clone();
    for (id, told) in told {
        let now = server.get(&format!("/v1/verifications/{id}")).await;
        assert_eq!(now.status, 200, "an answered start is known");
        let left = now.body["attempts_left"].as_u64().unwrap();
        assert!(left + told.wrong <= 5, "{left} attempts left after {} wrong ones", told.wrong);
        if told.approved {
            assert_eq!(now.body["status"], "approved");
            let again = server.post(&format!("/v1/verifications/{id}/check"), json!({"code": "000000"})).await;
            assert_eq!(
                (again.body["valid"].as_bool(), &again.body["reason"]),
                (Some(false), &json!("already_approved"))
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_was_not_sent_before_a_kill_is_sent_after_it() {
    let data = tempfile::tempdir().unwrap();
    let server = Running::dev(data.path()).await;
    server.put("/sandbox/outcomes/34666666111", json!({"outcome": "deliver", "delay_ms": 3_600_000})).await;
    let started = server.post("/v1/verifications", json!({"to": "+34666666111", "channel": "sms"})).await;
    let id = started.body["id"].as_str().unwrap().to_owned();
    server.kill();

    let server = Running::dev(data.path()).await;
    let plan = json!({"outcome": "deliver"});
    server.put("/sandbox/outcomes/34666666111", plan).await;
    server.kill();
    let server = Running::dev(data.path()).await;
    let arrived = server.get("/sandbox/messages?to=34666666111&wait=30").await.body;
    let code = arrived["messages"][0]["code"].as_str().unwrap().to_owned();
    let checked = server.post(&format!("/v1/verifications/{id}/check"), json!({"code": code})).await;
    assert_eq!(checked.body["valid"], true);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_thousand_parallel_right_checks_one_is_valid() {
    let data = tempfile::tempdir().unwrap();
    let server = Running::dev(data.path()).await;
    let (id, code) = server.started_with_code("+34666666111").await;
    let mut checks = JoinSet::new();
    for _ in 0..1000 {
        let (client, url, key) = (server.client(), server.url.clone(), server.key().to_owned());
        let (path, body) = (format!("/v1/verifications/{id}/check"), json!({"code": code}));
        checks.spawn(async move { ask(&client, &url, &key, Method::POST, &path, Some(body)).await.unwrap() });
    }
    let answers = checks.join_all().await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    assert_eq!(answers.iter().filter(|answer| answer.body["valid"] == true).count(), 1);
}
