//! What dev mode keeps for tests.

use countersign_engine::{
    sandbox::{Sandbox, kept::Call},
    testing::Harness,
};
use countersign_store::{Batch, Change, sandbox};
use std::time::Duration;

#[tokio::test]
async fn whoever_does_not_page_sees_all_recorded_calls() {
    let harness = Harness::new().await;
    let call = Call {
        seq: 0,
        tenant_name: "dev".to_owned(),
        url: "https://shop.example/hooks".to_owned(),
        headers: vec![],
        body: String::new(),
        refused: None,
        at: harness.engine.now(),
    };
    let calls = (0..1432).map(|_| Change::Sandbox(sandbox::Change::RecordCall(call.clone())));
    harness.store.write(Batch::of(calls)).await.unwrap();
    let sandbox = Sandbox::open(&harness.engine).await.unwrap();
    assert_eq!(sandbox.calls(0, Duration::ZERO).await.unwrap().len(), 1432);
    assert_eq!(sandbox.calls(1400, Duration::ZERO).await.unwrap().len(), 32);
}
