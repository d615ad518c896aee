//! Authentix against the real binary: mails through a foreign relay, test keys in production, `kill -9` under load, and what dev
//! mode hands out. The vendor's own SDK is in `conformance/authentix`.

use crate::{
    mail::run,
    peer::Peer,
    running::{Answer, Running},
};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
};
use tokio::{sync::Notify, task::JoinSet};

const ROOT: &str = "/rest/authentix/v1";

/// One who calls this API.
#[derive(Clone)]
struct Caller {
    client: Client,
    url: String,
    user: String,
    key: String,
}

impl Caller {
    fn new(server: &Running, user: &str, key: &str) -> Self {
        Self { client: server.client(), url: server.url.clone(), user: user.to_owned(), key: key.to_owned() }
    }

    /// The tenant `dev` of dev mode.
    async fn dev(server: &Running) -> Self {
        let credentials = server.get("/sandbox/credentials").await.body;
        let ours = &credentials["tenants"][0]["authentix"];
        Self::new(server, ours["api_user"].as_str().unwrap(), ours["api_key"].as_str().unwrap())
    }

    /// One request; none if the server did not answer it.
    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Option<Answer> {
        let request = self.client.request(method, format!("{}{ROOT}{path}", self.url));
        let mut request = request.header("ApiUser", &self.user).header("ApiKey", &self.key);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.ok()?;
        let status = response.status().as_u16();
        let bytes = response.bytes().await.ok()?;
        Some(Answer { status, body: serde_json::from_slice(&bytes).unwrap_or_default(), retry_after: None })
    }

    async fn get(&self, path: &str) -> Value {
        self.ask(Method::GET, path, None).await.unwrap().body
    }

    async fn post(&self, path: &str, body: Value) -> Answer {
        self.ask(Method::POST, path, Some(body)).await.unwrap()
    }

    /// A configuration, and the path of what is below it.
    async fn configured(&self, body: Value) -> String {
        let made = self.post("/configurations", body).await;
        assert_eq!(made.status, 201, "{}", made.body);
        format!("/configurations/{}", made.body["configurationId"].as_str().unwrap())
    }
}

fn configuration(dir: &Path, port: u16, more: &str) -> PathBuf {
    let shown = dir.display();
    let path = dir.join("countersign.toml");
    let text = format!(
        "[server]\nlisten = '127.0.0.1:0'\n[store]\npath = '{shown}/countersign.sqlite'\n[keys]\nfile = '{shown}/keys.json'\n\
         [providers.smtp.relay]\nhost = '127.0.0.1'\nport = {port}\ntls = 'none'\nfrom = 'Acme <no-reply@acme.example>'\n\
         [routes]\nemail = ['relay']\n{more}"
    );
    fs::write(&path, text).unwrap();
    path
}

const MAIL: &str = "[dialects.authentix.smtp_settings.STP1]\nrelay = 'relay'\nsender_domains = ['my-company.example']\n\
    [dialects.authentix.email_templates.TME1]\nsubject = 'Hello ${NAME}'\n\
    text = 'Your code for ${SERVICE_NAME}: ${CODE}'\nhtml = '<p>${NAME}: <b>${CODE}</b></p>'\n";

