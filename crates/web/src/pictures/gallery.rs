//! The list of categories. A category is its place in it, which never changes; its English name is also its name in APIs.

use crate::{
    packed::{Packed, packed},
    pages::Language,
};
use std::{collections::BTreeMap, sync::LazyLock};

const NAMES: &str = include_str!("../../assets/pictures/names.tsv");
const SETS: [Packed; 2] = [packed!("fluent.json"), packed!("noto.json")];

static GALLERY: LazyLock<Gallery> = LazyLock::new(Gallery::read);

/// For each set what is to be drawn, by English name. Compiled in, and read by the tests.
static DRAWINGS: LazyLock<[BTreeMap<String, String>; 2]> =
    LazyLock::new(|| SETS.map(|set| read(set).unwrap_or_default()));

fn read(set: Packed) -> Option<BTreeMap<String, String>> {
    serde_json::from_slice(&set.unpacked().ok()?).ok()
}

struct Gallery {
    /// A category's names, in the order of the file's columns.
    categories: Vec<Vec<&'static str>>,
    /// For each language the column that has its names.
    columns: Vec<usize>,
}

impl Gallery {
    fn read() -> Self {
        let mut lines = NAMES.lines().map(|line| line.split('\t').collect::<Vec<_>>());
        let head = lines.next().unwrap_or_default();
        let column = |language: Language| head.iter().position(|tag| *tag == language.tag()).unwrap_or(0);
        Self { categories: lines.collect(), columns: Language::ALL.map(column).to_vec() }
    }
}

/// How many categories there are.
pub(crate) fn pool() -> u16 {
    u16::try_from(GALLERY.categories.len()).unwrap_or(u16::MAX)
}

/// What a category is called.
pub(crate) fn name(category: u16, language: Language) -> &'static str {
    let names = GALLERY.categories.get(usize::from(category));
    let column = GALLERY.columns.get(language as usize).copied().unwrap_or(0);
    names.and_then(|names| names.get(column)).copied().unwrap_or_default()
}

/// All of them, as APIs call them.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    (0..pool()).map(|category| name(category, Language::English))
}

/// The category that APIs call so.
pub(crate) fn category_named(wanted: &str) -> Option<u16> {
    names().position(|name| name == wanted).and_then(|place| u16::try_from(place).ok())
}

/// What is to be drawn, in the first or the second style: what stands inside of an `<svg>`.
pub(super) fn drawing(category: u16, style: usize) -> Option<&'static str> {
    let drawings = DRAWINGS.get(style)?;
    drawings.get(name(category, Language::English)).map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_category_has_two_drawings_and_a_name_of_its_own_in_every_language() {
        assert!(pool() >= 100);
        for language in Language::ALL {
            let mut seen = BTreeSet::new();
            for category in 0..pool() {
                let name = name(category, language);
                assert!(!name.is_empty() && name.trim() == name && !name.contains(['<', '{']), "{category} {name:?}");
                assert!(seen.insert(name.to_lowercase()), "{}: `{name}` is there twice", language.tag());
            }
        }
        for category in 0..pool() {
            assert!(drawing(category, 0).is_some() && drawing(category, 1).is_some(), "{category}");
        }
    }

    #[test]
    fn the_words_of_the_vendors_sample_are_there_and_every_english_name_is_one_word() {
        for word in ["dog", "house", "tree"] {
            let category = category_named(word).unwrap();
            assert_eq!(name(category, Language::English), word);
        }
        assert!(names().all(|name| name.bytes().all(|byte| byte.is_ascii_lowercase())));
        assert_eq!(category_named("Dog"), None);
        assert_eq!(name(category_named("dog").unwrap(), Language::German), "Hund");
    }
}
