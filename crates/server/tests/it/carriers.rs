//! `countersign serve` with carriers of its own: a message through a real Kannel to an SMSC and its receipt back to the caller's
//! server, and a carrier that swallows everything in front of one that works.

use crate::{kannel_boxes::Kannel, mail::run, running::Running};
use axum::{Router, body::Bytes, extract::State, routing::post};
use serde_json::{Value, json};
use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use tokio::{
    net::TcpListener,
    sync::mpsc::{self, UnboundedReceiver, UnboundedSender},
    time::timeout,
};

/// A test that waits longer than this has failed.
const PATIENCE: Duration = Duration::from_mins(1);
const NUMBER: &str = "34666666111";
const PASSWORD: &str = "kannel-password";

/// A server that takes every POST, and what was posted.
pub async fn listener() -> (String, UnboundedReceiver<String>) {
    let (found, posted) = mpsc::unbounded_channel();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let take = |State(found): State<UnboundedSender<String>>, body: Bytes| async move {
        found.send(String::from_utf8(body.to_vec()).unwrap()).unwrap();
        "taken"
    };
    let router = Router::new().fallback(post(take)).with_state(found);
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (url, posted)
}

pub async fn next(posted: &mut UnboundedReceiver<String>) -> String {
    timeout(PATIENCE, posted.recv()).await.expect("it is called").unwrap()
}

pub async fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}

/// A configuration with these providers and this route for text messages; callers' servers may be on this machine.
pub fn configuration(dir: &Path, port: u16, providers: &str, route: &str) -> PathBuf {
    let shown = dir.display();
    let path = dir.join("countersign.toml");
    let text = format!(
        "[server]\nlisten = '127.0.0.1:{port}'\npublic_url = 'http://127.0.0.1:{port}'\n[store]\n\
         path = '{shown}/countersign.sqlite'\n[keys]\nfile = '{shown}/keys.json'\n\
         [callbacks]\nallow_networks = ['127.0.0.1']\n{providers}\n[routes]\nsms = {route}\n"
    );
    fs::write(&path, text).unwrap();
    // There may be a password in it.
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    #[cfg(unix)]
    fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    path
}

/// As an operator makes it for a client of Gateway360.
fn key(config: &Path) -> String {
    run(config, &["tenants", "create", "acme"]);
    run(config, &["keys", "create", "--tenant", "acme", "--name", "shop", "--form", "hex32"]).trim().to_owned()
}

async fn request(server: &Running, key: &str, report_url: &str) {
    let body = json!({"api_key": key, "msisdn": NUMBER, "sender": "PIZZA", "hlr_lookup": 0, "report_url": report_url});
    assert_eq!(server.post("/api/2fa/request", body).await.body, json!({"status": "ok"}));
}

async fn verify(server: &Running, key: &str, pin: &str) -> Value {
    server.post("/api/2fa/verify", json!({"api_key": key, "msisdn": NUMBER, "pin": pin})).await.body
}

pub fn pin_in(text: &str) -> &str {
    text.split(|character: char| !character.is_ascii_digit()).find(|word| word.len() == 6).expect("a PIN")
}

/// The shipped configuration, with this Kannel's port and password in it.
fn kannel_section(port: u16) -> String {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../delivery/aggregators/kannel.toml");
    let text = fs::read_to_string(shipped).unwrap();
    text.replace("127.0.0.1:13013", &format!("127.0.0.1:{port}"))
        .replace("password_file = \"/run/secrets/kannel\"", &format!("password = \"{PASSWORD}\""))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pin_goes_through_kannel_and_its_receipt_reaches_the_callers_server_once() {
    let mut kannel = Kannel::start(PASSWORD, "DELIVRD").await;
    let (report_url, mut reports) = listener().await;
    let dir = tempfile::tempdir().unwrap();
    let config = configuration(dir.path(), free_port().await, &kannel_section(kannel.port), "['kannel']");
    let key = key(&config);
    let server = Running::serve(&config, &key);
    request(&server, &key, &report_url).await;

    let submitted = kannel.smsc.wait_for("submitted").await;
    assert_eq!((submitted["to"].as_str(), submitted["from"].as_str()), (Some(NUMBER), Some("PIZZA")));
    let told: Value = serde_json::from_str(&next(&mut reports).await).unwrap();
    assert_eq!(told.as_array().map(Vec::len), Some(1), "{told}");
    assert_eq!((&told[0]["to"], &told[0]["status"]), (&json!(NUMBER), &json!("DELIVRD")));
    assert_eq!(verify(&server, &key, pin_in(submitted["text"].as_str().unwrap())).await, json!({"status": "ok"}));

    // A second message's report is the next thing that the caller's server hears: the first was told once.
    request(&server, &key, &report_url).await;
    kannel.smsc.wait_for("submitted").await;
    let again: Value = serde_json::from_str(&next(&mut reports).await).unwrap();
    assert_ne!(again[0]["sms_id"], told[0]["sms_id"]);
    assert!(reports.try_recv().is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_the_first_carrier_black_holed_the_second_has_the_message_within_ten_seconds_and_only_once() {
    // It takes connections and requests, and never says a word.
    let swallower = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (working, mut taken) = listener().await;
    let section = |name: &str, url: &str| {
        format!(
            "[providers.http.{name}]\nchannels = ['sms']\nfrom = 'Acme'\n[providers.http.{name}.request]\nmethod = 'POST'\n\
             url = '{url}/send'\n[providers.http.{name}.request.json]\nto = '{{{{ to }}}}'\ntext = '{{{{ text }}}}'\n\
             [providers.http.{name}.answer]\naccept = [{{ contains = 'taken' }}]\n"
        )
    };
    let hole = format!("http://{}", swallower.local_addr().unwrap());
    let providers = section("hole", &hole) + &section("good", &working);
    let dir = tempfile::tempdir().unwrap();
    let config = configuration(dir.path(), free_port().await, &providers, "['hole', 'good']");
    let key = key(&config);
    let server = Running::serve(&config, &key);
    #[expect(clippy::disallowed_methods, reason = "what is promised is a time")]
    let asked = Instant::now();
    request(&server, &key, "http://127.0.0.1:1/nobody").await;
    let message: Value = serde_json::from_str(&next(&mut taken).await).unwrap();
    let took = asked.elapsed();
    println!("the second carrier had the message after {took:?}");
    assert!(took < Duration::from_secs(10), "{took:?}");
    assert_eq!(message["to"], format!("+{NUMBER}"));
    assert_eq!(verify(&server, &key, pin_in(message["text"].as_str().unwrap())).await, json!({"status": "ok"}));
    let (status, _) = server.stop();
    assert!(status.success());
    assert!(taken.try_recv().is_err(), "nobody got it twice");
}
