//! Asking whether a number exists before a message to it is paid for (HLR look-up), and who is asked: `[lookup]`.

use crate::providers::{
    BadSetting,
    http::{HttpLookup, settings::Lookup},
};
use async_trait::async_trait;
use countersign_model::PhoneNumber;
use serde::Deserialize;
use std::sync::Arc;

/// Somebody who knows which numbers exist.
#[async_trait]
pub trait NumberLookup: Send + Sync {
    /// What is known of a number.
    ///
    /// # Errors
    /// When nobody can tell; the text is for the operator and holds no number.
    async fn look_up(&self, number: &PhoneNumber) -> Result<LookedUp, String>;
}

/// What is known of a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LookedUp {
    /// It exists.
    Exists {
        /// Whose it is at present, in the words of whoever was asked: MCC and MNC (`21407`), as a rule.
        operator: Option<String>,
    },
    /// It does not.
    Missing,
}

/// Who is asked: `[lookup]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Somebody who speaks HTTP; none: nobody is asked.
    pub http: Option<Lookup>,
}

/// Builds what a configuration names. Reads the files that it names; connects to nobody.
///
/// # Errors
/// The first setting of `[lookup.http]` that cannot be.
pub fn build(settings: &Settings) -> Result<Option<Arc<dyn NumberLookup>>, BadSetting> {
    let Some(http) = &settings.http else { return Ok(None) };
    Ok(Some(Arc::new(HttpLookup::new(http)?)))
}
