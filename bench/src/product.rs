//! The product as it is started by everybody: the real binary, its own process, its data on the disk.

use crate::{Outcome, client::Client, process::Process};
use serde_json::Value;
use std::{
    fs,
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};
use tempfile::TempDir;
use tokio::{process::Command, task::JoinSet};

/// A running server; it ends with this value.
pub struct Product {
    /// Its process.
    pub process: Process,
    /// The key of a tenant.
    pub key: String,
    /// The key of another.
    pub other_key: String,
    /// The first tenant's, of all APIs.
    credentials: Value,
    /// The size of the binary, in bytes.
    pub binary_bytes: u64,
    next_number: AtomicU64,
    data: TempDir,
}

/// The code of every verification here: the caller's own, so that no message has to be read to know it.
pub const CODE: &str = "481516";

impl Product {
    /// Starts it in dev mode on a fresh folder.
    pub async fn start(binary: &Path) -> Outcome<Self> {
        Self::start_on(binary, TempDir::new()?).await
    }

    /// Starts it in dev mode on a folder that another one has left.
    pub async fn start_on(binary: &Path, data: TempDir) -> Outcome<Self> {
        Self::start_with(binary, data, &[]).await
    }

    /// The same, with more options.
    pub async fn start_with(binary: &Path, data: TempDir, options: &[&str]) -> Outcome<Self> {
        let mut command = Command::new(binary);
        command.args(["dev", "--listen", "127.0.0.1:0", "--data"]).arg(data.path()).args(options);
        let process = Process::start(command).await?;
        let credentials: Value = serde_json::from_slice(&fetch(&process.url, "/sandbox/credentials").await?)?;
        let (key, other_key) =
            (text_at(&credentials, "/tenants/0/native/api_key")?, text_at(&credentials, "/tenants/1/native/api_key")?);
        let credentials = credentials.pointer("/tenants/0").cloned().unwrap_or_default();
        let binary_bytes = fs::metadata(binary)?.len();
        Ok(Self { process, key, other_key, credentials, binary_bytes, next_number: AtomicU64::new(0), data })
    }

    /// One of the first tenant's credentials: API and name.
    pub fn credential(&self, place: &str) -> Outcome<String> {
        text_at(&self.credentials, &format!("/{place}"))
    }

    /// Ends it, and leaves its folder.
    pub async fn stop(self) -> Outcome<TempDir> {
        self.process.stop().await?;
        Ok(self.data)
    }

    /// A number that nobody had before.
    fn number(&self) -> u64 {
        self.numbers(1)
    }

    /// The first of so many numbers in a row that nobody had before.
    pub fn numbers(&self, count: u64) -> u64 {
        600_000_000 + self.next_number.fetch_add(count, Ordering::Relaxed)
    }

    /// The codes that arrived in the inbox after a place, with the numbers they went to, and the place of the last one. For codes
    /// that the product made itself.
    pub async fn codes_after(&self, mut after: u64) -> Outcome<(Vec<(String, String)>, u64)> {
        let (mut client, mut codes) = (Client::connect(&self.process.url).await?, Vec::new());
        loop {
            let answer = client.get(&format!("/sandbox/messages?after={after}&wait=1")).await?;
            let page: Value = serde_json::from_slice(answer.body)?;
            let messages = page.get("messages").and_then(Value::as_array).ok_or("no messages in the inbox's answer")?;
            let Some(last) = messages.last() else { return Ok((codes, after)) };
            after = last.get("seq").and_then(Value::as_u64).ok_or("a message without its place")?;
            codes.extend(messages.iter().filter_map(|message| {
                let text = |name: &str| Some(message.get(name)?.as_str()?.to_owned());
                Some((text("to")?.trim_start_matches('+').to_owned(), text("code")?))
            }));
        }
    }

    /// How many messages wait to be handed over.
    pub async fn waiting(&self) -> Outcome<u64> {
        let mut client = Client::connect(&self.process.url).await?;
        let answer = client.get("/metrics").await?;
        let text = std::str::from_utf8(answer.body)?;
        let count = text.lines().find_map(|line| line.strip_prefix("countersign_messages_waiting "));
        Ok(count.ok_or("no messages_waiting in the metrics")?.parse()?)
    }

    /// Waits until the outbox is empty, so that what comes next is measured alone.
    pub async fn settled(&self) -> Outcome<()> {
        while self.waiting().await? > 0 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }

    /// Starts so many verifications, whose messages are gone and which stay pending, and tells their ids.
    pub async fn pending(&self, count: usize, connections: usize) -> Outcome<Vec<String>> {
        let mut tasks = JoinSet::new();
        for part in 0..connections {
            let many = count / connections + usize::from(part < count % connections);
            let numbers: Vec<u64> = (0..many).map(|_| self.number()).collect();
            let (client, key) = (Client::connect(&self.process.url).await?, self.key.clone());
            tasks.spawn(start_all(client, key, numbers));
        }
        let mut ids = Vec::with_capacity(count);
        while let Some(started) = tasks.join_next().await {
            ids.extend(started??);
        }
        self.settled().await?;
        Ok(ids)
    }
}

fn text_at(value: &Value, place: &str) -> Outcome<String> {
    let found = value.pointer(place).and_then(Value::as_str).map(str::to_owned);
    Ok(found.ok_or_else(|| format!("no credentials at {place}"))?)
}

/// The body of a start.
pub fn start_body(number: u64) -> String {
    format!(r#"{{"to":"+34{number}","channel":"sms","code":"{CODE}"}}"#)
}

/// The id in the answer to a start.
pub fn id_of(body: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?;
    text.split('"').nth(3).filter(|id| id.starts_with("ver_")).map(str::to_owned)
}

async fn start_all(mut client: Client, key: String, numbers: Vec<u64>) -> Outcome<Vec<String>> {
    let mut ids = Vec::with_capacity(numbers.len());
    for number in numbers {
        let answer = client.post("/v1/verifications", &key, &start_body(number)).await?;
        ids.push(id_of(answer.body).ok_or_else(|| format!("a start was answered with {}", answer.status))?);
    }
    Ok(ids)
}

async fn fetch(url: &str, path: &str) -> Outcome<Vec<u8>> {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let host = url.trim_start_matches("http://");
    let mut stream = tokio::net::TcpStream::connect(host).await?;
    stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n").as_bytes()).await?;
    let mut all = Vec::new();
    stream.read_to_end(&mut all).await?;
    let end = all.windows(4).position(|window| window == b"\r\n\r\n").ok_or("no answer")? + 4;
    Ok(all.split_off(end))
}
