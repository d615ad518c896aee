//! From the tree to [`Settings`]: the types decide, and what they refuse is told with its place.

use super::{
    ConfigError, Origin, Settings, secret,
    tree::{Content, Node},
};
use serde_path_to_error::Segment;
use toml::Value;

/// Types the tree. A variable that was read as a number or a truth value, where a text is wanted, is taken as that text.
pub(super) fn settings(tree: &mut Node) -> Result<Settings, ConfigError> {
    let mut first_refusal: Option<(String, ConfigError)> = None;
    loop {
        let refusal = match serde_path_to_error::deserialize(tree.to_value()) {
            Ok(settings) => return Ok(settings),
            Err(refusal) => refusal,
        };
        let path = keys_of(refusal.path());
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let name = path.join(".");
        let error = explain(tree, &path, refusal.inner().message());
        match first_refusal {
            Some((refused, error)) if refused == name => return Err(error),
            Some(_) | None => {}
        }
        if !take_as_text(tree, &path) {
            return Err(error);
        }
        first_refusal = Some((name, error));
    }
}

fn keys_of(path: &serde_path_to_error::Path) -> Vec<String> {
    path.iter()
        .map_while(|segment| match segment {
            Segment::Map { key } | Segment::Enum { variant: key } => Some(key.clone()),
            Segment::Seq { .. } | Segment::Unknown => None,
        })
        .collect()
}

fn take_as_text(tree: &mut Node, path: &[&str]) -> bool {
    let Some(node) = tree.find_mut(path) else { return false };
    let Origin::Variable { raw, .. } = &mut node.origin else { return false };
    let Some(text) = raw.take() else { return false };
    node.content = Content::Value(Value::String(text.to_string()));
    true
}

fn explain(tree: &Node, path: &[&str], message: &str) -> ConfigError {
    let (node, depth) = tree.nearest(path);
    let name = path.get(..depth).unwrap_or(path).join(".");
    if message.starts_with("unknown field") || message.starts_with("unknown variant") && path.len() > depth {
        let what = message.replacen("unknown field", "unknown setting", 1);
        let section = path.split_last().map(|(_, section)| section.join(".")).unwrap_or_default();
        let what = if section.is_empty() { what } else { format!("{section}: {what}") };
        return ConfigError::at(node.origin.key_place(), what);
    }
    if secret::is_secret(path) {
        return ConfigError::at(node.origin.value_place(), format!("{name}: must be a text in quotes"));
    }
    if message.starts_with("missing field") {
        let what = message.replacen("missing field", "this setting is missing:", 1);
        return ConfigError::at(node.origin.key_place(), format!("{name}: {what}"));
    }
    let what = if message.contains("unit variant") {
        "must be a text in quotes".to_owned()
    } else {
        message.replacen("unknown variant", "unknown value", 1)
    };
    ConfigError::at(node.origin.value_place(), format!("{name}: {what}"))
}
