//! What the operator has set: compiled-in defaults ← the operator's file ← environment variables, each value with the
//! place it came from. Read once, at start; nothing here is global, and nothing here reads the environment itself.
//!
//! [`Config::load`] reads and types; [`checks`] says what `serve` refuses. A new setting is one field in `settings.rs` and
//! one documented line in `countersign.default.toml`, which has every default: a field without its line fails the tests.

pub mod checks;
mod environment;
mod error;
mod origin;
mod secret;
pub mod settings;
mod tree;
mod typed;

pub use error::ConfigError;
pub use origin::Origin;
pub use settings::Settings;

use std::{
    ffi::OsString,
    fmt, fs,
    path::{Path, PathBuf},
};
use tree::Node;

/// Where the operator's file is if nobody says otherwise.
pub const DEFAULT_FILE: &str = "/etc/countersign/countersign.toml";

const DEFAULTS: &str = include_str!("../countersign.default.toml");

/// Reads the configuration.
#[derive(Debug)]
pub struct Config;

/// The configuration in force, and where each value came from.
pub struct Loaded {
    /// The values.
    pub settings: Settings,
    tree: Node,
    /// The operator's file, if there is one.
    file: Option<PathBuf>,
}

/// One setting in force, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// `server.listen`.
    pub name: String,
    /// As TOML; masked if it is secret.
    pub value: String,
    /// `default`, `FILE:LINE` or a variable's name.
    pub origin: String,
}

impl Config {
    /// Lays the operator's file, if there is one, and the variables over the defaults, and types the result.
    ///
    /// # Errors
    /// When the file cannot be read, a setting does not exist or has the wrong type, or a secret's file cannot be read.
    pub fn load<N: Into<OsString>, V: Into<OsString>>(
        file: Option<&Path>,
        env: impl IntoIterator<Item = (N, V)>,
    ) -> Result<Loaded, ConfigError> {
        let mut tree = tree::parse(DEFAULTS, None)?;
        if let Some(path) = file {
            tree.overlay(tree::parse(&read(path)?, Some(path))?);
        }
        environment::overlay(&mut tree, env.into_iter().map(|(name, value)| (name.into(), value.into())))?;
        refuse_sandbox(&tree)?;
        secret::read_files(&mut tree)?;
        let settings = typed::settings(&mut tree)?;
        Ok(Loaded { settings, tree, file: file.map(Path::to_owned) })
    }

    /// The compiled-in defaults alone.
    ///
    /// # Errors
    /// Never in a program whose tests pass.
    pub fn defaults() -> Result<Loaded, ConfigError> {
        Self::load(None, Vec::<(OsString, OsString)>::new())
    }
}

impl Loaded {
    /// Every setting in force, sorted by name.
    #[must_use]
    pub fn lines(&self) -> Vec<Line> {
        let mut lines = Vec::new();
        self.tree.each_value(&mut |path, value, origin| {
            let masked = secret::is_secret(path);
            lines.push(Line {
                name: path.join("."),
                value: if masked { "\"********\"".to_owned() } else { value.to_string() },
                origin: origin.to_string(),
            });
        });
        lines
    }

    /// An error about the setting of this name, at the place where it was set.
    #[must_use]
    pub fn error_at(&self, name: &str, what: &str) -> ConfigError {
        let path: Vec<&str> = name.split('.').collect();
        let what = format!("{name}: {what}");
        let (node, depth) = self.tree.nearest(&path);
        if node.origin == Origin::Default {
            ConfigError::new(what)
        } else if depth == path.len() {
            ConfigError::at(node.origin.value_place(), what)
        } else {
            ConfigError::at(node.origin.key_place(), what)
        }
    }
}

impl fmt::Debug for Loaded {
    /// Without the tree: secrets are plain text there.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loaded").field("settings", &self.settings).finish_non_exhaustive()
    }
}

fn read(path: &Path) -> Result<String, ConfigError> {
    let bytes = fs::read(path).map_err(|error| {
        ConfigError::new(format!("cannot read the configuration file {}: {}", path.display(), error::plain(&error)))
    })?;
    String::from_utf8(bytes).map_err(|error| {
        let before = error.utf8_error().valid_up_to();
        let place =
            origin::Place::of(&String::from_utf8_lossy(error.as_bytes().get(..before).unwrap_or_default()), before);
        ConfigError::at(&format!("{}:{place}", path.display()), "the file is not UTF-8 text from here on".to_owned())
    })
}

fn refuse_sandbox(tree: &Node) -> Result<(), ConfigError> {
    let Some(node) = tree.find(&["sandbox"]) else { return Ok(()) };
    let what = "the sandbox exists only in `countersign dev`: remove this setting".to_owned();
    Err(ConfigError::at(node.origin.key_place(), what))
}

#[cfg(test)]
mod tests;
