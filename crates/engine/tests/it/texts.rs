//! Texts of callers' own, overrides, receipts, and the reports that callers' servers get.

use crate::{ANA, Acts, start_to};
use countersign_delivery::{Accepted, callback::CallError};
use countersign_engine::{
    Error,
    commands::{CheckCode, OwnText, RecordReceipt, SendText, ServiceRef, StartVerification, Target},
    jobs::{OverdueReceipts, Progress, Report},
    reports::ReportTo,
    testing::Harness,
};
use countersign_model::{
    Address, Alphabet, Channel, Checked, CodeShape, MessageId, SendError, State, Timestamp, Typed,
    message::{MessageState, Receipt, ReceiptPlan},
};
use std::time::Duration;

const DIALECT: &str = "test";

fn ana() -> Address {
    Address::parse(Channel::Sms, ANA).unwrap()
}

fn report() -> ReportTo {
    ReportTo { dialect: DIALECT.into(), url: "https://shop.example/reports".into(), custom: "mine".into() }
}

fn of_dialect() -> StartVerification {
    let mut command = start_to(ANA);
    command.service = ServiceRef::Dialect(DIALECT);
    command.overrides.replaces_older = true;
    command.overrides.report = Some(report());
    command
}

fn text() -> SendText {
    SendText { to: ana(), from: Some("SHOP".into()), text: "Hello Ana".into(), report: Some(report()), send_at: None }
}

fn expects_receipt() -> Accepted {
    Accepted { reference: Some("ref-1".into()), receipt: ReceiptPlan::Expected }
}

async fn send(harness: &Harness, command: &SendText) -> MessageId {
    let id = harness.engine.run(&harness.caller, None, command).await.unwrap();
    harness.deliver().await;
    id
}

async fn tell(harness: &Harness) {
    while Report(harness.engine.clone()).run_once().await.unwrap() == Progress::More {}
}

async fn state(harness: &Harness, id: MessageId) -> MessageState {
    harness.store.message(harness.tenant.id, id).await.unwrap().unwrap().state
}

#[tokio::test]
async fn a_dialects_service_is_made_on_first_use_and_has_no_pause_between_sends() {
    let harness = Harness::new().await;
    for _ in 0..3 {
        harness.start(&of_dialect()).await.unwrap();
    }
    assert_eq!(harness.engine.service(&harness.caller, DIALECT).await.unwrap().policy.max_checks, 3);
}

#[tokio::test]
async fn a_newer_code_of_the_same_address_ends_the_older_one() {
    let harness = Harness::new().await;
    let first = harness.start(&of_dialect()).await.unwrap().verification.id;
    harness.start(&of_dialect()).await.unwrap();
    let ended = harness.engine.verification(&harness.caller, first).await.unwrap().verification;
    assert_eq!(ended.state, State::Cancelled);
    harness.deliver().await;
    let code = harness.first.take().pop().unwrap().code;
    let latest = |to| Target::Latest { service: DIALECT, to };
    let check = CheckCode { target: latest(ana()), code: Typed::Number(code.parse().unwrap()), payment: None };
    let checked = harness.engine.run(&harness.caller, None, &check).await.unwrap();
    assert_eq!(checked.checked, Checked::Approved);
    let nobody = Address::parse(Channel::Sms, "+34666666112").unwrap();
    let check = CheckCode { target: latest(nobody), code: Typed::Number(1), payment: None };
    assert!(matches!(harness.engine.run(&harness.caller, None, &check).await, Err(Error::NotFound(_))));
}

#[tokio::test]
async fn one_verification_may_differ_from_its_service() {
    let harness = Harness::new().await;
    let mut command = of_dialect();
    command.overrides.code = Some(CodeShape::new(Alphabet::Alpha, 16).unwrap());
    command.overrides.life_seconds = Some(0);
    command.overrides.max_checks = Some(0);
    command.overrides.sender = Some("PIZZA".into());
    command.overrides.text = Some(OwnText::around("Code ", " {{ for }} you"));
    let verification = harness.start(&command).await.unwrap().verification;
    assert_eq!((verification.expires_at(), verification.attempts_left()), (None, None));
    harness.deliver().await;
    let sent = harness.first.take().pop().unwrap();
    assert_eq!(sent.text, format!("Code {} {{{{ for }}}} you", sent.code));
    assert!(sent.code.len() == 16 && sent.code.bytes().all(|byte| byte.is_ascii_uppercase()));
    harness.clock.pass(Duration::from_hours(24 * 3650));
    let checked = harness.check(verification.id, &sent.code).await.unwrap();
    assert_eq!(checked.checked, Checked::Approved);
}

