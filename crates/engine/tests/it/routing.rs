//! Who carries messages, and who gets a rest: a simulated market, whose log of explanations must account for each choice; and whom
//! messages to a country come from.

use crate::{Acts, start_to};
use async_trait::async_trait;
use countersign_delivery::{
    Accepted, BadReceipt, DltIds, Outgoing, Provider, ReceiptRequest, Receipts, SendError,
    receipt::{About, ReceiptAnswer, ReceiptNote},
};
use countersign_engine::{
    commands::{Overrides, StartVerification},
    jobs::{OverdueReceipts, Progress},
    receipts::ReceiptError,
    testing::{BEGINNING, Harness},
};
use countersign_model::{
    Channel, EventKind, Routes, Timestamp, VerificationId,
    message::{MessageState, Receipt, ReceiptPlan},
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

/// What a provider of the market does with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    Delivers,
    Loses,
    Breaks,
}

/// A provider whose behaviour a test sets, and which notes what it is given.
struct Carrier {
    name: &'static str,
    deed: Mutex<Deed>,
    /// The references of messages that it has delivered, and not reported yet.
    delivered: Mutex<Vec<String>>,
    given: Mutex<Vec<(Option<String>, Option<DltIds>)>>,
}

impl Carrier {
    fn new(name: &'static str) -> Arc<Self> {
        Arc::new(Self { name, deed: Mutex::new(Deed::Delivers), delivered: Mutex::default(), given: Mutex::default() })
    }

    fn will(&self, deed: Deed) {
        *self.deed.lock().unwrap() = deed;
    }

    /// Reports what it has delivered.
    async fn report(&self, harness: &Harness) {
        let delivered = std::mem::take(&mut *self.delivered.lock().unwrap());
        for reference in delivered {
            let answer = self.call(harness, &reference).await.unwrap();
            assert!(answer.status.is_success());
        }
    }

    /// Calls back about messages of these references.
    async fn call(&self, harness: &Harness, references: &str) -> Result<ReceiptAnswer, ReceiptError> {
        let (method, headers) = Default::default();
        let request = ReceiptRequest {
            method: &method,
            url: "",
            query: "",
            headers: &headers,
            body: references.as_bytes(),
            message: None,
        };
        harness.engine.record_receipts(self.name, None, request).await
    }
}

#[async_trait]
impl Provider for Carrier {
    async fn send(&self, message: &Outgoing) -> Result<Accepted, SendError> {
        self.given.lock().unwrap().push((message.from.clone(), message.dlt.clone()));
        let reference = message.id.to_string();
        match *self.deed.lock().unwrap() {
            Deed::Delivers => self.delivered.lock().unwrap().push(reference.clone()),
            Deed::Loses => {}
            Deed::Breaks => return Err(SendError::Retry("connection refused".into())),
        }
        Ok(Accepted { reference: Some(reference), receipt: ReceiptPlan::Expected })
    }

    fn channels(&self) -> &[Channel] {
        &Channel::ALL
    }

    fn receipts(&self, request: &ReceiptRequest<'_>) -> Result<Receipts, BadReceipt> {
        let references = std::str::from_utf8(request.body).unwrap().split(',');
        let delivered = |reference: &str| ReceiptNote {
            about: About::Reference(reference.to_owned()),
            receipt: Receipt::Delivered,
        };
        Ok(Receipts { notes: references.map(delivered).collect(), answer: ReceiptAnswer::default() })
    }
}

const MARKET: &str = r#"{
    "currency": "EUR",
    "prices": {"sms": {"cheap": {"ES": 0.02}, "dying": {"ES": 0.03}, "dear": {"ES": 0.06}}},
    "rules": {"spain": {"channel": "sms", "countries": ["ES"], "providers": ["dear", "dying", "cheap"], "order": "price",
        "takes_over_after_seconds": 8}},
    "breaker": {"failures": 5, "percent": 50, "window_seconds": 60, "rest_seconds": 10, "longest_rest_seconds": 40,
        "trials": 1, "successes": 2, "trial_seconds": 60}
}"#;