fn made_key(config: &Path, more: &[&str]) -> String {
    let scopes = ["--scope", "verifications:write", "--scope", "verifications:read", "--scope", "admin"];
    let create = ["keys", "create", "--tenant", "acme", "--name", "shop"];
    run(config, &[&create[..], &scopes, more].concat()).trim().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_leaves_by_mail_with_its_sender_and_its_variables_and_nothing_of_them_becomes_a_header() {
    let dir = tempfile::tempdir().unwrap();
    let mut relay = Peer::start(json!({"tls": "none", "port": 0})).await;
    let config = configuration(dir.path(), relay.port, MAIL);
    run(&config, &["tenants", "create", "acme"]);
    let (key, test_key) = (made_key(&config, &[]), made_key(&config, &["--test"]));
    let server = Running::serve(&config, "");
    let caller = Caller::new(&server, "acme", &key);
    let below =
        caller.configured(json!({"serviceName": "Shop", "smtpSettingId": "STP1", "emailTemplateId": "TME1"})).await;
    let start = format!("{below}/authentications");

    // What a test key sends counts as delivered and does not leave: the mail after it is the first that the relay sees.
    let tester = Caller::new(&server, "acme", &test_key);
    let tried = tester.post(&start, json!({"dest": "nobody@example.com", "channel": "email"})).await;
    assert_eq!(tried.status, 201, "{}", tried.body);

    let evil = "<b>Ana</b>\r\nBcc: eve@evil.example\r\n\r\nHi";
    let data = json!({"NAME": evil, "sender_email": "me@my-company.example\r\n", "CODE": "evil"}).to_string();
    let body = json!({"dest": "ana@example.com", "channel": "email", "templateDataMap": data});
    let started = caller.post(&start, body).await;
    assert_eq!(started.status, 201, "{}", started.body);
    let mail = relay.wait_for("mail").await;
    assert_eq!(mail["envelope"], json!({"from": "no-reply@acme.example", "to": ["ana@example.com"]}));
    assert_eq!(mail["from"]["address"], "me@my-company.example");
    assert_eq!(mail["subject"], "Hello <b>Ana</b>Bcc: eve@evil.exampleHi");
    let headers: Vec<&str> =
        mail["headers"].as_array().unwrap().iter().map(|header| header["key"].as_str().unwrap()).collect();
    assert!(headers.contains(&"sender") && !headers.contains(&"bcc"), "{headers:?}");
    assert!(mail["html"].as_str().unwrap().contains("&lt;b&gt;Ana&lt;/b&gt;"), "{mail}");
    let text = mail["text"].as_str().unwrap().trim();
    let code = text.strip_prefix("Your code for Shop: ").unwrap();
    assert!(code.len() == 5 && code.bytes().all(|byte| byte.is_ascii_digit()), "{text}");
    let control = json!({"dest": "ana@example.com", "code": code});
    assert_eq!(caller.post(&format!("{below}/authentication-controls"), control).await.body["status"], "passed");

    let stranger =
        json!({"dest": "ana@example.com", "channel": "email", "templateDataMap": {"sender_email": "ceo@bank.example"}});
    assert_eq!(caller.post(&start, stranger).await.body["errorCode"], 40104);
    let sms = json!({"dest": "+34666666111", "channel": "sms"});
    assert_eq!(caller.post(&start, sms).await.body["errorCode"], 40102, "no provider sends SMS here");
    let trials = caller.get("/authenticationTrials").await;
    assert_eq!(trials["totalAuthenticationTrials"], 2);
    assert!(!trials.to_string().contains(code), "{trials}");
}

#[tokio::test]
async fn a_relay_that_is_no_provider_is_refused_at_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let config = configuration(dir.path(), 25, "[dialects.authentix.smtp_settings.STP1]\nrelay = 'other'\n");
    let output = Command::new(env!("CARGO_BIN_EXE_countersign"))
        .args(["serve", "--config", &config.display().to_string()])
        .env_clear()
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("dialects.authentix.smtp_settings.STP1.relay: \"other\" is no provider"), "{said}");
}

const ROUNDS: usize = 4;
const CLIENTS: usize = 8;
/// The server is killed in the middle of the load, after so many answers of a round.
const ANSWERS_A_ROUND: u32 = 150;

/// What the server has told somebody of one authentication.
#[derive(Clone, Default)]
struct Told {
    failed: u64,
    passed: bool,
}

#[derive(Default)]
struct Record {
    told: Mutex<HashMap<String, Told>>,
    next_number: AtomicU32,
    answers: AtomicU32,
    enough: Notify,
}

