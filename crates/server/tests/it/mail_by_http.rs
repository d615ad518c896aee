//! `countersign serve` with a mailer that speaks HTTP, as its shipped file describes it, and a real mail relay behind it: codes
//! leave and are checked, the mailer's reports decide about their messages, and no address comes into log or history.

use crate::{
    carriers::free_port,
    mail::{code_in, made_key},
    peer::Peer,
    running::Running,
};
use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
    routing::post,
};
use serde_json::{Value, json};
use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::{
    net::TcpListener,
    sync::mpsc::{self, UnboundedReceiver, UnboundedSender},
    time::timeout,
};

/// A test that waits longer than this has failed.
const PATIENCE: Duration = Duration::from_mins(1);
const TOKEN: &str = "server-token";
const RECEIPTS: &str = "webhook-password";
/// To this address the mailer's account may not send.
const NO_CREDIT: &str = "eve@example.com";
const PEOPLE: [&str; 3] = ["ana@example.com", "bob@example.com", NO_CREDIT];

/// Postmark, as far as it documents itself: every mail that it takes, with the id that it gives.
async fn postmark() -> (u16, UnboundedReceiver<Value>) {
    let (found, taken) = mpsc::unbounded_channel();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let router = Router::new().route("/email", post(take)).with_state(found);
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (port, taken)
}

async fn take(State(taken): State<UnboundedSender<Value>>, headers: HeaderMap, body: String) -> Response {
    if headers.get("x-postmark-server-token").is_none_or(|token| token != TOKEN) {
        return (StatusCode::UNAUTHORIZED, json!({"ErrorCode": 10}).to_string()).into_response();
    }
    let mut mail: Value = serde_json::from_str(&body).unwrap();
    if mail["To"] == NO_CREDIT {
        let refusal = json!({"ErrorCode": 405, "Message": format!("Not allowed to send to {NO_CREDIT}")});
        return (StatusCode::UNPROCESSABLE_ENTITY, refusal.to_string()).into_response();
    }
    let id = format!("0a129aee-{}", mail["Metadata"]["countersign"].as_str().unwrap());
    mail["MessageID"] = json!(id);
    taken.send(mail).unwrap();
    json!({"ErrorCode": 0, "Message": "OK", "MessageID": id}).to_string().into_response()
}

fn configuration(dir: &Path, port: u16, postmark: u16, relay: u16) -> PathBuf {
    let shown = dir.display();
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../delivery/aggregators/postmark.toml");
    let mut section = fs::read_to_string(shipped).unwrap();
    for (name, secret) in [("postmark", TOKEN), ("postmark-receipts", RECEIPTS)] {
        let path = dir.join(name);
        fs::write(&path, secret).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        section = section.replace(&format!("\"/run/secrets/{name}\""), &format!("\"{}\"", path.display()));
    }
    let section = section.replace("https://api.postmarkapp.com/", &format!("http://127.0.0.1:{postmark}/"));
    let path = dir.join("countersign.toml");
    let text = format!(
        "[server]\nlisten = '127.0.0.1:{port}'\npublic_url = 'http://127.0.0.1:{port}'\n[store]\n\
         path = '{shown}/countersign.sqlite'\n[keys]\nfile = '{shown}/keys.json'\n\
         [routes]\nemail = ['postmark', 'relay']\n\
         [providers.smtp.relay]\nhost = '127.0.0.1'\nport = {relay}\ntls = 'none'\nfrom = 'Acme <no-reply@acme.example>'\n\
         {section}"
    );
    fs::write(&path, text).unwrap();
    path
}

/// Begins a verification: its path.
async fn start(server: &Running, to: &str) -> String {
    let started = server.post("/v1/verifications", json!({"to": to, "channel": "email"})).await;
    assert_eq!(started.status, 201, "{}", started.body);
    format!("/v1/verifications/{}", started.body["id"].as_str().unwrap())
}

async fn is_valid(server: &Running, verification: &str, code: &str) -> bool {
    let checked = server.post(&format!("{verification}/check"), json!({ "code": code })).await.body;
    checked["valid"].as_bool().unwrap()
}

