//! THE list of providers: each kind has a line in [`Settings`] and one in [`build`]. What a provider does is in its own
//! file; which of them are asked, and when, is in `routing.rs`.

pub mod http;
pub mod sandbox;
mod sender;
pub mod smpp;
pub mod smtp;
pub mod withheld;

use crate::Provider;
use serde::Deserialize;
use std::{collections::BTreeMap, fmt, sync::Arc};

/// The providers of a configuration, by kind and by name: `[providers.smtp.relay]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Mail relays.
    pub smtp: BTreeMap<String, smtp::Settings>,
    /// Carriers.
    pub smpp: BTreeMap<String, smpp::Settings>,
    /// Aggregators that are described by their settings alone.
    pub http: BTreeMap<String, http::Settings>,
}

impl Settings {
    /// The kind of the provider with this name, as it stands in the configuration.
    #[must_use]
    pub fn kind_of(&self, name: &str) -> Option<&'static str> {
        let kinds = [
            ("smtp", self.smtp.contains_key(name)),
            ("smpp", self.smpp.contains_key(name)),
            ("http", self.http.contains_key(name)),
        ];
        kinds.into_iter().find_map(|(kind, has)| has.then_some(kind))
    }
}

/// Why the providers cannot be built. The text names the setting and holds no secret.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// Two of one name.
    #[error("[providers]: there are two providers with the name \"{0}\"")]
    Twice(String),
    /// A name that is none.
    #[error("[providers]: \"{0}\" is no name: use up to 64 of a-z 0-9 - _ . and begin with a letter or digit")]
    BadName(String),
    /// A setting that cannot be.
    #[error("[providers.{kind}.{name}] {setting}: {problem}")]
    Setting {
        /// The kind of provider.
        kind: &'static str,
        /// Its name.
        name: String,
        /// The setting.
        setting: &'static str,
        /// What is wrong with it.
        problem: String,
    },
}

/// Everybody who can be asked to carry a message.
#[derive(Clone, Default)]
pub struct Providers(BTreeMap<String, Arc<dyn Provider>>);

/// Builds what a configuration names. Reads the files that it names (passwords, certificates); connects to nobody.
///
/// # Errors
/// The first setting that cannot be.
pub fn build(settings: &Settings) -> Result<Providers, BuildError> {
    let mut providers = Providers::default();
    for (name, settings) in &settings.smtp {
        let built = smtp::Smtp::new(settings).map_err(|bad| bad.at("smtp", name))?;
        providers.insert(name, Arc::new(built))?;
    }
    for (name, settings) in &settings.smpp {
        let built = smpp::Smpp::new(settings).map_err(|bad| bad.at("smpp", name))?;
        providers.insert(name, Arc::new(built))?;
    }
    for (name, settings) in &settings.http {
        let built = http::Http::new(settings).map_err(|bad| bad.at("http", name))?;
        providers.insert(name, Arc::new(built))?;
    }
    Ok(providers)
}

impl Providers {
    /// Adds one more.
    ///
    /// # Errors
    /// When its name is taken, or none.
    pub fn insert(&mut self, name: &str, provider: Arc<dyn Provider>) -> Result<(), BuildError> {
        if !countersign_model::tenant::is_name(name) {
            return Err(BuildError::BadName(name.to_owned()));
        }
        if self.0.contains_key(name) {
            return Err(BuildError::Twice(name.to_owned()));
        }
        self.0.insert(name.to_owned(), provider);
        Ok(())
    }

    /// The one with this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<dyn Provider>> {
        self.0.get(name)
    }

    /// All names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

impl fmt::Debug for Providers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// A setting that cannot be, before it is known whose.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{setting}: {problem}")]
pub struct BadSetting {
    /// Which.
    pub setting: &'static str,
    /// What is wrong with it.
    pub problem: String,
}

impl BadSetting {
    fn new(setting: &'static str, problem: impl Into<String>) -> Self {
        Self { setting, problem: problem.into() }
    }

    fn at(self, kind: &'static str, name: &str) -> BuildError {
        BuildError::Setting { kind, name: name.to_owned(), setting: self.setting, problem: self.problem }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built(json: &str) -> Result<Vec<String>, String> {
        let settings: Settings = serde_json::from_str(json).map_err(|error| error.to_string())?;
        let providers = build(&settings).map_err(|error| error.to_string())?;
        Ok(providers.names().map(str::to_owned).collect())
    }

    const FROM: &str = r#""from": "Acme <no-reply@acme.example>""#;

    #[test]
    fn each_relay_of_the_settings_becomes_a_provider() {
        let json = format!(
            r#"{{"smtp": {{"b": {{"host": "localhost", "tls": "none", {FROM}}}, "a": {{"host": "127.0.0.1", "tls": "none", {FROM}}}}}}}"#
        );
        assert_eq!(built(&json), Ok(vec!["a".into(), "b".into()]));
        assert_eq!(built("{}"), Ok(vec![]));
    }

    #[test]
    fn a_bad_setting_is_named_in_full() {
        let json = format!(r#"{{"smtp": {{"relay": {{"host": "mail.acme.example", "tls": "none", {FROM}}}}}}}"#);
        let error = built(&json).unwrap_err();
        assert!(error.starts_with("[providers.smtp.relay] tls: "), "{error}");
    }

    #[test]
    fn unknown_settings_are_refused() {
        assert!(built(r#"{"smpt": {}}"#).is_err());
        assert!(built(&format!(r#"{{"smtp": {{"a": {{"host": "localhost", "prot": 1, {FROM}}}}}}}"#)).is_err());
    }

    #[test]
    fn a_name_is_taken_once_and_is_plain() {
        let settings: smtp::Settings =
            serde_json::from_str(&format!(r#"{{"host": "localhost", "tls": "none", {FROM}}}"#)).unwrap();
        let one: Arc<dyn Provider> = Arc::new(smtp::Smtp::new(&settings).unwrap());
        let mut providers = Providers::default();
        assert_eq!(providers.insert("a", Arc::clone(&one)), Ok(()));
        assert_eq!(providers.insert("a", Arc::clone(&one)), Err(BuildError::Twice("a".into())));
        assert_eq!(providers.insert("A b", one), Err(BuildError::BadName("A b".into())));
    }
}
