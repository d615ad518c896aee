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
    if let Some(unknown) = unknown_setting(node, message) {
        let section = if unknown.is_part_of_path { path.split_last().map_or(path, |(_, rest)| rest) } else { path };
        let what = if section.is_empty() { unknown.what } else { format!("{}: {}", section.join("."), unknown.what) };
        return ConfigError::at(&unknown.place, what);
    }
    let name = path.get(..depth).unwrap_or(path).join(".");
    let (place, what) = if message.starts_with("missing field") {
        (node.origin.key_place(), message.replacen("missing field", "this setting is missing:", 1))
    } else if secret::is_secret(path) && message.starts_with("invalid ") || message.contains("unit variant") {
        // These are serde's words, which show the value.
        (node.origin.value_place(), "must be a text in quotes".to_owned())
    } else {
        (node.origin.value_place(), message.replacen("unknown variant", "unknown value", 1))
    };
    ConfigError::at(place, format!("{name}: {what}"))
}

struct UnknownSetting {
    place: String,
    what: String,
    is_part_of_path: bool,
}

/// A struct's refusal of a key has the key in its path. A map's refusal, if its keys are an enum, has not.
fn unknown_setting(node: &Node, message: &str) -> Option<UnknownSetting> {
    let told = |node: &Node, prefix: &str, is_part_of_path| UnknownSetting {
        place: node.origin.key_place().to_owned(),
        what: message.replacen(prefix, "unknown setting", 1),
        is_part_of_path,
    };
    if message.starts_with("unknown field") {
        return Some(told(node, "unknown field", true));
    }
    let key = message.strip_prefix("unknown variant `")?.split('`').next()?;
    Some(told(node.find(&[key])?, "unknown variant", false))
}
