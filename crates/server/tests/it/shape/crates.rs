//! The arrow between the crates: who may use whom.

use super::{must_be_empty, root};
use std::fs;

/// Each crate, and which of ours it may name.
const MAY_USE: [(&str, &[&str]); 6] = [
    ("model", &[]),
    ("store", &["model"]),
    ("delivery", &["model"]),
    ("engine", &["model", "store", "delivery"]),
    ("web", &["engine", "model"]),
    ("server", &["web", "engine", "delivery", "store", "model"]),
];

#[test]
fn no_crate_uses_one_that_it_must_not_know() {
    let mut problems = Vec::new();
    for entry in fs::read_dir(root().join("crates")).unwrap() {
        let folder = entry.unwrap().file_name().into_string().unwrap();
        let Some((_, allowed)) = MAY_USE.iter().find(|(name, _)| *name == folder) else {
            problems.push(format!("crates/{folder}: a crate of which ARCHITECTURE.md knows nothing"));
            continue;
        };
        for used in ours_used_by(&folder) {
            if !allowed.contains(&used.as_str()) {
                problems.push(format!("crates/{folder}/Cargo.toml: {folder} must not use {used}"));
            }
        }
    }
    must_be_empty(&problems);
}

/// Under whatever kind of dependency, its own tests' included; a crate may name itself there to switch a feature on.
fn ours_used_by(folder: &str) -> Vec<String> {
    let text = fs::read_to_string(root().join("crates").join(folder).join("Cargo.toml")).unwrap();
    let manifest: toml::Table = text.parse().unwrap();
    let mut used = Vec::new();
    for kind in ["dependencies", "build-dependencies", "dev-dependencies"] {
        let table = manifest.get(kind).and_then(toml::Value::as_table);
        let names = table.into_iter().flat_map(toml::Table::keys);
        used.extend(names.filter_map(|name| name.strip_prefix("countersign-")).map(str::to_owned));
    }
    used.retain(|used| used != folder);
    used
}

#[test]
fn only_the_server_knows_anyhow_and_the_model_knows_no_runtime() {
    let forbidden: [(&str, &[&str]); 5] = [
        ("model", &["anyhow", "tokio", "rusqlite", "axum"]),
        ("store", &["anyhow", "axum"]),
        ("delivery", &["anyhow", "axum", "rusqlite"]),
        ("engine", &["anyhow", "axum", "rusqlite"]),
        ("web", &["anyhow", "rusqlite"]),
    ];
    let mut problems = Vec::new();
    for (folder, names) in forbidden {
        let text = fs::read_to_string(root().join("crates").join(folder).join("Cargo.toml")).unwrap();
        let manifest: toml::Table = text.parse().unwrap();
        let used = manifest.get("dependencies").and_then(toml::Value::as_table).unwrap();
        problems.extend(
            names
                .iter()
                .filter(|name| used.contains_key(**name))
                .map(|name| format!("crates/{folder}/Cargo.toml: must not use {name}")),
        );
    }
    must_be_empty(&problems);
}
