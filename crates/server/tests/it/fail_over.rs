//! The primary dies and a standby takes its place, under load: requests are refused clearly for the gap, and then go on, with
//! nothing lost that was answered.

use crate::running::{Answer, Running, ask};
use countersign_store::testing::{Server, execute};
use reqwest::Method;
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use tokio::{sync::Notify, task::JoinSet};
use tokio_util::sync::CancellationToken;

const CLIENTS: usize = 6;
/// Before the primary dies, and again after the standby has taken over.
const ANSWERS: u32 = 150;

/// What the clients were told.
#[derive(Default)]
struct Record {
    approved: Mutex<HashMap<String, bool>>,
    next_number: AtomicU32,
    answers: AtomicU32,
    enough: Notify,
    refused: Notify,
    over: CancellationToken,
}

struct Customer {
    record: Arc<Record>,
    client: reqwest::Client,
    url: String,
    key: String,
}

impl Customer {
    /// None: it was refused, and comes again when it was told to.
    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Option<Answer> {
        let answer = ask(&self.client, &self.url, &self.key, method, path, body).await.expect("the server lives");
        if answer.status != 503 {
            return Some(answer);
        }
        let seconds = answer.retry_after.expect("it says when to come again").parse().unwrap();
        self.record.refused.notify_one();
        tokio::select! {
            () = self.record.over.cancelled() => {}
            () = tokio::time::sleep(Duration::from_secs(seconds)) => {}
        }
        None
    }

    fn note(&self, id: &str, is_approved: bool) {
        *self.record.approved.lock().unwrap().entry(id.to_owned()).or_default() |= is_approved;
        if self.record.answers.fetch_add(1, Ordering::SeqCst) + 1 == ANSWERS {
            self.record.enough.notify_one();
        }
    }

    async fn one_round_trip(&self) -> Option<()> {
        let number = 600_000_000 + self.record.next_number.fetch_add(1, Ordering::SeqCst);
        let start = json!({"to": format!("+34{number}"), "channel": "sms", "code": "481516"});
        let started = self.ask(Method::POST, "/v1/verifications", Some(start)).await?;
        assert_eq!(started.status, 201, "{}", started.body);
        let id = started.body["id"].as_str().unwrap();
        self.note(id, false);
        let path = format!("/v1/verifications/{id}/check");
        let checked = self.ask(Method::POST, &path, Some(json!({"code": "481516"}))).await?;
        assert_eq!((checked.status, &checked.body["valid"]), (200, &json!(true)), "{}", checked.body);
        self.note(id, true);
        Some(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_primary_dies_a_standby_is_promoted_and_nothing_that_was_answered_is_lost() {
    let primary = Server::start();
    let standby = primary.standby();
    // Whatever is answered is on both.
    execute(&primary.url, "ALTER SYSTEM SET synchronous_standby_names = '*'").await;
    execute(&primary.url, "SELECT pg_reload_conf()").await;
    let url = format!("postgres://countersign@127.0.0.1:{},127.0.0.1:{}/postgres", primary.port(), standby.port());
    let data = tempfile::tempdir().unwrap();
    let nodes = [Running::node(data.path(), &url, &[]).await, Running::node(data.path(), &url, &[]).await];

    let record = Arc::new(Record::default());
    let mut clients = JoinSet::new();
    for number in 0..CLIENTS {
        let node = &nodes[number % 2];
        let (client, url, key) = (node.client(), node.url.clone(), node.key().to_owned());
        let customer = Customer { record: Arc::clone(&record), client, url, key };
        clients.spawn(async move {
            while !customer.record.over.is_cancelled() {
                // Refused: with the next one.
                let _ = customer.one_round_trip().await;
            }
        });
    }
    record.enough.notified().await;
    primary.kill();
    record.refused.notified().await;
    println!("the gap has begun");
    standby.promote().await;
    // Nobody is left whose word a commit could wait for.
    execute(&standby.url, "ALTER SYSTEM SET synchronous_standby_names = ''").await;
    execute(&standby.url, "SELECT pg_reload_conf()").await;
    record.answers.store(0, Ordering::SeqCst);
    record.enough.notified().await;
    record.over.cancel();
    clients.join_all().await;

    let approved = record.approved.lock().unwrap().clone();
    println!("{} verifications were told of", approved.len());
    for (id, is_approved) in approved {
        let now = nodes[0].get(&format!("/v1/verifications/{id}")).await;
        assert_eq!(now.status, 200, "an answered start is known");
        if is_approved {
            assert_eq!(now.body["status"], "approved");
        }
    }
}
