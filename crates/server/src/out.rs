//! What commands print. A reader that goes away early (`countersign tenants list | head -1`) is no failure.

use crate::Failure;
use std::io::{self, ErrorKind, Write};

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

/// Prints a line on standard error. If that fails there is nobody left to tell.
pub fn complain(text: &str) {
    _ = writeln!(io::stderr(), "{text}");
}
