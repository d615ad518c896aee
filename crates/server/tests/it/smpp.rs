//! `countersign serve` with a carrier over SMPP, a foreign SMSC under node: a code leaves, the process is killed, and the receipt
//! that comes to the next one is matched; and `countersign providers test`.

use crate::{cutter, mail, peer::Peer, running::Running};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::{sync::Semaphore, task::JoinSet};

const TO: &str = "+34666666111";

async fn smsc(receipts: &str) -> Peer {
    let orders =
        json!({"user": "acme", "password": "s3cret", "state": "DELIVRD", "ids": "hexadecimal", "receipts": receipts});
    Peer::start_smsc(orders).await
}

fn configuration(dir: &Path, port: u16) -> PathBuf {
    let (shown, path) = (dir.display(), dir.join("countersign.toml"));
    let text = format!(
        "[server]\nlisten = '127.0.0.1:0'\n[store]\npath = '{shown}/countersign.sqlite'\n[keys]\nfile = '{shown}/keys.json'\n\
         [providers.smpp.carrier]\nhost = '127.0.0.1'\nport = {port}\ntls = 'none'\nsystem_id = 'acme'\n\
         password = 's3cret'\nfrom = 'Acme'\ndoubt_seconds = 10\n[routes]\nsms = ['carrier']\n"
    );
    fs::write(&path, text).unwrap();
    // There is a password in it.
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path
}

/// The one message of a verification, once it is in this state.
async fn message_in(server: &Running, id: &str, state: &str) -> Value {
    loop {
        let history = server.get(&format!("/v1/verifications/{id}/events")).await.body;
        let message = history["messages"][0].clone();
        if message["state"] == state {
            return message;
        }
        assert_ne!(message["state"], "failed", "{history}");
        tokio::task::yield_now().await;
    }
}

async fn metrics(server: &Running) -> String {
    let answer = server.client().get(format!("{}/metrics", server.url)).send().await.unwrap();
    answer.text().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receipt_that_comes_after_kill_9_is_matched_and_its_time_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let mut smsc = smsc("rebound").await;
    let config = configuration(dir.path(), smsc.port);
    let server = Running::serve(&config, &mail::made_key(&config));
    let key = server.key().to_owned();
    let started = server.post("/v1/verifications", json!({"to": TO, "channel": "sms"})).await;
    assert_eq!(started.status, 201, "{}", started.body);
    let id = started.body["id"].as_str().unwrap();
    let submitted = smsc.wait_for("submitted").await;
    assert_eq!((&submitted["to"], &submitted["from"]), (&json!("34666666111"), &json!("Acme")));
    let message = message_in(&server, id, "accepted").await;
    assert_eq!((&message["provider"], &message["reference"]), (&json!("carrier"), &json!("1")));
    assert!(message["accepted_at"].is_string() && message["delivered_at"].is_null(), "{message}");

    let told = metrics(&server).await;
    let link = "provider=\"carrier\",link=\"1-transceiver\"";
    for (metric, value) in [
        (format!("provider_link_state{{{link},state=\"bound\"}}"), 1),
        (format!("provider_link_state{{{link},state=\"down\"}}"), 0),
        (format!("provider_link_in_window{{{link}}}"), 0),
        (format!("provider_link_binds_total{{{link}}}"), 1),
        (format!("provider_link_throttled_total{{{link}}}"), 0),
    ] {
        assert!(told.contains(&format!("countersign_{metric} {value}\n")), "{metric} {value} in {told}");
    }

    server.kill();
    let server = Running::serve(&config, &key);
    let acknowledged = smsc.wait_for("acknowledged").await;
    assert_eq!(acknowledged["status"], 0);
    // It was acknowledged, so it is on the disk.
    let history = server.get(&format!("/v1/verifications/{id}/events")).await.body;
    let message = &history["messages"][0];
    assert_eq!(message["state"], "delivered", "{history}");
    assert_eq!(message["delivered_at"], history["events"].as_array().unwrap().last().unwrap()["at"]);
    let code: String = submitted["text"].as_str().unwrap().chars().filter(char::is_ascii_digit).take(6).collect();
    let checked = server.post(&format!("/v1/verifications/{id}/check"), json!({"code": code})).await;
    assert_eq!(checked.body["valid"], true, "{}", checked.body);

    let (status, log) = server.stop();
    assert!(status.success());
    smsc.wait_for("unbound").await;
    assert!(!log.contains("666666111") && !log.contains(&code) && !log.contains("s3cret"), "{log}");
}

/// Starts so many verifications, each for a number of its own; their ids.
async fn start_many(server: &Arc<Running>, count: u32) -> Vec<String> {
    let (places, mut starting) = (Arc::new(Semaphore::new(20)), JoinSet::new());
    for number in 0..count {
        let place = Arc::clone(&places).acquire_owned().await.unwrap();
        let server = Arc::clone(server);
        starting.spawn(async move {
            let body = json!({"to": format!("+346{number:08}"), "channel": "sms"});
            let started = server.post("/v1/verifications", body).await;
            drop(place);
            assert_eq!(started.status, 201, "{}", started.body);
            started.body["id"].as_str().unwrap().to_owned()
        });
    }
    starting.join_all().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_a_wire_that_is_cut_each_code_leaves_once_and_each_is_known_to_have_arrived() {
    const COUNT: u32 = 1000;
    let dir = tempfile::tempdir().unwrap();
    let mut smsc = smsc("after").await;
    let port = cutter::start(smsc.port, Duration::from_millis(700)).await;
    let config = configuration(dir.path(), port);
    let server = Arc::new(Running::serve(&config, &mail::made_key(&config)));
    let seen = tokio::spawn(async move {
        let (mut taken, mut acknowledged) = (BTreeMap::<String, u32>::new(), BTreeMap::<String, u32>::new());
        while acknowledged.len() < COUNT as usize {
            for event in smsc.until("acknowledged").await {
                let counted = match event["event"].as_str() {
                    Some("submitted") => &mut taken,
                    Some("acknowledged") if event["status"] == 0 => &mut acknowledged,
                    _ => continue,
                };
                *counted.entry(event["to"].as_str().unwrap().to_owned()).or_default() += 1;
            }
        }
        taken
    });
    let ids = start_many(&server, COUNT).await;
    for id in &ids {
        assert!(message_in(&server, id, "delivered").await["delivered_at"].is_string());
    }
    let taken = seen.await.unwrap();
    assert!(taken.len() == COUNT as usize && taken.values().all(|times| *times == 1), "{taken:?}");
    let told = metrics(&server).await;
    let binds = told.lines().find_map(|line| line.strip_prefix("countersign_provider_link_binds_total{")).unwrap();
    let binds: u32 = binds.split_whitespace().last().unwrap().parse().unwrap();
    println!("bound {binds} times");
    assert!(binds > 1, "the wire was cut");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn providers_test_shows_each_step_up_to_the_receipt() {
    let dir = tempfile::tempdir().unwrap();
    let mut smsc = smsc("after").await;
    let config = configuration(dir.path(), smsc.port);
    let told = mail::run(&config, &["providers", "test", "carrier", TO]);
    let steps: Vec<&str> = told.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(
        steps,
        ["provider", "connection", "request", "answer", "bind", "reference", "accepted", "receipt"],
        "{told}"
    );
    assert!(told.contains("ESME_ROK (0x00)") && told.contains("Delivered after") && !told.contains("s3cret"), "{told}");
    assert_eq!(smsc.wait_for("submitted").await["to"], "34666666111");
    smsc.wait_for("unbound").await;
    assert_eq!(mail::run(&config, &["providers", "list"]), "carrier  smpp  sms  routes sms\n");
}
