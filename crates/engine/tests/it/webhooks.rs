//! Tenants' servers are told of every event: signed, in the order of each verification, until they take it or it is a dead letter.

use crate::{ANA, Acts, other_than, start_to};
use aws_lc_rs::{
    hmac,
    signature::{ED25519, UnparsedPublicKey},
};
use countersign_delivery::callback::{Call, CallError};
use countersign_engine::{
    Caller, Error,
    commands::{
        CancelVerification, ChangeWebhookEndpoint, CreateTenant, CreateWebhookEndpoint, DeleteWebhookEndpoint,
        EndpointSecret, ReplayWebhooks, RotateWebhookSecret, Target, TestWebhookEndpoint,
    },
    jobs::{CallWebhooks, Expire, Jobs, Progress, Purge},
    queries::DeliveryQuery,
    testing::Harness,
};
use countersign_model::{
    EventType, SendError, VerificationId, WebhookDelivery, WebhookEndpointId,
    webhook::{BadEndpoint, DeliveryState, DisabledBecause},
};
use data_encoding::BASE64;
use proptest::{prelude::*, test_runner::TestRunner};
use serde_json::Value;
use std::{collections::BTreeMap, time::Duration};

const HOUR: Duration = Duration::from_hours(1);
const DEAD: DeliveryQuery = DeliveryQuery { state: DeliveryState::Dead, endpoint: None, before: None, limit: 100 };
const WAITING: DeliveryQuery = DeliveryQuery { state: DeliveryState::Pending, ..DEAD };

fn endpoint_at(url: &str) -> CreateWebhookEndpoint {
    CreateWebhookEndpoint { url: url.to_owned(), description: None, events: vec![], whole_address: false }
}

fn change(id: WebhookEndpointId) -> ChangeWebhookEndpoint {
    let (url, description, events) = (None, None, None);
    ChangeWebhookEndpoint { id, url, description, events, whole_address: None, enabled: None }
}

async fn made(harness: &Harness, command: CreateWebhookEndpoint) -> EndpointSecret {
    harness.engine.run(&harness.caller, None, &command).await.unwrap()
}

async fn with_endpoint() -> (Harness, EndpointSecret) {
    let harness = Harness::new().await;
    let endpoint = made(&harness, endpoint_at("https://shop.example/hooks")).await;
    (harness, endpoint)
}

async fn tell(harness: &Harness) {
    let job = CallWebhooks::new(&harness.engine);
    while job.run_once().await.unwrap() == Progress::More {}
}

async fn told(harness: &Harness) -> Vec<Call> {
    tell(harness).await;
    harness.callbacks.take()
}

async fn listed(harness: &Harness, query: DeliveryQuery) -> Vec<WebhookDelivery> {
    harness.engine.webhook_deliveries(&harness.caller, query).await.unwrap()
}

fn header<'c>(call: &'c Call, name: &str) -> &'c str {
    &call.headers.iter().find(|(header, _)| *header == name).unwrap().1
}

fn body(call: &Call) -> Value {
    serde_json::from_slice(&call.body).unwrap()
}

fn types(calls: &[Call]) -> Vec<String> {
    calls.iter().map(|call| body(call).pointer("/type").and_then(Value::as_str).unwrap().to_owned()).collect()
}

/// Which of these secrets have signed a call.
fn signed_by(call: &Call, secrets: &[&str]) -> Vec<bool> {
    let (id, timestamp) = (header(call, "webhook-id"), header(call, "webhook-timestamp"));
    let signed = [format!("{id}.{timestamp}.").as_bytes(), &call.body].concat();
    let signatures: Vec<&str> = header(call, "webhook-signature").split(' ').collect();
    let has_signed = |secret: &&str| {
        let key = BASE64.decode(secret.strip_prefix("whsec_").unwrap().as_bytes()).unwrap();
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), &signed);
        signatures.contains(&format!("v1,{}", BASE64.encode(tag.as_ref())).as_str())
    };
    secrets.iter().map(has_signed).collect()
}

