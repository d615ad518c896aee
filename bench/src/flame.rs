//! Where the server's time goes: samples of its stacks while it is under load, for `scripts/flame`, which draws them.

use crate::{Outcome, load::Measured, process::Process};
use std::{path::Path, process::Stdio, time::Duration};
use tokio::process::Command;

/// Does `work`, and writes samples of the server's stacks meanwhile into `<folder>/<name>.data`; without a folder it only does
/// the work.
pub async fn beside(
    folder: Option<&Path>,
    name: &str,
    (server, span): (&Process, Duration),
    work: impl Future<Output = Outcome<Measured>>,
) -> Outcome<Measured> {
    let Some(folder) = folder else { return work.await };
    let mut perf = Command::new("perf");
    // By the clock of the processor: a machine that is virtual often has no counters.
    perf.args(["record", "--event=cpu-clock", "--freq=499", "--call-graph=dwarf,16384", "--pid"])
        .arg(server.id()?.to_string())
        .arg("--output")
        .arg(folder.join(name).with_extension("data"))
        .args(["--", "sleep"])
        .arg(span.as_secs().to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let (measured, recorded) = tokio::join!(work, perf.status());
    if recorded?.success() {
        measured
    } else {
        Err("perf could not record: see /proc/sys/kernel/perf_event_paranoid".into())
    }
}
