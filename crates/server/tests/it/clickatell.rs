//! Clickatell against the real binary: the vendor's own samples, a grid from the message to the answer, and what `kill -9` leaves.

use crate::running::{Answer, Running};
use reqwest::Method;
use serde_json::{Value, json};
use std::process::Command;
use tokio::task::JoinSet;

const TO: &str = "2799900001";

async fn token(server: &Running) -> String {
    let credentials = server.get("/sandbox/credentials").await.body;
    credentials["tenants"][0]["clickatell"]["token"].as_str().unwrap().to_owned()
}

/// As a client of this API: with its version, and a body on every method.
async fn call(server: &Running, method: Method, path: &str, body: Value) -> Answer {
    let request = server.client().request(method, format!("{}{path}", server.url)).header("x-version", "1");
    let answer = request.bearer_auth(token(server).await).json(&body).send().await.unwrap();
    Answer { status: answer.status().as_u16(), body: answer.json().await.unwrap(), retry_after: None }
}

async fn start(server: &Running, more: Value) -> String {
    let mut body = json!({"authType": "pin", "to": TO});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let answer = call(server, Method::POST, "/rest/auth", body).await;
    assert_eq!(answer.status, 202, "{}", answer.body);
    answer.body["data"]["apiRequestId"].as_str().unwrap().to_owned()
}

async fn status(server: &Running, id: &str) -> Value {
    call(server, Method::GET, &format!("/rest/auth/{id}"), json!({})).await.body["data"].clone()
}

/// The first message after that place.
async fn message(server: &Running, after: u64) -> Value {
    let arrived = server.get(&format!("/sandbox/messages?to={TO}&after={after}&wait=30")).await.body;
    arrived["messages"][0].clone()
}

async fn page(server: &Running, path: &str) -> String {
    server.client().get(format!("{}{path}", server.url)).send().await.unwrap().text().await.unwrap()
}

/// Taps the picture that the page names; what is shown then.
async fn tap(server: &Running, path: &str) -> String {
    let screen = page(server, &format!("{path}/screen")).await;
    let wanted = screen.split("Tap the ").nth(1).unwrap().split('<').next().unwrap();
    let before = screen.split(&format!("alt=\"{wanted}\"")).next().unwrap();
    let value = before.rsplit("value=\"").next().unwrap().split('"').next().unwrap();
    let form = format!("tile={value}");
    let request = server.client().post(format!("{}{path}", server.url)).body(form);
    request.header("content-type", "application/x-www-form-urlencoded").send().await.unwrap().text().await.unwrap()
}

fn path_of(message: &Value) -> String {
    let link = message["link"].as_str().expect("the message has a link");
    assert!(message["text"].as_str().unwrap().contains(link));
    format!("/c/{}", link.split_once("/c/").unwrap().1)
}

