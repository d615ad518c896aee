//! The Nevis dialect against the real binary: the vendor's own sample lines, a kill between approval and verification, a
//! gateway that refuses, instances by host name, and keys as an operator makes them.

use crate::{mail::run, running::Running};
use reqwest::{
    Method, Response,
    header::{CONTENT_TYPE, HOST},
};
use serde_json::{Value, json};
use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::Path,
    process::Command,
};

const PHONE: &str = "+41790000001";

/// Somebody with an access key.
struct Nevis<'s> {
    server: &'s Running,
    key: String,
}

struct Answer {
    status: u16,
    body: Value,
}

impl<'s> Nevis<'s> {
    async fn of(server: &'s Running) -> Self {
        let credentials = server.get("/sandbox/credentials").await.body;
        let key = credentials["tenants"][0]["nevis"]["access_key"].as_str().unwrap().to_owned();
        Self { server, key }
    }

    async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Response {
        let request = self.server.client().request(method, format!("{}{path}", self.server.url)).bearer_auth(&self.key);
        let request = if let Some(body) = body { request.json(&body) } else { request };
        request.send().await.unwrap()
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let response = self.send(method, path, body).await;
        let status = response.status().as_u16();
        Answer { status, body: serde_json::from_slice(&response.bytes().await.unwrap()).unwrap_or_default() }
    }

    async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(Method::POST, path, Some(body)).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, None).await
    }

    /// The code of the last message after that place, and that place.
    async fn code(&self, after: u64) -> (String, u64) {
        let arrived = self.server.get(&format!("/sandbox/messages?after={after}&wait=30")).await.body;
        let message = arrived["messages"].as_array().unwrap().last().unwrap().clone();
        (message["code"].as_str().unwrap().to_owned(), message["seq"].as_u64().unwrap())
    }

    async fn verify(&self, user: &str, code: &str, token: &Value) -> u16 {
        let path = format!("/api/v1/users/{user}/verification");
        self.post(&path, json!({"code": code, "statusToken": token})).await.status
    }

    /// A user whose phone is verified.
    async fn enrolled(&self, username: &str, phone: &str) -> String {
        let body = json!({"username": username, "channel": "sms", "phone": phone});
        let enrolled = self.post("/api/v1/users/enroll", body).await;
        assert_eq!(enrolled.status, 201, "{}", enrolled.body);
        let user = enrolled.body["userId"].as_str().unwrap().to_owned();
        let arrived = self.server.get(&format!("/sandbox/messages?to={}&wait=30", &phone[1..])).await.body;
        let code = arrived["messages"].as_array().unwrap().last().unwrap()["code"].as_str().unwrap().to_owned();
        assert_eq!(self.verify(&user, &code, &enrolled.body["enrollment"]["statusToken"]).await, 200);
        user
    }

    async fn approve(&self, username: &str) -> Answer {
        self.post("/api/v1/approval", json!({"username": username, "channel": "sms"})).await
    }
}

/// The lines of the vendor's page, to the letter; host and scheme are put in as a user would do it.
const APPROVAL: &str = r#"curl -v -X POST https://$instance.mauth.nevis.cloud/api/v1/approval \
-H "Content-Type: application/json" \
-H "Authorization: Bearer $access_key" \
-d "{ \"username\":\"$username\",
\"channel\":\"sms\",
\"message\":\"SMS Transaction Approval Test, code: {{CODE}}\" }""#;
const VERIFICATION: &str = r#"curl -v -X POST https://$instance.mauth.nevis.cloud/api/v1/users/$userId/verification \
-H "Content-Type: application/json" \
-H "Authorization: Bearer $access_key" \
-d "{ \"code\":\"$code\",
\"statusToken\":\"$statusToken\" }""#;

