//! The one table that a run prints.

use crate::{load::Measured, product::Product};
use std::fmt;

/// Rows of text, in the form of a Markdown table.
pub struct Table(String);

impl Table {
    pub fn new(product: &Product, connections: usize) -> Self {
        let mut table =
            Self(format!("{connections} connections, kept open; client and server on the same machine\n\n"));
        table.line(&format!(
            "start of the process to its ready line: {} ms; binary: {:.1} MB",
            product.process.started_in.as_millis(),
            product.binary_bytes as f64 / 1e6
        ));
        table.line("");
        table.line("| what | requests/s | of nothing | server's CPU µs | p50 ms | p99 ms | p99.9 ms |");
        table.line("|---|--:|--:|--:|--:|--:|--:|");
        table
    }

    pub fn row(&mut self, what: &str, measured: &Measured, baseline: Option<&Measured>) {
        let share = baseline.map_or(String::new(), |base| format!("{:.0} %", 100.0 * measured.rate() / base.rate()));
        let [p50, p99, p999] = [0.5, 0.99, 0.999].map(|share| measured.percentile_ms(share));
        self.line(&format!(
            "| {what} | {:.0} | {share} | {:.1} | {p50:.2} | {p99:.2} | {p999:.2} |",
            measured.rate(),
            measured.cpu_us()
        ));
    }

    pub fn memory(&mut self, when: &str, kib: u64) {
        self.note(&format!("memory {when}: {:.1} MiB", kib as f64 / 1024.0));
    }

    pub fn note(&mut self, text: &str) {
        self.line(&format!("| {text} | | | | | | |"));
    }

    fn line(&mut self, text: &str) {
        self.0.push_str(text);
        self.0.push('\n');
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
