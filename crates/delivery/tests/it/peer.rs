//! Starts `smtp_peer.mjs`, `smsc_peer.mjs` or another peer, and reads what it prints. Waiting is always for a line of the peer, never for
//! time to pass.

use serde_json::Value;
use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::timeout,
};

/// A test that waits longer than this for a line has failed.
const PATIENCE: Duration = Duration::from_mins(1);

/// A mail relay or an SMSC; it ends with this value.
pub struct Peer {
    pub port: u16,
    lines: Lines<BufReader<ChildStdout>>,
    _process: Child,
}

impl Peer {
    /// Starts a mail relay with these orders (see `smtp_peer.mjs`), and waits until it listens.
    pub async fn start(orders: Value) -> Self {
        Self::run("smtp_peer.mjs", orders).await
    }

    /// Starts an SMSC with these orders (see `smsc_peer.mjs`), and waits until it listens.
    pub async fn start_smsc(orders: Value) -> Self {
        Self::run("smsc_peer.mjs", orders).await
    }

    async fn run(script: &str, orders: Value) -> Self {
        let folder = folder();
        assert!(
            folder.join("peer/node_modules/smtp-server").exists() && folder.join("peer/node_modules/smpp").exists(),
            "the foreign servers of the tests are not installed: run ./scripts/test, which installs them"
        );
        Self::spawn(Command::new("node").arg(folder.join(script)), &orders).await
    }

    /// Starts a peer with these orders, and waits until it listens.
    pub async fn spawn(command: &mut Command, orders: &Value) -> Self {
        let mut process = command
            .arg(orders.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("a foreign server is not installed: run ./scripts/test, which installs it");
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut peer = Self { port: 0, lines, _process: process };
        let listening = peer.wait_for("listening").await;
        peer.port = listening["port"].as_u64().and_then(|port| port.try_into().ok()).unwrap();
        peer
    }

    /// The next event of this kind; those before it are passed over.
    pub async fn wait_for(&mut self, event: &str) -> Value {
        self.until(event).await.pop().unwrap()
    }

    /// All events up to the next one of this kind.
    pub async fn until(&mut self, event: &str) -> Vec<Value> {
        let mut events = Vec::new();
        loop {
            let line = timeout(PATIENCE, self.lines.next_line()).await;
            let line = line.unwrap_or_else(|_| panic!("no event {event} after {events:?}")).unwrap();
            let line = line.unwrap_or_else(|| panic!("the peer ended before the event {event}, after {events:?}"));
            let value: Value = serde_json::from_str(&line).unwrap();
            let is_it = value["event"] == event;
            events.push(value);
            if is_it {
                return events;
            }
        }
    }
}

/// Where the peers are.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../delivery/tests/it")
}