impl Record {
    fn note(&self, id: &str, change: impl FnOnce(&mut Told)) {
        change(self.told.lock().unwrap().entry(id.to_owned()).or_default());
        if self.answers.fetch_add(1, Ordering::SeqCst) + 1 == ANSWERS_A_ROUND {
            self.enough.notify_one();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn starts_and_controls_that_were_answered_survive_kill_9_under_load() {
    let data = tempfile::tempdir().unwrap();
    let record = Arc::new(Record::default());
    let mut below = String::new();
    for _ in 0..ROUNDS {
        let server = Running::dev(data.path()).await;
        let caller = Caller::dev(&server).await;
        if below.is_empty() {
            below = caller.configured(json!({"serviceName": "Shop", "allowCustomCode": true})).await;
        }
        verify(&caller, &below, &record).await;
        record.answers.store(0, Ordering::SeqCst);
        let mut clients = JoinSet::new();
        for _ in 0..CLIENTS {
            let (caller, below, record) = (caller.clone(), below.clone(), Arc::clone(&record));
            clients.spawn(async move { while one_round_trip(&caller, &below, &record).await.is_some() {} });
        }
        record.enough.notified().await;
        server.kill();
        clients.join_all().await;
    }
    let server = Running::dev(data.path()).await;
    verify(&Caller::dev(&server).await, &below, &record).await;
    let told = record.told.lock().unwrap();
    assert!(told.values().any(|told| told.passed) && told.values().any(|told| told.failed > 0));
}

/// A start, up to two wrong controls, and then the right one.
async fn one_round_trip(caller: &Caller, below: &str, record: &Record) -> Option<()> {
    let number = 671_000_000 + record.next_number.fetch_add(1, Ordering::SeqCst);
    let dest = format!("+237{number}");
    let start = json!({"dest": dest, "channel": "sms", "customCode": "481516"});
    let started = caller.ask(Method::POST, &format!("{below}/authentications"), Some(start)).await?;
    assert_eq!(started.status, 201, "{}", started.body);
    let id = started.body["authenticationId"].as_str().unwrap().to_owned();
    record.note(&id, |_| {});
    let control = async |code: &str| {
        let body = json!({"authenticationId": id, "code": code});
        caller.ask(Method::POST, &format!("{below}/authentication-controls"), Some(body)).await
    };
    for _ in 0..number % 3 {
        assert_eq!(control("0000").await?.body["status"], "failed");
        record.note(&id, |told| told.failed += 1);
    }
    assert_eq!(control("481516").await?.body["status"], "passed");
    record.note(&id, |told| told.passed = true);
    Some(())
}

/// Every answered start is known and in the reports, every pass stands and cannot be had again, every answered control counts.
async fn verify(caller: &Caller, below: &str, record: &Record) {
    let told = record.told.lock().unwrap().clone();
    for (id, told) in &told {
        let now = caller.get(&format!("{below}/authentications/{id}")).await;
        assert_eq!(now["authenticationId"], id.as_str(), "an answered start is known");
        if told.passed {
            assert_eq!(now["status"], "passed");
        }
        if !told.passed && told.failed == 2 && now["status"] == "awaiting" {
            // At most one more: the third may have been counted without having been answered.
            let control = json!({"authenticationId": id, "code": "0000"});
            let statuses = [
                caller.post(&format!("{below}/authentication-controls"), control.clone()).await.status,
                caller.post(&format!("{below}/authentication-controls"), control).await.status,
            ];
            assert_eq!(statuses[1], 429, "{statuses:?}");
        }
    }
    let stats = caller.get("/authenticationTrialStats").await;
    let passed = told.values().filter(|told| told.passed).count() as u64;
    assert!(stats["totalTrials"].as_u64().unwrap() >= told.len() as u64, "{stats}");
    assert!(stats["numSuccessfulTrials"].as_u64().unwrap() >= passed, "{stats}");
}

fn in_shell(line: &str) -> Value {
    let output = Command::new("sh").args(["-euc", line]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dev_mode_hands_out_credentials_and_lines_to_paste() {
    let data = tempfile::tempdir().unwrap();
    let server = Running::dev(data.path()).await;
    let credentials = server.get("/sandbox/credentials").await.body;
    let [ours, theirs] = [0, 1].map(|place| credentials["tenants"][place]["authentix"].as_object().unwrap().clone());
    for name in ["api_user", "api_key", "smtp_setting_id", "sms_template_id", "email_template_id"] {
        assert!(ours[name].is_string() && ours[name] != theirs[name], "{name}");
    }
    assert_eq!(ours.len(), 5);
    let examples = server.get("/sandbox/examples").await.body;
    let examples = examples["examples"].as_array().unwrap().iter().find(|it| it["dialect"] == "authentix").unwrap();
    let lines: Vec<&str> =
        examples["commands"].as_array().unwrap().iter().map(|it| it["command"].as_str().unwrap()).collect();
    let made = in_shell(lines[0]);
    let id = made["configurationId"].as_str().unwrap();
    assert_eq!(in_shell(lines[1])["totalConfigurations"], 1);
    assert_eq!(in_shell(&lines[2].replace("CID/", &format!("{id}/")))["status"], "awaiting");
    let arrived = server.get("/sandbox/messages?to=237671234567&wait=30").await.body;
    let code = arrived["messages"][0]["code"].as_str().unwrap();
    assert_eq!(in_shell(&lines[3].replace("CID/", &format!("{id}/")).replace("CODE", code))["status"], "passed");
    assert_eq!(in_shell(lines[4])["successRate"], 1.0);
    let key = ours["api_key"].as_str().unwrap().to_owned();
    let (_, log) = server.stop();
    assert!(log.contains("/rest/authentix/v1/configurations") && log.contains(&key), "the banner has a line: {log}");
    let again = Running::dev(data.path()).await;
    let after = again.get("/sandbox/credentials").await.body;
    for place in [0, 1] {
        assert_eq!(after["tenants"][place]["authentix"], credentials["tenants"][place]["authentix"]);
    }
}
