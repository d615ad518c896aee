use crate::{ANA, Acts, idempotency, start_to};
use countersign_engine::{
    Error,
    commands::{CheckCode, CreateKey, KeyForm, Target},
    jobs::Purge,
    testing::Harness,
};
use countersign_model::{Checked, Code, Scope, Typed};
use std::time::Duration;

#[tokio::test]
async fn the_same_request_under_the_same_key_is_done_once_and_answered_alike() {
    let harness = Harness::new().await;
    let key = idempotency("k1", "start");
    let first = harness.engine.run(&harness.caller, Some(&key), &start_to(ANA)).await.unwrap();
    harness.clock.pass(Duration::from_mins(10));
    let second = harness.engine.run(&harness.caller, Some(&key), &start_to(ANA)).await.unwrap();
    assert_eq!((first.verification, first.at), (second.verification, second.at));
    harness.deliver().await;
    assert_eq!(harness.first.take().len(), 0, "its code was over when the message left");
}

#[tokio::test]
async fn another_request_under_the_same_key_is_refused() {
    let harness = Harness::new().await;
    harness.engine.run(&harness.caller, Some(&idempotency("k1", "a")), &start_to(ANA)).await.unwrap();
    let other = harness.engine.run(&harness.caller, Some(&idempotency("k1", "b")), &start_to("+34666666112")).await;
    assert!(matches!(other, Err(Error::IdempotencyMismatch)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn parallel_requests_under_one_key_send_one_message_and_get_one_answer() {
    let harness = Harness::new().await;
    let mut starts = tokio::task::JoinSet::new();
    for _ in 0..30 {
        let (engine, caller) = (harness.engine.clone(), harness.caller.clone());
        starts.spawn(async move {
            engine.run(&caller, Some(&idempotency("k1", "start")), &start_to(ANA)).await.unwrap().verification.id
        });
    }
    let mut ids = starts.join_all().await;
    ids.dedup();
    assert_eq!(ids.len(), 1);
    harness.deliver().await;
    assert_eq!(harness.first.take().len(), 1);
}

#[tokio::test]
async fn a_repeated_right_check_is_still_answered_as_right_and_a_repeated_wrong_one_costs_nothing() {
    let harness = Harness::new().await;
    let (id, code) = harness.started_with_code().await;
    let check = |code: &str| CheckCode { target: Target::Id(id), code: Typed::Text(Code::typed(code)), payment: None };
    let wrong = check(&crate::other_than(&code));
    for _ in 0..9 {
        let checked = harness.engine.run(&harness.caller, Some(&idempotency("wrong", "w")), &wrong).await.unwrap();
        assert_eq!(checked.checked, Checked::Wrong { left: Some(4) });
    }
    for _ in 0..2 {
        let checked =
            harness.engine.run(&harness.caller, Some(&idempotency("right", "r")), &check(&code)).await.unwrap();
        assert_eq!(checked.checked, Checked::Approved);
    }
}

#[tokio::test]
async fn a_repeated_key_creation_shows_the_same_secret() {
    let harness = Harness::new().await;
    let command = CreateKey {
        name: "n".into(),
        scopes: vec![Scope::VerificationsWrite],
        form: KeyForm::Native,
        allowed_from: vec![],
        test: false,
    };
    let key = idempotency("k", "create");
    let first = harness.engine.run(&harness.caller, Some(&key), &command).await.unwrap();
    let second = harness.engine.run(&harness.caller, Some(&key), &command).await.unwrap();
    assert_eq!(first.secret, second.secret);
    assert_eq!(harness.engine.api_keys(&harness.caller).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_key_is_free_again_after_a_day() {
    let harness = Harness::new().await;
    let key = idempotency("k1", "start");
    let first = harness.engine.run(&harness.caller, Some(&key), &start_to(ANA)).await.unwrap();
    harness.clock.pass(Duration::from_hours(24) + Duration::from_millis(1));
    Purge(harness.engine.clone()).run_once().await.unwrap();
    let second = harness.engine.run(&harness.caller, Some(&key), &start_to(ANA)).await.unwrap();
    assert_ne!(first.verification.id, second.verification.id);
}

#[tokio::test]
async fn a_refusal_is_not_remembered() {
    let harness = Harness::new().await;
    harness.start(&start_to(ANA)).await.unwrap();
    let key = idempotency("k1", "start");
    assert!(harness.engine.run(&harness.caller, Some(&key), &start_to(ANA)).await.is_err());
    harness.clock.pass(Duration::from_mins(1));
    assert!(harness.engine.run(&harness.caller, Some(&key), &start_to(ANA)).await.is_ok());
}
