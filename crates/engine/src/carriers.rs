//! Providers that work all the time: they keep connections, and receipts come over these. Here they begin and end, their receipts
//! become state, and their connections are counted.

use crate::{Engine, Inner, receipts::ReceiptError};
use async_trait::async_trait;
use countersign_delivery::{NotTaken, Opening, ReceiptNote, ReceiptSink};
use futures_util::future::join_all;
use std::sync::{Arc, Weak};

impl Engine {
    /// Lets the providers that keep connections begin.
    pub fn open_providers(&self) {
        let receipts: Arc<dyn ReceiptSink> = Arc::new(Desk(Arc::downgrade(&self.0)));
        for name in self.providers().names() {
            let Some(provider) = self.providers().get(name) else { continue };
            provider.open(Opening {
                name: name.to_owned(),
                receipts: Arc::clone(&receipts),
                random: Arc::clone(&self.0.parts.random),
            });
        }
    }

    /// Ends the connections of the providers, all at the same time.
    pub async fn close_providers(&self) {
        let providers = self.providers();
        join_all(providers.names().filter_map(|name| providers.get(name)).map(|provider| provider.close())).await;
    }

    /// Puts the state of the providers' connections into the metrics.
    pub fn count_links(&self) {
        for name in self.providers().names() {
            for status in self.providers().get(name).map(|provider| provider.links()).unwrap_or_default() {
                self.metrics().link(name, &status);
            }
        }
    }
}

/// Where providers hand in receipts that come over their own connections. It does not keep the engine alive: the engine keeps it.
struct Desk(Weak<Inner>);

#[async_trait]
impl ReceiptSink for Desk {
    async fn take(&self, provider: &str, note: &ReceiptNote) -> Result<(), NotTaken> {
        let engine = Engine(self.0.upgrade().ok_or(NotTaken::Unavailable)?);
        match engine.record(provider, None, note).await {
            Ok(()) => Ok(()),
            Err(ReceiptError::NoSuchMessage) => Err(NotTaken::NoSuchMessage),
            Err(error @ (ReceiptError::Unknown | ReceiptError::Bad(_) | ReceiptError::Engine(_))) => {
                tracing::warn!(provider, %error, "a receipt could not be written down; the provider will send it again");
                Err(NotTaken::Unavailable)
            }
        }
    }
}
