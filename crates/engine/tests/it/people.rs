//! Users and their factors: enrolled, proved, blocked and gone, each in one batch.

use countersign_engine::{
    Error, Identity, Thing, UserRef,
    commands::{
        CheckCode, CreateUser, DeleteFactor, DeleteUser, EnrolFactor, FactorEnrolling, MakeRecoveryCodes, Once,
        OneTime, Overrides, ProveFactor, ReleaseUser, RenameFactor, SendFactorCode, ServiceRef, Target,
        UseRecoveryCode, WithdrawFactorCode,
    },
    testing::Harness,
};
use countersign_model::{
    Address, Channel, Checked, Code, FactorId, FactorKind, FactorState, MfaRule, State, Typed, UserId, VerificationId,
    policy::{FailedChecks, Limits, Window},
};
use std::time::Duration;

const SERVICE: ServiceRef = ServiceRef::Dialect("test");

fn ana() -> UserRef {
    UserRef::Named("ana".to_owned())
}

fn phone(last: u8) -> Address {
    Address::parse(Channel::Sms, &format!("+4179000000{last}")).unwrap()
}

fn limits() -> Limits {
    Limits {
        send_gap_seconds: 0,
        sends: vec![Window { count: 2, seconds: 900 }],
        block_seconds: 3600,
        failed_checks: FailedChecks { max: 4, window_seconds: 3600, hold_seconds: 3600 },
    }
}

fn overrides() -> Overrides {
    Overrides { max_checks: Some(3), life_seconds: Some(7200), limits: Some(limits()), ..Overrides::default() }
}

fn enrol_as(user: UserRef, to: Address) -> EnrolFactor {
    let (channel, locale, overrides) = (Channel::Sms, None, overrides());
    EnrolFactor { user, service: SERVICE, channel, to, name: None, locale, overrides, replaces_pending: true }
}

async fn enrol(harness: &Harness, to: Address) -> (FactorEnrolling, String) {
    let begun = harness.engine.run(&harness.caller, None, &enrol_as(ana(), to)).await.unwrap();
    harness.deliver().await;
    (begun, harness.first.take().pop().unwrap().code)
}

async fn prove(harness: &Harness, user: UserId, verification: VerificationId, code: &str) -> Result<Checked, Error> {
    let code = Typed::Text(Code::typed(code));
    let command = ProveFactor { verification, user, code, replaces_others: true };
    Ok(harness.engine.run(&harness.caller, None, &command).await?.checked)
}

async fn enrolled(harness: &Harness) -> (UserId, FactorId) {
    let (begun, code) = enrol(harness, phone(1)).await;
    let verification = begun.started.verification.id;
    assert_eq!(prove(harness, begun.user.id, verification, &code).await.unwrap(), Checked::Approved);
    (begun.user.id, begun.factor.id)
}

fn send(user: UserId) -> SendFactorCode {
    let (channel, locale, overrides) = (Channel::Sms, None, overrides());
    let user = UserRef::Id(user);
    SendFactorCode { user, factor: None, service: SERVICE, channel, locale, overrides, replaces_pending: true }
}

fn wrong(code: &str) -> &'static str {
    if code == "000000" { "000001" } else { "000000" }
}

#[tokio::test]
async fn a_phone_is_enrolled_by_its_first_right_code_and_the_user_is_made_for_it() {
    let harness = Harness::new().await;
    let (begun, code) = enrol(&harness, phone(1)).await;
    assert!(begun.user_is_new);
    assert_eq!(harness.engine.name_of(&begun.user).unwrap().as_deref(), Some("ana"));
    assert_eq!(begun.factor.state, FactorState::Pending);
    let of = begun.started.verification.id;
    assert_eq!(prove(&harness, begun.user.id, of, wrong(&code)).await.unwrap(), Checked::Wrong { left: Some(2) });
    assert_eq!(prove(&harness, begun.user.id, of, &code).await.unwrap(), Checked::Approved);
    let again = prove(&harness, begun.user.id, of, &code).await.unwrap();
    assert_eq!(again, Checked::NotPending(State::Approved));
    let factors = harness.engine.factors_of(&harness.caller, begun.user.id).await.unwrap();
    assert_eq!((factors.len(), factors[0].state), (1, FactorState::Active));
    assert_eq!(harness.engine.address_of_factor(&factors[0]).unwrap(), Some(phone(1)));
    let user = harness.engine.user(&harness.caller, &ana()).await.unwrap();
    assert_eq!((user.id, user.last_success_at), (begun.user.id, None));
}

