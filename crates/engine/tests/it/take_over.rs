//! Another message takes over from one of which nothing is heard: the next provider, then the next channel, with the same code or a
//! new one, until the code is accepted.

use crate::{ANA, Acts, start_to};
use countersign_delivery::Accepted;
use countersign_engine::{
    commands::{Overrides, RecordReceipt, ResendCode, StartVerification, Target},
    jobs::{OverdueReceipts, Progress, Report},
    reports::ReportTo,
    testing::Harness,
};
use countersign_model::{
    Channel, EventKind, Message, Routes, SendError, State, VerificationId,
    message::{MessageState, Receipt, ReceiptPlan},
};
use countersign_store::{Topic, TrialFilter};
use std::time::Duration;

const RULE: &str = r#"{
    "sms": ["second"], "voice": ["second"],
    "rules": {"all": {"channel": "sms", "providers": ["first", "second"], "takes_over_after_seconds": 20}}
}"#;

fn routes(change: impl FnOnce(&mut serde_json::Value)) -> Routes {
    let mut settings = serde_json::from_str(RULE).unwrap();
    change(&mut settings);
    let routes: Routes = serde_json::from_value(settings).unwrap();
    routes.check().unwrap();
    routes
}

const PROMISED: Accepted = Accepted { reference: None, receipt: ReceiptPlan::Expected };

/// A harness whose providers promise receipts, a verification that has begun, and its first code.
async fn begun(routes: Routes) -> (Harness, VerificationId, String) {
    let harness = Harness::routed(routes, Vec::new()).await;
    for provider in [&harness.first, &harness.second, &harness.second] {
        provider.answer_next(Ok(PROMISED));
    }
    let id = harness.start(&start_to(ANA)).await.unwrap().verification.id;
    harness.deliver().await;
    let code = harness.first.take().pop().unwrap().code;
    (harness, id, code)
}

/// So much time passes, and whatever is due then happens.
async fn pass(harness: &Harness, seconds: u64) {
    harness.clock.pass(Duration::from_secs(seconds));
    let job = OverdueReceipts(harness.engine.clone());
    while job.run_once().await.unwrap() == Progress::More {}
    harness.deliver().await;
}

async fn messages(harness: &Harness, id: VerificationId) -> Vec<Message> {
    harness.engine.history(&harness.caller, id).await.unwrap().messages
}

async fn receipt(harness: &Harness, message: &Message, receipt: Receipt) {
    let command = RecordReceipt { message: message.id, receipt };
    harness.engine.run(&harness.caller, None, &command).await.unwrap();
    harness.deliver().await;
}

#[tokio::test]
async fn a_provider_that_never_reports_is_followed_by_the_next_in_the_time_that_is_set() {
    let (harness, id, code) = begun(routes(|_| {})).await;
    pass(&harness, 19).await;
    assert!(harness.second.take().is_empty(), "it has a second left");
    pass(&harness, 1).await;
    let taken = harness.second.take();
    assert_eq!((taken.len(), taken[0].code.as_str()), (1, code.as_str()), "the same code, by the next provider");
    let messages = messages(&harness, id).await;
    assert_eq!(messages[0].chain.next, Some(messages[1].id));
    assert_eq!(messages[1].first_of_chain(), (messages[0].id, Channel::Sms));
    let told = "rule all; passed over first: nothing came of the message that it had";
    assert_eq!(messages[1].why.as_deref(), Some(told));
    let history = harness.engine.history(&harness.caller, id).await.unwrap();
    assert!(history.events.iter().any(|event| matches!(
        &event.kind,
        EventKind::MessageTakenOver { reason, new_code: false, .. } if reason == "no receipt came in time"
    )));
    // Whoever is left: nobody.
    pass(&harness, 60).await;
    assert!(harness.first.take().is_empty() && harness.second.take().is_empty());
}

#[tokio::test]
async fn once_the_code_is_accepted_nothing_more_goes_out() {
    let (harness, id, code) = begun(routes(|_| {})).await;
    harness.check(id, &code).await.unwrap();
    pass(&harness, 60).await;
    assert!(harness.second.take().is_empty());
    assert_eq!(messages(&harness, id).await.len(), 1);
}

#[tokio::test]
async fn a_code_that_is_accepted_while_the_next_message_waits_stops_that_one() {
    let (harness, id, code) = begun(routes(|_| {})).await;
    harness.clock.pass(Duration::from_secs(20));
    OverdueReceipts(harness.engine.clone()).run_once().await.unwrap();
    assert_eq!(messages(&harness, id).await[1].state, MessageState::Queued);
    harness.check(id, &code).await.unwrap();
    harness.deliver().await;
    assert!(harness.second.take().is_empty());
    assert_eq!(messages(&harness, id).await[1].state, MessageState::Dropped);
}

