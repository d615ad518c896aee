//! The jobs of a process, running: how they stop.

use crate::{Acts as _, secrets::parts, start_to};
use async_trait::async_trait;
use countersign_delivery::{Accepted, Outgoing, Provider, Routes, SendError};
use countersign_engine::{Engine, jobs::Jobs, testing::Harness};
use countersign_model::{
    Channel,
    message::{MessageState, ReceiptPlan},
};
use std::{pin::pin, sync::Arc};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// More than are on their way at once.
const MESSAGES: usize = 130;
/// As many as are on their way at once: see `runner.rs`.
const AT_ONCE: usize = 128;

/// Takes every message, and answers none until it is released.
struct Slow {
    begun: watch::Sender<usize>,
    release: CancellationToken,
}

#[async_trait]
impl Provider for Slow {
    async fn send(&self, _: &Outgoing) -> Result<Accepted, SendError> {
        self.begun.send_modify(|begun| *begun += 1);
        self.release.cancelled().await;
        Ok(Accepted { reference: None, receipt: ReceiptPlan::Never })
    }

    fn channels(&self) -> &[Channel] {
        &Channel::ALL
    }
}

#[tokio::test]
async fn a_stop_ends_what_is_on_its_way_and_takes_up_nothing_more() {
    let harness = Harness::new().await;
    for number in 0..MESSAGES {
        harness.start(&start_to(&format!("+34666{number:06}"))).await.unwrap();
    }
    let slow = Arc::new(Slow { begun: watch::Sender::new(0), release: CancellationToken::new() });
    let mut made_of = parts(harness.store.clone(), 7);
    made_of.providers.insert("slow", Arc::clone(&slow) as Arc<dyn Provider>).unwrap();
    made_of.routes = Routes::new([(Channel::Sms, vec!["slow".to_owned()])]);
    let jobs = Jobs::start(&Engine::new(made_of).await.unwrap());
    slow.begun.subscribe().wait_for(|begun| *begun == AT_ONCE).await.unwrap();

    let mut stopped = pin!(jobs.stop());
    tokio::select! { biased;
        () = &mut stopped => panic!("it did not wait for what is on its way"),
        () = tokio::task::yield_now() => {}
    }
    slow.release.cancel();
    stopped.await;
    assert_eq!(*slow.begun.borrow(), AT_ONCE);
    let left = u64::try_from(MESSAGES - AT_ONCE).unwrap();
    let counts = harness.store.message_counts().await.unwrap();
    assert!(counts.contains(&(MessageState::Queued, left)), "{counts:?}");
    assert!(counts.iter().all(|(state, count)| *state != MessageState::Leased || *count == 0), "{counts:?}");
}
