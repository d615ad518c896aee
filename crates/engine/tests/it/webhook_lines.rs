//! Whoever tells webhooks and whoever writes events do so side by side, in any order of their steps: each event is told once, in its
//! order, and no status goes back.

use crate::{ANA, Acts, start_to};
use countersign_engine::{
    commands::{CancelVerification, CreateWebhookEndpoint, Target},
    jobs::{CallWebhooks, Progress},
    testing::Harness,
};
use countersign_store::testing::{Stepped, is_postgres};
use proptest::{prelude::*, test_runner::TestRunner};
use serde_json::Value;
use std::time::Duration;

/// How many are at work: whoever delivers, checks, and cancels, and three who tell.
const ACTORS: usize = 6;

/// What was told in one line: of each event its name, its type, and the status with it.
type Line = Vec<(String, String, String)>;

/// What happened, and what was told of it, when each step is that of the actor who is named.
async fn play(order: &[usize]) -> (Vec<String>, Line) {
    let harness = Harness::new().await;
    let endpoint = CreateWebhookEndpoint {
        url: "https://shop.example/hooks".to_owned(),
        description: None,
        events: vec![],
        whole_address: false,
    };
    harness.engine.run(&harness.caller, None, &endpoint).await.unwrap();
    let id = harness.start(&start_to(ANA)).await.unwrap().verification.id;
    let tell = async || {
        let job = CallWebhooks::new(&harness.engine);
        for _ in 0..4 {
            job.run_once().await.unwrap();
        }
    };
    let mut actors: [Stepped<'_>; ACTORS] = [
        Stepped::new(harness.deliver()),
        Stepped::new(async {
            // It may have been cancelled before.
            let _ = harness.check(id, "wrong1").await;
        }),
        Stepped::new(async {
            let cancel = CancelVerification { target: Target::Id(id) };
            harness.engine.run(&harness.caller, None, &cancel).await.unwrap();
        }),
        Stepped::new(tell()),
        Stepped::new(tell()),
        Stepped::new(tell()),
    ];
    for actor in order {
        actors.get_mut(*actor).unwrap().step().await;
        harness.clock.pass(Duration::from_millis(1));
    }
    for mut actor in actors {
        actor.finish().await;
    }
    let job = CallWebhooks::new(&harness.engine);
    while job.run_once().await.unwrap() == Progress::More {}
    let events = harness.engine.history(&harness.caller, id).await.unwrap().events;
    let happened = events.iter().map(|event| event.id.to_string()).collect();
    let told = harness.callbacks.take_taken();
    let told = told.iter().map(|call| {
        let body: Value = serde_json::from_slice(&call.body).unwrap();
        let text = |at: &str| body.pointer(at).and_then(Value::as_str).unwrap().to_owned();
        let name = call.headers.iter().find(|(header, _)| *header == "webhook-id").unwrap().1.clone();
        (name, text("/type"), text("/data/verification/status"))
    });
    (happened, told.collect())
}

#[test]
fn in_whatever_order_they_take_their_steps_each_event_is_told_once_in_its_order_and_no_status_goes_back() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let cases = if is_postgres() { 10 } else { 200 };
    let mut runner = TestRunner::new(ProptestConfig { cases, failure_persistence: None, ..Default::default() });
    let tried = runner.run(&proptest::collection::vec(0..ACTORS, 0..80), |order| {
        let (happened, told) = runtime.block_on(play(&order));
        let names: Vec<&String> = told.iter().map(|(name, ..)| name).collect();
        prop_assert_eq!(names, happened.iter().collect::<Vec<_>>());
        let ended = told.iter().position(|(.., status)| status != "pending").unwrap();
        prop_assert!(told.iter().skip(ended).all(|(.., status)| status == "cancelled"), "{:?}", told);
        Ok(())
    });
    tried.unwrap();
}
