use crate::{ANA, Acts, start_to};
use countersign_engine::{
    commands::{CancelVerification, Target},
    jobs::{Deliver, Expire, Progress, Purge},
    testing::Harness,
};
use countersign_model::{Channel, EventKind, SendError, State, message::MessageState};
use std::time::Duration;

fn down() -> SendError {
    SendError::Retry("connection refused".into())
}

#[tokio::test]
async fn when_the_first_provider_fails_the_second_carries_the_message() {
    let harness = Harness::new().await;
    harness.first.answer_next(Err(down()));
    harness.start(&start_to(ANA)).await.unwrap();
    harness.deliver().await;
    assert_eq!((harness.first.take().len(), harness.second.take().len()), (0, 1));
}

#[tokio::test]
async fn when_all_fail_the_message_waits_and_goes_out_later() {
    let harness = Harness::new().await;
    harness.first.answer_next(Err(down()));
    harness.second.answer_next(Err(down()));
    let id = harness.start(&start_to(ANA)).await.unwrap().verification.id;
    harness.deliver().await;
    let message = harness.engine.history(&harness.caller, id).await.unwrap().messages.remove(0);
    assert_eq!((message.state, message.attempts), (MessageState::Queued, 2));
    assert_eq!(message.reason.as_deref(), Some("second: connection refused"));
    harness.clock.pass(Duration::from_secs(2));
    harness.deliver().await;
    assert_eq!(harness.first.take().len(), 1);
}

#[tokio::test]
async fn a_message_that_all_providers_refuse_fails_and_says_why() {
    let harness = Harness::new().await;
    harness.first.answer_next(Err(SendError::Refused("status 550".into())));
    harness.second.answer_next(Err(SendError::Refused("status 551".into())));
    let id = harness.start(&start_to(ANA)).await.unwrap().verification.id;
    harness.deliver().await;
    let history = harness.engine.history(&harness.caller, id).await.unwrap();
    assert_eq!(history.messages[0].state, MessageState::Failed);
    assert!(
        matches!(&history.events.last().unwrap().kind, EventKind::MessageFailed { reason, .. } if reason == "second: status 551")
    );
}

#[tokio::test]
async fn nothing_goes_out_for_a_verification_that_has_ended() {
    let harness = Harness::new().await;
    let id = harness.start(&start_to(ANA)).await.unwrap().verification.id;
    let cancel = CancelVerification { target: Target::Id(id) };
    harness.engine.run(&harness.caller, None, &cancel).await.unwrap();
    harness.deliver().await;
    assert!(harness.first.take().is_empty());
    let history = harness.engine.history(&harness.caller, id).await.unwrap();
    assert_eq!(history.messages[0].state, MessageState::Dropped);
}

#[tokio::test]
async fn a_message_of_a_dead_worker_is_taken_over_when_its_lease_is_over() {
    let harness = Harness::new().await;
    let job = Deliver(harness.engine.clone());
    harness.start(&start_to(ANA)).await.unwrap();
    let lost = job.claim(Channel::Sms, 10).await.unwrap();
    assert_eq!(lost.len(), 1);
    harness.deliver().await;
    assert!(harness.first.take().is_empty(), "the lease still runs");
    harness.clock.pass(Duration::from_secs(46));
    harness.deliver().await;
    assert_eq!(harness.first.take().len(), 1);

    // The worker was only slow: its late write must not undo what the other did.
    let id = lost[0].verification().unwrap();
    harness.first.answer_next(Err(down()));
    job.attempt(lost.into_iter().next().unwrap(), None).await;
    let message = harness.engine.history(&harness.caller, id).await.unwrap().messages.remove(0);
    assert_eq!(message.state, MessageState::Accepted);
}

#[tokio::test]
async fn expiry_is_written_down_once() {
    let harness = Harness::new().await;
    let (id, _) = harness.started_with_code().await;
    let job = Expire(harness.engine.clone());
    harness.clock.pass(Duration::from_secs(299));
    job.run_once().await.unwrap();
    assert_eq!(harness.engine.verification(&harness.caller, id).await.unwrap().verification.state, State::Pending);
    harness.clock.pass(Duration::from_secs(1));
    for _ in 0..2 {
        assert_eq!(job.run_once().await.unwrap(), Progress::Idle);
    }
    let history = harness.engine.history(&harness.caller, id).await.unwrap();
    assert_eq!(history.events.iter().filter(|event| event.kind == EventKind::Expired).count(), 1);
}

#[tokio::test]
async fn what_ended_long_ago_is_forgotten_and_what_is_young_is_kept() {
    let harness = Harness::new().await;
    let (id, code) = harness.started_with_code().await;
    harness.check(id, &code).await.unwrap();
    let job = Purge(harness.engine.clone());
    harness.clock.pass(Duration::from_hours(24 * 89));
    job.run_once().await.unwrap();
    assert!(harness.engine.verification(&harness.caller, id).await.is_ok());
    harness.clock.pass(Duration::from_hours(24 * 2));
    job.run_once().await.unwrap();
    assert!(harness.engine.verification(&harness.caller, id).await.is_err());
}

#[tokio::test]
async fn a_purge_says_whether_there_is_more_and_limits_are_remembered_longer_than_verifications() {
    let harness = Harness::new().await;
    for number in 0..510 {
        let started = harness.start(&start_to(&format!("+34{}", 600_000_000 + number))).await.unwrap();
        let cancel = CancelVerification { target: Target::Id(started.verification.id) };
        harness.engine.run(&harness.caller, None, &cancel).await.unwrap();
    }
    harness.clock.pass(Duration::from_hours(24 * 91));
    let job = Purge(harness.engine.clone());
    assert_eq!(job.run_once().await.unwrap(), Progress::More);
    assert_eq!(job.run_once().await.unwrap(), Progress::Idle);
}
