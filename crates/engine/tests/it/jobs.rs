//! The jobs of a process, running: how they stop.

use crate::{Acts as _, secrets::parts, start_to};
use async_trait::async_trait;
use countersign_delivery::{Accepted, Outgoing, Provider, Routes, SendError};
use countersign_engine::{Engine, jobs::Jobs, testing::Harness};
use countersign_model::{
    Channel,
    message::{MessageState, ReceiptPlan},
};
use futures_util::future::poll_immediate;
use std::{pin::pin, sync::Arc};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// More than are on their way at once.
const MESSAGES: usize = 130;
/// As many as are on their way at once: see `send_off.rs`.
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

/// An engine on the harness's store whose jobs run, and whose text messages go by this provider.
async fn running(harness: &Harness, slow: &Arc<Slow>) -> (Engine, Jobs) {
    let mut made_of = parts(harness.store.clone(), 7);
    made_of.providers.insert("slow", Arc::clone(slow) as Arc<dyn Provider>).unwrap();
    made_of.routes = Routes::new([(Channel::Sms, vec!["slow".to_owned()])]);
    let engine = Engine::new(made_of).await.unwrap();
    let jobs = Jobs::start(&engine);
    (engine, jobs)
}

fn slow() -> Arc<Slow> {
    Arc::new(Slow { begun: watch::Sender::new(0), release: CancellationToken::new() })
}

#[tokio::test]
async fn a_new_message_is_leased_as_it_is_made_and_goes_at_once_as_long_as_there_is_a_place() {
    let (harness, slow) = (Harness::new().await, slow());
    let (engine, jobs) = running(&harness, &slow).await;
    let mut made = Vec::new();
    for number in 0..=AT_ONCE {
        let start = start_to(&format!("+34666{number:06}"));
        made.push(engine.run(&harness.caller, None, &start).await.unwrap().verification.id);
    }
    slow.begun.subscribe().wait_for(|begun| *begun == AT_ONCE).await.unwrap();
    let stands = async |of| harness.store.messages_of(harness.caller.tenant(), of).await.unwrap().pop().unwrap();
    let (first, last) = (stands(made[0]).await, stands(made[AT_ONCE]).await);
    assert_eq!((first.state, first.version), (MessageState::Leased, 1), "nobody had to claim it");
    assert_eq!((last.state, last.version), (MessageState::Queued, 1), "there is no place for it");
    slow.release.cancel();
    slow.begun.subscribe().wait_for(|begun| *begun == AT_ONCE + 1).await.unwrap();
    jobs.stop().await;
    let (first, last) = (stands(made[0]).await, stands(made[AT_ONCE]).await);
    assert_eq!((first.state, first.version), (MessageState::Accepted, 2));
    assert_eq!((last.state, last.version), (MessageState::Accepted, 3), "the job has claimed it");
}

#[tokio::test]
async fn a_message_goes_even_if_whoever_has_asked_for_it_waits_no_longer() {
    let (harness, slow) = (Harness::new().await, slow());
    let (engine, jobs) = running(&harness, &slow).await;
    // Each goes away after one look, at which its batch is handed to the writer; hardly one of them is answered by then.
    for number in 1..AT_ONCE {
        let start = start_to(&format!("+34666{number:06}"));
        let _ = poll_immediate(pin!(engine.run(&harness.caller, None, &start))).await;
    }
    // What was handed over before this is written by then.
    engine.run(&harness.caller, None, &start_to("+34666999999")).await.unwrap();
    slow.release.cancel();
    jobs.stop().await;
    let counts = harness.store.message_counts().await.unwrap();
    assert!(counts.iter().all(|(_, count)| *count == 0), "a message waits for the end of a lease: {counts:?}");
}

#[tokio::test]
async fn a_stop_ends_what_is_on_its_way_and_takes_up_nothing_more() {
    let harness = Harness::new().await;
    for number in 0..MESSAGES {
        harness.start(&start_to(&format!("+34666{number:06}"))).await.unwrap();
    }
    let slow = slow();
    let (_, jobs) = running(&harness, &slow).await;
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
