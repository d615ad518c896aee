//! Asking whether a number exists before a message to it is paid for (HLR look-up).

use async_trait::async_trait;
use countersign_model::PhoneNumber;

/// Somebody who knows which numbers exist.
#[async_trait]
pub trait NumberLookup: Send + Sync {
    /// Whether the number exists.
    ///
    /// # Errors
    /// When nobody can tell; the text is for the operator and holds no number.
    async fn exists(&self, number: &PhoneNumber) -> Result<bool, String>;
}
