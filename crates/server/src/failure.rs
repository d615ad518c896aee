//! Why the program ends without having done what it was asked: lines for people, and the exit status.

use crate::config::ConfigError;

/// The end of a command that failed.
#[derive(Debug)]
pub struct Failure {
    status: u8,
    lines: Vec<String>,
}

impl Failure {
    /// The configuration or the command line is at fault (status 2). Each line stands alone and says what to do.
    #[must_use]
    pub fn usage(lines: Vec<String>) -> Self {
        Self { status: 2, lines }
    }

    /// Something else failed (status 1).
    #[must_use]
    pub fn other(line: impl Into<String>) -> Self {
        Self { status: 1, lines: vec![line.into()] }
    }

    /// What to print.
    #[must_use]
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// The exit status.
    #[must_use]
    pub const fn status(&self) -> u8 {
        self.status
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::usage(vec![error.to_string()])
    }
}
