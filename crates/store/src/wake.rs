//! "There is something new": a worker or a waiting reader registers, then looks, then waits. What was written between
//! looking and waiting is not missed.

use tokio::sync::watch;

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
}

/// Wakes the waiters of each topic.
#[derive(Debug)]
pub(crate) struct Wake {
    outbox: watch::Sender<()>,
    callbacks: watch::Sender<()>,
    take_overs: watch::Sender<()>,
    inbox: watch::Sender<()>,
}

impl Wake {
    pub(crate) fn new() -> Self {
        Self {
            outbox: watch::Sender::new(()),
            callbacks: watch::Sender::new(()),
            take_overs: watch::Sender::new(()),
            inbox: watch::Sender::new(()),
        }
    }

    pub(crate) fn wake(&self, topic: Topic) {
        self.sender(topic).send_replace(());
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