#[tokio::test]
async fn every_event_of_a_verification_and_its_messages_is_told_in_its_order_without_code_and_address() {
    let (harness, _) = with_endpoint().await;
    let mut command = start_to(ANA);
    command.metadata = BTreeMap::from([("order".to_owned(), "17".to_owned())]);
    let id = harness.start(&command).await.unwrap().verification.id;
    harness.first.answer_next(Err(SendError::Retry("busy with +34666666111".into())));
    harness.deliver().await;
    let code = harness.second.take().pop().unwrap().code;
    harness.check(id, &other_than(&code)).await.unwrap();
    harness.check(id, &code).await.unwrap();
    let calls = told(&harness).await;
    let wanted = [
        "verification.started",
        "message.attempt_failed",
        "message.accepted",
        "verification.code_rejected",
        "verification.approved",
    ];
    assert_eq!(types(&calls), wanted);
    for call in &calls {
        let text = String::from_utf8(call.body.clone()).unwrap();
        assert!(!text.contains(&code) && !text.contains("34666666111") && text.len() < 20_000, "{text}");
        let data = &body(call)["data"]["verification"];
        assert_eq!((data["id"].as_str(), data["to"].as_str()), (Some(id.to_string().as_str()), Some("+34*******11")));
        assert_eq!(data["metadata"]["order"], "17");
    }
    let history = harness.engine.history(&harness.caller, id).await.unwrap().events;
    let ids: Vec<String> = history.iter().map(|event| event.id.to_string()).collect();
    assert_eq!(calls.iter().map(|call| header(call, "webhook-id")).collect::<Vec<_>>(), ids);
    assert_eq!(body(&calls[1])["data"]["message"]["provider"], "first");
    assert_eq!(body(&calls[3])["data"]["attempts_left"], 4);
    assert_eq!(body(&calls[4])["data"]["verification"]["status"], "approved");
    assert_eq!(body(&calls[4])["timestamp"], "2026-01-01T00:00:00.000Z");
    assert_eq!(calls[0].url, "https://shop.example/hooks");
    tell(&harness).await;
    assert!(harness.callbacks.take().is_empty() && listed(&harness, WAITING).await.is_empty(), "it was told");
}

#[tokio::test]
async fn the_whole_address_is_told_where_the_endpoint_asks_for_it_and_only_what_it_wants() {
    let harness = Harness::new().await;
    let events = vec![EventType::VerificationStarted];
    made(&harness, CreateWebhookEndpoint { whole_address: true, events, ..endpoint_at("https://a.example") }).await;
    made(&harness, endpoint_at("https://b.example")).await;
    let id = harness.start(&start_to(ANA)).await.unwrap().verification.id;
    let cancel = CancelVerification { target: Target::Id(id) };
    harness.engine.run(&harness.caller, None, &cancel).await.unwrap();
    let calls = told(&harness).await;
    let of = |host: &str| calls.iter().filter(|call| call.url.contains(host)).map(body).collect::<Vec<_>>();
    assert_eq!((of("a.example").len(), of("b.example").len()), (1, 2));
    assert_eq!(of("a.example")[0]["data"]["verification"]["to"], ANA);
    assert_eq!(of("b.example")[0]["data"]["verification"]["to"], "+34*******11");
}

#[tokio::test]
async fn an_event_is_written_with_what_it_tells_of_and_a_tenant_without_endpoint_writes_nothing() {
    let (harness, _) = with_endpoint().await;
    let id = harness.start(&start_to(ANA)).await.unwrap().verification.id;
    let waiting = listed(&harness, WAITING).await;
    assert_eq!(waiting.len(), 1, "nobody has told it yet");
    assert_eq!((waiting[0].verification, waiting[0].kind), (Some(id), EventType::VerificationStarted));

    let other = CreateTenant { name: "other".to_owned() };
    let other = harness.engine.run(&Caller::installation(), None, &other).await.unwrap();
    let other = Caller::operator(other.id);
    harness.engine.run(&other, None, &start_to(ANA)).await.unwrap();
    assert!(harness.engine.webhook_deliveries(&other, WAITING).await.unwrap().is_empty());
    assert_eq!(told(&harness).await.len(), 1, "nobody else is told of it");
}