struct Market {
    harness: Harness,
    carriers: BTreeMap<&'static str, Arc<Carrier>>,
    begun: Vec<VerificationId>,
}

/// One line of the log: when, which provider, what, and why.
#[derive(Clone, Debug)]
struct Line {
    second: i64,
    provider: String,
    taken: bool,
    why: String,
}

impl Market {
    async fn open() -> Self {
        let carriers: BTreeMap<_, _> = ["cheap", "dying", "dear"].map(|name| (name, Carrier::new(name))).into();
        let routes: Routes = serde_json::from_str(MARKET).unwrap();
        routes.check().unwrap();
        let providers = carriers.iter().map(|(name, carrier)| (*name, Arc::clone(carrier) as Arc<dyn Provider>));
        let harness = Harness::routed(routes, providers.collect()).await;
        Self { harness, carriers, begun: Vec::new() }
    }

    /// A second goes by, in which one person asks for a code.
    async fn second(&mut self) {
        self.harness.clock.pass(Duration::from_secs(1));
        let to = format!("+346{:08}", 60_000_000 + self.begun.len());
        self.begun.push(self.harness.start(&start_to(&to)).await.unwrap().verification.id);
        self.settle().await;
    }

    async fn settle(&self) {
        let job = OverdueReceipts(self.harness.engine.clone());
        while job.run_once().await.unwrap() == Progress::More {}
        self.harness.deliver().await;
        for carrier in self.carriers.values() {
            carrier.report(&self.harness).await;
        }
    }

    fn now(&self) -> i64 {
        second_of(self.harness.engine.now())
    }

    async fn log(&self) -> Vec<Line> {
        let mut log = Vec::new();
        for id in &self.begun {
            for event in self.harness.engine.history(&self.harness.caller, *id).await.unwrap().events {
                let second = second_of(event.at);
                if let EventKind::MessageAccepted { provider, why, .. } = event.kind {
                    log.push(Line { second, provider, taken: true, why });
                } else if let EventKind::MessageAttemptFailed { provider, why, .. } = event.kind {
                    log.push(Line { second, provider, taken: false, why });
                }
            }
        }
        log.sort_by_key(|line| line.second);
        log
    }
}

fn second_of(moment: Timestamp) -> i64 {
    (moment.as_ms() - BEGINNING.as_ms()) / 1000
}

