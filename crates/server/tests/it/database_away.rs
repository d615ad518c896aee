//! The database goes away and comes back: meanwhile everything is refused clearly and nothing is guessed, and afterwards the
//! server goes on by itself.

use crate::running::Running;
use countersign_store::testing;
use reqwest::{Method, header::RETRY_AFTER};
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_database_is_away_checks_are_refused_and_afterwards_the_code_is_still_good() {
    let (data, url) = (tempfile::tempdir().unwrap(), testing::database().await);
    let server = Running::node(data.path(), &url, &[]).await;
    let (id, code) = server.started_with_code("+34666666111").await;
    let path = format!("/v1/verifications/{id}/check");

    testing::take_away(&url).await;
    for body in [json!({"code": code}), json!({"code": "000000"})] {
        let refused = server.post(&path, body).await;
        assert_eq!((refused.status, &refused.body["code"]), (503, &json!("unavailable")));
        assert!(refused.body.get("valid").is_none(), "nobody can know: {}", refused.body);
        assert_eq!(refused.retry_after.as_deref(), Some("1"));
    }
    let unready = server.get("/healthz/ready").await;
    assert_eq!((unready.status, unready.retry_after.as_deref()), (503, Some("1")));
    assert_eq!(server.get("/healthz/live").await.status, 200, "a restart would change nothing");

    testing::give_back(&url).await;
    while server.get("/healthz/ready").await.status != 200 {}
    let checked = server.post(&path, json!({"code": code})).await;
    assert_eq!(checked.body["valid"], true, "{}", checked.body);
    let (status, log) = server.stop();
    assert_eq!(status.code(), Some(0));
    assert!(!log.contains(&code), "a code is in the log");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_dialect_says_that_it_is_its_own_fault_and_when_to_come_again() {
    let (data, url) = (tempfile::tempdir().unwrap(), testing::database().await);
    let server = Running::node(data.path(), &url, &[]).await;
    let credentials = server.get("/sandbox/credentials").await.body;
    let ours = |place: &str| credentials["tenants"][0].pointer(place).unwrap().as_str().unwrap().to_owned();
    let (user, key) = (ours("/authentix/api_user"), ours("/authentix/api_key"));
    testing::take_away(&url).await;
    for (path, status) in [
        ("/v1/verifications", 503),
        ("/rest/message", 503),
        // This vendor has no other status for it.
        ("/api/2fa/request", 500),
        ("/rest/authentix/v1/configurations", 503),
        ("/api/v1/approval", 503),
        ("/oauth/token", 503),
    ] {
        let request = server.client().request(Method::POST, format!("{}{path}", server.url)).bearer_auth(server.key());
        let request = request.header("ApiUser", &user).header("ApiKey", &key);
        let body = json!({
            "api_key": "x", "msisdn": "34666666111", "sender": "x", "hlr_lookup": 0,
            "grant_type": "password", "client_id": "x", "username": "ana", "password": "x",
        });
        let answer = request.json(&body).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{path}");
        let again = answer.headers().get(RETRY_AFTER).map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(again.as_deref(), (status == 503).then_some("1"), "{path}");
        let told = answer.text().await.unwrap();
        assert!(!told.contains(testing::name_of(&url)) && !told.contains("database"), "{path}: {told}");
    }
}