/// What it prints, and what curl says about the exchange.
fn in_shell(line: &str, variables: &[(&str, &str)]) -> (String, String) {
    let output = Command::new("sh").args(["-euc", line]).envs(variables.iter().copied()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_vendors_sample_lines_work_with_another_host() {
    let data = tempfile::tempdir().unwrap();
    let server = Running::dev(data.path()).await;
    let nevis = Nevis::of(&server).await;
    let user = nevis.enrolled("u1", PHONE).await;
    let (_, seq) = nevis.code(0).await;
    let here = |line: &str| line.replace("https://$instance.mauth.nevis.cloud", &server.url);
    let variables = [("access_key", nevis.key.as_str()), ("username", "u1")];
    let (begun, _) = in_shell(&here(APPROVAL), &variables);
    let begun: Value = serde_json::from_str(&begun).unwrap();
    assert_eq!(begun.as_object().unwrap().len(), 3, "{begun}");
    assert_eq!(begun["userId"], user.as_str());
    let token = begun["statusToken"].as_str().unwrap();
    assert!(token.starts_with("eyJhbGciOiJIUzUxMiJ9.eyJhd") && token.split('.').count() == 3, "{token}");
    let arrived = server.get(&format!("/sandbox/messages?after={seq}&wait=30")).await.body;
    let code = arrived["messages"][0]["code"].as_str().unwrap();
    assert_eq!(arrived["messages"][0]["text"], format!("SMS Transaction Approval Test, code: {code}"));

    let of_user = [("userId", user.as_str()), ("code", code), ("statusToken", token)];
    let (body, said) = in_shell(&here(VERIFICATION), &[&variables[..], &of_user].concat());
    assert_eq!(body, "");
    assert!(said.contains("< HTTP/1.1 200 OK") && said.to_lowercase().contains("< content-length: 0"), "{said}");
    let (body, said) = in_shell(&here(VERIFICATION), &[&variables[..], &of_user].concat());
    assert!(said.contains("< HTTP/1.1 403 Forbidden") && body.contains("invalid_code"), "{said}{body}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_survives_kill_9_between_approval_and_verification() {
    let data = tempfile::tempdir().unwrap();
    let server = Running::dev(data.path()).await;
    let nevis = Nevis::of(&server).await;
    let user = nevis.enrolled("u1", PHONE).await;
    let (_, seq) = nevis.code(0).await;
    let begun = nevis.approve("u1").await.body;
    let (code, _) = nevis.code(seq).await;
    let (key, first_address) = (nevis.key.clone(), server.url.clone());
    must_say_what_introspection_says(&server, &key, &first_address).await;
    server.kill();

    let server = Running::dev(data.path()).await;
    let nevis = Nevis::of(&server).await;
    assert_eq!(nevis.key, key, "the same key works after the restart, at another address");
    must_say_what_introspection_says(&server, &key, &first_address).await;
    assert_eq!(nevis.verify(&user, "wrong", &begun["statusToken"]).await, 403);
    assert_eq!(nevis.verify(&user, &code, &begun["statusToken"]).await, 200);
    let status = nevis.post("/api/v1/status", json!({"statusToken": begun["statusToken"]})).await.body;
    assert_eq!(status["status"], "succeeded");
    server.kill();
    let server = Running::dev(data.path()).await;
    let again = Nevis::of(&server).await.verify(&user, &code, &begun["statusToken"]).await;
    assert_eq!(again, 403, "what was answered stays answered");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_right_verifications_at_once_exactly_one_is_answered_200() {
    let data = tempfile::tempdir().unwrap();
    let server = Running::dev(data.path()).await;
    let nevis = Nevis::of(&server).await;
    let user = nevis.enrolled("u1", PHONE).await;
    let (_, seq) = nevis.code(0).await;
    let begun = nevis.approve("u1").await.body;
    let (code, _) = nevis.code(seq).await;
    let all = (0..16).map(|_| nevis.verify(&user, &code, &begun["statusToken"]));
    let mut statuses = futures_util::future::join_all(all).await;
    statuses.sort_unstable();
    assert_eq!((statuses[0], &statuses[1..]), (200, &[403; 15][..]));

    // The same for a recovery code, and for an intent token.
    let body = json!({"username": "u1", "recovery_username": "u1", "channel": "recovery"});
    let codes = nevis.post("/api/v1/users/enroll", body).await.body["recoveryCodes"].clone();
    let path = format!("/api/v1/users/{user}/verification");
    let all = (0..6).map(|_| nevis.post(&path, json!({"code": codes[0], "channel": "recovery"})));
    let accepted = futures_util::future::join_all(all).await.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(accepted, 1);
    let intent = nevis.post("/api/v1/intent", json!({"username": "u1", "operation": "approve"})).await.body;
    let bearer = Nevis { server: &server, key: intent["token"].as_str().unwrap().to_owned() };
    let all = (0..6).map(|_| bearer.approve("u1"));
    let accepted = futures_util::future::join_all(all).await.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(accepted, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_refuses_is_told_at_once_and_leaves_nothing_behind() {
    let data = tempfile::tempdir().unwrap();
    let server = Running::dev(data.path()).await;
    let nevis = Nevis::of(&server).await;
    let refuse = async |delay_ms: u32| {
        server.put("/sandbox/outcomes/41790000001", json!({"outcome": "reject", "delay_ms": delay_ms})).await;
    };
    refuse(300).await;
    let body = json!({"username": "u1", "channel": "sms", "phone": PHONE});
    let refused = nevis.post("/api/v1/users/enroll", body.clone()).await;
    assert_eq!((refused.status, &refused.body["error"]), (502, &json!("sms_delivery_failed")));
    assert_eq!(nevis.get("/api/v1/users?username=u1").await.status, 404, "the user was made for nothing");

    server.put("/sandbox/outcomes/41790000001", json!({"outcome": "deliver", "delay_ms": 0})).await;
    nevis.enrolled("u1", PHONE).await;
    let (_, seq) = nevis.code(0).await;
    refuse(0).await;
    assert_eq!(nevis.approve("u1").await.status, 502);
    let user = nevis.get("/api/v1/users?username=u1").await.body;
    assert_eq!(user["status"], "active", "the phone that is verified stays");
    let log = nevis.send(Method::GET, "/api/v1/logs/export?status=failed", None).await.text().await.unwrap();
    assert_eq!(log.matches("sms_delivery_failed").count(), 2, "{log}");

    // One that takes longer than anybody waits is not refused: the answer comes, and the message later.
    server.put("/sandbox/outcomes/41790000001", json!({"outcome": "deliver", "delay_ms": 5500})).await;
    assert_eq!(nevis.approve("u1").await.status, 200);
    nevis.code(seq).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tenants_are_instances_and_lines_can_be_pasted() {
    let data = tempfile::tempdir().unwrap();
    let server = Running::dev(data.path()).await;
    let credentials = server.get("/sandbox/credentials").await.body;
    let of = |place: usize| credentials["tenants"][place]["nevis"].clone();
    assert_eq!((&of(0)["instance"], &of(1)["instance"]), (&json!("dev"), &json!("dev2")));
    let nevis = Nevis::of(&server).await;
    let other = Nevis { server: &server, key: of(1)["access_key"].as_str().unwrap().to_owned() };
    let user = nevis.enrolled("u1", PHONE).await;
    assert_eq!(other.get(&format!("/api/v1/users/{user}")).await.status, 404);
    assert_eq!(other.get("/nevis/dev/ping").await.status, 403);
    let anywhere = server.client().get(format!("{}/ping", server.url)).header(HOST, "dev2.mauth.nevis.cloud");
    let anywhere = anywhere.bearer_auth(&nevis.key).send().await.unwrap();
    assert_eq!(anywhere.text().await.unwrap(), "PONG", "in dev mode the key tells, whatever the host is");

    let examples = server.get("/sandbox/examples").await.body;
    let ours = examples["examples"].as_array().unwrap().iter().find(|it| it["dialect"] == "nevis").unwrap();
    let line = |place: usize| ours["commands"][place]["command"].as_str().unwrap().to_owned();
    let (_, seq) = nevis.code(0).await;
    let enrolled: Value = serde_json::from_str(&in_shell(&line(0).replace("0001", "0002"), &[]).0).unwrap();
    let (code, _) = nevis.code(seq).await;
    let text = |name: &str| enrolled[name].as_str().unwrap().to_owned();
    let line_1 = line(1).replace("USER_ID", &text("userId")).replace("CODE", &code);
    assert_eq!(in_shell(&line_1.replace("STATUS_TOKEN", &text("statusToken")), &[]).0, "");
    assert!(in_shell(&line(2), &[]).0.starts_with(r#"{"statusToken":"#));
    assert!(in_shell(&line(3), &[]).0.contains(r#""status":"active""#));
    let (_, log) = server.stop();
    let lines: Vec<&str> = log.lines().filter(|line| line.starts_with("20") || line.starts_with('{')).collect();
    let log = lines.join("\n");
    for secret in [PHONE, &PHONE[1..], code.as_str(), nevis_key(&credentials).as_str(), text("statusToken").as_str()] {
        assert!(!log.contains(secret), "a secret is in the log");
    }
}

fn nevis_key(credentials: &Value) -> String {
    credentials["tenants"][0]["nevis"]["access_key"].as_str().unwrap().to_owned()
}

/// For `serve`: text messages go to a carrier that is not there.
fn configuration(dir: &Path, more: &str) -> std::path::PathBuf {
    let (path, shown) = (dir.join("c.toml"), dir.display());
    let text = format!(
        "[server]\nlisten = '127.0.0.1:0'\npublic_url = 'https://verify.example.com/'\n[store]\npath = '{shown}/countersign.sqlite'\n[keys]\nfile = '{shown}/keys.json'\n\
         [providers.http.gone]\nchannels = ['sms']\nfrom = 'x'\nrequest.url = 'http://127.0.0.1:1/'\n\
         request.json = {{ to = '{{{{ to }}}}', text = '{{{{ text }}}}' }}\nanswer.accept = [{{ status = '2xx' }}]\n\
         [routes]\nsms = ['gone']\n{more}"
    );
    fs::write(&path, text).unwrap();
    path
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_production_hosts_tell_instances_and_operators_make_revoke_and_unblock() {
    let dir = tempfile::tempdir().unwrap();
    let config = configuration(dir.path(), "[dialects.nevis]\ninstance_domain = 'mauth.example.com'\n");
    let make = |tenant: &str, more: &[&str]| {
        run(&config, &["tenants", "create", tenant]);
        let create = ["keys", "create", "--tenant", tenant, "--name", "shop", "--form", "jws"];
        run(&config, &[&create[..], more].concat()).trim().to_owned()
    };
    let key = make("acme", &["--scope", "admin", "--scope", "verifications:write", "--scope", "verifications:read"]);
    let other = make("other", &[]);
    assert!(key.starts_with("eyJhbGciOiJIUzUxMiJ9.eyJhd") && key.split('.').count() == 3, "{key}");
    let server = Running::serve(&config, &key);
    let ping = async |host: &str, key: &str| {
        let request = server.client().get(format!("{}/ping", server.url)).header(HOST, host).bearer_auth(key);
        request.send().await.unwrap().status().as_u16()
    };
    for (host, of_acme, of_other) in [
        ("acme.mauth.example.com", 200, 403),
        ("ACME.mauth.example.com:8443", 200, 403),
        ("other.mauth.example.com", 403, 200),
        ("nobody.mauth.example.com", 403, 403),
        ("127.0.0.1", 200, 200),
    ] {
        assert_eq!((ping(host, &key).await, ping(host, &other).await), (of_acme, of_other), "{host}");
    }

    // The native API makes and revokes such keys too.
    let answer = server.post("/v1/keys", json!({"name": "second", "form": "jws"})).await.body;
    let second = answer["secret"].as_str().unwrap().to_owned();
    for key in [&key, &second] {
        must_say_what_introspection_says(&server, key, "https://verify.example.com").await;
    }
    assert_eq!(ping("acme.mauth.example.com", &second).await, 200);
    let id = answer["id"].as_str().unwrap();
    assert_eq!(server.ask(Method::DELETE, &format!("/v1/keys/{id}"), None).await.unwrap().status, 204);
    assert_eq!(ping("acme.mauth.example.com", &second).await, 403);

    // A carrier that is not there: 502, and what was asked for is counted.
    let nevis = Nevis { server: &server, key: key.clone() };
    let recovery = json!({"username": "u1", "recovery_username": "u1", "channel": "recovery"});
    assert_eq!(nevis.post("/api/v1/users/enroll", recovery).await.status, 201);
    let enroll = json!({"username": "u1", "channel": "sms", "phone": PHONE});
    for _ in 0..5 {
        assert_eq!(nevis.post("/api/v1/users/enroll", enroll.clone()).await.status, 502);
    }
    assert_eq!(nevis.post("/api/v1/users/enroll", enroll.clone()).await.status, 429);
    let limits = async || nevis.get("/api/v1/users?username=u1").await.body["exceededRateLimits"].clone();
    assert_eq!(limits().await, json!(["sms"]));
    assert!(
        run(&config, &["users", "show", "--tenant", "acme", "u1"]).contains("blocked in nevis for 60 more minutes")
    );
    run(&config, &["users", "unblock", "--tenant", "acme", "u1"]);
    assert_eq!(limits().await, Value::Null);
    let log = nevis.send(Method::GET, "/api/v1/logs/export?actorType=admin", None).await.text().await.unwrap();
    assert!(log.contains("user_unblocked,succeeded,management"), "{log}");

    let listed = run(&config, &["keys", "list", "--tenant", "acme"]);
    let first = listed.split_whitespace().next().unwrap();
    run(&config, &["keys", "revoke", "--tenant", "acme", first]);
    assert_eq!(ping("acme.mauth.example.com", &key).await, 403);
}

/// An access key, read by whoever has it, and by the server: the same, but for what only this server knows.
async fn must_say_what_introspection_says(server: &Running, key: &str, issuer: &str) {
    let payload = data_encoding::BASE64URL_NOPAD.decode(key.split('.').nth(1).unwrap().as_bytes()).unwrap();
    let mut said: Value = serde_json::from_slice(&payload).unwrap();
    assert_eq!((&said["iss"], &said["scope"], &said["aud"]), (&json!(issuer), &json!("api"), &json!("access")));
    let asked = server.client().post(format!("{}/api/v1/introspect", server.url)).bearer_auth(key);
    let asked = asked.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(format!("token={key}"));
    let told: Value = asked.send().await.unwrap().json().await.unwrap();
    said.as_object_mut().unwrap().remove("tenant");
    said["active"] = json!(true);
    assert_eq!(told, said);
}

/// Some clients send a body after its head, and keep the connection.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_that_comes_before_the_body_does_not_cost_the_connection() {
    let data = tempfile::tempdir().unwrap();
    let server = Running::dev(data.path()).await;
    let key = Nevis::of(&server).await.key;
    let mut stream = TcpStream::connect(server.url.strip_prefix("http://").unwrap()).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    for path in ["/api/v1/introspect", "/api/v1/nothing", "/api/2fa/request", "/v1/verifications"] {
        let head = format!("POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n");
        stream.write_all(format!("{head}Content-Type: text/x\r\nContent-Length: 5\r\n\r\n").as_bytes()).unwrap();
        stream.write_all(b"hello").unwrap();
        let status = status_of(&mut reader);
        assert!(status.contains(" 415 ") || status.contains(" 405 ") || status.contains(" 400 "), "{path}: {status}");
    }
    stream
        .write_all(format!("GET /ping HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n\r\n").as_bytes())
        .unwrap();
    assert_eq!(status_of(&mut reader), "HTTP/1.1 200 OK\r\n");
}

/// Reads one answer, and comes back with its first line.
fn status_of(reader: &mut BufReader<TcpStream>) -> String {
    let (mut status, mut line, mut length) = (String::new(), String::new(), 0);
    reader.read_line(&mut status).unwrap();
    while reader.read_line(&mut line).unwrap() > 2 {
        let head = std::mem::take(&mut line).to_lowercase();
        length = head.trim().strip_prefix("content-length: ").map_or(length, |text| text.parse().unwrap());
    }
    reader.read_exact(&mut vec![0; length]).unwrap();
    status
}
