//! `countersign dev` by the letter of its contract.

use crate::running::{Running, without_port};
use reqwest::Method;
use serde_json::{Value, json};
use std::process::Command;

const ANA: &str = "+34666666111";

async fn start(server: &Running, to: &str, channel: &str) -> Value {
    let started = server.post("/v1/verifications", json!({"to": to, "channel": channel})).await;
    assert_eq!(started.status, 201, "{}", started.body);
    started.body
}

#[tokio::test]
async fn a_message_has_exactly_the_promised_keys() {
    let data = tempfile::tempdir().unwrap();
    let server = Running::dev(data.path()).await;
    let started = start(&server, ANA, "sms").await;
    let answer = server.get("/sandbox/messages?to=34666666111&channel=sms&after=0&wait=30").await.body;
    let message = answer["messages"][0].as_object().unwrap().clone();
    let mut keys: Vec<_> = message.keys().map(String::as_str).collect();
    keys.sort_unstable();
    assert_eq!(
        keys,
        ["at", "channel", "code", "from", "html", "link", "seq", "subject", "tenant", "text", "to", "verification_id"]
    );
    assert_eq!((&message["tenant"], &message["channel"], &message["to"]), (&json!("dev"), &json!("sms"), &json!(ANA)));
    assert_eq!((&message["verification_id"], &message["seq"]), (&started["id"], &json!(1)));
    assert!(message["text"].as_str().unwrap().contains(message["code"].as_str().unwrap()));
    assert!(message["at"].as_str().unwrap().ends_with('Z'));
}

#[tokio::test]
async fn the_inbox_is_filtered_emptied_and_never_counts_back() {
    let data = tempfile::tempdir().unwrap();
    let server = Running::dev(data.path()).await;
    start(&server, ANA, "sms").await;
    server.get("/sandbox/messages?wait=30").await;
    start(&server, "ana@example.com", "email").await;
    let later = server.get("/sandbox/messages?after=1&wait=30").await.body;
    assert_eq!(later["messages"][0]["to"], "ana@example.com");
    assert!(later["messages"][0]["html"].is_string() && later["messages"][0]["subject"].is_string());
    assert_eq!(server.get("/sandbox/messages?channel=email").await.body["messages"].as_array().unwrap().len(), 1);
    assert_eq!(server.get("/sandbox/messages?to=%2B34666666111").await.body["messages"].as_array().unwrap().len(), 1);
    assert_eq!(server.get("/sandbox/messages?to=+34666666111").await.body["messages"].as_array().unwrap().len(), 1);
    assert_eq!(server.get("/sandbox/messages?to=34666666112").await.body, json!({"messages": []}));
    let emptied = server.ask(Method::DELETE, "/sandbox/messages", None).await.unwrap();
    assert_eq!(emptied.status, 204);
    assert_eq!(server.get("/sandbox/messages").await.body, json!({"messages": []}));
    start(&server, "+34666666113", "sms").await;
    assert_eq!(server.get("/sandbox/messages?wait=30").await.body["messages"][0]["seq"], 3);
}

#[tokio::test]
async fn the_clock_moves_every_rule_at_once_and_never_back() {
    let data = tempfile::tempdir().unwrap();
    let server = Running::dev(data.path()).await;
    let (id, code) = server.started_with_code(ANA).await;
    let before = server.get("/sandbox/clock").await.body["now"].as_str().unwrap().to_owned();
    let after =
        server.post("/sandbox/clock", json!({"advance_seconds": 301})).await.body["now"].as_str().unwrap().to_owned();
    assert!(after > before);
    let checked = server.post(&format!("/v1/verifications/{id}/check"), json!({"code": code})).await.body;
    assert_eq!((&checked["valid"], &checked["status"]), (&json!(false), &json!("expired")));
    for bad in [json!({"advance_seconds": -1}), json!({}), json!({"advance_seconds": "1"}), json!([])] {
        assert_eq!(server.post("/sandbox/clock", bad).await.status, 400);
    }
    server.kill();
    let server = Running::dev(data.path()).await;
    assert!(
        server.get("/sandbox/clock").await.body["now"].as_str().unwrap() >= after.as_str(),
        "it survives a restart"
    );
}

#[tokio::test]
async fn outcomes_decide_what_becomes_of_a_message() {
    let data = tempfile::tempdir().unwrap();
    let server = Running::dev(data.path()).await;
    for (to, outcome, event) in [
        ("+34666666111", "deliver", "message_delivered"),
        ("+34666666112", "reject", "message_failed"),
        ("+34666666113", "undelivered", "message_failed"),
        ("+34666666114", "lose", "message_accepted"),
    ] {
        let planned = server.put(&format!("/sandbox/outcomes/{to}"), json!({"outcome": outcome, "delay_ms": 0})).await;
        assert_eq!(planned.status, 200, "{}", planned.body);
        let id = start(&server, to, "sms").await["id"].as_str().unwrap().to_owned();
        let last = last_event(&server, &id, event).await;
        assert_eq!(last, event, "{outcome}");
        let arrived = server.get(&format!("/sandbox/messages?to={}", &to[1..])).await.body;
        assert_eq!(arrived["messages"].as_array().unwrap().len(), usize::from(outcome == "deliver"), "{outcome}");
    }
    assert_eq!(server.put("/sandbox/outcomes/hello", json!({"outcome": "lose"})).await.status, 400);
    assert_eq!(server.put("/sandbox/outcomes/34666666111", json!({"outcome": "explode"})).await.status, 400);
}