#[tokio::test]
async fn what_ends_by_itself_is_told_too() {
    let (harness, _) = with_endpoint().await;
    harness.start(&start_to(ANA)).await.unwrap();
    harness.clock.pass(HOUR);
    Expire(harness.engine.clone()).run_once().await.unwrap();
    let calls = told(&harness).await;
    assert_eq!(types(&calls), ["verification.started", "verification.expired"]);
    assert_eq!(body(&calls[1])["data"]["verification"]["status"], "expired");
}

#[tokio::test]
async fn both_signatures_are_good_and_after_a_rotation_those_of_both_secrets_for_a_day() {
    let (harness, old) = with_endpoint().await;
    let id = old.endpoint.id;
    let test = async || {
        harness.engine.run(&harness.caller, None, &TestWebhookEndpoint { id }).await.unwrap();
        told(&harness).await.pop().unwrap()
    };
    let call = test().await;
    assert_eq!(types(std::slice::from_ref(&call)), ["webhook.test"]);
    assert_eq!(signed_by(&call, &[&old.secret]), [true]);
    let public = harness.engine.webhook_endpoint(&harness.caller, id).await.unwrap().public_key;
    let public = BASE64.decode(public.strip_prefix("whpk_").unwrap().as_bytes()).unwrap();
    let signed =
        [format!("{}.{}.", header(&call, "webhook-id"), header(&call, "webhook-timestamp")).as_bytes(), &call.body]
            .concat();
    let asymmetric = header(&call, "webhook-signature").split(' ').find_map(|it| it.strip_prefix("v1a,")).unwrap();
    let asymmetric = BASE64.decode(asymmetric.as_bytes()).unwrap();
    UnparsedPublicKey::new(&ED25519, public).verify(&signed, &asymmetric).unwrap();

    let new = harness.engine.run(&harness.caller, None, &RotateWebhookSecret { id }).await.unwrap();
    assert_ne!(new.secret, old.secret);
    let both = test().await;
    assert_eq!(signed_by(&both, &[&new.secret, &old.secret]), [true, true]);
    assert_eq!(header(&both, "webhook-signature").split(' ').count(), 4);
    harness.clock.pass(24 * HOUR);
    assert_eq!(signed_by(&test().await, &[&new.secret, &old.secret]), [true, false]);
}

#[tokio::test]
async fn a_later_event_waits_for_an_earlier_one_of_its_verification_and_not_for_those_of_others() {
    let (harness, _) = with_endpoint().await;
    let id = harness.start(&start_to(ANA)).await.unwrap().verification.id;
    harness.callbacks.fail_next(CallError::Retry("status 500".into()));
    assert_eq!(types(&told(&harness).await), ["verification.started"]);
    let cancel = CancelVerification { target: Target::Id(id) };
    harness.engine.run(&harness.caller, None, &cancel).await.unwrap();
    harness.start(&start_to("+34666666222")).await.unwrap();
    let calls = told(&harness).await;
    assert_eq!(types(&calls), ["verification.started"]);
    assert_ne!(body(&calls[0])["data"]["verification"]["id"], id.to_string());
    assert!(told(&harness).await.is_empty());
    harness.clock.pass(Duration::from_secs(6));
    let calls = told(&harness).await;
    assert_eq!(types(&calls), ["verification.started", "verification.cancelled"]);
}

#[tokio::test]
async fn what_waits_behind_an_event_that_is_not_taken_is_not_told_before_it() {
    let (harness, _) = with_endpoint().await;
    let id = harness.start(&start_to(ANA)).await.unwrap().verification.id;
    let cancel = CancelVerification { target: Target::Id(id) };
    harness.engine.run(&harness.caller, None, &cancel).await.unwrap();
    harness.callbacks.fail_next(CallError::Retry("status 500".into()));
    assert_eq!(types(&told(&harness).await), ["verification.started"]);
    harness.clock.pass(Duration::from_secs(6));
    assert_eq!(types(&told(&harness).await), ["verification.started", "verification.cancelled"]);
}

