use countersign_engine::{
    Caller, Error, Thing,
    commands::{
        CheckCode, CreateConfiguration, CreateKey, DeleteConfiguration, KeyForm, OwnText, PutAccount, ReportOutcome,
        ResendCode, SendCode, Target,
    },
    queries::{Slice, TrialFilter, TrialTotals, VerificationRecord},
    testing::Harness,
};
use countersign_model::{
    Address, Channel, Checked, Code, Configuration, ConfigurationChange, Payment, Scope, Typed,
    verification::{NotPossible, Report},
};
use futures_util::future::join_all;

async fn configured(harness: &Harness, rules: ConfigurationChange) -> Configuration {
    let rules = ConfigurationChange { name: Some("Shop".to_owned()), ..rules };
    harness.engine.run(&harness.caller, None, &CreateConfiguration { rules }).await.unwrap()
}

fn code_to(configuration: &Configuration, to: &str) -> SendCode {
    SendCode {
        configuration: configuration.id,
        channel: Channel::Sms,
        to: Address::parse(Channel::Sms, to).unwrap(),
        code: None,
        payment: None,
        text: OwnText::around("", " it is"),
        via: None,
    }
}

async fn send(harness: &Harness, command: &SendCode) -> Result<VerificationRecord, Error> {
    harness.engine.run(&harness.caller, None, command).await
}

async fn check(harness: &Harness, record: &VerificationRecord, code: &str) -> Checked {
    let target = Target::Id(record.verification.id);
    let command = CheckCode { target, code: Typed::Text(Code::typed(code)), payment: record.payment.clone() };
    harness.engine.run(&harness.caller, None, &command).await.unwrap().checked
}

async fn totals(harness: &Harness) -> TrialTotals {
    harness.engine.trial_totals(&harness.caller, TrialFilter::default(), None).await.unwrap()
}

