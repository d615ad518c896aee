//! "There is something new": a worker or a waiting reader registers, then looks, then waits. What was written between
//! looking and waiting is not missed.

use countersign_model::Channel;
use std::sync::atomic::{AtomicU16, Ordering};
use tokio::sync::{Notify, watch};

/// What a waiter waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// New messages of a channel in the outbox.
    Outbox(Channel),
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
    pub(crate) const ALL: [Self; 11] = [
        Self::Outbox(Channel::Sms),
        Self::Outbox(Channel::Voice),
        Self::Outbox(Channel::Email),
        Self::Outbox(Channel::Whatsapp),
        Self::Outbox(Channel::Telegram),
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
            Self::Outbox(Channel::Sms) => "outbox_sms",
            Self::Outbox(Channel::Voice) => "outbox_voice",
            Self::Outbox(Channel::Email) => "outbox_email",
            Self::Outbox(Channel::Whatsapp) => "outbox_whatsapp",
            Self::Outbox(Channel::Telegram) => "outbox_telegram",
            Self::Callbacks => "callbacks",
            Self::TakeOvers => "take_overs",
            Self::Inbox => "inbox",
            Self::Clock => "clock",
            Self::WebhookDeliveries => "webhook_deliveries",
            Self::WebhookEndpoints => "webhook_endpoints",
        }
    }

    fn place(self) -> usize {
        Self::ALL.into_iter().position(|it| it == self).unwrap_or_default()
    }
}

/// Some of the topics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Topics(u16);

impl Topics {
    pub(crate) fn of(topics: impl IntoIterator<Item = Topic>) -> Self {
        Self(topics.into_iter().fold(0, |all, topic| all | 1 << topic.place()))
    }

    pub(crate) const fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    pub(crate) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(crate) fn each(self) -> impl Iterator<Item = Topic> {
        Topic::ALL.into_iter().enumerate().filter(move |(place, _)| self.0 & 1 << place != 0).map(|(_, topic)| topic)
    }
}

/// Wakes the waiters of each topic, and keeps what other processes are to be told.
#[derive(Debug)]
pub(crate) struct Wake {
    of_topic: [watch::Sender<()>; Topic::ALL.len()],
    untold: AtomicU16,
    told: Notify,
}

impl Wake {
    pub(crate) fn new() -> Self {
        let of_topic = Topic::ALL.map(|_| watch::Sender::new(()));
        Self { of_topic, untold: AtomicU16::new(0), told: Notify::new() }
    }

    /// This process has written something.
    pub(crate) fn wake(&self, topics: Topics) {
        if !topics.is_empty() {
            topics.each().for_each(|topic| self.hear(topic));
            self.untold.fetch_or(topics.0, Ordering::AcqRel);
            self.told.notify_one();
        }
    }

    /// Another process has.
    pub(crate) fn hear(&self, topic: Topic) {
        self.sender(topic).send_replace(());
    }

    /// Waits until there is something that other processes are to be told, and takes it: each topic once, however often it
    /// was woken.
    pub(crate) async fn to_tell(&self) -> Topics {
        loop {
            let untold = Topics(self.untold.swap(0, Ordering::AcqRel));
            if !untold.is_empty() {
                return untold;
            }
            self.told.notified().await;
        }
    }

    pub(crate) fn waiter(&self, topic: Topic) -> Waiter {
        Waiter(self.sender(topic).subscribe())
    }

    const fn sender(&self, topic: Topic) -> &watch::Sender<()> {
        let [sms, voice, email, whatsapp, telegram, callbacks, take_overs, inbox, clock, deliveries, endpoints] =
            &self.of_topic;
        match topic {
            Topic::Outbox(Channel::Sms) => sms,
            Topic::Outbox(Channel::Voice) => voice,
            Topic::Outbox(Channel::Email) => email,
            Topic::Outbox(Channel::Whatsapp) => whatsapp,
            Topic::Outbox(Channel::Telegram) => telegram,
            Topic::Callbacks => callbacks,
            Topic::TakeOvers => take_overs,
            Topic::Inbox => inbox,
            Topic::Clock => clock,
            Topic::WebhookDeliveries => deliveries,
            Topic::WebhookEndpoints => endpoints,
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
