//! What a provider is given that works all the time and not only when it is asked to send: who takes its receipts; and what it
//! tells of its connections.

use crate::ReceiptNote;
use async_trait::async_trait;
use countersign_model::Random;
use std::{fmt, sync::Arc};

/// Who takes the receipts that a provider gets over its own connection.
#[async_trait]
pub trait ReceiptSink: Send + Sync {
    /// Writes down what became of a message. Late, double and out-of-order receipts are harmless.
    ///
    /// # Errors
    /// When it was not written down.
    async fn take(&self, provider: &str, note: &ReceiptNote) -> Result<(), NotTaken>;
}

/// Why a receipt was not written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotTaken {
    /// Its message is not known, or not yet.
    NoSuchMessage,
    /// Nothing can be written now.
    Unavailable,
}

/// What a provider begins to work with.
#[derive(Clone)]
pub struct Opening {
    /// Its name in the configuration.
    pub name: String,
    /// Who takes its receipts.
    pub receipts: Arc<dyn ReceiptSink>,
    /// Chance, so that many servers do not come back in step.
    pub random: Arc<dyn Random + Send + Sync>,
}

impl fmt::Debug for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opening").field("name", &self.name).finish_non_exhaustive()
    }
}

/// One lasting connection of a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkStatus {
    /// Its name among those of the provider.
    pub name: String,
    /// Where it stands.
    pub state: LinkState,
    /// How many messages are on it without an answer.
    pub in_window: usize,
    /// How often it was up.
    pub times_bound: u64,
    /// How often the peer was told that it cannot be understood.
    pub times_nacked: u64,
    /// How often the peer wanted fewer messages.
    pub throttled: u64,
}

/// Where a lasting connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// It waits until it may try again, or has ended.
    Down,
    /// It is being set up.
    Connecting,
    /// It works.
    Bound,
}

impl LinkState {
    /// Every one of them.
    pub const ALL: [Self; 3] = [Self::Down, Self::Connecting, Self::Bound];

    /// Its name in metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::Connecting => "connecting",
            Self::Bound => "bound",
        }
    }
}