const ANA: &str = "+34666666111";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_that_start_at_once_one_begins_and_the_others_send_again() {
    let harness = Harness::new().await;
    let rules = ConfigurationChange { max_sends: Some(4), ..ConfigurationChange::default() };
    let configuration = configured(&harness, rules).await;
    let command = code_to(&configuration, ANA);
    let sent = join_all((0..10).map(|_| send(&harness, &command))).await;
    let records: Vec<&VerificationRecord> = sent.iter().filter_map(|sent| sent.as_ref().ok()).collect();
    let refused = |sent: &&Result<_, Error>| matches!(sent, Err(Error::NotPossible(NotPossible::SendsSpent)));
    assert_eq!((records.len(), sent.iter().filter(refused).count()), (4, 6));
    assert!(records.iter().all(|record| record.verification.id == records[0].verification.id));
    let mut counts: Vec<usize> = records.iter().map(|record| record.sendings.len()).collect();
    counts.sort_unstable();
    assert_eq!(counts, [1, 2, 3, 4], "each answer shows the messages up to its own");
    harness.deliver().await;
    let codes: Vec<String> = harness.first.take().into_iter().map(|sent| sent.code).collect();
    assert!(codes.len() == 4 && codes.iter().all(|code| *code == codes[0]), "the same code each time");
    assert_eq!(totals(&harness).await, TrialTotals { successful: 0, unsuccessful: 4 });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_wrong_checks_at_once_no_more_count_than_there_are() {
    let harness = Harness::new().await;
    let configuration = configured(&harness, ConfigurationChange::default()).await;
    let record = send(&harness, &code_to(&configuration, ANA)).await.unwrap();
    let checked = join_all((0..10).map(|_| check(&harness, &record, "x"))).await;
    assert_eq!(checked.iter().filter(|checked| matches!(checked, Checked::Wrong { .. })).count(), 3);
    assert_eq!(checked.iter().filter(|checked| **checked == Checked::Held).count(), 7);
    harness.deliver().await;
    let code = harness.first.take().pop().unwrap().code;
    assert_eq!(check(&harness, &record, &code).await, Checked::Held, "nor does the right one");
    let again = send(&harness, &code_to(&configuration, ANA)).await;
    assert!(matches!(again, Err(Error::NotPossible(NotPossible::ChecksSpent))));
}

#[tokio::test]
async fn a_payment_is_part_of_what_is_waited_for() {
    let harness = Harness::new().await;
    let configuration = configured(&harness, ConfigurationChange::default()).await;
    let paying = |amount: &str, currency: &str| {
        let payment = Payment::of_number("ACME", amount, currency).unwrap();
        SendCode { payment: Some(payment), ..code_to(&configuration, ANA) }
    };
    let first = send(&harness, &paying("1000", "xaf")).await.unwrap();
    let same = send(&harness, &paying("1000.0", "XAF")).await.unwrap();
    let other = send(&harness, &paying("12.50", "xaf")).await.unwrap();
    let without = send(&harness, &code_to(&configuration, ANA)).await.unwrap();
    assert_eq!(same.verification.id, first.verification.id);
    assert_eq!(same.payment.as_ref().map(Payment::currency), Some("xaf"), "as it was written first");
    assert!(other.verification.id != first.verification.id && without.verification.id != first.verification.id);
    let payment = Payment::of_number("ACME", "12.5", "Xaf").unwrap();
    let pending = harness.engine.pending_record(&harness.caller, configuration.id, &first.to, Some(&payment)).await;
    assert_eq!(pending.unwrap().verification.id, other.verification.id);
}

#[tokio::test]
async fn another_own_code_is_refused_and_the_same_one_is_sent_again() {
    let harness = Harness::new().await;
    let configuration = configured(&harness, ConfigurationChange::default()).await;
    let own = |code: &str| SendCode { code: Some(Code::own(code).unwrap()), ..code_to(&configuration, ANA) };
    let first = send(&harness, &own("0123")).await.unwrap();
    assert!(matches!(send(&harness, &own("9999")).await, Err(Error::OtherCode)));
    for again in [own("0123"), code_to(&configuration, ANA)] {
        assert_eq!(send(&harness, &again).await.unwrap().verification.id, first.verification.id);
    }
    let number = CheckCode { target: Target::Id(first.verification.id), code: Typed::Number(123), payment: None };
    assert_eq!(harness.engine.run(&harness.caller, None, &number).await.unwrap().checked, Checked::Approved);
}

#[tokio::test]
async fn the_latest_message_of_what_was_approved_is_successful_and_stays_when_the_configuration_goes() {
    let harness = Harness::new().await;
    let configuration = configured(&harness, ConfigurationChange::default()).await;
    let ana = send(&harness, &code_to(&configuration, ANA)).await.unwrap();
    // Through another API, too.
    let resend = ResendCode { target: Target::Id(ana.verification.id), channel: None, text: None };
    harness.engine.run(&harness.caller, None, &resend).await.unwrap();
    harness.deliver().await;
    let code = harness.first.take().pop().unwrap().code;
    assert_eq!(check(&harness, &ana, &code).await, Checked::Approved);
    let bob = send(&harness, &code_to(&configuration, "+237671234567")).await.unwrap();
    let report = ReportOutcome { target: Target::Id(bob.verification.id), report: Report::Approved };
    harness.engine.run(&harness.caller, None, &report).await.unwrap();
    assert_eq!(totals(&harness).await, TrialTotals { successful: 2, unsuccessful: 1 });
    let delete = DeleteConfiguration { id: configuration.id };
    harness.engine.run(&harness.caller, None, &delete).await.unwrap();
    let gone = send(&harness, &code_to(&configuration, ANA)).await;
    assert!(matches!(gone, Err(Error::NotFound(Thing::Configuration))));
    let filter = TrialFilter { country: Some("ES".to_owned()), ..TrialFilter::default() };
    let slice = Slice { skip: 0, take: 10 };
    let page = harness.engine.trials(&harness.caller, filter, Some(&ana.to), slice).await.unwrap();
    let successful: Vec<bool> = page.items.iter().map(|record| record.trial.successful).collect();
    assert_eq!(successful, [true, false], "the newest first");
}

#[tokio::test]
async fn messages_of_a_test_key_do_not_leave_and_cost_nothing() {
    let harness = Harness::new().await;
    let configuration = configured(&harness, ConfigurationChange::default()).await;
    let account = PutAccount { balance_e4: Some(1000), price_e4: Some(600), currency: None };
    harness.engine.run(&harness.caller, None, &account).await.unwrap();
    let key = CreateKey {
        name: "test".into(),
        scopes: Scope::ALL.to_vec(),
        form: KeyForm::Native,
        allowed_from: vec![],
        test: true,
    };
    let secret = harness.engine.run(&harness.caller, None, &key).await.unwrap().secret;
    let tester: Caller = harness.engine.authenticate(&secret, None).await.unwrap().unwrap();
    for caller in [&tester, &tester, &harness.caller] {
        harness.engine.run(caller, None, &code_to(&configuration, ANA)).await.unwrap();
    }
    harness.deliver().await;
    assert_eq!(harness.first.take().len(), 1, "only the live key's");
    assert_eq!(harness.engine.account(&harness.caller, None).await.unwrap().balance_e4, 400);
    let slice = Slice { skip: 0, take: 10 };
    let page = harness.engine.trials(&harness.caller, TrialFilter::default(), None, slice).await.unwrap();
    let prices: Vec<i64> = page.items.iter().map(|record| record.trial.price_e4).collect();
    assert_eq!(prices, [600, 0, 0]);
}

#[tokio::test]
async fn a_message_that_names_its_provider_goes_there_and_one_without_any_is_refused() {
    let harness = Harness::new().await;
    let configuration = configured(&harness, ConfigurationChange::default()).await;
    let via = |name: &str| SendCode { via: Some(name.to_owned()), ..code_to(&configuration, ANA) };
    send(&harness, &via("second")).await.unwrap();
    harness.deliver().await;
    assert_eq!((harness.first.take().len(), harness.second.take().len()), (0, 1));
    let nobody = SendCode { to: Address::parse(Channel::Sms, "+237671234567").unwrap(), ..via("nobody") };
    assert!(matches!(send(&harness, &nobody).await, Err(Error::NoRoute(Channel::Sms))));
    assert_eq!(totals(&harness).await.all(), 1);
}