#[tokio::test]
async fn a_code_proves_its_factor_whichever_api_checks_it() {
    let harness = Harness::new().await;
    let (user, factor) = enrolled(&harness).await;
    let sent = harness.engine.run(&harness.caller, None, &send(user)).await.unwrap();
    assert_eq!(sent.factor.id, factor);
    harness.deliver().await;
    let code = Typed::Text(Code::typed(&harness.first.take().pop().unwrap().code));
    let check = CheckCode { target: Target::Id(sent.started.verification.id), code, payment: None };
    let checked = harness.engine.run(&harness.caller, None, &check).await.unwrap();
    assert_eq!(checked.checked, Checked::Approved);
    let found = harness.engine.user(&harness.caller, &UserRef::Id(user)).await.unwrap();
    assert_eq!(found.last_success_at, Some(harness.engine.now()));
}

#[tokio::test]
async fn somebody_elses_verification_proves_nothing() {
    let harness = Harness::new().await;
    let (begun, code) = enrol(&harness, phone(1)).await;
    let bob = CreateUser { identity: Identity::default(), password: None, mfa: MfaRule::Off };
    let bob = harness.engine.run(&harness.caller, None, &bob).await.unwrap();
    let refused = prove(&harness, bob.id, begun.started.verification.id, &code).await;
    assert!(matches!(refused, Err(Error::NotFound(Thing::Verification))));
}

#[tokio::test]
async fn of_many_right_codes_at_once_one_counts() {
    let harness = Harness::new().await;
    let (begun, code) = enrol(&harness, phone(1)).await;
    let (user, of) = (begun.user.id, begun.started.verification.id);
    let all = (0..20).map(|_| prove(&harness, user, of, &code));
    let judged = futures_util::future::join_all(all).await;
    assert_eq!(judged.iter().filter(|it| matches!(it, Ok(Checked::Approved))).count(), 1);
    assert!(judged.iter().all(|it| matches!(it, Ok(Checked::Approved | Checked::NotPending(State::Approved)))));
}

#[tokio::test]
async fn a_new_enrolment_ends_the_one_under_way_and_its_success_takes_the_old_phones_place() {
    let harness = Harness::new().await;
    let (user, old) = enrolled(&harness).await;
    harness.clock.pass(Duration::from_hours(2));
    let (second, second_code) = enrol(&harness, phone(2)).await;
    let (third, third_code) = enrol(&harness, phone(3)).await;
    let late = prove(&harness, user, second.started.verification.id, &second_code).await.unwrap();
    assert_eq!(late, Checked::NotPending(State::Cancelled));
    let ids = async || {
        let factors = harness.engine.factors_of(&harness.caller, user).await.unwrap();
        factors.iter().map(|factor| factor.id).collect::<Vec<_>>()
    };
    assert_eq!(ids().await, [old, third.factor.id], "the old one stays until the new one is proved");
    prove(&harness, user, third.started.verification.id, &third_code).await.unwrap();
    assert_eq!(ids().await, [third.factor.id]);
}

