//! Dialects: each in its own folder, in the list, and without a word of another one.

use super::{files_below, must_be_empty, root, shown};
use std::fs;

fn dialects() -> Vec<String> {
    let entries = fs::read_dir(root().join("crates/web/src/dialects")).unwrap().map(Result::unwrap);
    let folders = entries.filter(|entry| entry.path().is_dir());
    let mut names: Vec<String> = folders.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    assert!(!names.is_empty(), "no dialect was found");
    names
}

#[test]
fn every_dialect_is_in_the_list() {
    let list = fs::read_to_string(root().join("crates/web/src/dialects/mod.rs")).unwrap();
    let missing = dialects()
        .into_iter()
        .filter(|name| !(list.contains(&format!("mod {name};")) && list.contains(&format!("{name}::DIALECT"))));
    must_be_empty(
        &missing.map(|name| format!("crates/web/src/dialects/mod.rs: {name} is missing")).collect::<Vec<_>>(),
    );
}

#[test]
fn no_dialect_names_another_one() {
    let dialects = dialects();
    let mut problems = Vec::new();
    for dialect in &dialects {
        for file in files_below(&root().join("crates/web/src/dialects").join(dialect)) {
            let Ok(text) = fs::read_to_string(&file) else { continue };
            for other in dialects.iter().filter(|other| *other != dialect) {
                let paths =
                    [format!("dialects::{other}"), format!("super::{other}::"), format!("super::super::{other}")];
                if paths.iter().any(|path| text.contains(path.as_str())) {
                    problems.push(format!("{}: names the dialect {other}", shown(&file)));
                }
            }
        }
    }
    must_be_empty(&problems);
}