#[tokio::test]
async fn a_message_that_is_delivered_has_no_follower_and_a_late_receipt_still_counts() {
    let (harness, id, _) = begun(routes(|_| {})).await;
    receipt(&harness, &messages(&harness, id).await[0], Receipt::Delivered).await;
    pass(&harness, 60).await;
    assert!(harness.second.take().is_empty());

    let (harness, id, _) = begun(routes(|_| {})).await;
    pass(&harness, 20).await;
    receipt(&harness, &messages(&harness, id).await[0], Receipt::Delivered).await;
    let messages = messages(&harness, id).await;
    assert_eq!((messages[0].state, messages[0].settled_at), (MessageState::Delivered, Some(harness.engine.now())));
    assert_eq!(messages[1].state, MessageState::Accepted);
}

#[tokio::test]
async fn a_message_that_has_arrived_after_all_stops_the_one_that_was_to_take_over() {
    let (harness, id, _) = begun(routes(|_| {})).await;
    harness.clock.pass(Duration::from_secs(20));
    OverdueReceipts(harness.engine.clone()).run_once().await.unwrap();
    receipt(&harness, &messages(&harness, id).await[0], Receipt::Delivered).await;
    assert!(harness.second.take().is_empty());
    assert_eq!(messages(&harness, id).await[1].state, MessageState::Dropped);
}

#[tokio::test]
async fn one_that_is_reported_as_undelivered_is_followed_at_once() {
    let (harness, id, _) = begun(routes(|_| {})).await;
    receipt(&harness, &messages(&harness, id).await[0], Receipt::Undelivered).await;
    assert_eq!(harness.second.take().len(), 1);
    pass(&harness, 60).await;
    assert_eq!(messages(&harness, id).await.len(), 2, "it took over once");
}

#[tokio::test]
async fn without_a_rule_that_says_so_nothing_takes_over() {
    let lists = routes(|it| it["rules"] = serde_json::json!({}));
    let harness = Harness::routed(lists, Vec::new()).await;
    harness.second.answer_next(Ok(PROMISED));
    let id = harness.start(&start_to(ANA)).await.unwrap().verification.id;
    harness.deliver().await;
    receipt(&harness, &messages(&harness, id).await[0], Receipt::Undelivered).await;
    pass(&harness, 100).await;
    assert_eq!(messages(&harness, id).await.len(), 1);
}

#[tokio::test]
async fn after_the_last_provider_the_next_channel_takes_over_and_it_may_be_the_same_provider() {
    let with_voice = routes(|it| it["rules"]["all"]["fall_back"] = ["voice"].into());
    let (harness, id, code) = begun(with_voice).await;
    pass(&harness, 20).await;
    assert_eq!(harness.second.take()[0].channel, Channel::Sms);
    pass(&harness, 20).await;
    let called = harness.second.take();
    assert_eq!((called[0].channel, called[0].code.as_str()), (Channel::Voice, code.as_str()));
    let verification = harness.engine.verification(&harness.caller, id).await.unwrap().verification;
    assert_eq!((verification.channel, verification.sends), (Channel::Sms, 1), "it was asked for once, by SMS");
    pass(&harness, 100).await;
    assert_eq!(messages(&harness, id).await.len(), 3);
    assert_eq!(harness.check(id, &code).await.unwrap().verification.state, State::Approved);
}

#[tokio::test]
async fn when_no_provider_takes_it_the_next_channel_takes_over_at_once() {
    let with_voice = routes(|it| {
        it["rules"]["all"]["fall_back"] = ["voice"].into();
        it["rules"]["all"]["providers"] = ["first"].into();
    });
    for refusal in [SendError::Refused("no".into()), SendError::Retry("down".into())] {
        let harness = Harness::routed(with_voice.clone(), Vec::new()).await;
        harness.first.answer_next(Err(refusal));
        let id = harness.start(&start_to(ANA)).await.unwrap().verification.id;
        harness.deliver().await;
        assert_eq!(harness.second.take()[0].channel, Channel::Voice);
        let messages = messages(&harness, id).await;
        assert_eq!((messages.len(), messages[0].state), (2, MessageState::Failed));
        assert!(messages[0].settled_at.is_some());
    }
}

#[tokio::test]
async fn a_new_code_leaves_the_old_one_good_until_a_provider_has_accepted_it() {
    let (harness, id, old) = begun(routes(|it| it["rules"]["all"]["code"] = "new".into())).await;
    harness.clock.pass(Duration::from_secs(20));
    OverdueReceipts(harness.engine.clone()).run_once().await.unwrap();
    let live = |codes: usize| {
        let engine = harness.engine.clone();
        let caller = harness.caller.clone();
        async move { assert_eq!(engine.verification(&caller, id).await.unwrap().verification.codes.len(), codes) }
    };
    live(2).await;
    harness.deliver().await;
    live(1).await;
    let new = harness.second.take().pop().unwrap().code;
    assert_ne!(new, old);
    assert_eq!(harness.check(id, &old).await.unwrap().verification.state, State::Pending);
    assert_eq!(harness.check(id, &new).await.unwrap().verification.state, State::Approved);
}

