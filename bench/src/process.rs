//! A server in a process of its own, and what the system tells of it.

use crate::Outcome;
use std::{fs, process::Stdio, time::Duration};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    time::Instant,
};

/// A running server; it ends with this value.
pub struct Process {
    /// Where it answers.
    pub url: String,
    /// From the start of the process to its ready line.
    pub started_in: Duration,
    child: Child,
}

impl Process {
    /// Starts it, and waits for its ready line.
    pub async fn start(mut command: Command) -> Outcome<Self> {
        let began = Instant::now();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
        let mut child = command.spawn().map_err(|error| {
            let program = command.as_std().get_program().to_string_lossy().into_owned();
            format!("{program}: {error}; build it with cargo build --release")
        })?;
        let mut lines = BufReader::new(child.stdout.take().ok_or("no standard output")?).lines();
        let ready = lines.next_line().await?.ok_or("the server ended at once")?;
        let url = ready.strip_prefix("ready ").ok_or("no ready line")?.to_owned();
        Ok(Self { url, started_in: began.elapsed(), child })
    }

    /// Ends it.
    pub async fn stop(mut self) -> Outcome<()> {
        Ok(self.child.kill().await?)
    }

    /// What it holds in memory, in KiB.
    pub fn memory_kib(&self) -> Outcome<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id()?))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
        Ok(line.trim().trim_end_matches(" kB").parse()?)
    }

    /// The same once it has done nothing for a while.
    pub async fn memory_at_rest_kib(&self) -> Outcome<u64> {
        tokio::time::sleep(Duration::from_secs(10)).await;
        self.memory_kib()
    }

    /// The time that all its threads, ended ones too, have had on a processor so far, in steps of 10 ms. Unlike the rate it hardly
    /// depends on what else the machine is doing.
    pub fn cpu(&self) -> Outcome<Duration> {
        let text = fs::read_to_string(format!("/proc/{}/stat", self.id()?))?;
        // The name of the program, in brackets, may hold anything; after it the time in user mode is the twelfth.
        let fields = text.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
        let ticks: u64 = fields.filter_map(|field| field.parse::<u64>().ok()).sum();
        Ok(Duration::from_millis(ticks * 10))
    }

    /// The name that the system knows it by.
    pub fn id(&self) -> Outcome<u32> {
        Ok(self.child.id().ok_or("the server has ended")?)
    }
}
