use crate::{ANA, Acts, start_to};
use countersign_engine::{
    Caller, Error, Thing,
    commands::{CreateTenant, ServiceRef},
    testing::Harness,
};
use countersign_model::{Address, Channel, Code, EventKind, State, limit::LimitRule};
use std::time::Duration;

#[tokio::test]
async fn a_start_queues_one_message_with_a_six_digit_code() {
    let harness = Harness::new().await;
    let started = harness.start(&start_to(ANA)).await.unwrap();
    assert_eq!(started.verification.state_at(started.at), State::Pending);
    harness.deliver().await;
    let sent = harness.first.take();
    assert_eq!(sent.len(), 1);
    assert_eq!((sent[0].to.as_str(), sent[0].channel), (ANA, Channel::Sms));
    assert!(sent[0].code.len() == 6 && sent[0].code.bytes().all(|byte| byte.is_ascii_digit()));
    assert!(sent[0].text.contains(&sent[0].code));
}

#[tokio::test]
async fn an_own_code_is_what_the_message_carries() {
    let harness = Harness::new().await;
    let mut command = start_to(ANA);
    command.code = Some(Code::own("aB3456").unwrap());
    let id = harness.start(&command).await.unwrap().verification.id;
    harness.deliver().await;
    assert_eq!(harness.first.take()[0].code, "aB3456");
    assert!(harness.check(id, "ab3456").await.unwrap().verification.state == State::Approved);
}

#[tokio::test]
async fn a_refused_start_changes_nothing() {
    let harness = Harness::new().await;
    harness.start(&start_to(ANA)).await.unwrap();
    let Err(Error::Limited(limited)) = harness.start(&start_to(ANA)).await else { panic!("it must be refused") };
    assert_eq!(limited.rule, LimitRule::SendGap);
    harness.deliver().await;
    assert_eq!(harness.first.take().len(), 1);
    harness.clock.pass(Duration::from_mins(1));
    harness.start(&start_to(ANA)).await.unwrap();
}

#[tokio::test]
async fn limits_of_one_number_and_of_one_tenant_are_their_own() {
    let harness = Harness::new().await;
    harness.start(&start_to(ANA)).await.unwrap();
    harness.start(&start_to("+34666666112")).await.unwrap();
    let operator = Caller::installation();
    let other = harness.engine.run(&operator, None, &CreateTenant { name: "other".into() }).await.unwrap();
    harness.engine.run(&Caller::operator(other.id), None, &start_to(ANA)).await.unwrap();
}

#[tokio::test]
async fn parallel_starts_to_one_number_send_one_message() {
    let harness = Harness::new().await;
    let starts = (0..50).map(|_| {
        let (engine, caller) = (harness.engine.clone(), harness.caller.clone());
        tokio::spawn(async move { engine.run(&caller, None, &start_to(ANA)).await.is_ok() })
    });
    let mut accepted = 0;
    for start in starts.collect::<Vec<_>>() {
        accepted += u32::from(start.await.unwrap());
    }
    harness.deliver().await;
    assert_eq!((accepted, harness.first.take().len()), (1, 1));
}

#[tokio::test]
async fn an_unknown_service_and_a_wrong_channel_are_refused() {
    let harness = Harness::new().await;
    let mut command = start_to(ANA);
    command.service = ServiceRef::Named("nobody".into());
    assert!(matches!(harness.start(&command).await, Err(Error::NotFound(Thing::Service))));
    let mut command = start_to(ANA);
    command.to = Address::parse(Channel::Email, "ana@example.com").unwrap();
    assert!(matches!(harness.start(&command).await, Err(Error::WrongChannel(Channel::Sms))));
}

#[tokio::test]
async fn the_history_tells_what_became_of_the_message() {
    let harness = Harness::new().await;
    let (id, _) = harness.started_with_code().await;
    let history = harness.engine.history(&harness.caller, id).await.unwrap();
    let kinds: Vec<_> = history.events.iter().map(|event| &event.kind).collect();
    assert!(matches!(kinds[..], [EventKind::Started { .. }, EventKind::MessageAccepted { .. }]), "{kinds:?}");
    assert_eq!(history.messages[0].provider.as_deref(), Some("first"));
}