fn in_shell(line: &str) -> String {
    let output = Command::new("sh").args(["-euc", line]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The vendor's sample request, to the letter.
const SAMPLE: &str = r#"{"authType":"grid","to":"2799900001","overrideExpireTime":"10","maximumRetries":"2",
 "numberOfChallenges":"2","numberOfImagesPerChallenge":"8",
 "companyImageUrl":"http://www.yourwebsite.com/logo_image.jpg"}"#;
/// What the vendor's PHP sample sends, with a number in it.
const PHP_SAMPLE: &str = r#"{"authType":"grid"
                                                ,"to":"2799900001"
                                                ,"overrideExpireTime":10
                                                ,"maximumRetries":2
                                                ,"numberOfChallenges":2
                                                ,"numberOfImagesPerChallenge":8
                                                ,"companyImageUrl":"http://www.yourwebsite.com/logo_image.jpg"}"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_vendors_samples_work_with_another_host_and_token() {
    let data = tempfile::tempdir().unwrap();
    let server = Running::dev(data.path()).await;
    for (seq, sample) in (0..).zip([SAMPLE, PHP_SAMPLE]) {
        let request = server.client().post(format!("{}/rest/auth", server.url)).header("X-Version", "1");
        let request = request.header("Content-Type", "application/JSON").header("Accept", "application/JSON");
        let answer = request.bearer_auth(token(&server).await).body(sample).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 202);
        assert_eq!(answer.headers()["content-type"], "application/json");
        let id = answer.json::<Value>().await.unwrap()["data"]["apiRequestId"].as_str().unwrap().to_owned();
        assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
        let message = message(&server, seq).await;
        let path = path_of(&message);
        let token = path.strip_prefix("/c/").unwrap();
        assert_eq!(message["text"], format!("dev: confirm your sign-in: {}/c/{token} (valid 10 minutes)", server.url));
        assert!(token.len() >= 26 && !id.contains(token) && message["code"].is_null());
        let screen = page(&server, &format!("{path}/screen")).await;
        assert_eq!((screen.matches("name=\"tile\"").count(), screen.contains("1 of 2")), (8, true));
        assert!(screen.contains("http://www.yourwebsite.com/logo_image.jpg"));
        assert!(tap(&server, &path).await.contains("2 of 2"));
        assert!(tap(&server, &path).await.contains("Sign-in confirmed"));
        let solved = json!({"challengeStatus": "020", "challengeSolved": true, "description": "Challenge solved"});
        assert_eq!(status(&server, &id).await, solved);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_grid_survives_kill_9_between_any_two_steps() {
    let data = tempfile::tempdir().unwrap();
    let server = Running::dev(data.path()).await;
    // The provider is slow, so the message has not left when the process dies.
    server.put(&format!("/sandbox/outcomes/{TO}"), json!({"outcome": "deliver", "delay_ms": 3_600_000})).await;
    let id = start(&server, json!({"authType": "grid", "maximumRetries": 2})).await;
    server.kill();
    let server = Running::dev(data.path()).await;
    server.put(&format!("/sandbox/outcomes/{TO}"), json!({"outcome": "deliver"})).await;
    server.kill();
    let server = Running::dev(data.path()).await;
    let path = path_of(&message(&server, 0).await);
    assert!(tap(&server, &path).await.contains("2 of 3"));
    server.kill();
    let server = Running::dev(data.path()).await;
    let screen = page(&server, &format!("{path}/screen")).await;
    assert!(screen.contains("2 of 3"), "the first tap was answered, so it counts");
    tap(&server, &path).await;
    server.kill();
    let server = Running::dev(data.path()).await;
    assert!(tap(&server, &path).await.contains("Sign-in confirmed"));
    server.kill();
    let server = Running::dev(data.path()).await;
    assert_eq!(status(&server, &id).await["challengeStatus"], "020");
    assert!(page(&server, &path).await.contains("This link has ended"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c35_of_fifty_parallel_right_pins_one_solves_and_a_kill_does_not_change_that() {
    let data = tempfile::tempdir().unwrap();
    let server = Running::dev(data.path()).await;
    let id = start(&server, json!({"maximumRetries": 3})).await;
    let pin = message(&server, 0).await["code"].as_str().unwrap().to_owned();
    assert!(pin.len() == 4 && pin.bytes().all(|byte| byte.is_ascii_digit()));
    let (url, token) = (format!("{}/rest/auth/{id}", server.url), token(&server).await);
    let mut puts = JoinSet::new();
    for _ in 0..50 {
        let request = server.client().put(&url).header("x-version", "1").bearer_auth(&token);
        let request = request.json(&json!({"pinCode": pin}));
        puts.spawn(async move { request.send().await.unwrap().json::<Value>().await.unwrap() });
    }
    let answers = puts.join_all().await;
    assert_eq!(answers.iter().filter(|answer| answer["data"]["challengeSolved"] == true).count(), 1);
    server.kill();
    let server = Running::dev(data.path()).await;
    assert_eq!(status(&server, &id).await["challengeSolved"], true);
    let again = call(&server, Method::PUT, &format!("/rest/auth/{id}"), json!({"pinCode": pin})).await;
    assert_eq!(again.body["data"]["description"], "Challenge already solved");
}

#[tokio::test]
async fn what_could_not_be_delivered_is_060() {
    let data = tempfile::tempdir().unwrap();
    let server = Running::dev(data.path()).await;
    server.put(&format!("/sandbox/outcomes/{TO}"), json!({"outcome": "reject", "delay_ms": 0})).await;
    let id = start(&server, json!({"authType": "grid"})).await;
    for _ in 0..600 {
        let now = status(&server, &id).await;
        if now["challengeStatus"] != "010" {
            assert_eq!((&now["challengeStatus"], &now["challengeSolved"]), (&json!("060"), &json!(false)));
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("the refusal was never told");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_lines_to_paste_work_and_no_token_of_a_link_is_in_the_log() {
    let data = tempfile::tempdir().unwrap();
    let server = Running::dev(data.path()).await;
    let examples = server.get("/sandbox/examples").await.body;
    let ours = examples["examples"].as_array().unwrap().iter().find(|it| it["dialect"] == "clickatell").unwrap();
    let commands: Vec<&str> =
        ours["commands"].as_array().unwrap().iter().map(|it| it["command"].as_str().unwrap()).collect();
    let told = |line: &str| serde_json::from_str::<Value>(&in_shell(line)).unwrap()["data"].clone();
    assert_eq!(told(commands[0])["apiRequestId"].as_str().map(str::len), Some(32));
    let path = path_of(&message(&server, 0).await);
    page(&server, &path).await;
    tap(&server, &path).await;
    let id = told(commands[1])["apiRequestId"].as_str().unwrap().to_owned();
    let pin = message(&server, 1).await["code"].as_str().unwrap().to_owned();
    let line = |place: usize| commands[place].replace("API_REQUEST_ID", &id).replace("\"PIN\"", &format!("\"{pin}\""));
    assert_eq!(told(&line(2))["challengeSolved"], true);
    assert_eq!(told(&line(3))["challengeStatus"], "020");
    assert!(told(commands[4])[0]["category"].as_array().unwrap().len() >= 100);
    assert_eq!(told(commands[5])["message"][0]["accepted"], true);
    assert_eq!(told(commands[6])["balance"], "0.00");
    let (_, log) = server.stop();
    assert!(log.contains("/rest/auth -H 'X-Version: 1'"), "the banner has a line to paste: {log}");
    assert!(log.contains("/c/{token}") && !log.contains(path.strip_prefix("/c/").unwrap()), "{log}");
}
