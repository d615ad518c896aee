use crate::{ANA, Acts, other_than, payment, start_to};
use countersign_engine::{
    Caller, Error, Thing,
    commands::{
        CancelVerification, CheckCode, CodeChecked, CreateTenant, PutService, ReportOutcome, ResendCode, ServiceRef,
        ServiceWrite, Target,
    },
    testing::Harness,
};
use countersign_model::{
    Channel, Checked, Code, Policy, Profile, ResendRule, State, Typed,
    limit::LimitRule,
    verification::{NotPossible, Report},
};
use std::time::Duration;

#[tokio::test]
async fn the_right_code_is_accepted_once() {
    let harness = Harness::new().await;
    let (id, code) = harness.started_with_code().await;
    assert_eq!(harness.check(id, &code).await.unwrap().checked, Checked::Approved);
    assert_eq!(harness.check(id, &code).await.unwrap().checked, Checked::NotPending(State::Approved));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_thousand_parallel_right_codes_exactly_one_is_accepted() {
    let harness = Harness::new().await;
    let (id, code) = harness.started_with_code().await;
    let mut checks = tokio::task::JoinSet::new();
    for _ in 0..1000 {
        let (engine, caller, code) = (harness.engine.clone(), harness.caller.clone(), typed(&code));
        checks.spawn(async move {
            engine.run(&caller, None, &CheckCode { target: Target::Id(id), code, payment: None }).await.unwrap().checked
        });
    }
    let all = checks.join_all().await;
    assert_eq!(all.iter().filter(|checked| **checked == Checked::Approved).count(), 1);
    assert!(all.iter().all(|checked| matches!(checked, Checked::Approved | Checked::NotPending(State::Approved))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_parallel_wrong_codes_each_is_counted() {
    let harness = Harness::new().await;
    let (id, code) = harness.started_with_code().await;
    let mut checks = tokio::task::JoinSet::new();
    for _ in 0..40 {
        let (engine, caller, code) = (harness.engine.clone(), harness.caller.clone(), typed(&other_than(&code)));
        checks.spawn(async move {
            engine.run(&caller, None, &CheckCode { target: Target::Id(id), code, payment: None }).await.unwrap().checked
        });
    }
    let all = checks.join_all().await;
    let count = |wanted: fn(&Checked) -> bool| all.iter().filter(|checked| wanted(checked)).count();
    assert_eq!(count(|checked| matches!(checked, Checked::Wrong { .. })), 4);
    assert_eq!(count(|checked| *checked == Checked::Exhausted), 1);
    assert_eq!(count(|checked| *checked == Checked::NotPending(State::Exhausted)), 35);
    assert_eq!(harness.check(id, &code).await.unwrap().checked, Checked::NotPending(State::Exhausted));
}

#[tokio::test]
async fn a_code_works_until_its_life_is_over() {
    let harness = Harness::new().await;
    let (id, code) = harness.started_with_code().await;
    harness.clock.pass(Duration::from_mins(5));
    assert_eq!(harness.check(id, &code).await.unwrap().checked, Checked::NotPending(State::Expired));
}

#[tokio::test]
async fn another_tenant_sees_no_such_verification() {
    let harness = Harness::new().await;
    let (id, code) = harness.started_with_code().await;
    let operator = Caller::installation();
    let other = harness.engine.run(&operator, None, &CreateTenant { name: "other".into() }).await.unwrap();
    let command = CheckCode { target: Target::Id(id), code: Typed::Text(Code::typed(&code)), payment: None };
    let checked = harness.engine.run(&Caller::operator(other.id), None, &command).await;
    assert!(matches!(checked, Err(Error::NotFound(Thing::Verification))));
    assert_eq!(harness.check(id, &code).await.unwrap().checked, Checked::Approved);
}

#[tokio::test]
async fn wrong_codes_are_counted_across_verifications_until_a_right_one() {
    let harness = Harness::new().await;
    let mut policy = Policy::of(Profile::Standard);
    policy.limits.failed_checks.max = 3;
    policy.limits.send_gap_seconds = 0;
    service(&harness, policy).await;
    for _ in 0..3 {
        let (id, code) = started_in_service(&harness).await;
        harness.check(id, &other_than(&code)).await.unwrap();
    }
    let Err(Error::Limited(limited)) = harness.start(&in_service()).await else { panic!("the destination is held") };
    assert_eq!(limited.rule, LimitRule::FailedChecks);
    harness.clock.pass(Duration::from_hours(1));
    let (id, code) = started_in_service(&harness).await;
    assert_eq!(harness.check(id, &code).await.unwrap().checked, Checked::Approved);
    let (id, code) = started_in_service(&harness).await;
    harness.check(id, &other_than(&code)).await.unwrap();
    assert_eq!(harness.check(id, &code).await.unwrap().checked, Checked::Approved, "the count had begun anew");
}

#[tokio::test]
async fn a_payment_must_be_repeated_exactly_and_other_data_kills_the_code() {
    let harness = Harness::new().await;
    let mut command = start_to(ANA);
    command.payment = Some(payment("12.50"));
    let id = harness.start(&command).await.unwrap().verification.id;
    harness.deliver().await;
    let sent = harness.first.take().pop().unwrap();
    assert!(
        sent.text.contains("12.50") && sent.text.contains("EUR") && sent.text.contains("Books & Co"),
        "{}",
        sent.text
    );

    assert!(matches!(harness.check(id, &sent.code).await, Err(Error::PaymentMissing)), "and nothing is spent");
    let checked = check_payment(&harness, id, &sent.code, "12.51").await;
    assert_eq!(checked.checked, Checked::PaymentMismatch);
    assert_eq!(check_payment(&harness, id, &sent.code, "12.50").await.checked, Checked::NotPending(State::Denied));
}

#[tokio::test]
async fn the_right_code_with_the_right_payment_is_accepted() {
    let harness = Harness::new().await;
    let mut command = start_to(ANA);
    command.payment = Some(payment("12.50"));
    let id = harness.start(&command).await.unwrap().verification.id;
    harness.deliver().await;
    let code = harness.first.take().pop().unwrap().code;
    assert_eq!(check_payment(&harness, id, &code, "12.50").await.checked, Checked::Approved);
}

#[tokio::test]
async fn a_new_code_replaces_the_old_one_when_a_provider_has_accepted_it() {
    let harness = Harness::new().await;
    let mut policy = Policy::of(Profile::Standard);
    policy.resend = ResendRule::NewCodeAfterAccept;
    policy.limits.send_gap_seconds = 0;
    service(&harness, policy).await;
    let (id, first) = started_in_service(&harness).await;
    let resend = ResendCode { target: Target::Id(id), channel: Some(Channel::Voice), text: None };
    harness.engine.run(&harness.caller, None, &resend).await.unwrap();
    let peek = harness.engine.verification(&harness.caller, id).await.unwrap().verification;
    assert_eq!(peek.codes.len(), 2, "both live while the second is on its way");
    harness.deliver().await;
    let second = harness.first.take().pop().unwrap();
    assert_eq!(second.channel, Channel::Voice);
    assert_ne!(second.code, first);
    assert!(matches!(harness.check(id, &first).await.unwrap().checked, Checked::Wrong { left: Some(4) }));
    assert_eq!(harness.check(id, &second.code).await.unwrap().checked, Checked::Approved);
}

#[tokio::test]
async fn what_was_cancelled_or_reported_is_over() {
    let harness = Harness::new().await;
    let (id, code) = harness.started_with_code().await;
    let cancel = CancelVerification { target: Target::Id(id) };
    harness.engine.run(&harness.caller, None, &cancel).await.unwrap();
    assert_eq!(harness.check(id, &code).await.unwrap().checked, Checked::NotPending(State::Cancelled));
    let again = harness.engine.run(&harness.caller, None, &cancel).await;
    assert!(matches!(again, Err(Error::NotPossible(NotPossible::NotPending(State::Cancelled)))));

    harness.clock.pass(Duration::from_mins(1));
    let (id, _) = harness.started_with_code().await;
    let report = ReportOutcome { target: Target::Id(id), report: Report::Approved };
    let reported = harness.engine.run(&harness.caller, None, &report).await.unwrap();
    assert_eq!(reported.verification.state, State::Approved);
}

fn typed(code: &str) -> Typed {
    Typed::Text(Code::typed(code))
}

const SERVICE: &str = "special";

fn in_service() -> countersign_engine::commands::StartVerification {
    let mut command = start_to(ANA);
    command.service = ServiceRef::Named(SERVICE.into());
    command
}

async fn service(harness: &Harness, policy: Policy) {
    let command = PutService {
        name: SERVICE.into(),
        write: ServiceWrite::Create,
        brand: None,
        sender: None,
        default_locale: "en".into(),
        language_of_country: false,
        last_line: None,
        policy,
    };
    harness.engine.run(&harness.caller, None, &command).await.unwrap();
}

async fn started_in_service(harness: &Harness) -> (countersign_model::VerificationId, String) {
    let id = harness.start(&in_service()).await.unwrap().verification.id;
    harness.deliver().await;
    (id, harness.first.take().pop().unwrap().code)
}

async fn check_payment(
    harness: &Harness,
    id: countersign_model::VerificationId,
    code: &str,
    amount: &str,
) -> CodeChecked {
    let command =
        CheckCode { target: Target::Id(id), code: Typed::Text(Code::typed(code)), payment: Some(payment(amount)) };
    harness.engine.run(&harness.caller, None, &command).await.unwrap()
}