async fn next(taken: &mut UnboundedReceiver<Value>) -> Value {
    timeout(PATIENCE, taken.recv()).await.expect("the mailer is asked").unwrap()
}

fn code_of(mail: &Value) -> String {
    code_in(&json!({"text": mail["TextBody"]}))
}

/// What the mailer calls back with about a mail that it took; the status that it is answered.
async fn report(server: &Running, mail: &Value, what: Value, password: &str) -> u16 {
    let mut body = what;
    body["MessageID"] = mail["MessageID"].clone();
    body["Metadata"] = mail["Metadata"].clone();
    body["Email"] = mail["To"].clone();
    let url = format!("{}/callbacks/postmark", server.url);
    let call = server.client().post(url).basic_auth("countersign", Some(password)).body(body.to_string());
    call.send().await.unwrap().status().as_u16()
}

async fn history(server: &Running, verification: &str) -> (Vec<String>, String) {
    let told = server.get(&format!("{verification}/events")).await.body;
    let kinds = told["events"].as_array().unwrap().iter().map(|event| event["type"].as_str().unwrap().to_owned());
    (kinds.collect(), told.to_string())
}

/// The mailer's answer is on the disk: before that, its reports are turned away for a while.
async fn accepted(server: &Running, verification: &str) {
    while !history(server, verification).await.0.contains(&"message_accepted".to_owned()) {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn codes_leave_by_a_mailer_its_bounces_fail_messages_and_a_relay_steps_in() {
    let (mailer, mut taken) = postmark().await;
    let mut relay = Peer::start(json!({"tls": "none", "port": 0})).await;
    let dir = tempfile::tempdir().unwrap();
    let config = configuration(dir.path(), free_port().await, mailer, relay.port);
    let server = Running::serve(&config, &made_key(&config));
    let [ana, bob, eve] = PEOPLE;

    let first = start(&server, ana).await;
    let mail = next(&mut taken).await;
    assert_eq!((mail["To"].as_str(), mail["From"].as_str()), (Some(ana), Some("Acme <no-reply@acme.example>")));
    let code = code_of(&mail);
    assert!(mail["HtmlBody"].as_str().unwrap().contains(&code), "{mail}");
    assert!(is_valid(&server, &first, &code).await);
    accepted(&server, &first).await;
    let delivered = || json!({"RecordType": "Delivery"});
    assert_eq!(report(&server, &mail, delivered(), "guessed").await, 403);
    assert!(!history(&server, &first).await.0.contains(&"message_delivered".to_owned()));
    assert_eq!(report(&server, &mail, delivered(), RECEIPTS).await, 200);
    assert!(history(&server, &first).await.0.contains(&"message_delivered".to_owned()));

    let second = start(&server, bob).await;
    let mail = next(&mut taken).await;
    accepted(&server, &second).await;
    let bounce = |kind: &str| json!({"RecordType": "Bounce", "Type": kind, "Description": format!("no {bob} here")});
    assert_eq!(report(&server, &mail, bounce("Transient"), RECEIPTS).await, 200);
    assert!(!history(&server, &second).await.0.contains(&"message_failed".to_owned()), "Postmark still tries");
    assert_eq!(report(&server, &mail, bounce("HardBounce"), RECEIPTS).await, 200);
    assert!(history(&server, &second).await.0.contains(&"message_failed".to_owned()));

    let third = start(&server, eve).await;
    let by_relay = relay.wait_for("mail").await;
    assert_eq!(by_relay["envelope"]["to"], json!([eve]));
    assert!(is_valid(&server, &third, &code_in(&by_relay)).await);

    let mut told = String::new();
    for verification in [&first, &second, &third] {
        told += &history(&server, verification).await.1;
    }
    let (status, log) = server.stop();
    assert!(status.success());
    for secret in [ana, bob, eve, &code, &code_of(&mail), &code_in(&by_relay), TOKEN, RECEIPTS] {
        assert!(!told.contains(secret) && !log.contains(secret), "{secret} in {told} or {log}");
    }
    assert!(log.contains("a receipt came") && log.contains("405"), "{log}");
}
