//! "There is something new": a worker or a waiting reader registers, then looks, then waits. What was written between
//! looking and waiting is not missed.

use std::sync::atomic::{AtomicU8, Ordering};
use tokio::sync::{Notify, watch};

/// What a waiter waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// New messages in the outbox.
    Outbox,
    /// New callbacks.
    Callbacks,
    /// Messages from which another one takes over, if nothing is heard of them.
    TakeOvers,
    /// New messages in the sandbox's inbox, or new calls beside it.
    Inbox,
    /// The clock of the rules was moved.
    Clock,
    /// New webhook deliveries, or old ones that are to be tried again.
    WebhookDeliveries,
    /// Webhook endpoints were made, changed or removed.
    WebhookEndpoints,
}

impl Topic {
    /// All of them.
    pub(crate) const ALL: [Self; 7] = [
        Self::Outbox,
        Self::Callbacks,
        Self::TakeOvers,
        Self::Inbox,
        Self::Clock,
        Self::WebhookDeliveries,
        Self::WebhookEndpoints,
    ];

    /// Its name between processes.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Outbox => "outbox",
            Self::Callbacks => "callbacks",
            Self::TakeOvers => "take_overs",
            Self::Inbox => "inbox",
            Self::Clock => "clock",
            Self::WebhookDeliveries => "webhook_deliveries",
            Self::WebhookEndpoints => "webhook_endpoints",
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// Wakes the waiters of each topic, and keeps what other processes are to be told.
#[derive(Debug)]
pub(crate) struct Wake {
    outbox: watch::Sender<()>,
    callbacks: watch::Sender<()>,
    take_overs: watch::Sender<()>,
    inbox: watch::Sender<()>,
    clock: watch::Sender<()>,
    webhook_deliveries: watch::Sender<()>,
    webhook_endpoints: watch::Sender<()>,
    untold: AtomicU8,
    told: Notify,
}

impl Wake {
    pub(crate) fn new() -> Self {
        let new = || watch::Sender::new(());
        Self {
            outbox: new(),
            callbacks: new(),
            take_overs: new(),
            inbox: new(),
            clock: new(),
            webhook_deliveries: new(),
            webhook_endpoints: new(),
            untold: AtomicU8::new(0),
            told: Notify::new(),
        }
    }

    /// This process has written something.
    pub(crate) fn wake(&self, topic: Topic) {
        self.hear(topic);
        self.untold.fetch_or(topic.bit(), Ordering::AcqRel);
        self.told.notify_one();
    }

    /// Another process has.
    pub(crate) fn hear(&self, topic: Topic) {
        self.sender(topic).send_replace(());
    }

    /// Waits until there is something that other processes are to be told, and takes it: each topic once, however often it
    /// was woken.
    pub(crate) async fn to_tell(&self) -> Vec<Topic> {
        loop {
            let untold = self.untold.swap(0, Ordering::AcqRel);
            if untold != 0 {
                return Topic::ALL.into_iter().filter(|topic| untold & topic.bit() != 0).collect();
            }
            self.told.notified().await;
        }
    }

    pub(crate) fn waiter(&self, topic: Topic) -> Waiter {
        Waiter(self.sender(topic).subscribe())
    }

    const fn sender(&self, topic: Topic) -> &watch::Sender<()> {
        match topic {
            Topic::Outbox => &self.outbox,
            Topic::Callbacks => &self.callbacks,
            Topic::TakeOvers => &self.take_overs,
            Topic::Inbox => &self.inbox,
            Topic::Clock => &self.clock,
            Topic::WebhookDeliveries => &self.webhook_deliveries,
            Topic::WebhookEndpoints => &self.webhook_endpoints,
        }
    }
}

/// Registered with one topic. Made before looking, waited on after.
#[derive(Debug)]
pub struct Waiter(watch::Receiver<()>);

impl Waiter {
    /// Returns once something was written since this waiter was made or last returned; never, once the store is closed.
    pub async fn changed(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
