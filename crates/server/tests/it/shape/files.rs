//! Files: their names, their first lines, and that each of them is part of the program.

use super::{must_be_empty, shown, sources};
use std::{
    fs,
    path::{Path, PathBuf},
};

const SAYING_NOTHING: [&str; 16] = [
    "core",
    "common",
    "util",
    "utils",
    "helper",
    "helpers",
    "misc",
    "base",
    "manager",
    "service",
    "handler",
    "processor",
    "impl",
    "dto",
    "data",
    "info",
];
/// A service is a thing of the domain here (see the glossary in `model/src/lib.rs`), and these are about it.
const ABOUT_SERVICES: [&str; 5] = ["put_service", "delete_service", "Service", "PutService", "DeleteService"];

#[test]
fn no_file_and_no_folder_has_a_name_that_says_nothing() {
    let mut problems = Vec::new();
    for source in sources() {
        let inside = source.strip_prefix(super::root().join("crates")).unwrap();
        for part in inside {
            let part = part.to_string_lossy();
            let name = part.strip_suffix(".rs").unwrap_or(&part);
            if says_nothing(name) {
                problems.push(format!("{}: the name `{name}` says nothing", shown(&source)));
            }
        }
    }
    must_be_empty(&problems);
}

fn says_nothing(name: &str) -> bool {
    let last = name.rsplit('_').next().unwrap_or(name);
    SAYING_NOTHING.contains(&last) && !ABOUT_SERVICES.contains(&name)
}

#[test]
fn no_type_has_a_name_that_says_nothing() {
    let mut problems = Vec::new();
    for source in sources() {
        let text = fs::read_to_string(&source).unwrap();
        for line in text.lines() {
            let Some(name) = type_defined_in(line) else { continue };
            let mut words = SAYING_NOTHING.into_iter().map(capitalised);
            if words.any(|word| name.ends_with(&word)) && !ABOUT_SERVICES.contains(&name) {
                problems.push(format!("{}: the type `{name}` has a name that says nothing", shown(&source)));
            }
        }
    }
    must_be_empty(&problems);
}

/// An indented `type` belongs to a trait, which chose its name.
fn type_defined_in(line: &str) -> Option<&str> {
    let line = if line.starts_with("    type ") { return None } else { line.trim_start() };
    let line = if let Some(rest) = line.strip_prefix("pub(") { rest.split_once(") ")?.1 } else { line };
    let line = line.strip_prefix("pub ").unwrap_or(line);
    let rest = ["struct ", "enum ", "trait ", "type "].into_iter().find_map(|kind| line.strip_prefix(kind))?;
    rest.split(|character: char| !character.is_alphanumeric() && character != '_').next()
}

fn capitalised(word: &str) -> String {
    let (first, rest) = word.split_at(1);
    first.to_uppercase() + rest
}

/// A file of tests alone may let its tests speak.
#[test]
fn every_file_begins_by_saying_what_lives_in_it() {
    let must_speak = |source: &PathBuf| {
        let name = source.file_name().unwrap().to_string_lossy();
        ["lib.rs", "mod.rs", "main.rs"].contains(&name.as_ref()) || !shown(source).contains("/tests")
    };
    let is_silent = |source: &PathBuf| !fs::read_to_string(source).unwrap().starts_with("//!");
    let silent = sources().into_iter().filter(|source| must_speak(source) && is_silent(source));
    must_be_empty(&silent.map(|source| format!("{}: begins without `//!`", shown(&source))).collect::<Vec<_>>());
}

#[test]
fn every_file_is_part_of_the_program() {
    let orphans = sources().into_iter().filter(|source| !is_root(source) && !is_declared(source));
    must_be_empty(&orphans.map(|orphan| format!("{}: no `mod` line names it", shown(&orphan))).collect::<Vec<_>>());
}

/// Files that cargo finds by itself.
fn is_root(source: &Path) -> bool {
    let name = source.file_name().unwrap().to_string_lossy();
    let folder = source.parent().unwrap();
    let folder_name = folder.file_name().unwrap().to_string_lossy();
    let in_crate = |folder: &Path| folder.join("Cargo.toml").exists();
    let is_of_cargo = |folder: &str| ["tests", "benches", "examples"].contains(&folder);
    match name.as_ref() {
        "build.rs" => in_crate(folder),
        "lib.rs" => folder_name == "src",
        "main.rs" => {
            let above = folder.parent().unwrap().file_name().unwrap().to_string_lossy();
            folder_name == "src" || is_of_cargo(&above) || above == "src" && folder_name == "bin"
        }
        _ => is_of_cargo(&folder_name) && in_crate(folder.parent().unwrap()),
    }
}

fn is_declared(source: &Path) -> bool {
    let stem = source.file_stem().unwrap().to_string_lossy().into_owned();
    let folder = source.parent().unwrap();
    let (module, within) = if stem == "mod" {
        (folder.file_name().unwrap().to_string_lossy().into_owned(), folder.parent().unwrap())
    } else {
        (stem, folder)
    };
    parents_of(within).iter().any(|parent| {
        let Ok(text) = fs::read_to_string(parent) else { return false };
        text.lines().any(|line| declares(line, &module))
    })
}

/// Where the modules of a folder may be declared.
fn parents_of(folder: &Path) -> Vec<PathBuf> {
    let mut parents: Vec<PathBuf> = ["mod.rs", "lib.rs", "main.rs"].map(|name| folder.join(name)).into();
    parents.push(folder.with_extension("rs"));
    parents
}

fn declares(line: &str, module: &str) -> bool {
    let line = line.trim();
    let Some(start) = line.strip_suffix(&format!("mod {module};")) else { return false };
    start.is_empty() || start == "pub " || start.starts_with("pub(") || start.ends_with("] ")
}
