//! The page of a second factor on the real binary, with `kill -9` between any two of its steps.

use crate::running::Running;
use reqwest::{
    Client,
    header::{CONTENT_TYPE, LOCATION},
    redirect::Policy,
};
use serde_json::json;
use std::path::Path;

/// A browser that goes nowhere by itself.
fn browser() -> Client {
    Client::builder().redirect(Policy::none()).build().unwrap()
}

/// Sends a form: where that leads.
async fn press(server: &Running, path: &str, form: String) -> String {
    let request = browser().post(format!("{}{path}", server.url));
    let answer = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(form).send().await.unwrap();
    assert_eq!(answer.status(), 303);
    answer.headers()[LOCATION].to_str().unwrap().to_owned()
}

/// What a page says, and where it leads.
async fn look(server: &Running, path: &str) -> (u16, String, String) {
    let answer = browser().get(format!("{}{path}", server.url)).send().await.unwrap();
    let to = answer.headers().get(LOCATION).map_or("", |to| to.to_str().unwrap()).to_owned();
    (answer.status().as_u16(), to, answer.text().await.unwrap())
}

/// The same server after `kill -9`.
async fn again(server: Running, data: &Path) -> Running {
    server.kill();
    Running::dev(data).await
}

#[tokio::test]
async fn every_step_of_a_visit_outlives_kill_9() {
    let data = tempfile::tempdir().unwrap();
    let server = Running::dev(data.path()).await;
    let client = server.get("/sandbox/credentials").await.body["tenants"][0]["auth0"]["client_id"].clone();
    let begun = server
        .post("/v1/mfa-tokens", json!({ "client_id": client, "user": "ana", "return_to": "http://localhost:3000/" }))
        .await;
    assert_eq!(begun.status, 201, "{}", begun.body);
    let path = begun.body["page_url"].as_str().unwrap().strip_prefix(server.url.as_str()).unwrap().to_owned();

    let server = again(server, data.path()).await;
    assert_eq!(
        press(&server, &path, "do=enrol&channel=email&to=ana%40example.com".to_owned()).await,
        format!("{path}/code")
    );
    let server = again(server, data.path()).await;
    let messages = server.get("/sandbox/messages?channel=email&wait=30").await.body;
    let code = messages["messages"][0]["code"].as_str().unwrap();
    let wrong = if code == "000000" { "000001" } else { "000000" };
    assert_eq!(press(&server, &path, format!("do=code&code={wrong}")).await, format!("{path}/code"));
    let server = again(server, data.path()).await;
    assert!(look(&server, &format!("{path}/code")).await.2.contains("role=\"alert\""), "the wrong code is remembered");
    assert_eq!(press(&server, &path, format!("do=code&code={code}")).await, path);
    let server = again(server, data.path()).await;
    let (status, _, page) = look(&server, &path).await;
    assert!(status == 200 && page.contains("value=\"keep\""), "the recovery code is still to be kept");
    assert_eq!(press(&server, &path, "do=keep".to_owned()).await, path);
    let server = again(server, data.path()).await;
    let (status, to, _) = look(&server, &path).await;
    assert_eq!(status, 303);
    let result = to.strip_prefix("http://localhost:3000/?mfa_result=").unwrap().to_owned();

    let server = again(server, data.path()).await;
    let told = server.post("/v1/mfa-results", json!({ "result": result })).await;
    assert_eq!((told.status, &told.body["user"], &told.body["factor"]), (200, &json!("ana"), &json!("email")));
    let server = again(server, data.path()).await;
    assert_eq!(server.post("/v1/mfa-results", json!({ "result": result })).await.status, 409);
    assert_eq!(look(&server, &path).await.0, 410);
}