#[tokio::test]
async fn what_is_never_taken_is_a_dead_letter_after_three_days_and_told_again_under_the_same_name() {
    let (harness, _) = with_endpoint().await;
    harness.start(&start_to(ANA)).await.unwrap();
    harness.callbacks.fail_all(Some(CallError::Retry("status 503".into())));
    let mut tries = Vec::new();
    for _ in 0..95 {
        tries.extend(told(&harness).await);
        harness.clock.pass(HOUR);
    }
    assert_eq!(tries.len(), 10);
    let names: Vec<&str> = tries.iter().map(|call| header(call, "webhook-id")).collect();
    assert!(names.iter().all(|name| *name == names[0]) && tries.iter().all(|call| call.body == tries[0].body));
    assert_ne!(header(&tries[0], "webhook-timestamp"), header(&tries[1], "webhook-timestamp"));
    let dead = listed(&harness, DEAD).await;
    assert_eq!((dead.len(), dead[0].attempts, dead[0].reason.as_deref()), (1, 10, Some("status 503")));

    harness.callbacks.fail_all(None);
    let again = ReplayWebhooks::One(dead[0].id);
    harness.engine.run(&harness.caller, None, &again).await.unwrap();
    let calls = told(&harness).await;
    assert_eq!(calls.len(), 1);
    assert_eq!((header(&calls[0], "webhook-id"), &calls[0].body), (names[0], &tries[0].body));
    assert!(listed(&harness, DEAD).await.is_empty());
    let again = harness.engine.run(&harness.caller, None, &again).await;
    assert!(matches!(again, Err(Error::NotFound(_))), "it was told, and is not kept");
}

#[tokio::test]
async fn a_410_disables_the_endpoint_and_what_it_missed_can_be_told_when_it_is_enabled_again() {
    let (harness, made) = with_endpoint().await;
    let id = made.endpoint.id;
    let verification = harness.start(&start_to(ANA)).await.unwrap().verification.id;
    let cancel = CancelVerification { target: Target::Id(verification) };
    harness.engine.run(&harness.caller, None, &cancel).await.unwrap();
    harness.callbacks.fail_next(CallError::Gone);
    assert_eq!(told(&harness).await.len(), 1, "nothing more after the 410");
    let standing = harness.engine.webhook_endpoint(&harness.caller, id).await.unwrap().endpoint;
    assert_eq!(standing.disabled, Some(DisabledBecause::Gone));
    assert_eq!(listed(&harness, DEAD).await.len(), 2);
    harness.start(&start_to("+34666666222")).await.unwrap();
    assert!(listed(&harness, WAITING).await.is_empty(), "nothing is written for it");
    let refused = harness.engine.replay_all_dead(&harness.caller, None, id).await;
    assert!(matches!(refused, Err(Error::BadEndpoint(BadEndpoint::Disabled))));

    let enable = ChangeWebhookEndpoint { enabled: Some(true), ..change(id) };
    harness.engine.run(&harness.caller, None, &enable).await.unwrap();
    assert_eq!(harness.engine.replay_all_dead(&harness.caller, None, id).await.unwrap(), 2);
    assert_eq!(types(&told(&harness).await), ["verification.started", "verification.cancelled"]);
}

#[tokio::test]
async fn an_address_that_may_not_be_called_is_refused_at_once_and_later_is_a_dead_letter() {
    let harness = Harness::new().await;
    let local = harness.engine.run(&harness.caller, None, &endpoint_at("http://localhost/x")).await;
    assert!(matches!(local, Err(Error::BadEndpoint(BadEndpoint::Url("a private address")))));
    made(&harness, endpoint_at("https://shop.example")).await;
    harness.start(&start_to(ANA)).await.unwrap();
    harness.callbacks.fail_next(CallError::Refused("a private address".into()));
    tell(&harness).await;
    assert_eq!(listed(&harness, DEAD).await[0].reason.as_deref(), Some("a private address"));
}

