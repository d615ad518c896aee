//! On PostgreSQL a node makes periods and drops them by itself, as the clock of the rules goes on.

use crate::running::Running;
use countersign_store::testing;
use serde_json::json;

const DAY: i64 = 24 * 3600;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_verification_leaves_with_its_period_and_its_period_with_the_time_for_which_it_is_kept() {
    let (data, url) = (tempfile::tempdir().unwrap(), testing::database().await);
    let server = Running::node(data.path(), &url, &[]).await;
    let pass = async |seconds: i64| {
        let moved = server.post("/sandbox/clock", json!({"advance_seconds": seconds})).await;
        assert_eq!(moved.status, 200, "{}", moved.body);
    };
    while testing::number(&url, "SELECT count(*) FROM period").await < 2 {}
    let end_ms = testing::number(&url, "SELECT max(end_ms) FROM period").await;
    // Out of the days of the installation, whose rows are in no period.
    pass(3 * DAY).await;
    let (id, code) = server.started_with_code("+34666666111").await;
    let path = format!("/v1/verifications/{id}");
    let checked = server.post(&format!("{path}/check"), json!({"code": code})).await;
    assert_eq!(checked.body["valid"], true, "{}", checked.body);
    let in_none = "SELECT (SELECT count(*) FROM verification_before) + (SELECT count(*) FROM verification_rest)";
    assert_eq!(testing::number(&url, in_none).await, 0);

    pass(90 * DAY).await;
    assert_eq!(server.get(&path).await.status, 200, "others of its period may have ended after it");
    // An eighth of 90 days, and one for the hour.
    pass(12 * DAY).await;
    while server.get(&path).await.status == 200 {}
    assert_eq!(server.get(&path).await.status, 404);
    while testing::number(&url, &format!("SELECT count(*) FROM period WHERE end_ms = {end_ms}")).await > 0 {}
    assert_eq!(testing::number(&url, "SELECT count(*) FROM event").await, 0);
}