#[tokio::test]
async fn the_old_code_is_accepted_while_the_new_one_is_on_its_way() {
    let (harness, id, old) = begun(routes(|it| it["rules"]["all"]["code"] = "new".into())).await;
    harness.clock.pass(Duration::from_secs(20));
    OverdueReceipts(harness.engine.clone()).run_once().await.unwrap();
    assert_eq!(harness.check(id, &old).await.unwrap().verification.state, State::Approved);
    harness.deliver().await;
    assert!(harness.second.take().is_empty(), "the new one is no longer wanted");
}

#[tokio::test]
async fn a_newer_message_that_was_asked_for_ends_the_waiting_for_the_older_one() {
    let harness = Harness::routed(routes(|_| {}), Vec::new()).await;
    for _ in 0..2 {
        harness.first.answer_next(Ok(PROMISED));
    }
    let id = harness.start(&start_to(ANA)).await.unwrap().verification.id;
    harness.deliver().await;
    harness.clock.pass(Duration::from_mins(1));
    let resend = ResendCode { target: Target::Id(id), channel: None, text: None };
    harness.engine.run(&harness.caller, None, &resend).await.unwrap();
    OverdueReceipts(harness.engine.clone()).run_once().await.unwrap();
    harness.deliver().await;
    let messages = messages(&harness, id).await;
    assert_eq!(messages.len(), 2, "the first one has no follower");
    assert_eq!(messages[0].chain.next, None);
}

#[tokio::test]
async fn a_chain_is_reported_once_by_the_name_of_its_first_message() {
    let report = ReportTo { dialect: "test".into(), url: "https://shop.example/r".into(), custom: "c".into() };
    let start =
        StartVerification { overrides: Overrides { report: Some(report), ..Overrides::default() }, ..start_to(ANA) };
    // The receipts, in the order of the messages, and in which order they come; and what is told.
    let cases: [([Option<Receipt>; 2], &str); 4] = [
        ([None, Some(Receipt::Delivered)], "Delivered"),
        ([Some(Receipt::Delivered), Some(Receipt::Undelivered)], "Delivered"),
        ([Some(Receipt::Undelivered), Some(Receipt::Delivered)], "Delivered"),
        ([Some(Receipt::Undelivered), Some(Receipt::Undelivered)], "Undelivered"),
    ];
    for (receipts, told) in cases {
        let harness = Harness::routed(routes(|_| {}), Vec::new()).await;
        for provider in [&harness.first, &harness.second] {
            provider.answer_next(Ok(PROMISED));
        }
        let id = harness.start(&start).await.unwrap().verification.id;
        harness.deliver().await;
        pass(&harness, 20).await;
        let chain = messages(&harness, id).await;
        for (message, came) in chain.iter().zip(receipts).rev() {
            if let Some(came) = came {
                receipt(&harness, message, came).await;
            }
        }
        let job = Report(harness.engine.clone());
        while job.run_once().await.unwrap() == Progress::More {}
        let calls = harness.callbacks.take();
        assert_eq!(calls.len(), 1, "{receipts:?}");
        let body = String::from_utf8(calls[0].body.clone()).unwrap();
        assert!(body.contains(&format!("status: {told}")), "{body}");
        assert!(body.contains(&format!("{:?}", chain[0].id)), "{body}");
    }
}

#[tokio::test]
async fn where_messages_are_trials_a_chain_is_one_and_its_code_makes_it_successful() {
    let harness = Harness::routed(routes(|_| {}), Vec::new()).await;
    for provider in [&harness.first, &harness.second] {
        provider.answer_next(Ok(PROMISED));
    }
    let overrides = Overrides { keeps_trials: true, ..Overrides::default() };
    let started = harness.start(&StartVerification { overrides, ..start_to(ANA) }).await.unwrap().verification;
    harness.deliver().await;
    pass(&harness, 20).await;
    assert_eq!(messages(&harness, started.id).await.len(), 2);
    let record = harness.engine.verification_record(&harness.caller, started.service, started.id).await.unwrap();
    assert_eq!(record.sendings.iter().map(|sending| sending.id).collect::<Vec<_>>(), [started.trial.unwrap()]);
    let code = harness.second.take().pop().unwrap().code;
    harness.check(started.id, &code).await.unwrap();
    let totals = harness.store.trial_totals(harness.tenant.id, &TrialFilter::default()).await.unwrap();
    assert_eq!((totals.successful, totals.unsuccessful), (1, 0));
}

#[tokio::test]
async fn whoever_sees_to_it_is_woken_when_a_message_begins_to_wait() {
    let harness = Harness::routed(routes(|_| {}), Vec::new()).await;
    harness.first.answer_next(Ok(PROMISED));
    let mut news = harness.store.waiter(Topic::TakeOvers);
    harness.start(&start_to(ANA)).await.unwrap();
    harness.deliver().await;
    news.changed().await;
    let due = harness.store.next_due().await.unwrap();
    assert_eq!(due, Some(harness.engine.now().plus_seconds(20)));
}
