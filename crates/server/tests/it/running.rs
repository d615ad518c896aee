//! The real binary as a running server, and a client for it. Waiting is always for a line, an answer or an end, never for
//! time to pass.

use countersign_store::testing;
use reqwest::{Client, Method, header::RETRY_AFTER};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    io::{BufRead as _, BufReader, Read as _},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread::JoinHandle,
};
use tokio::sync::Mutex;

/// A server that runs; killed with this value.
pub struct Running {
    child: Child,
    pub url: String,
    client: Client,
    key: String,
    errors: Option<JoinHandle<String>>,
}

/// An answer: its status and its JSON, null where there is none.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Value,
    /// In how many seconds to come again, if it says so.
    pub retry_after: Option<String>,
}

impl Running {
    /// `countersign dev` on any free port, with its data in a folder, and the key of the tenant `dev`. Where the tests take
    /// PostgreSQL, the same folder means the same database.
    pub async fn dev(data: &Path) -> Self {
        Self::dev_with(data, &[]).await
    }

    /// The same, with more options.
    pub async fn dev_with(data: &Path, options: &[&str]) -> Self {
        if testing::is_postgres() {
            let url = database_of(data).await;
            // The one before it is dead. Nobody waits for the end of its leases, which other nodes would have to.
            testing::execute(&url, "UPDATE message SET leased_until = 0 WHERE state = 'leased'").await;
            testing::execute(&url, "UPDATE webhook_delivery SET leased_until = 0 WHERE state = 'pending'").await;
            return Self::node(data, &url, options).await;
        }
        Self::dev_as_told(data, options).await
    }

    /// The same, always with a file in the folder.
    pub async fn dev_on_file(data: &Path, options: &[&str]) -> Self {
        Self::dev_as_told(data, options).await
    }

    /// One of several on a database.
    pub async fn node(data: &Path, url: &str, options: &[&str]) -> Self {
        Self::dev_as_told(data, &[&["--store-url", url], options].concat()).await
    }

    async fn dev_as_told(data: &Path, options: &[&str]) -> Self {
        let data = data.display().to_string();
        let mut server = Self::start(&[&["dev", "--listen", "127.0.0.1:0", "--data", &data], options].concat());
        let credentials = server.get("/sandbox/credentials").await.body;
        credentials["tenants"][0]["native"]["api_key"].as_str().unwrap().clone_into(&mut server.key);
        server
    }

    /// `countersign serve` with a configuration, as whoever holds the key.
    pub fn serve(config: &Path, key: &str) -> Self {
        let mut server = Self::start(&["serve", "--config", &config.display().to_string()]);
        key.clone_into(&mut server.key);
        server
    }

    fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_countersign"))
            .args(arguments)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = child.stderr.take().unwrap();
        let errors = std::thread::spawn(move || {
            let mut text = String::new();
            log.read_to_string(&mut text).map(|_| text).unwrap_or_default()
        });
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let Some(url) = line.trim().strip_prefix("ready ") else {
            child.kill().ok();
            panic!("no ready line but {line:?}: {}", errors.join().unwrap());
        };
        Self { child, url: url.to_owned(), client: Client::new(), key: String::new(), errors: Some(errors) }
    }

    /// `kill -9`.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM.
    pub fn ask_to_stop(&self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    }

    /// How it ends after that, with its log.
    pub fn ended(mut self) -> (ExitStatus, String) {
        let status = self.child.wait().unwrap();
        (status, self.errors.take().unwrap().join().unwrap())
    }

    /// SIGTERM, and how it ended, with its log.
    pub fn stop(self) -> (ExitStatus, String) {
        self.ask_to_stop();
        self.ended()
    }

    pub fn client(&self) -> Client {
        self.client.clone()
    }

    pub fn key(&self) -> &str {
        &self.key
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, None).await.unwrap()
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.ask(Method::POST, path, Some(body)).await.unwrap()
    }

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.ask(Method::PUT, path, Some(body)).await.unwrap()
    }

    /// One request; none if the server did not answer it.
    pub async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Option<Answer> {
        ask(&self.client, &self.url, &self.key, method, path, body).await
    }

    /// Starts a verification to a number and returns its id and the code that arrived.
    pub async fn started_with_code(&self, to: &str) -> (String, String) {
        let started = self.post("/v1/verifications", json!({"to": to, "channel": "sms"})).await;
        assert_eq!(started.status, 201, "{}", started.body);
        let id = started.body["id"].as_str().unwrap().to_owned();
        let arrived = self.get(&format!("/sandbox/messages?to={}&wait=30", &to[1..])).await.body;
        let message = arrived["messages"].as_array().unwrap().last().expect("the message arrives").clone();
        assert_eq!(message["verification_id"], id.as_str());
        (id, message["code"].as_str().unwrap().to_owned())
    }
}

async fn database_of(data: &Path) -> String {
    static DATABASES: Mutex<Option<HashMap<PathBuf, String>>> = Mutex::const_new(None);
    let mut databases = DATABASES.lock().await;
    let databases = databases.get_or_insert_default();
    if !databases.contains_key(data) {
        databases.insert(data.to_owned(), testing::database().await);
    }
    databases[data].clone()
}

/// Credentials without the only thing in them that changes with the port.
pub fn without_port(server: &str, credentials: &Value) -> String {
    credentials.to_string().replace(server.trim_start_matches("http://"), "HOST:PORT")
}

impl Drop for Running {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// One request; none if the server did not answer it.
pub async fn ask(
    client: &Client,
    url: &str,
    key: &str,
    method: Method,
    path: &str,
    body: Option<Value>,
) -> Option<Answer> {
    let mut request = client.request(method, format!("{url}{path}")).bearer_auth(key);
    if let Some(body) = body {
        request = request.json(&body);
    }
    let response = request.send().await.ok()?;
    let status = response.status().as_u16();
    let retry_after = response.headers().get(RETRY_AFTER).map(|value| value.to_str().unwrap().to_owned());
    let bytes = response.bytes().await.ok()?;
    Some(Answer { status, body: serde_json::from_slice(&bytes).unwrap_or_default(), retry_after })
}
