//! The product as it is started by everybody: the real binary, its own process, its data on the disk.

use crate::{Outcome, client::Client};
use serde_json::Value;
use std::{
    fs,
    path::Path,
    process::Stdio,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    task::JoinSet,
    time::Instant,
};

/// A running server; it ends with this value.
pub struct Product {
    /// Where it answers.
    pub url: String,
    /// The key of a tenant.
    pub key: String,
    /// From the start of the process to its ready line.
    pub started_in: Duration,
    /// The size of the binary, in bytes.
    pub binary_bytes: u64,
    child: Child,
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
        let began = Instant::now();
        let mut child = Command::new(binary)
            .args(["dev", "--listen", "127.0.0.1:0", "--data"])
            .arg(data.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("{}: {error}; build it with cargo build --release", binary.display()))?;
        let mut lines = BufReader::new(child.stdout.take().ok_or("no standard output")?).lines();
        let ready = lines.next_line().await?.ok_or("the server ended at once")?;
        let started_in = began.elapsed();
        let url = ready.strip_prefix("ready ").ok_or("no ready line")?.to_owned();
        let credentials: Value = serde_json::from_slice(&fetch(&url, "/sandbox/credentials").await?)?;
        let key = credentials.pointer("/tenants/0/native/api_key").and_then(Value::as_str).ok_or("no key")?.to_owned();
        let binary_bytes = fs::metadata(binary)?.len();
        Ok(Self { url, key, started_in, binary_bytes, child, next_number: AtomicU64::new(0), data })
    }

    /// Ends it, and leaves its folder.
    pub async fn stop(mut self) -> Outcome<TempDir> {
        self.child.kill().await?;
        Ok(self.data)
    }

    /// A number that nobody had before.
    pub fn number(&self) -> u64 {
        600_000_000 + self.next_number.fetch_add(1, Ordering::Relaxed)
    }

    /// What the process holds in memory, in KiB.
    pub fn memory_kib(&self) -> Outcome<u64> {
        let id = self.child.id().ok_or("the server has ended")?;
        let status = fs::read_to_string(format!("/proc/{id}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
        Ok(line.trim().trim_end_matches(" kB").parse()?)
    }

    /// Starts so many verifications, which stay pending, and tells their ids.
    pub async fn pending(&self, count: usize, connections: usize) -> Outcome<Vec<String>> {
        let mut tasks = JoinSet::new();
        for part in 0..connections {
            let many = count / connections + usize::from(part < count % connections);
            let numbers: Vec<u64> = (0..many).map(|_| self.number()).collect();
            let (client, key) = (Client::connect(&self.url).await?, self.key.clone());
            tasks.spawn(start_all(client, key, numbers));
        }
        let mut ids = Vec::with_capacity(count);
        while let Some(started) = tasks.join_next().await {
            ids.extend(started??);
        }
        Ok(ids)
    }

    /// The same for so many that nobody wants to keep their ids.
    pub async fn prefill(&self, count: usize, connections: usize) -> Outcome<()> {
        let mut left = count;
        while left > 0 {
            let now = left.min(100_000);
            self.pending(now, connections).await?;
            left -= now;
        }
        Ok(())
    }
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
