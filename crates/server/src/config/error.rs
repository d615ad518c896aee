//! Why a configuration is refused: one line, which begins with the place and says what to do.

use std::{fmt, io};

/// A configuration that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    place: Option<String>,
    what: String,
}

impl ConfigError {
    /// An error of no place.
    pub(super) fn new(what: String) -> Self {
        Self { place: None, what }
    }

    /// An error at `file:line:column`, or in a variable.
    pub(super) fn at(place: &str, what: String) -> Self {
        Self { place: Some(place.to_owned()), what }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = self.what.trim().lines().map(str::trim).collect::<Vec<_>>().join(", ");
        match &self.place {
            Some(place) => write!(f, "{place}: {what}"),
            None => f.write_str(&what),
        }
    }
}

impl std::error::Error for ConfigError {}

/// What the system says, without the number of the error.
pub(super) fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}
