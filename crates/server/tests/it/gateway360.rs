//! Gateway360 against the real binary: the vendor's own sample lines, requests that only a real client can make, and the
//! reports that a caller's server gets.

use crate::running::{Running, without_port};
use reqwest::{Method, header::CONTENT_TYPE};
use serde_json::{Value, json};
use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpListener,
    process::Command,
    thread,
};

const NUMBER: &str = "34666666111";
/// The vendor's sample, with its own key in it.
const SAMPLE_KEY: &str = "399d2b438a53ebed3db8a7d52107f846";

async fn key(server: &Running) -> String {
    let credentials = server.get("/sandbox/credentials").await.body;
    credentials["tenants"][0]["gateway360"]["api_key"].as_str().unwrap().to_owned()
}

async fn request(server: &Running, more: &Value) -> Value {
    let mut body = json!({"api_key": key(server).await, "msisdn": NUMBER, "sender": "GOOD PIZZA", "hlr_lookup": 1});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let answer = server.post("/api/2fa/request", body).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body
}

/// The first message after that place.
async fn message(server: &Running, after: u64) -> Value {
    let arrived = server.get(&format!("/sandbox/messages?to={NUMBER}&after={after}&wait=30")).await.body;
    arrived["messages"][0].clone()
}

/// The first recorded call after that place.
async fn callback(server: &Running, after: u64) -> Value {
    let made = server.get(&format!("/sandbox/callbacks?after={after}&wait=30")).await.body;
    made["callbacks"][0].clone()
}

