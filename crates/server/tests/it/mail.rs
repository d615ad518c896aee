//! `countersign serve` with a real mail relay (a foreign SMTP server under Node): a code leaves by mail and is checked; and
//! with the relay down it waits, tries again, and leaves when the relay is back.

use crate::{peer::Peer, running::Running};
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

async fn relay(port: u16) -> Peer {
    Peer::start(json!({"tls": "none", "port": port})).await
}

fn configuration(dir: &Path, port: u16) -> PathBuf {
    let shown = dir.display();
    let path = dir.join("countersign.toml");
    let text = format!(
        "[server]\nlisten = '127.0.0.1:0'\n[store]\npath = '{shown}/countersign.sqlite'\n[keys]\nfile = '{shown}/keys.json'\n\
         [providers.smtp.relay]\nhost = '127.0.0.1'\nport = {port}\ntls = 'none'\nfrom = 'Acme <no-reply@acme.example>'\n\
         [routes]\nemail = ['relay']\n"
    );
    fs::write(&path, text).unwrap();
    path
}

/// One command with this configuration, and what it prints.
pub fn run(config: &Path, arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_countersign"))
        .args(arguments)
        .args(["--config", &config.display().to_string()])
        .env_clear()
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// As an operator makes them: a tenant, then a key, whose secret is the only word of the output that begins with `cs_`.
pub fn made_key(config: &Path) -> String {
    run(config, &["tenants", "create", "acme"]);
    let told = run(config, &["keys", "create", "--tenant", "acme", "--name", "shop"]);
    told.split_whitespace().find(|word| word.starts_with("cs_")).expect("the secret is shown").to_owned()
}

pub fn code_in(mail: &Value) -> String {
    let text = mail["text"].as_str().unwrap();
    let digits = text.split(|character: char| !character.is_ascii_digit());
    digits.into_iter().find(|word| word.len() == 6).expect("the mail has a code").to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_leaves_by_mail_and_is_checked() {
    let dir = tempfile::tempdir().unwrap();
    let mut relay = relay(0).await;
    let config = configuration(dir.path(), relay.port);
    let server = Running::serve(&config, &made_key(&config));
    let started = server.post("/v1/verifications", json!({"to": "ana@example.com", "channel": "email"})).await;
    assert_eq!(started.status, 201, "{}", started.body);
    let mail = relay.wait_for("mail").await;
    assert_eq!(mail["envelope"]["to"], json!(["ana@example.com"]));
    let check = format!("/v1/verifications/{}/check", started.body["id"].as_str().unwrap());
    let checked = server.post(&check, json!({"code": code_in(&mail)})).await.body;
    assert_eq!(checked["valid"], true);

    let refused = server.post("/v1/verifications", json!({"to": "+34666666111", "channel": "sms"})).await;
    assert_eq!(
        (refused.status, &refused.body["code"]),
        (422, &json!("channel_unavailable")),
        "no provider sends SMS here"
    );
    assert_eq!(server.get("/sandbox/messages").await.status, 404);
    let (status, _) = server.stop();
    assert!(status.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_the_relay_down_a_code_waits_and_leaves_when_it_is_back() {
    let dir = tempfile::tempdir().unwrap();
    let port = relay(0).await.port;
    let config = configuration(dir.path(), port);
    let server = Running::serve(&config, &made_key(&config));
    let started = server.post("/v1/verifications", json!({"to": "ana@example.com", "channel": "email"})).await;
    assert_eq!(started.status, 201, "{}", started.body);
    let id = started.body["id"].as_str().unwrap().to_owned();
    let events = format!("/v1/verifications/{id}/events");
    let failed = loop {
        let history = server.get(&events).await.body;
        if let Some(event) =
            history["events"].as_array().unwrap().iter().find(|event| event["type"] == "message_attempt_failed")
        {
            break event.clone();
        }
    };
    assert!(failed["next_at"].is_string(), "{failed}");
    assert!(!failed.to_string().contains("ana@"), "{failed}");
    let mut relay = relay(port).await;
    let mail = relay.wait_for("mail").await;
    let check = server.post(&format!("/v1/verifications/{id}/check"), json!({"code": code_in(&mail)})).await;
    assert_eq!(check.body["valid"], true);
}
