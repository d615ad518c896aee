//! The variables `COUNTERSIGN__SECTION__KEY`. Anything else in the environment is not looked at.

use super::{
    ConfigError, Origin,
    tree::{Content, Node},
};
use std::{ffi::OsString, sync::Arc};
use toml::Value;

const PREFIX: &str = "COUNTERSIGN__";

pub(super) fn overlay(
    tree: &mut Node,
    variables: impl Iterator<Item = (OsString, OsString)>,
) -> Result<(), ConfigError> {
    let mut ours: Vec<(String, OsString)> = variables
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
        .filter(|(name, _)| name.starts_with(PREFIX))
        .collect();
    ours.sort();
    for (name, value) in ours {
        let value =
            value.into_string().map_err(|_| ConfigError::at(&name, "the value is not UTF-8 text".to_owned()))?;
        let path = path_of(&name)?;
        let (value, raw) = read(&value);
        let origin = Origin::Variable { name: name.as_str().into(), raw };
        tree.overlay(nest(&path, Node::of(value, &origin)));
    }
    Ok(())
}

/// `COUNTERSIGN__LOG__LEVEL` is `log.level`.
fn path_of(name: &str) -> Result<Vec<String>, ConfigError> {
    let rest = name.strip_prefix(PREFIX).unwrap_or_default();
    let path: Vec<String> = rest.split("__").map(str::to_lowercase).collect();
    if path.len() < 2 || path.iter().any(String::is_empty) {
        let what = "names no setting: it takes a section and a key, such as COUNTERSIGN__LOG__LEVEL".to_owned();
        return Err(ConfigError::at(name, what));
    }
    Ok(path)
}

/// A TOML value, or the plain text if it is none. The text is kept where something else than a text was read: a password of
/// digits only is a number for TOML.
fn read(text: &str) -> (Value, Option<Arc<str>>) {
    match text.parse::<Value>() {
        Ok(value @ Value::String(_)) => (value, None),
        Ok(value) => (value, Some(text.into())),
        Err(_) => (Value::String(text.to_owned()), None),
    }
}

/// The tables around a value.
fn nest(path: &[String], leaf: Node) -> Node {
    path.iter().rev().fold(leaf, |inner, key| {
        let origin = inner.origin.clone();
        Node { content: Content::Table([(key.clone(), inner)].into()), origin }
    })
}