/// Asks until the event is there: the delivery runs beside the requests.
async fn last_event(server: &Running, id: &str, wanted: &str) -> String {
    loop {
        let history = server.get(&format!("/v1/verifications/{id}/events")).await.body;
        let last = history["events"].as_array().unwrap().last().unwrap()["type"].as_str().unwrap().to_owned();
        let over = ["message_delivered", "message_failed"].contains(&last.as_str());
        if last == wanted || over {
            return last;
        }
    }
}

#[tokio::test]
async fn a_number_that_the_lookup_does_not_know_gets_no_message() {
    let data = tempfile::tempdir().unwrap();
    let server = Running::dev(data.path()).await;
    let service = json!({"name": "careful", "policy": {"number_lookup": true, "limits": {"send_gap_seconds": 0}}});
    assert_eq!(server.post("/v1/services", service).await.status, 201);
    let body = json!({"to": ANA, "channel": "sms", "service": "careful"});
    assert_eq!(server.put("/sandbox/numbers/34666666111", json!({"lookup": "invalid"})).await.status, 200);
    let refused = server.post("/v1/verifications", body.clone()).await;
    assert_eq!((refused.status, &refused.body["code"]), (422, &json!("number_unknown")));
    server.put("/sandbox/numbers/34666666111", json!({"lookup": "valid"})).await;
    assert_eq!(server.post("/v1/verifications", body).await.status, 201);
}

#[tokio::test]
async fn two_tenants_have_keys_of_their_own_that_last_and_see_nothing_of_each_other() {
    let data = tempfile::tempdir().unwrap();
    let server = Running::dev(data.path()).await;
    let credentials = server.get("/sandbox/credentials").await.body;
    let tenants = credentials["tenants"].as_array().unwrap();
    assert_eq!((&tenants[0]["name"], &tenants[1]["name"]), (&json!("dev"), &json!("dev2")));
    let other = tenants[1]["native"]["api_key"].as_str().unwrap();
    assert_ne!(other, server.key());
    let (id, _) = server.started_with_code(ANA).await;
    let path = format!("/v1/verifications/{id}");
    let seen = crate::running::ask(&server.client(), &server.url, other, Method::GET, &path, None).await.unwrap();
    assert_eq!(seen.status, 404);
    assert_eq!(server.get("/sandbox/callbacks?after=0").await.body, json!({"callbacks": []}));
    assert_eq!(server.get("/sandbox/callbacks?after=&wait=").await.body, json!({"callbacks": []}));
    assert_eq!(
        server.get("/sandbox/messages?to=&channel=&after=&wait").await.body["messages"][0]["verification_id"],
        id
    );
    assert_eq!(server.get("/sandbox/messages?after=x").await.status, 400);
    let first = server.url.clone();
    server.kill();
    let again = Running::dev(data.path()).await;
    let then = again.get("/sandbox/credentials").await.body;
    assert_eq!(without_port(&again.url, &then["tenants"]), without_port(&first, &credentials["tenants"]));
}

#[tokio::test]
async fn a_stop_ends_well_and_the_log_names_nobody() {
    let data = tempfile::tempdir().unwrap();
    let server = Running::dev(data.path()).await;
    let (id, code) = server.started_with_code(ANA).await;
    server.post(&format!("/v1/verifications/{id}/check"), json!({"code": code})).await;
    let key = server.key().to_owned();
    let (status, log) = server.stop();
    assert!(status.success(), "{status}");
    // The banner, whose lines have keys in them, ends with its last command.
    let said = log.rsplit_once("curl ").map_or("", |(_, rest)| rest).lines().skip(1).collect::<String>();
    assert!(said.contains(&id), "{log}");
    for secret in [code.as_str(), &key, "666666111"] {
        assert!(!said.contains(secret), "{log}");
    }
}

#[test]
fn a_second_server_on_the_same_folder_and_a_taken_port_are_refused_in_one_line() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let data = tempfile::tempdir().unwrap();
    let server = runtime.block_on(Running::dev_on_file(data.path(), &[]));
    let shown = data.path().display().to_string();
    let second = |listen: &str, data: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_countersign"))
            .args(["dev", "--listen", listen, "--data", data])
            .env_clear()
            .output()
            .unwrap();
        (output.status.success(), String::from_utf8(output.stderr).unwrap())
    };
    let (succeeded, line) = second("127.0.0.1:0", &shown);
    assert!(!succeeded && line.lines().count() == 1 && line.contains(&shown), "{line}");
    let taken = server.url.strip_prefix("http://").unwrap();
    let other = tempfile::tempdir().unwrap();
    let (succeeded, line) = second(taken, &other.path().display().to_string());
    assert!(!succeeded && line.lines().count() == 1 && line.contains("another program has this port"), "{line}");
}