/// As many people as seconds ask for a code. `dying` fails after the 60th, and works again after the 200th; `cheap` loses one
/// message in three.
#[tokio::test]
async fn in_a_market_each_choice_is_accounted_for_and_a_dead_provider_gets_its_trials_and_nothing_else() {
    let mut market = Market::open().await;
    let prices = [("cheap", 2), ("dying", 3), ("dear", 6)];
    for second in 0..300 {
        let lost = second % 3 == 0;
        market.carriers["cheap"].will(if lost { Deed::Loses } else { Deed::Delivers });
        market.carriers["dying"].will(if (60..200).contains(&second) { Deed::Breaks } else { Deed::Delivers });
        market.second().await;
    }
    let log = market.log().await;
    for Line { second, provider, taken, why } in &log {
        let became = if *taken { "took it" } else { "failed" };
        println!("{second:>4} s  {provider:<6} {became:<8} {why}");
    }

    // Everybody who is cheaper than the one that was asked is named, with the reason; and whoever was passed over was not asked.
    for line in &log {
        let price = |name: &str| prices.iter().find(|(it, _)| *it == name).unwrap().1;
        assert!(line.why.starts_with("rule spain, cheapest at "), "{line:?}");
        assert!(!line.why.contains(&format!("passed over {}:", line.provider)), "{line:?}");
        for (cheaper, _) in prices.iter().filter(|(_, it)| *it < price(&line.provider)) {
            assert!(line.why.contains(&format!("passed over {cheaper}: ")), "{line:?}");
        }
    }

    // From its opening on, ten seconds and no more than trials until it works again.
    let dying: Vec<&Line> = log.iter().filter(|line| line.provider == "dying").collect();
    let is_trial = |line: &Line| line.why.contains("on trial");
    let opened = dying.iter().rfind(|line| !line.taken && !is_trial(line)).unwrap().second;
    assert!((60..120).contains(&opened), "{opened}");
    let during: Vec<&&Line> = dying.iter().filter(|line| line.second > opened && line.second <= 200).collect();
    println!("its breaker opened after {opened} s; then came {} trials until it worked", during.len());
    assert!(!during.is_empty(), "it gets trials");
    for line in &during {
        assert!(line.second >= opened + 10 && is_trial(line), "{line:?}");
    }
    assert!(during.len() <= 6, "each rest is longer than the one before: {during:?}");
    let recovered = dying.iter().find(|line| line.second > 200 && !is_trial(line));
    assert!(recovered.is_some(), "it works again, and is used again");

    // What was lost on one way came on another.
    for _ in 0..20 {
        market.harness.clock.pass(Duration::from_secs(1));
        market.settle().await;
    }
    let mut spent = BTreeMap::new();
    for id in &market.begun {
        let messages = market.harness.engine.history(&market.harness.caller, *id).await.unwrap().messages;
        assert!(messages.iter().any(|message| message.state == MessageState::Delivered), "{messages:?}");
        for message in &messages {
            *spent.entry(message.provider.clone().unwrap_or_default()).or_insert(0) += 1;
        }
    }
    println!("messages by provider: {spent:?} within {} s", market.now());
    let metrics = market.harness.engine.metrics().render(0);
    assert!(
        metrics.contains("countersign_breaker_state{provider=\"dying\",channel=\"sms\",country=\"ES\"} 0"),
        "{metrics}"
    );
    assert!(metrics.contains("countersign_messages_taken_over_total{from=\"sms\",to=\"sms\"}"), "{metrics}");
}

#[tokio::test]
async fn with_everybody_resting_a_message_waits_and_goes_out_as_a_trial() {
    let mut market = Market::open().await;
    for carrier in market.carriers.values() {
        carrier.will(Deed::Breaks);
    }
    for _ in 0..6 {
        market.second().await;
    }
    let given = |market: &Market| market.carriers.values().map(|it| it.given.lock().unwrap().len()).sum::<usize>();
    let before = given(&market);
    let last = *market.begun.last().unwrap();
    let message = market.harness.engine.history(&market.harness.caller, last).await.unwrap().messages.remove(0);
    assert_eq!(message.state, MessageState::Queued);
    assert!(
        message.reason.unwrap().starts_with("rule spain: nobody can be asked; passed over dear: its breaker is open")
    );
    for carrier in market.carriers.values() {
        carrier.will(Deed::Delivers);
    }
    for _ in 0..60 {
        market.harness.clock.pass(Duration::from_secs(1));
        market.settle().await;
    }
    assert!(given(&market) >= before + 6, "all of them went out");
}

#[tokio::test]
async fn a_provider_that_dies_on_the_way_to_one_country_still_carries_to_another() {
    let mut settings: serde_json::Value = serde_json::from_str(MARKET).unwrap();
    settings["rules"] = serde_json::json!({"all": {"channel": "sms", "providers": ["dying", "dear"]}});
    let (dying, dear) = (Carrier::new("dying"), Carrier::new("dear"));
    let providers = vec![
        ("dying", Arc::clone(&dying) as Arc<dyn Provider>),
        ("dear", Arc::clone(&dear) as Arc<dyn Provider>),
        ("cheap", Carrier::new("cheap")),
    ];
    let harness = Harness::routed(serde_json::from_value(settings).unwrap(), providers).await;
    let send = async |to: String| {
        harness.start(&start_to(&to)).await.unwrap();
        harness.deliver().await;
        std::mem::take(&mut *dying.given.lock().unwrap()).len()
    };
    dying.will(Deed::Breaks);
    for number in 0..5 {
        assert_eq!(send(format!("+3466666611{number}")).await, 1);
    }
    assert_eq!(send("+34666666119".to_owned()).await, 0, "it has a rest in Spain");
    assert_eq!(send("+33612345678".to_owned()).await, 1, "and none in France");
}