#[tokio::test]
async fn one_message_too_many_blocks_person_and_phone_until_time_or_the_operator_lets_go() {
    let harness = Harness::new().await;
    let (user, _) = enrolled(&harness).await;
    let sent = harness.engine.run(&harness.caller, None, &send(user)).await.unwrap();
    harness.deliver().await;
    let code = harness.first.take().pop().unwrap().code;
    let held = async || {
        let factors = harness.engine.factors_of(&harness.caller, user).await.unwrap();
        harness.engine.held_until(&harness.caller, "test", user, &factors).await.unwrap()
    };
    assert_eq!(held().await, None);
    let refused = harness.engine.run(&harness.caller, None, &send(user)).await;
    let Err(Error::Limited(limited)) = refused else { panic!("it is one too many") };
    assert_eq!(held().await, Some(limited.retry_at));
    assert_eq!(limited.retry_at.since(harness.engine.now()), Duration::from_hours(1));
    let of = sent.started.verification.id;
    assert!(matches!(prove(&harness, user, of, &code).await, Err(Error::Limited(_))));
    let to_other_phone = harness.engine.run(&harness.caller, None, &enrol_as(ana(), phone(2))).await;
    assert!(matches!(to_other_phone, Err(Error::Limited(_))), "the person is blocked");
    let others = enrol_as(UserRef::Named("bob".to_owned()), phone(1));
    let others = harness.engine.run(&harness.caller, None, &others).await;
    assert!(matches!(others, Err(Error::Limited(_))), "the phone is blocked");
    assert!(harness.engine.user(&harness.caller, &UserRef::Named("bob".to_owned())).await.is_err());

    harness.engine.run(&harness.caller, None, &ReleaseUser { user: ana() }).await.unwrap();
    assert_eq!(held().await, None);
    assert_eq!(prove(&harness, user, of, &code).await.unwrap(), Checked::Approved);
    for _ in 0..2 {
        harness.engine.run(&harness.caller, None, &send(user)).await.unwrap();
    }
    assert!(matches!(harness.engine.run(&harness.caller, None, &send(user)).await, Err(Error::Limited(_))));
    harness.clock.pass(Duration::from_hours(1));
    assert_eq!(held().await, None);
    harness.engine.run(&harness.caller, None, &send(user)).await.unwrap();
}

#[tokio::test]
async fn wrong_codes_of_several_verifications_block_the_person() {
    let harness = Harness::new().await;
    let (begun, code) = enrol(&harness, phone(1)).await;
    let user = begun.user.id;
    for _ in 0..3 {
        prove(&harness, user, begun.started.verification.id, wrong(&code)).await.unwrap();
    }
    let (second, code) = enrol(&harness, phone(2)).await;
    prove(&harness, user, second.started.verification.id, wrong(&code)).await.unwrap();
    let refused = prove(&harness, user, second.started.verification.id, &code).await;
    assert!(matches!(refused, Err(Error::Limited(_))));
    harness.clock.pass(Duration::from_hours(1));
    let late = prove(&harness, user, second.started.verification.id, &code).await.unwrap();
    assert_eq!(late, Checked::Approved, "it is no longer held");
}

fn recovery(code: &str, user: UserId) -> UseRecoveryCode {
    UseRecoveryCode { user, code: code.to_owned(), service: SERVICE, limits: Some(limits()) }
}

#[tokio::test]
async fn a_recovery_code_is_good_once_and_a_new_set_takes_the_old_ones_place() {
    let harness = Harness::new().await;
    let command = MakeRecoveryCodes { user: ana(), count: 10, length: 16, alphabet: "abcXYZ019" };
    let made = harness.engine.run(&harness.caller, None, &command).await.unwrap();
    assert!(made.codes.iter().all(|code| code.len() == 16) && made.codes.len() == 10);
    let user = made.user.id;
    let tried = async |code: &str| harness.engine.run(&harness.caller, None, &recovery(code, user)).await;
    assert!(tried(&made.codes[0]).await.unwrap().accepted);
    assert!(!tried(&made.codes[0]).await.unwrap().accepted);
    let together = futures_util::future::join_all((0..10).map(|_| tried(&made.codes[1]))).await;
    let accepted = |it: &Result<_, Error>| {
        matches!(it, Ok(countersign_engine::commands::RecoveryCodeChecked { accepted: true, .. }))
    };
    assert_eq!(together.iter().filter(|it| accepted(it)).count(), 1);
    assert!(matches!(tried(&made.codes[2]).await, Err(Error::Limited(_))), "wrong ones count");
    harness.clock.pass(Duration::from_hours(1));
    let renewed = harness.engine.run(&harness.caller, None, &command).await.unwrap();
    assert_eq!(renewed.factor.id, made.factor.id);
    assert!(!tried(&made.codes[2]).await.unwrap().accepted);
    let left = tried(&renewed.codes[2]).await.unwrap().factor.unwrap();
    assert!(matches!(left.kind, FactorKind::RecoveryCodes { left, .. } if left.len() == 9));
    let debug = format!("{made:?}");
    assert!(made.codes.iter().all(|code| !debug.contains(code.as_str())));
}