fn in_shell(line: &str) -> String {
    let output = Command::new("sh").args(["-euc", line]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The vendor's page, to the letter; host and key are put in as a user would do it.
const CURL: &str = r#"curl -X POST \
 -H 'Content-Type: application/json' \
 -H 'Accept: application/json' \
 -d '{
    "api_key":"399d2b438a53ebed3db8a7d52107f846",
    "msisdn":"34666666111",
    "sender":"GOOD PIZZA",
    "hlr_lookup":1
}' https://api.gateway360.com/api/2fa/request"#;
/// What the page's Python sample sends to `/api/3.0/2fa/request`, with these headers.
const PYTHON_PAYLOAD: &str = r#"{
    "api_key":"399d2b438a53ebed3db8a7d52107f846",
    "msisdn":"34666666111",
    "sender":"GOOD PIZZA",
    "hlr_lookup":1
}"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_vendors_sample_lines_work_with_another_host_and_key() {
    let data = tempfile::tempdir().unwrap();
    let server = Running::dev(data.path()).await;
    let key = key(&server).await;
    let line = CURL.replace("https://api.gateway360.com", &server.url);
    let refused: Value = serde_json::from_str(&in_shell(&line)).unwrap();
    assert_eq!(refused["error_id"], "UNAUTHORIZED", "the page's own key opens nothing here");
    assert_eq!(in_shell(&line.replace(SAMPLE_KEY, &key)), r#"{"status":"ok"}"#);
    let first = message(&server, 0).await;
    assert_eq!((&first["from"], &first["to"]), (&json!("GOOD PIZZA"), &json!("+34666666111")));
    let pin = first["code"].as_str().unwrap();
    assert!(pin.len() == 6 && pin.bytes().all(|byte| byte.is_ascii_digit()), "{pin}");
    assert_eq!(first["text"], format!("{pin} is your verification code."));

    let answer = server
        .client()
        .post(format!("{}/api/3.0/2fa/request", server.url))
        .header("content-type", "application/json")
        .header("accept", "application/json")
        .body(PYTHON_PAYLOAD.replace(SAMPLE_KEY, &key));
    assert_eq!(answer.send().await.unwrap().text().await.unwrap(), r#"{"status":"ok"}"#);
    assert_eq!(message(&server, 1).await["code"].as_str().map(str::len), Some(6));
}

#[tokio::test]
async fn g3_get_with_a_body_and_a_cookie_is_what_one_client_sends() {
    let data = tempfile::tempdir().unwrap();
    let server = Running::dev(data.path()).await;
    let key = key(&server).await;
    let get = async |path: &str, body: Value| {
        let request = server.client().request(Method::GET, format!("{}{path}", server.url));
        let request = request.header(CONTENT_TYPE, "application/json").header("cookie", "PHPSESSID=abc");
        request.body(body.to_string()).send().await.unwrap().text().await.unwrap()
    };
    let params = json!([{"length": 4, "expires_in": 180, "max_tries": 3}]);
    let body = json!({"api_key": key, "msisdn": NUMBER, "sender": "GOOD PIZZA", "pin_params": params});
    assert_eq!(get("/api/2fa/request", body).await, r#"{"status":"ok"}"#);
    let pin = message(&server, 0).await["code"].clone();
    let body = json!({"api_key": key, "msisdn": NUMBER, "pin": pin});
    assert_eq!(get("/api/2fa/verify", body).await, r#"{"status":"ok"}"#);
}

#[tokio::test]
async fn g43_what_became_of_a_message_is_reported_with_exactly_seven_members() {
    let data = tempfile::tempdir().unwrap();
    let server = Running::dev(data.path()).await;
    for (seq, (outcome, status)) in
        (0..).zip([("deliver", "DELIVRD"), ("undelivered", "UNDELIV"), ("reject", "REJECTD")])
    {
        server.put(&format!("/sandbox/outcomes/{NUMBER}"), json!({"outcome": outcome, "delay_ms": 0})).await;
        request(&server, &json!({"report_url": "https://shop.example/dlr?a=1"})).await;
        let call = callback(&server, seq).await;
        assert_eq!((&call["method"], &call["url"]), (&json!("POST"), &json!("https://shop.example/dlr?a=1")));
        assert_eq!((&call["headers"]["content-type"], &call["refused"]), (&json!("application/json"), &Value::Null));
        let body = call["body"].as_str().unwrap();
        let reports: Vec<serde_json::Map<String, Value>> = serde_json::from_str(body).unwrap();
        assert_eq!(reports.len(), 1, "{body}");
        let places = ["sms_id", "from", "to", "custom", "sms_date", "status", "dlr_date"].map(|name| body.find(name));
        assert!(places.is_sorted() && places.iter().all(Option::is_some), "{body}");
        let report = &reports[0];
        assert_eq!(report.len(), 7, "{body}");
        assert_eq!((&report["from"], &report["to"]), (&json!("GOOD PIZZA"), &json!(NUMBER)));
        assert_eq!((&report["custom"], &report["status"]), (&json!(""), &json!(status)));
        let id = report["sms_id"].as_str().unwrap();
        assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{body}");
        for date in ["sms_date", "dlr_date"] {
            let shape = report[date].as_str().unwrap().replace(|character: char| character.is_ascii_digit(), "0");
            assert_eq!(shape, "0000-00-00 00:00:00");
        }
    }
}

#[tokio::test]
async fn a_text_of_ones_own_is_reported_under_the_name_that_the_answer_gave_it() {
    let data = tempfile::tempdir().unwrap();
    let server = Running::dev(data.path()).await;
    let messages = json!([{"from": "GOOD PIZZA", "to": NUMBER, "text": "Hi", "custom": "MyMsgID-12345"}]);
    let body = json!({"api_key": key(&server).await, "messages": messages, "report_url": "https://shop.example/dlr"});
    let sent = server.post("/api/3.0/sms/send", body).await.body;
    let reports: Value = serde_json::from_str(callback(&server, 0).await["body"].as_str().unwrap()).unwrap();
    assert_eq!(reports[0]["sms_id"], sent["result"][0]["sms_id"]);
    assert_eq!((&reports[0]["custom"], &reports[0]["status"]), (&json!("MyMsgID-12345"), &json!("DELIVRD")));
    assert_eq!(message(&server, 0).await["text"], "Hi");
}

#[tokio::test]
async fn g44_an_address_of_this_machine_is_taken_and_never_called() {
    let data = tempfile::tempdir().unwrap();
    let server = Running::dev(data.path()).await;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    for (seq, url) in (0..).zip(["http://localhost".to_owned(), format!("http://127.0.0.1:{port}/dlr")]) {
        assert_eq!(request(&server, &json!({"report_url": url})).await, json!({"status": "ok"}));
        let call = callback(&server, seq).await;
        assert_eq!(call["url"], url.as_str());
        assert!(call["refused"].is_string(), "{call}");
    }
    assert!(listener.accept().is_err(), "nobody has called");
}

#[tokio::test]
async fn with_the_option_for_it_a_report_really_arrives_on_this_machine() {
    let data = tempfile::tempdir().unwrap();
    let server = Running::dev_with(data.path(), &["--allow-loopback-callbacks"]).await;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/dlr", listener.local_addr().unwrap());
    let arrived = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let (mut head, mut line) = (String::new(), String::new());
        while reader.read_line(&mut line).unwrap() > 2 {
            head += &std::mem::take(&mut line).to_lowercase();
        }
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap().parse().unwrap();
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
        (head, String::from_utf8(body).unwrap())
    });
    request(&server, &json!({"report_url": url})).await;
    let (head, body) = arrived.join().unwrap();
    assert!(head.starts_with("post /dlr http/1.1"), "{head}");
    assert!(head.contains("content-type: application/json"), "{head}");
    assert!(body.contains(r#""status":"DELIVRD""#), "{body}");
}

/// What the command line prints.
fn countersign(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_countersign")).args(arguments).env_clear().output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[tokio::test]
async fn g16_in_production_only_a_trusted_proxy_is_believed_about_where_a_request_came_from() {
    let dir = tempfile::tempdir().unwrap();
    let (config, shown) = (dir.path().join("c.toml"), dir.path().display());
    let text = |proxies: &str| {
        format!(
            "[server]\nlisten = '127.0.0.1:0'\ntrusted_proxies = {proxies}\n[store]\npath = '{shown}/countersign.sqlite'\n\
             [keys]\nfile = '{shown}/keys.json'\n[providers.smtp.main]\nhost = 'localhost'\ntls = 'none'\n\
             from = 'a@b.example'\n[routes]\nemail = ['main']\n"
        )
    };
    fs::write(&config, text("[]")).unwrap();
    let file = config.display().to_string();
    countersign(&["tenants", "create", "acme", "--config", &file]);
    let create = ["keys", "create", "--tenant", "acme", "--name", "shop", "--form", "hex32", "--config", &file];
    let key = countersign(&[&create[..], &["--allow-from", "203.0.113.0/24"]].concat());
    for (proxies, said, status) in [
        ("[]", "203.0.113.9", 401),
        ("['127.0.0.1']", "203.0.113.9", 200),
        ("['127.0.0.1']", "203.0.113.9, 198.51.100.1", 401),
        ("['127.0.0.1', '198.51.100.0/24']", "203.0.113.9, 198.51.100.1", 200),
    ] {
        fs::write(&config, text(proxies)).unwrap();
        let server = Running::serve(&config, "");
        let request = server.client().post(format!("{}/api/3.0/account/get-balance", server.url));
        let request = request.header("x-forwarded-for", said).json(&json!({"api_key": key}));
        assert_eq!(request.send().await.unwrap().status().as_u16(), status, "{proxies} {said}");
        server.kill();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dev_mode_hands_out_keys_and_lines_to_paste() {
    let data = tempfile::tempdir().unwrap();
    let server = Running::dev(data.path()).await;
    let credentials = server.get("/sandbox/credentials").await.body;
    let keys: Vec<&str> = credentials["tenants"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tenant| tenant["gateway360"]["api_key"].as_str().unwrap())
        .collect();
    assert_ne!(keys[0], keys[1]);
    assert!(keys.iter().all(|key| key.len() == 32 && key.bytes().all(|byte| byte.is_ascii_hexdigit())));
    let examples = server.get("/sandbox/examples").await.body;
    let ours = examples["examples"].as_array().unwrap().iter().find(|it| it["dialect"] == "gateway360").unwrap();
    let commands: Vec<&str> =
        ours["commands"].as_array().unwrap().iter().map(|it| it["command"].as_str().unwrap()).collect();
    assert_eq!(in_shell(commands[0]), r#"{"status":"ok"}"#);
    let pin = message(&server, 0).await["code"].as_str().unwrap().to_owned();
    assert_eq!(in_shell(&commands[1].replace("PIN", &pin)), r#"{"status":"ok"}"#);
    assert!(in_shell(commands[2]).starts_with(r#"{"status":"ok","result":[{"status":"ok","sms_id":""#));
    assert_eq!(in_shell(commands[3]), r#"{"status":"ok","result":{"balance":"0.0000","currency":"EUR"}}"#);
    let key = keys[0].to_owned();
    let first = server.url.clone();
    let (_, log) = server.stop();
    assert!(log.contains("/api/2fa/request") && log.contains(&key), "the banner has a line to paste: {log}");
    let again = Running::dev(data.path()).await;
    let then = again.get("/sandbox/credentials").await.body;
    assert_eq!(without_port(&again.url, &then["tenants"]), without_port(&first, &credentials["tenants"]));
}