#[tokio::test]
async fn the_operator_that_a_look_up_names_decides_and_not_the_one_that_the_number_once_had() {
    let routes: Routes = serde_json::from_str(
        r#"{"sms": ["second"], "operators": {"movistar": ["+34666", "21407"], "vodafone": ["21401"]},
            "rules": {"movistar": {"channel": "sms", "operators": ["movistar"], "providers": ["first"]}}}"#,
    )
    .unwrap();
    let harness = Harness::routed(routes, Vec::new()).await;
    harness.numbers.note_operator("+34666666112", "21401");
    let overrides = Overrides { number_lookup: Some(true), ..Overrides::default() };
    for (number, first) in [("+34666666111", 1), ("+34666666112", 0)] {
        let start = StartVerification { overrides: overrides.clone(), ..start_to(number) };
        harness.start(&start).await.unwrap();
        harness.deliver().await;
        assert_eq!((harness.first.take().len(), harness.second.take().len()), (first, 1 - first), "{number}");
    }
}

const INDIA: &str = r#"{
    "sms": ["carrier"],
    "senders": {"sms": {"IN": {"from": "ACMEIN", "also": ["ACMEBK"],
        "dlt": {"entity": "1101", "templates": [{"id": "1107", "text": "TEXT"}]}}}}
}"#;

/// What a carrier was given for a message to this number, and why it failed, if it did.
async fn sent_to(number: &str, registered: &str) -> (Option<(Option<String>, Option<DltIds>)>, Option<String>) {
    let carrier = Carrier::new("carrier");
    let routes: Routes = serde_json::from_str(&INDIA.replace("TEXT", registered)).unwrap();
    routes.check().unwrap();
    let harness = Harness::routed(routes, vec![("carrier", Arc::clone(&carrier) as Arc<dyn Provider>)]).await;
    let start = StartVerification { locale: Some("en".to_owned()), ..start_to(number) };
    let id = harness.start(&start).await.unwrap().verification.id;
    harness.deliver().await;
    let message = harness.engine.history(&harness.caller, id).await.unwrap().messages.remove(0);
    let given = carrier.given.lock().unwrap().pop();
    (given, message.reason.filter(|_| message.state == MessageState::Failed))
}

#[tokio::test]
async fn a_message_to_india_has_its_registered_sender_and_its_ids_or_does_not_leave() {
    let ids = DltIds { entity: "1101".into(), template: "1107".into() };
    let text = "{#var#} is your verification code. It expires in {#var#} minutes. Do not share it with anyone.";
    let (given, failed) = sent_to("+919876543210", text).await;
    assert_eq!((given, failed), (Some((Some("ACMEIN".into()), Some(ids))), None));
    let (given, failed) = sent_to("+919876543210", "Another text {#var#}").await;
    assert_eq!(given, None);
    assert_eq!(failed.as_deref(), Some("its text is none of those that are registered in IN: see routes.senders"));
    let (given, _) = sent_to("+34666666111", text).await;
    assert_eq!(given, Some((None, None)), "Spain asks for nothing");
}

#[tokio::test]
async fn one_message_that_nobody_knows_does_not_keep_the_others_of_a_call_waiting() {
    let carrier = Carrier::new("cheap");
    let routes: Routes = serde_json::from_str(r#"{"sms": ["cheap"]}"#).unwrap();
    let harness = Harness::routed(routes, [("cheap", Arc::clone(&carrier) as Arc<dyn Provider>)].into()).await;
    let id = harness.start(&start_to("+34666666111")).await.unwrap().verification.id;
    harness.deliver().await;
    let reference = carrier.delivered.lock().unwrap().pop().unwrap();
    let told = carrier.call(&harness, &format!("unknown,{reference}")).await;
    assert!(matches!(told, Err(ReceiptError::NoSuchMessage)), "it is to be called again: {told:?}");
    let history = harness.engine.history(&harness.caller, id).await.unwrap().events;
    assert!(history.iter().any(|event| matches!(event.kind, EventKind::MessageDelivered { .. })), "{history:?}");
}