#[tokio::test]
async fn what_waits_for_an_endpoint_that_is_removed_or_disabled_is_not_told() {
    let (harness, made) = with_endpoint().await;
    let id = made.endpoint.id;
    harness.start(&start_to(ANA)).await.unwrap();
    let disable = ChangeWebhookEndpoint { enabled: Some(false), ..change(id) };
    harness.engine.run(&harness.caller, None, &disable).await.unwrap();
    assert!(told(&harness).await.is_empty());
    let dead = listed(&harness, DEAD).await;
    assert_eq!(dead[0].reason.as_deref(), Some("the endpoint is disabled"));

    let enable = ChangeWebhookEndpoint { enabled: Some(true), ..change(id) };
    harness.engine.run(&harness.caller, None, &enable).await.unwrap();
    harness.start(&start_to("+34666666222")).await.unwrap();
    harness.engine.run(&harness.caller, None, &DeleteWebhookEndpoint { id }).await.unwrap();
    assert!(told(&harness).await.is_empty() && listed(&harness, WAITING).await.is_empty());
    let again = harness.engine.run(&harness.caller, None, &ReplayWebhooks::One(dead[0].id)).await;
    assert!(matches!(again, Err(Error::NotFound(_))));

    harness.clock.pass(91 * 24 * HOUR);
    Purge(harness.engine.clone()).run_once().await.unwrap();
    assert!(listed(&harness, DEAD).await.is_empty(), "dead letters go by age");
}

#[tokio::test]
async fn a_tenant_has_so_many_endpoints_and_no_more_and_sees_only_its_own() {
    let harness = Harness::new().await;
    for number in 0..16 {
        made(&harness, endpoint_at(&format!("https://{number}.example"))).await;
    }
    let more = harness.engine.run(&harness.caller, None, &endpoint_at("https://more.example")).await;
    assert!(matches!(more, Err(Error::BadEndpoint(BadEndpoint::TooMany))));
    let other = CreateTenant { name: "other".to_owned() };
    let other = Caller::operator(harness.engine.run(&Caller::installation(), None, &other).await.unwrap().id);
    assert!(harness.engine.webhook_endpoints(&other).await.unwrap().is_empty());
    let own = harness.engine.webhook_endpoints(&harness.caller).await.unwrap();
    assert_eq!(own.len(), 16);
    let stolen = harness.engine.run(&other, None, &RotateWebhookSecret { id: own[0].endpoint.id }).await;
    assert!(matches!(stolen, Err(Error::NotFound(_))));
}

#[tokio::test]
async fn an_event_that_comes_while_its_line_is_told_has_its_turn_when_that_is_done() {
    let (harness, _) = with_endpoint().await;
    let id = harness.start(&start_to(ANA)).await.unwrap().verification.id;
    harness.callbacks.hold(Some("shop.example"));
    let (busy, other) = (CallWebhooks::new(&harness.engine), CallWebhooks::new(&harness.engine));
    let mut lines = busy.claim().await.unwrap();
    let telling = tokio::spawn(async move { busy.tell(lines.remove(0)).await });
    harness.callbacks.begun("shop.example", 1).await;
    let cancel = CancelVerification { target: Target::Id(id) };
    harness.engine.run(&harness.caller, None, &cancel).await.unwrap();
    assert!(other.claim().await.unwrap().is_empty(), "its turn has not come");
    assert!(listed(&harness, WAITING).await.iter().any(|row| row.leased_until.as_ms() == 0), "nobody has it yet");
    let wall = harness.engine.now();
    assert_eq!(harness.store.next_webhook_due(wall, &[]).await, Ok(None), "nobody looks again and again meanwhile");
    harness.callbacks.hold(None);
    telling.await.unwrap();
    assert_eq!(types(&told(&harness).await), ["verification.started", "verification.cancelled"]);
    assert!(listed(&harness, WAITING).await.is_empty());
}

#[tokio::test]
async fn one_that_is_asked_for_again_while_it_is_told_in_vain_is_told_again_at_once() {
    let (harness, _) = with_endpoint().await;
    harness.start(&start_to(ANA)).await.unwrap();
    harness.callbacks.hold(Some("shop.example"));
    let busy = CallWebhooks::new(&harness.engine);
    let mut lines = busy.claim().await.unwrap();
    let telling = tokio::spawn(async move { busy.tell(lines.remove(0)).await });
    harness.callbacks.begun("shop.example", 1).await;
    let again = ReplayWebhooks::One(listed(&harness, WAITING).await[0].id);
    harness.engine.run(&harness.caller, None, &again).await.unwrap();
    harness.callbacks.fail_next(CallError::Retry("status 500".into()));
    harness.callbacks.hold(None);
    telling.await.unwrap();
    harness.callbacks.take();
    assert_eq!(told(&harness).await.len(), 1);
}

