//! What commands print. A reader that goes away early (`countersign tenants list | head -1`) is no failure.

use crate::Failure;
use std::{
    io::{self, ErrorKind, Write},
    sync::mpsc,
    thread,
    time::Duration,
};

const LONGEST_COMPLAINT: Duration = Duration::from_secs(1);

/// Prints a line on standard output, at once.
///
/// # Errors
/// When it cannot be written: a full disk, say.
pub fn line(text: &str) -> Result<(), Failure> {
    bytes(format!("{text}\n").as_bytes())
}

/// Prints bytes on standard output, at once.
///
/// # Errors
/// As [`line`].
pub fn bytes(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = anstream::stdout();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::other(format!("cannot write to standard output: {error}")))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Prints lines on standard error. If that fails there is nobody left to tell; if it takes longer than a second, nobody reads,
/// and the program goes on without.
pub fn complain(text: &str) {
    let (lines, (done, written)) = (format!("{text}\n"), mpsc::channel());
    let write = move || {
        _ = io::stderr().write_all(lines.as_bytes());
        _ = done.send(());
    };
    if thread::Builder::new().spawn(write).is_ok() {
        _ = written.recv_timeout(LONGEST_COMPLAINT);
    }
}
