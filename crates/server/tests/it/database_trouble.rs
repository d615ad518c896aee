//! A database that is there and does not do what it should: it waits for a lock, takes too long, has no connection to spare or no
//! room. Whoever asks is refused in seconds and told the truth about it, and afterwards it goes on by itself.

use crate::running::{Answer, Running};
use countersign_store::testing;
use serde_json::json;
use std::time::Duration;
use tokio::time::timeout;

/// Of a statement it is four seconds, of a lock three; the machine may be busy.
const BOUND: Duration = Duration::from_secs(7);

/// Of what cannot be done now.
async fn in_time(asked: impl Future<Output = Answer>) -> Answer {
    timeout(BOUND, asked).await.expect("nobody waits for longer")
}

fn assert_refused(answer: &Answer, word: &str) {
    assert_eq!((answer.status, &answer.body["code"]), (503, &json!("unavailable")), "{}", answer.body);
    assert_eq!(answer.retry_after.as_deref(), Some("1"));
    assert!(answer.body.get("valid").is_none(), "nobody can know: {}", answer.body);
    assert!(answer.body["detail"].as_str().unwrap().contains(word), "{}", answer.body);
}

/// A code that was refused so is still good, once.
async fn assert_still_good(server: &Running, id: &str, code: &str) {
    let path = format!("/v1/verifications/{id}/check");
    let now = server.get(&path.replace("/check", "")).await.body;
    assert_eq!((&now["status"], &now["attempts_left"]), (&json!("pending"), &json!(5)), "{now}");
    let checked = server.post(&path, json!({"code": code})).await;
    assert_eq!(checked.body["valid"], true, "{}", checked.body);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_needs_a_row_that_somebody_else_holds_is_refused_in_time_and_nobody_beside_it_waits() {
    let (data, url) = (tempfile::tempdir().unwrap(), testing::database().await);
    let server = Running::node(data.path(), &url, &[]).await;
    let (id, code) = server.started_with_code("+34666666111").await;
    let holder = testing::hold(&url, "BEGIN; UPDATE verification SET version = version").await;
    let path = format!("/v1/verifications/{id}/check");
    let (checked, beside) = tokio::join!(
        in_time(server.post(&path, json!({"code": code}))),
        server.post("/v1/verifications", json!({"to": "+34666666112", "channel": "sms"})),
    );
    assert_refused(&checked, "cannot tell");
    assert_eq!(beside.status, 201, "{}", beside.body);
    drop(holder);
    assert_still_good(&server, &id, &code).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_takes_too_long_is_broken_off_in_time_and_not_done() {
    let (data, url) = (tempfile::tempdir().unwrap(), testing::database().await);
    let server = Running::node(data.path(), &url, &[]).await;
    let (id, code) = server.started_with_code("+34666666111").await;
    testing::execute(
        &url,
        "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(600); RETURN NULL; END $$;
         CREATE TRIGGER slow BEFORE INSERT ON event FOR EACH STATEMENT EXECUTE FUNCTION slow()",
    )
    .await;
    let path = format!("/v1/verifications/{id}/check");
    assert_refused(&in_time(server.post(&path, json!({"code": code}))).await, "cannot tell");
    testing::execute(&url, "DROP TRIGGER slow ON event").await;
    assert_still_good(&server, &id, &code).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_connection_to_spare_everything_is_refused_until_there_is_one() {
    let (data, url) = (tempfile::tempdir().unwrap(), testing::database().await);
    let name = testing::name_of(&url);
    // The owner has no limit, so somebody else comes.
    testing::execute(
        &url,
        &format!(
            "CREATE ROLE one_of_{name} LOGIN; GRANT ALL ON SCHEMA public TO one_of_{name};
             GRANT ALL ON ALL TABLES IN SCHEMA public TO one_of_{name};
             GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO one_of_{name}"
        ),
    )
    .await;
    let server = Running::node(data.path(), &url.replace("countersign@", &format!("one_of_{name}@")), &[]).await;
    let (id, code) = server.started_with_code("+34666666111").await;
    let path = format!("/v1/verifications/{id}/check");
    testing::run(&format!("ALTER DATABASE {name} CONNECTION LIMIT 0")).await;
    testing::end_sessions(&url).await;
    for _ in 0..3 {
        assert_refused(&in_time(server.post(&path, json!({"code": code}))).await, "cannot tell");
    }
    testing::run(&format!("ALTER DATABASE {name} CONNECTION LIMIT -1")).await;
    while server.get("/healthz/ready").await.status != 200 {}
    assert_still_good(&server, &id, &code).await;
}

/// What the server says when its disk is full, without filling a disk.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_full_disk_nothing_is_done_and_that_is_told() {
    let (data, url) = (tempfile::tempdir().unwrap(), testing::database().await);
    let server = Running::node(data.path(), &url, &[]).await;
    let (id, code) = server.started_with_code("+34666666111").await;
    testing::execute(
        &url,
        "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN RAISE EXCEPTION SQLSTATE '53100' USING MESSAGE = 'could not extend file'; END $$;
         CREATE TRIGGER full_disk BEFORE INSERT ON event FOR EACH STATEMENT EXECUTE FUNCTION full_disk()",
    )
    .await;
    for body in [json!({"code": code}), json!({"code": "000000"})] {
        assert_refused(&server.post(&format!("/v1/verifications/{id}/check"), body).await, "Nothing was changed");
    }
    let start = json!({"to": "+34666666112", "channel": "sms"});
    assert_refused(&server.post("/v1/verifications", start.clone()).await, "Nothing was changed");
    testing::execute(&url, "DROP TRIGGER full_disk ON event").await;
    assert_still_good(&server, &id, &code).await;
    let started = server.post("/v1/verifications", start).await;
    assert_eq!(started.status, 201, "no limit was spent: {}", started.body);
}
