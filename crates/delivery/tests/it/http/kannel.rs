//! `kannel.toml` and a real Kannel: a message goes by HTTP to its smsbox, over SMPP to an SMSC, and the SMSC's receipt comes
//! back the same way to us. Waiting is for lines of the programs and for calls, never for time to pass.

use super::{
    bench::{CODE, Configured, TO, message, receive, saying, secret},
    simulator::Call,
    vendors,
};
use crate::peer::Peer;
use axum::{
    Router,
    extract::State,
    http::{Method, Uri},
};
use countersign_delivery::{
    Outgoing, Provider,
    receipt::{About, ReceiptNote},
};
use countersign_model::message::Receipt;
use serde_json::{Value, json};
use std::{fs, net::TcpListener as StdListener, path::Path, process::Stdio, sync::Arc, time::Duration};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    net::TcpListener,
    process::{Child, Command},
    sync::mpsc,
    time::timeout,
};

/// A test that waits longer than this has failed.
const PATIENCE: Duration = Duration::from_mins(1);

/// Everything from us to the SMSC; it ends with this value.
struct Gateway {
    smsc: Peer,
    provider: Arc<dyn Provider>,
    _boxes: [Child; 2],
    _folder: TempDir,
}

impl Gateway {
    /// A Kannel between us and an SMSC whose receipts say this.
    async fn start(state: &str) -> Self {
        let mut smsc = Peer::start_smsc(json!({"user": "kannel", "password": "smpp", "state": state})).await;
        let folder = tempfile::tempdir().unwrap();
        let [admin, inner, sendsms] = free_ports();
        let file = folder.path().join("kannel.conf");
        fs::write(&file, configuration(smsc.port, [admin, inner, sendsms])).unwrap();
        let bearerbox = run("bearerbox", &file, "SMPP[smsc]: ").await;
        assert_eq!(smsc.wait_for("bound").await["right"], true);
        let smsbox = run("smsbox", &file, "Connected to bearerbox").await;
        let provider = Configured::new(&vendors::kannel::SIMULATED, sendsms, secret, 6).build();
        Self { smsc, provider, _boxes: [bearerbox, smsbox], _folder: folder }
    }

    /// The next message at the SMSC.
    async fn submitted(&mut self) -> Value {
        self.smsc.wait_for("submitted").await
    }
}

fn configuration(smsc: u16, [admin, inner, sendsms]: [u16; 3]) -> String {
    let password = secret("kannel");
    format!(
        "group = core\nadmin-port = {admin}\nadmin-password = admin\nadmin-interface = 127.0.0.1\nsmsbox-port = {inner}\n\
         smsbox-interface = 127.0.0.1\nbox-allow-ip = \"127.0.0.1\"\ndlr-storage = internal\nlog-level = 0\n\n\
         group = smsc\nsmsc = smpp\nsmsc-id = smsc\nhost = 127.0.0.1\nport = {smsc}\nsmsc-username = kannel\n\
         smsc-password = smpp\nsystem-type = \"\"\ntransceiver-mode = true\n\n\
         group = smsbox\nbearerbox-host = 127.0.0.1\nsendsms-port = {sendsms}\nsendsms-interface = 127.0.0.1\n\
         sendsms-chars = \"0123456789 +-\"\nlog-level = 0\n\n\
         group = sendsms-user\nusername = countersign\npassword = \"{password}\"\nmax-messages = 10\nconcatenation = true\n"
    )
}

/// Ports that nobody uses at this moment.
fn free_ports() -> [u16; 3] {
    let listeners = [(); 3].map(|()| StdListener::bind("127.0.0.1:0").unwrap());
    listeners.each_ref().map(|listener| listener.local_addr().unwrap().port())
}

/// Starts one of Kannel's programs, and waits for a line that says that it works.
async fn run(program: &str, configuration: &Path, ready: &str) -> Child {
    let mut process = Command::new(format!("/usr/sbin/{program}"))
        .arg(configuration)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("Kannel is not installed: run ./scripts/test, which installs it");
    let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
    let found = timeout(PATIENCE, async {
        let mut before = Vec::new();
        while let Some(line) = lines.next_line().await.unwrap() {
            if line.contains(ready) {
                return;
            }
            before.push(line);
        }
        panic!("{program} ended: {before:#?}");
    });
    found.await.unwrap_or_else(|_| panic!("{program} does not get ready"));
    // Whoever does not read what it says stops it when the pipe is full.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    process
}

/// Where Kannel calls us back: the address, and the calls.
async fn callbacks() -> (String, mpsc::UnboundedReceiver<(Method, Uri)>) {
    let (found, calls) = mpsc::unbounded_channel();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let note = |State(found): State<mpsc::UnboundedSender<_>>, method: Method, uri: Uri| async move {
        found.send((method, uri)).unwrap();
    };
    let router = Router::new().fallback(note).with_state(found);
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (origin, calls)
}

/// Sends a message, and returns what the SMSC got and what our provider reads from the receipt.
async fn round_trip(gateway: &mut Gateway, text: &str) -> (Value, Vec<ReceiptNote>) {
    let (origin, mut calls) = callbacks().await;
    let receipt_url = Some(format!("{origin}/callbacks/kannel/msg_1/t0ken"));
    gateway.provider.send(&Outgoing { receipt_url, ..saying(text) }).await.unwrap();
    let submitted = gateway.submitted().await;
    let (method, uri) = timeout(PATIENCE, calls.recv()).await.expect("Kannel calls back").unwrap();
    assert_eq!(uri.path(), "/callbacks/kannel/msg_1/t0ken");
    let call = Call { method, url: format!("{origin}{uri}"), headers: vec![], body: String::new(), by_link: true };
    (submitted, receive(&*gateway.provider, &call).unwrap().notes)
}

#[tokio::test]
async fn a_message_goes_through_kannel_and_its_receipt_comes_back() {
    let mut gateway = Gateway::start("DELIVRD").await;
    let (submitted, notes) = round_trip(&mut gateway, &format!("{CODE} is your code & more + 100%.")).await;
    assert_eq!(submitted["to"], TO.trim_start_matches('+'));
    assert_eq!(submitted["from"], "AcmeShop");
    assert_eq!(submitted["text"], format!("{CODE} is your code & more + 100%."));
    assert_eq!(notes, [ReceiptNote { about: About::Message(message().id), receipt: Receipt::Delivered }]);

    let (submitted, notes) = round_trip(&mut gateway, "Dein Code: 482913 ✓ 😀").await;
    assert_eq!((&submitted["text"], &submitted["coding"]), (&json!("Dein Code: 482913 ✓ 😀"), &json!(8)));
    assert_eq!(notes[0].receipt, Receipt::Delivered);
}

#[tokio::test]
async fn a_message_that_the_smsc_cannot_deliver_is_reported() {
    let mut gateway = Gateway::start("UNDELIV").await;
    let (_, notes) = round_trip(&mut gateway, "482913").await;
    assert_eq!(notes, [ReceiptNote { about: About::Message(message().id), receipt: Receipt::Undelivered }]);
}
