//! Work that is done step by step, so that a test says in which order several workers come to their turn. A step ends where the work
//! waits for the store: with what a read has answered in its hand, or with a write that is done but not heard of yet.

use std::{
    cell::Cell,
    future::{Future, poll_fn},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
};
use tokio::sync::Notify;

thread_local! {
    static IS_STEPPED: Cell<bool> = const { Cell::new(false) };
}

/// A read is answered: the end of a step, for whoever is stepped.
pub(crate) async fn answered() {
    let mut has_paused = !IS_STEPPED.get();
    poll_fn(|context| {
        if has_paused {
            return Poll::Ready(());
        }
        has_paused = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Work of which only so much is done as is asked for.
pub struct Stepped<'w> {
    work: Pin<Box<dyn Future<Output = ()> + 'w>>,
    woken: Arc<Woken>,
    is_done: bool,
}

#[derive(Default)]
struct Woken(Notify);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.notify_one();
    }
}

impl<'w> Stepped<'w> {
    /// Nothing of it is done yet.
    pub fn new(work: impl Future<Output = ()> + 'w) -> Self {
        Self { work: Box::pin(work), woken: Arc::default(), is_done: false }
    }

    /// One step, and waits for what that has asked of the store; no more once it is finished.
    pub async fn step(&mut self) {
        if self.is_done {
            return;
        }
        let waker = Waker::from(Arc::clone(&self.woken));
        IS_STEPPED.set(true);
        let polled = self.work.as_mut().poll(&mut Context::from_waker(&waker));
        IS_STEPPED.set(false);
        self.is_done = polled.is_ready();
        if !self.is_done {
            self.woken.0.notified().await;
        }
    }

    /// All steps that are left.
    pub async fn finish(&mut self) {
        while !self.is_done {
            self.step().await;
        }
    }
}
