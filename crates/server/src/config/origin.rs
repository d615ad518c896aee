//! Where a value came from, so that an error and `check-config` can name the place.

use std::{fmt, path::Path, sync::Arc};

/// A place in a text. Both count from 1; columns count characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    line: usize,
    column: usize,
}

impl Place {
    /// The place of a byte.
    pub(super) fn of(text: &str, byte: usize) -> Self {
        let before = text.get(..byte).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Self { line, column }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// Where a value came from. Prints as `check-config` shows it.
#[derive(Clone, PartialEq, Eq)]
pub enum Origin {
    /// `countersign.default.toml`.
    Default,
    /// The operator's file.
    File {
        /// `file:line`.
        line: String,
        /// `file:line:column` of the key.
        key: String,
        /// `file:line:column` of the value.
        value: String,
    },
    /// A variable.
    Variable {
        /// Its name.
        name: Arc<str>,
        /// Its text, as long as a text is still a possible reading of it.
        raw: Option<Arc<str>>,
    },
    /// The file of a secret.
    SecretFile {
        /// Which file.
        path: String,
        /// Who named it.
        named_by: Box<Self>,
    },
}

impl Origin {
    /// The origin of something in the operator's file.
    pub(super) fn in_file(path: &Path, key: Place, value: Place) -> Self {
        let path = path.display();
        Self::File {
            line: format!("{path}:{}", key.line),
            key: format!("{path}:{key}"),
            value: format!("{path}:{value}"),
        }
    }

    /// Where the setting is named.
    #[must_use]
    pub fn key_place(&self) -> &str {
        match self {
            Self::Default => "countersign.default.toml",
            Self::File { key, .. } => key,
            Self::Variable { name, .. } => name,
            Self::SecretFile { named_by, .. } => named_by.key_place(),
        }
    }

    /// Where its value is.
    #[must_use]
    pub fn value_place(&self) -> &str {
        match self {
            Self::File { value, .. } => value,
            Self::SecretFile { path, .. } => path,
            Self::Default | Self::Variable { .. } => self.key_place(),
        }
    }

    /// Where the operator wrote it: of a secret in a file of its own, where that file is named.
    #[must_use]
    pub fn named_place(&self) -> &str {
        match self {
            Self::SecretFile { named_by, .. } => named_by.value_place(),
            Self::Default | Self::File { .. } | Self::Variable { .. } => self.value_place(),
        }
    }

    /// A later layer wins.
    pub(super) fn layer(&self) -> u8 {
        match self {
            Self::Default => 0,
            Self::File { .. } => 1,
            Self::Variable { .. } => 2,
            Self::SecretFile { named_by, .. } => named_by.layer(),
        }
    }
}

impl fmt::Debug for Origin {
    /// Without the text of a variable, which may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Origin({self})")
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { line, .. } => f.write_str(line),
            Self::Variable { name, .. } => f.write_str(name),
            Self::SecretFile { path, named_by } => write!(f, "{path}, named by {named_by}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_lines_and_characters_from_one() {
        let text = "é = 1\nab = 2";
        assert_eq!(Place::of(text, 0).to_string(), "1:1");
        assert_eq!(Place::of(text, 5).to_string(), "1:5");
        assert_eq!(Place::of(text, 7).to_string(), "2:1");
        assert_eq!(Place::of(text, 12).to_string(), "2:6");
        assert_eq!(Place::of(text, 99).to_string(), "2:7");
    }
}