#[tokio::test]
async fn a_user_goes_with_its_factors_and_the_codes_that_are_out() {
    let harness = Harness::new().await;
    let (user, factor) = enrolled(&harness).await;
    let sent = harness.engine.run(&harness.caller, None, &send(user)).await.unwrap();
    harness.engine.run(&harness.caller, None, &DeleteUser { user }).await.unwrap();
    let verification = harness.engine.verification(&harness.caller, sent.started.verification.id).await.unwrap();
    assert_eq!(verification.verification.state, State::Cancelled);
    harness.deliver().await;
    assert_eq!(harness.first.take(), vec![], "the code is not sent any more");
    assert!(matches!(harness.engine.factor(&harness.caller, factor).await, Err(Error::NotFound(Thing::Factor))));
    let again = harness.engine.run(&harness.caller, None, &DeleteUser { user }).await;
    assert!(matches!(again, Err(Error::NotFound(Thing::User))));
}

#[tokio::test]
async fn a_factor_gets_a_name_and_goes() {
    let harness = Harness::new().await;
    let (user, factor) = enrolled(&harness).await;
    let name = "work".to_owned();
    let named = harness.engine.run(&harness.caller, None, &RenameFactor { factor, name }).await.unwrap();
    assert_eq!(named.name.as_deref(), Some("work"));
    harness.engine.run(&harness.caller, None, &DeleteFactor { factor }).await.unwrap();
    assert_eq!(harness.engine.factors_of(&harness.caller, user).await.unwrap(), vec![]);
    let refused = harness.engine.run(&harness.caller, None, &send(user)).await;
    assert!(matches!(refused, Err(Error::NoFactor(Channel::Sms))));
}

#[tokio::test]
async fn what_pays_once_pays_once_and_a_refused_command_costs_nothing() {
    let harness = Harness::new().await;
    let (user, _) = enrolled(&harness).await;
    let token = OneTime { id: "t".to_owned(), until: harness.engine.now().plus(Duration::from_mins(5)) };
    let paid = |command| Once { command, token: Some(token.clone()) };
    let nobody = paid(SendFactorCode { user: UserRef::Named("nobody".to_owned()), ..send(user) });
    let refused = harness.engine.run(&harness.caller, None, &nobody).await;
    assert!(matches!(refused, Err(Error::NotFound(Thing::User))));
    harness.engine.run(&harness.caller, None, &paid(send(user))).await.unwrap();
    let again = harness.engine.run(&harness.caller, None, &paid(send(user))).await;
    assert!(matches!(again, Err(Error::Spent)));
}

#[tokio::test]
async fn a_code_that_nobody_got_leaves_nothing_behind_but_what_was_counted() {
    let harness = Harness::new().await;
    let begun = harness.engine.run(&harness.caller, None, &enrol_as(ana(), phone(1))).await.unwrap();
    let verification = begun.started.verification.id;
    let withdraw = WithdrawFactorCode { verification, with_user: begun.user_is_new, with_recovery_codes: false };
    harness.engine.run(&harness.caller, None, &withdraw).await.unwrap();
    let gone = harness.engine.user(&harness.caller, &ana()).await;
    assert!(matches!(gone, Err(Error::NotFound(Thing::User))));
    let (user, factor) = enrolled(&harness).await;
    harness.clock.pass(Duration::from_hours(1));
    let sent = harness.engine.run(&harness.caller, None, &send(user)).await.unwrap();
    let withdraw =
        WithdrawFactorCode { verification: sent.started.verification.id, with_user: false, with_recovery_codes: false };
    harness.engine.run(&harness.caller, None, &withdraw).await.unwrap();
    assert!(harness.engine.factor(&harness.caller, factor).await.unwrap().is_active());
}