#[tokio::test]
async fn what_a_dead_worker_had_is_told_when_its_lease_is_over_and_not_before() {
    let (harness, _) = with_endpoint().await;
    harness.start(&start_to(ANA)).await.unwrap();
    drop(CallWebhooks::new(&harness.engine).claim().await.unwrap());
    assert!(told(&harness).await.is_empty());
    harness.clock.pass(Duration::from_mins(1));
    assert_eq!(told(&harness).await.len(), 1);
}

#[tokio::test]
async fn a_receiver_that_does_not_answer_holds_up_nobody_else() {
    let harness = Harness::new().await;
    made(&harness, endpoint_at("https://slow.example")).await;
    made(&harness, endpoint_at("https://quick.example")).await;
    harness.callbacks.hold(Some("slow.example"));
    for number in 0..40 {
        harness.start(&start_to(&format!("+346666662{number:02}"))).await.unwrap();
    }
    let jobs = Jobs::start(&harness.engine);
    harness.callbacks.begun("quick.example", 40).await;
    harness.callbacks.begun("slow.example", 8).await;
    let slow = harness.callbacks.take().iter().filter(|call| call.url.contains("slow.example")).count();
    assert_eq!(slow, 8, "so many at once and no more");
    harness.callbacks.hold(None);
    harness.callbacks.begun("slow.example", 32).await;
    jobs.stop().await;
}

/// What may happen to a tenant and its server.
#[derive(Clone, Copy, Debug)]
enum Step {
    Start,
    Cancel(usize),
    Down,
    Up,
    Pass(u32),
    Tell,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => Just(Step::Start),
        3 => (0..8_usize).prop_map(Step::Cancel),
        1 => Just(Step::Down),
        1 => Just(Step::Up),
        2 => (1..3000_u32).prop_map(Step::Pass),
        4 => Just(Step::Tell),
    ]
}

/// What an endpoint took, by verification, in its order.
async fn play(steps: &[Step]) -> (BTreeMap<String, Vec<String>>, BTreeMap<String, Vec<String>>) {
    let (harness, _) = with_endpoint().await;
    let mut started: Vec<VerificationId> = Vec::new();
    let (mut taken, mut is_down) = (BTreeMap::<String, Vec<String>>::new(), false);
    let all = steps.iter().copied().chain([Step::Up, Step::Tell]);
    // So long after the receiver is back, everything has been tried again.
    for step in all.chain((0..30).flat_map(|_| [Step::Pass(3600), Step::Tell])) {
        match step {
            Step::Start => {
                let command = start_to(&format!("+346666663{:02}", started.len()));
                started.push(harness.start(&command).await.unwrap().verification.id);
            }
            Step::Cancel(which) => {
                if let Some(id) = started.get(which) {
                    let cancel = CancelVerification { target: Target::Id(*id) };
                    // One that has ended cannot be cancelled.
                    let _ = harness.engine.run(&harness.caller, None, &cancel).await;
                }
            }
            Step::Down => is_down = true,
            Step::Up => is_down = false,
            Step::Pass(seconds) => harness.clock.pass(Duration::from_secs(seconds.into())),
            Step::Tell => {
                harness.callbacks.fail_all(is_down.then(|| CallError::Retry("no connection".into())));
                tell(&harness).await;
                for call in harness.callbacks.take_taken() {
                    let of = body(&call).pointer("/data/verification/id").and_then(Value::as_str).unwrap().to_owned();
                    taken.entry(of).or_default().push(header(&call, "webhook-id").to_owned());
                }
            }
        }
    }
    let mut wanted = BTreeMap::new();
    for id in started {
        let events = harness.engine.history(&harness.caller, id).await.unwrap().events;
        wanted.insert(id.to_string(), events.iter().map(|event| event.id.to_string()).collect());
    }
    (wanted, taken)
}

#[test]
fn a_receiver_that_is_down_for_a_day_gets_each_event_once_in_the_order_of_its_verification() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut runner = TestRunner::new(ProptestConfig { cases: 24, failure_persistence: None, ..Default::default() });
    let tried = runner.run(&proptest::collection::vec(step(), 1..40), |steps| {
        let (wanted, taken) = runtime.block_on(play(&steps));
        prop_assert_eq!(wanted, taken);
        Ok(())
    });
    tried.unwrap();
}
