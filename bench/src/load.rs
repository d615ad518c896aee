//! Many connections that ask at once, and what they saw.

use crate::{Outcome, client::Client, process::Process, work::Work};
use hdrhistogram::Histogram;
use std::time::Duration;
use tokio::{task::JoinSet, time::Instant};

/// How is asked.
pub struct Load {
    connections: usize,
    span: Duration,
    /// Requests a second of all connections together; none: each asks again as soon as it was answered.
    rate: Option<f64>,
}

/// What was seen.
pub struct Measured {
    latency_us: Histogram<u64>,
    span: Duration,
    cpu: Duration,
}

impl Load {
    /// Each connection asks again as soon as it was answered.
    pub const fn closed(connections: usize, span: Duration) -> Self {
        Self { connections, span, rate: None }
    }

    /// So many requests a second are due, whether or not the ones before were answered. Latency counts from the moment at
    /// which a request was due: a stall is not forgiven (no coordinated omission).
    pub const fn open(connections: usize, span: Duration, rate: f64) -> Self {
        Self { connections, span, rate: Some(rate) }
    }

    /// Runs it. Every connection gets work of its own, made from its number; the servers get the connections in turn.
    pub async fn run<W: Work>(&self, servers: &[&Process], work: impl Fn(usize) -> W) -> Outcome<Measured> {
        let mut tasks = JoinSet::new();
        let cpu = || servers.iter().map(|server| server.cpu()).sum::<Outcome<Duration>>();
        let (began, cpu_before) = (now(), cpu()?);
        for (number, server) in servers.iter().cycle().take(self.connections).enumerate() {
            let (client, work) = (Client::connect(&server.url).await?, work(number));
            let pause = self.rate.map(|rate| Duration::from_secs_f64(self.connections as f64 / rate));
            let first = pause.map_or(Duration::ZERO, |pause| pause.mul_f64(number as f64 / self.connections as f64));
            tasks.spawn(one(client, work, began + first, pause, began + self.span));
        }
        let mut latency_us = Histogram::new(3)?;
        while let Some(seen) = tasks.join_next().await {
            latency_us.add(seen??)?;
        }
        Ok(Measured { latency_us, span: began.elapsed(), cpu: cpu()?.saturating_sub(cpu_before) })
    }
}

async fn one<W: Work>(
    mut client: Client,
    mut work: W,
    mut due: Instant,
    pause: Option<Duration>,
    end: Instant,
) -> Outcome<Histogram<u64>> {
    let mut seen = Histogram::new(3)?;
    while due < end {
        if pause.is_some() {
            tokio::time::sleep_until(due).await;
        }
        let began = if pause.is_some() { due } else { now() };
        if !work.once(&mut client).await? {
            break;
        }
        seen.record(u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX))?;
        due = pause.map_or_else(now, |pause| due + pause);
    }
    Ok(seen)
}

fn now() -> Instant {
    Instant::now()
}

impl Measured {
    /// How many requests were answered.
    pub fn requests(&self) -> u64 {
        self.latency_us.len()
    }

    /// Requests a second.
    pub fn rate(&self) -> f64 {
        self.requests() as f64 / self.span.as_secs_f64()
    }

    /// The server's time on a processor for one request, in microseconds. What it does meanwhile for others counts too: the
    /// delivery of what was started, say.
    pub fn cpu_us(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / (self.requests().max(1) as f64)
    }

    /// The latency, in milliseconds, that this share of the requests stayed below.
    pub fn percentile_ms(&self, share: f64) -> f64 {
        self.latency_us.value_at_quantile(share) as f64 / 1000.0
    }
}