#[tokio::test]
async fn a_text_goes_out_as_it_is_at_its_time() {
    let harness = Harness::new().await;
    send(&harness, &text()).await;
    let sent = harness.first.take().pop().unwrap();
    assert_eq!((sent.to.as_str(), sent.text.as_str(), sent.code.as_str()), (ANA, "Hello Ana", ""));

    let tomorrow = Timestamp::from_ms(harness.engine.now().as_ms() + 86_400_000);
    send(&harness, &SendText { send_at: Some(tomorrow), ..text() }).await;
    assert!(harness.first.take().is_empty());
    harness.clock.pass(Duration::from_hours(24));
    harness.deliver().await;
    assert_eq!(harness.first.take().len(), 1);
}

#[tokio::test]
async fn a_receipt_changes_the_state_and_is_reported_once() {
    let harness = Harness::new().await;
    harness.first.answer_next(Ok(expects_receipt()));
    let id = send(&harness, &text()).await;
    tell(&harness).await;
    assert!(harness.callbacks.take().is_empty(), "its fate is not known yet");
    let receipt = RecordReceipt { message: id, receipt: Receipt::Delivered };
    assert!(harness.engine.run(&harness.caller, None, &receipt).await.unwrap().news);
    let late = RecordReceipt { message: id, receipt: Receipt::Undelivered };
    assert!(!harness.engine.run(&harness.caller, None, &late).await.unwrap().news);
    assert_eq!(state(&harness, id).await, MessageState::Delivered);
    tell(&harness).await;
    let calls = harness.callbacks.take();
    assert_eq!(calls.len(), 1);
    let body = String::from_utf8(calls[0].body.clone()).unwrap();
    assert!(calls[0].url == report().url && body.contains("Delivered") && body.contains("mine"), "{body}");
    tell(&harness).await;
    assert!(harness.callbacks.take().is_empty(), "it was told");
}

#[tokio::test]
async fn a_refused_message_and_one_without_receipt_are_reported_too() {
    let harness = Harness::new().await;
    for provider in [&harness.first, &harness.second] {
        provider.answer_next(Err(SendError::Refused("no".into())));
    }
    let id = send(&harness, &text()).await;
    assert_eq!(state(&harness, id).await, MessageState::Failed);
    harness.first.answer_next(Ok(expects_receipt()));
    let silent = send(&harness, &text()).await;
    harness.clock.pass(Duration::from_hours(48));
    OverdueReceipts(harness.engine.clone()).run_once().await.unwrap();
    assert_eq!(state(&harness, silent).await, MessageState::Unconfirmed);
    tell(&harness).await;
    let calls = harness.callbacks.take();
    assert_eq!(calls.len(), 1, "both in one call");
    let body = String::from_utf8(calls[0].body.clone()).unwrap();
    assert!(body.contains("Refused") && body.contains("Expired"), "{body}");
}

#[tokio::test]
async fn a_server_that_is_away_is_called_again_and_one_that_may_not_be_called_is_not() {
    let harness = Harness::new().await;
    harness.first.answer_next(Ok(Accepted { receipt: ReceiptPlan::Now(Receipt::Delivered), ..expects_receipt() }));
    send(&harness, &text()).await;
    harness.callbacks.fail_next(CallError::Retry("status 500".into()));
    tell(&harness).await;
    assert_eq!(harness.callbacks.take().len(), 1);
    tell(&harness).await;
    assert!(harness.callbacks.take().is_empty(), "not before its pause is over");
    harness.clock.pass(Duration::from_secs(10));
    harness.callbacks.fail_next(CallError::Refused("a private address".into()));
    tell(&harness).await;
    assert_eq!(harness.callbacks.take().len(), 1);
    harness.clock.pass(Duration::from_hours(24));
    tell(&harness).await;
    assert!(harness.callbacks.take().is_empty());
}

#[tokio::test]
async fn a_call_that_takes_its_time_leaves_no_deadline_in_the_past() {
    let harness = Harness::new().await;
    harness.first.answer_next(Ok(Accepted { receipt: ReceiptPlan::Now(Receipt::Delivered), ..expects_receipt() }));
    send(&harness, &text()).await;
    assert_eq!(harness.store.next_due().await.unwrap(), Some(harness.engine.now()));
    assert_eq!(Report(harness.engine.clone()).claim().await.unwrap().len(), 1);
    assert!(harness.store.next_due().await.unwrap().unwrap() > harness.engine.now());
}

#[tokio::test]
async fn without_a_look_up_of_its_own_the_numbering_plan_alone_tells_which_number_exists() {
    let harness = Harness::new().await;
    for digits in ["3466666", "346666661111111", "999123456789"] {
        let mut command = StartVerification { to: Address::of_msisdn(digits).unwrap(), ..of_dialect() };
        command.overrides.number_lookup = Some(true);
        let refused = harness.start(&command).await;
        assert!(matches!(refused, Err(Error::NumberUnknown)), "{digits}");
        command.overrides.number_lookup = Some(false);
        assert!(harness.start(&command).await.is_ok(), "{digits}: nobody wanted to know");
    }
}
