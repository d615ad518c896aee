//! A stop ends what was begun, and nothing holds it up: no long poll, no message on its way, no log that nobody reads.

use crate::{program::countersign, running::Running};
use countersign_model::message::MessageState;
use countersign_store::{Role, Settings, Store};
use serde_json::json;
use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::Path,
    process::{Child, ChildStderr, Command, Stdio},
    time::Duration,
};
use tokio::time::{Instant, timeout};

/// Well within the ten seconds that a stop may take, and well above what it takes with nothing to wait for.
const AT_ONCE: Duration = Duration::from_secs(2);

/// A server whose standard error nobody reads.
struct Unread {
    child: Child,
    address: String,
    errors: ChildStderr,
}

impl Unread {
    fn dev() -> Self {
        let mut command = countersign(&["dev", "--listen", "127.0.0.1:0"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("ready http://").expect("it is ready").to_owned();
        let errors = child.stderr.take().unwrap();
        Self { child, address, errors }
    }

    /// So many requests, a thousand at a time; each makes a line of the log.
    fn answers(&self, thousands: usize) {
        let request = "GET /healthz/live HTTP/1.1\r\nhost: x\r\n\r\n".repeat(1000);
        let client = TcpStream::connect(&self.address).unwrap();
        client.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut reader = BufReader::new(client.try_clone().unwrap());
        for _ in 0..thousands {
            let (mut client, request) = (client.try_clone().unwrap(), request.clone());
            let sending = std::thread::spawn(move || client.write_all(request.as_bytes()));
            let mut line = String::new();
            let mut answers = 0;
            while answers < 1000 {
                line.clear();
                assert_ne!(reader.read_line(&mut line).expect("it answers"), 0, "closed after {answers}");
                answers += usize::from(line.contains("HTTP/1.1 200"));
            }
            sending.join().unwrap().unwrap();
        }
    }

    fn ask_to_stop(&self) {
        assert!(Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap().success());
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

#[tokio::test]
async fn a_log_that_nobody_reads_holds_up_neither_an_answer_nor_a_stop() {
    let mut server = Unread::dev();
    server.answers(3);
    server.ask_to_stop();
    let (id, mut child) =
        (server.child.id().to_string(), countersign(&["--version"]).stdout(Stdio::null()).spawn().unwrap());
    std::mem::swap(&mut child, &mut server.child);
    let ended = timeout(Duration::from_secs(10), tokio::task::spawn_blocking(move || child.wait())).await;
    Command::new("kill").args(["-KILL", &id]).stderr(Stdio::null()).status().unwrap();
    assert_eq!(ended.expect("it ends within ten seconds").unwrap().unwrap().code(), Some(0));
}

#[test]
fn lines_that_nobody_read_are_counted_once_somebody_does() {
    let mut server = Unread::dev();
    server.answers(12);
    let mut lines = BufReader::new(&mut server.errors).lines().map(Result::unwrap);
    let told = lines.find(|line| line.contains("log lines were dropped")).expect("it tells");
    assert!(told.contains("WARN") && told.contains(" lines="), "{told}");
    server.ask_to_stop();
    let mut rest = String::new();
    server.errors.read_to_string(&mut rest).unwrap();
    assert!(rest.lines().last().unwrap().ends_with("stopped"), "the last lines are written");
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_lets_a_message_that_is_on_its_way_arrive() {
    let data = tempfile::tempdir().unwrap();
    let server = Running::dev(data.path()).await;
    server.put("/sandbox/outcomes/34666666111", json!({"outcome": "deliver", "delay_ms": 4000})).await;
    let started = server.post("/v1/verifications", json!({"to": "+34666666111", "channel": "sms"})).await;
    let id = started.body["id"].as_str().unwrap().to_owned();
    while leased(data.path()).await == 0 {}
    let (status, log) = server.stop();
    assert!(status.success(), "{status}");
    assert!(!log.contains("still on its way"), "{log}");

    let server = Running::dev(data.path()).await;
    let arrived = server.get("/sandbox/messages").await.body;
    assert_eq!(arrived["messages"].as_array().unwrap().len(), 1, "{arrived}");
    let history = server.get(&format!("/v1/verifications/{id}/events")).await.body;
    let kinds = history["events"].as_array().unwrap().iter().map(|event| event["type"].as_str().unwrap());
    assert_eq!(kinds.filter(|kind| *kind == "message_delivered").count(), 1, "{history}");
    assert_eq!(leased(data.path()).await, 0);
}

/// How many messages are with a worker.
async fn leased(data: &Path) -> u64 {
    let settings = Settings::Sqlite { path: data.join("countersign.sqlite"), role: Role::Tool };
    let store = Store::open(settings).await.unwrap();
    let counts = store.message_counts().await.unwrap();
    store.close().await;
    counts.into_iter().filter(|(state, _)| *state == MessageState::Leased).map(|(_, count)| count).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_answers_what_is_held_back_and_ends_at_once() {
    let data = tempfile::tempdir().unwrap();
    let server = Running::dev(data.path()).await;
    let address = server.url.strip_prefix("http://").unwrap();
    let mut polls = ["/sandbox/messages?wait=30", "/sandbox/callbacks?wait=30"].map(|path| held_back(address, path));
    let asked = Instant::now();
    server.ask_to_stop();
    for poll in &mut polls {
        let mut answer = String::new();
        poll.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("\":[]}"), "{answer}");
    }
    let (status, _) = server.ended();
    assert!(status.success(), "{status}");
    assert!(asked.elapsed() < AT_ONCE, "{:?}", asked.elapsed());
}

/// A request that has come: it was sent together with one that was answered.
fn held_back(address: &str, path: &str) -> TcpStream {
    let mut client = TcpStream::connect(address).unwrap();
    let both = ["/healthz/live", path].map(|path| format!("GET {path} HTTP/1.1\r\nhost: {address}\r\n\r\n"));
    client.write_all(both.concat().as_bytes()).unwrap();
    let mut first = Vec::new();
    while !first.ends_with(b"{\"status\":\"ok\"}") {
        let mut byte = [0];
        client.read_exact(&mut byte).unwrap();
        first.extend(byte);
    }
    client
}
