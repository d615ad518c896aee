//! The languages that a vendor can say a message in, and what it calls them.

use super::BadSetting;
use crate::render::locale;
use std::collections::BTreeMap;

/// Ours (BCP 47), and beside each the vendor's name. Empty: the vendor says whatever it is given.
#[derive(Default)]
pub(super) struct Languages {
    ours: Vec<String>,
    theirs: Vec<String>,
}

impl Languages {
    pub fn new(settings: &BTreeMap<String, String>) -> Result<Self, BadSetting> {
        let wrong = settings.keys().find(|tag| locale::canonical(tag).as_ref() != Some(*tag));
        if let Some(tag) = wrong {
            let problem = format!("\"{tag}\" is no language: use a tag such as \"de\", \"pt-BR\" or \"zh-Hant\"");
            return Err(BadSetting::new("languages", problem));
        }
        Ok(Self { ours: settings.keys().cloned().collect(), theirs: settings.values().cloned().collect() })
    }

    /// Ours.
    pub fn ours(&self) -> &[String] {
        &self.ours
    }

    /// What the vendor calls one of ours; without names of its own it calls each as we do.
    pub fn theirs<'a>(&'a self, language: &'a str) -> &'a str {
        let found = self.ours.iter().zip(&self.theirs).find(|(ours, _)| ours.as_str() == language);
        found.map_or(language, |(_, theirs)| theirs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_has_the_vendors_name_and_a_tag_that_is_none_is_refused() {
        let given = |tag: &str| BTreeMap::from([(tag.to_owned(), "nb-NO".to_owned())]);
        let languages = Languages::new(&given("nb")).unwrap();
        assert_eq!((languages.ours(), languages.theirs("nb")), (&["nb".to_owned()][..], "nb-NO"));
        assert_eq!(Languages::default().theirs("nb"), "nb");
        for tag in ["NB", "no_such language", "zh-hant"] {
            assert!(Languages::new(&given(tag)).is_err(), "{tag}");
        }
    }
}
