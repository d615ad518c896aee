//! Secrets: which settings are, and the files that hold them.
//!
//! A setting is secret by its own name, or because it stands in a section `secrets`, where the operator chooses the names.

use super::{
    ConfigError, Origin, error,
    tree::{Content, Node},
};
use std::{collections::BTreeMap, fs, path::Path};
use toml::Value;

/// The keys that are secret, in whatever section they stand. Each may be written as `…_file` too.
const SECRET_KEYS: [&str; 6] = ["password", "token", "secret", "api_key", "secret_access_key", "session_token"];

/// The section whose settings are all secret.
const SECTION: &str = "secrets";

/// A URL with a password in it.
const STORE_URL: [&str; 2] = ["store", "url"];

/// Whether the setting at this path is never shown.
pub(super) fn is_secret(path: &[&str]) -> bool {
    path.last().is_some_and(|key| SECRET_KEYS.contains(key)) || path.contains(&SECTION) || path == STORE_URL
}

/// Puts the content of each `…_file` in the place of its secret.
pub(super) fn read_files(node: &mut Node) -> Result<(), ConfigError> {
    let Content::Table(table) = &mut node.content else { return Ok(()) };
    resolve_all(table, SECRET_KEYS.map(str::to_owned))?;
    if let Some(Node { content: Content::Table(own), .. }) = table.get_mut(SECTION) {
        let names: Vec<String> = own.keys().filter_map(|key| key.strip_suffix("_file")).map(str::to_owned).collect();
        resolve_all(own, names)?;
    }
    if let Some(Node { content: Content::Table(store), .. }) = table.get_mut("store") {
        resolve_all(store, ["url".to_owned()])?;
    }
    table.values_mut().try_for_each(read_files)
}

fn resolve_all(table: &mut BTreeMap<String, Node>, keys: impl IntoIterator<Item = String>) -> Result<(), ConfigError> {
    for key in keys {
        if let Some(named) = table.remove(&format!("{key}_file")) {
            resolve(table, &key, &named)?;
        }
    }
    Ok(())
}

fn resolve(table: &mut BTreeMap<String, Node>, key: &str, named: &Node) -> Result<(), ConfigError> {
    let place = named.origin.value_place();
    let Content::Value(Value::String(path)) = &named.content else {
        return Err(ConfigError::at(place, format!("{key}_file: must be the path of a file, in quotes")));
    };
    if path.is_empty() {
        return Ok(());
    }
    if let Some(direct) = table.get(key) {
        if direct.origin.layer() > named.origin.layer() {
            return Ok(());
        }
        if direct.origin.layer() == named.origin.layer() {
            return Err(ConfigError::at(named.origin.key_place(), format!("set either {key} or {key}_file, not both")));
        }
    }
    let secret = read(Path::new(path)).map_err(|what| ConfigError::at(place, format!("{key}_file: {what}")))?;
    let origin = Origin::SecretFile { path: path.clone(), named_by: Box::new(named.origin.clone()) };
    table.insert(key.to_owned(), Node { content: Content::Value(Value::String(secret)), origin });
    Ok(())
}

/// The text of a secret's file, without the line ends that editors add.
fn read(path: &Path) -> Result<String, String> {
    let shown = path.display();
    let bytes = fs::read(path).map_err(|error| format!("cannot read {shown}: {}", error::plain(&error)))?;
    let text = String::from_utf8(bytes).map_err(|_| format!("{shown} is not UTF-8 text"))?;
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() { Err(format!("{shown} is empty")) } else { Ok(text.to_owned()) }
}
