//! Pages for people: ARCHITECTURE.md names what exists, and nothing names a folder of somebody's machine.

use super::{files_below, must_be_empty, root, shown};
use std::fs;

#[test]
fn every_path_in_the_architecture_page_exists() {
    let page = fs::read_to_string(root().join("ARCHITECTURE.md")).expect("there is an ARCHITECTURE.md");
    let missing = quoted(&page).flat_map(expanded).filter(|path| looks_like_a_path(path) && !exists(path));
    must_be_empty(&missing.map(|path| format!("ARCHITECTURE.md: there is no {path}")).collect::<Vec<_>>());
}

/// What stands in backticks, outside of code blocks.
fn quoted(page: &str) -> impl Iterator<Item = &str> {
    let prose = page.split("```").step_by(2);
    prose.flat_map(|part| part.split('`').skip(1).step_by(2))
}

/// `a/{b,c}.rs` is `a/b.rs` and `a/c.rs`.
fn expanded(path: &str) -> Vec<String> {
    let Some((before, rest)) = path.split_once('{') else { return vec![path.to_owned()] };
    let Some((choices, after)) = rest.split_once('}') else { return vec![path.to_owned()] };
    choices.split(',').flat_map(|choice| expanded(&format!("{before}{}{after}", choice.trim()))).collect()
}

/// A path of this repository begins with a folder or crate of it; `/v1/…` and `text/plain` do not.
fn looks_like_a_path(text: &str) -> bool {
    let plain = |character: char| character.is_ascii_alphanumeric() || "/._-".contains(character);
    let Some((first, _)) = text.split_once('/') else { return false };
    text.chars().all(plain) && !first.is_empty() && places().any(|place| root().join(place).join(first).is_dir())
}

fn exists(path: &str) -> bool {
    places().any(|place| root().join(place).join(path).exists())
}

/// Paths may begin at the root, among the crates, or within the sources of one.
fn places() -> impl Iterator<Item = String> {
    let crates = ["model", "store", "delivery", "engine", "web", "server"];
    let within = crates.into_iter().flat_map(|name| [format!("crates/{name}"), format!("crates/{name}/src")]);
    [String::new(), "crates".to_owned()].into_iter().chain(within)
}

#[test]
fn nothing_names_a_folder_of_somebodys_machine() {
    // Put together here, so that this file does not name one.
    let folders = ["home", "work", "Users"].map(|name| format!("/{name}/"));
    let mut problems = Vec::new();
    for file in files_below(root()) {
        let Ok(text) = fs::read_to_string(&file) else { continue };
        for (number, line) in text.lines().enumerate() {
            if folders.iter().any(|folder| begins_a_path(line, folder)) {
                problems.push(format!("{}:{}: names a folder of somebody's machine", shown(&file), number + 1));
            }
        }
    }
    must_be_empty(&problems);
}

/// A folder's name inside a web address or behind `..` is none of this machine's.
fn begins_a_path(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        before.is_none_or(|character| !character.is_alphanumeric() && !"./}_-*".contains(character))
    })
}
