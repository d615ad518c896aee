//! Three nodes on one database, and one of them dies again and again: nothing that was answered is lost, no code is accepted
//! twice, and what a dead node had begun another one ends.

use crate::{
    program::{countersign, told},
    running::{Answer, Running, ask},
};
use axum::{Json, Router, extract::State, routing::post};
use countersign_store::testing;
use reqwest::Method;
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::Stdio,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, AtomicUsize, Ordering},
    },
};
use tokio::{
    sync::{Notify, Semaphore},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

const NODES: usize = 3;
const CLIENTS: usize = 9;
const ROUNDS: usize = 6;
/// A node is killed in the middle of the load, after so many answers of a round.
const ANSWERS_A_ROUND: u32 = 120;

/// What somebody was told of one verification.
#[derive(Clone, Default)]
struct Told {
    wrong: u64,
    approved: u32,
    number: u32,
}

struct Fleet {
    urls: Mutex<Vec<String>>,
    key: String,
    client: reqwest::Client,
    turn: AtomicUsize,
    told: Mutex<HashMap<String, Told>>,
    next_number: AtomicU32,
    answers: AtomicU32,
    enough: Notify,
    over: CancellationToken,
}

impl Fleet {
    /// One request to whichever node has its turn; none if that one died over it.
    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Option<Answer> {
        let url = self.urls.lock().unwrap()[self.turn.fetch_add(1, Ordering::SeqCst) % NODES].clone();
        ask(&self.client, &url, &self.key, method, path, body).await
    }

    fn note(&self, id: &str, change: impl FnOnce(&mut Told)) {
        change(self.told.lock().unwrap().entry(id.to_owned()).or_default());
        if self.answers.fetch_add(1, Ordering::SeqCst) + 1 == ANSWERS_A_ROUND {
            self.enough.notify_one();
        }
    }

    /// Starts one, reads its code, and checks it: wrong, and then right by two nodes at once.
    async fn one_round_trip(&self) -> Option<()> {
        let number = 600_000_000 + self.next_number.fetch_add(1, Ordering::SeqCst);
        let start = json!({"to": format!("+34{number}"), "channel": "sms"});
        let started = self.ask(Method::POST, "/v1/verifications", Some(start)).await?;
        assert_eq!(started.status, 201, "{}", started.body);
        let id = started.body["id"].as_str().unwrap().to_owned();
        self.note(&id, |told| told.number = number);
        // A node that died may have the message: then it comes when the lease is over, and nobody waits for that here.
        let inbox = format!("/sandbox/messages?to=34{number}&wait=2");
        let arrived = self.ask(Method::GET, &inbox, None).await?.body;
        let code = arrived["messages"][0]["code"].as_str()?.to_owned();
        let path = format!("/v1/verifications/{id}/check");
        for _ in 0..number % 3 {
            let wrong = self.ask(Method::POST, &path, Some(json!({"code": "wrong"}))).await?;
            assert_eq!(wrong.body["valid"], false, "{}", wrong.body);
            self.note(&id, |told| told.wrong += 1);
        }
        let right = || self.ask(Method::POST, &path, Some(json!({"code": code})));
        let (one, other) = tokio::join!(right(), right());
        for answer in [one, other].into_iter().flatten() {
            assert_eq!(answer.status, 200, "{}", answer.body);
            if answer.body["valid"] == true {
                self.note(&id, |told| told.approved += 1);
            } else {
                assert_eq!(answer.body["reason"], "already_approved");
            }
        }
        Some(())
    }

    async fn use_it(self: Arc<Self>) {
        while !self.over.is_cancelled() {
            // Whoever gets no answer goes on with the next node.
            let _ = self.one_round_trip().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_three_nodes_one_is_killed_again_and_again_and_nothing_that_was_answered_is_lost() {
    let (data, url) = (tempfile::tempdir().unwrap(), testing::database().await);
    let mut nodes = Vec::new();
    for _ in 0..NODES {
        nodes.push(Running::node(data.path(), &url, &[]).await);
    }
    let fleet = Arc::new(Fleet {
        urls: Mutex::new(nodes.iter().map(|node| node.url.clone()).collect()),
        key: nodes[0].key().to_owned(),
        client: nodes[0].client(),
        turn: AtomicUsize::new(0),
        told: Mutex::default(),
        next_number: AtomicU32::new(0),
        answers: AtomicU32::new(0),
        enough: Notify::new(),
        over: CancellationToken::new(),
    });
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        clients.spawn(Arc::clone(&fleet).use_it());
    }
    for round in 0..ROUNDS {
        fleet.enough.notified().await;
        nodes.remove(0).kill();
        let fresh = Running::node(data.path(), &url, &[]).await;
        fleet.urls.lock().unwrap().remove(0);
        fleet.urls.lock().unwrap().push(fresh.url.clone());
        nodes.push(fresh);
        fleet.answers.store(0, Ordering::SeqCst);
        println!("round {round}: {} verifications were told of so far", fleet.told.lock().unwrap().len());
    }
    fleet.enough.notified().await;
    fleet.over.cancel();
    clients.join_all().await;
    take_over(&url).await;
    verify(&nodes[0], &fleet).await;
}

/// Nobody waits for the end of a lease: it is moved to the beginning. That no lease is longer than a minute is a matter of the
/// database, too.
async fn take_over(url: &str) {
    let end = "DO $$ BEGIN
        ASSERT NOT EXISTS (SELECT 1 FROM message WHERE state = 'leased'
            AND leased_until > extract(epoch FROM clock_timestamp()) * 1000 + 60000), 'a lease is too long';
        UPDATE message SET leased_until = 0 WHERE state = 'leased';
        END $$";
    testing::execute(url, end).await;
}

async fn verify(node: &Running, fleet: &Fleet) {
    let told = fleet.told.lock().unwrap().clone();
    assert!(told.values().any(|told| told.approved == 1) && told.values().any(|told| told.wrong > 0));
    for (id, told) in told {
        let now = node.get(&format!("/v1/verifications/{id}")).await;
        assert_eq!(now.status, 200, "an answered start is known");
        let left = now.body["attempts_left"].as_u64().unwrap();
        assert!(left + told.wrong <= 5, "{left} attempts left after {} wrong ones", told.wrong);
        assert!(told.approved <= 1, "a code was accepted {} times", told.approved);
        if told.approved == 1 {
            assert_eq!(now.body["status"], "approved");
        }
        let inbox = node.get(&format!("/sandbox/messages?to=34{}&wait=30", told.number)).await.body;
        let messages = inbox["messages"].as_array().unwrap().len();
        assert_eq!(messages, 1, "the sandbox takes our id, so a message that is sent again arrives once");
    }
}

/// A vendor that takes no id of ours: it sends as often as it is asked. It answers only when it may.
#[derive(Clone)]
struct Vendor {
    sent: Arc<Mutex<Vec<String>>>,
    asked: Arc<Notify>,
    answers: Arc<Semaphore>,
}

impl Vendor {
    async fn start() -> (Self, u16) {
        let vendor =
            Self { sent: Arc::default(), asked: Arc::new(Notify::new()), answers: Arc::new(Semaphore::new(0)) };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let router = Router::new().route("/send", post(Self::send)).with_state(vendor.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        (vendor, port)
    }

    async fn send(State(vendor): State<Self>, Json(body): Json<Value>) -> Json<Value> {
        vendor.sent.lock().unwrap().push(body["to"].as_str().unwrap().to_owned());
        vendor.asked.notify_one();
        let _answered = vendor.answers.acquire().await.unwrap();
        Json(json!({"id": "v-1"}))
    }

    fn times(&self, to: &str) -> usize {
        self.sent.lock().unwrap().iter().filter(|sent| *sent == to).count()
    }
}

fn configuration(dir: &Path, url: &str, vendor: u16) -> String {
    let text = format!(
        "[server]\nlisten = '127.0.0.1:0'\n[store]\nurl = '{url}'\n[keys]\nfile = '{}/keys.json'\n[routes]\nsms = ['sky']\n\
         [providers.http.sky]\nchannels = ['sms']\nfrom = 'Acme'\nrequest.url = 'http://127.0.0.1:{vendor}/send'\n\
         request.json = {{ to = '{{{{ to }}}}', text = '{{{{ text }}}}' }}\n\
         answer.accept = [{{ json = '/id', exists = true }}]\nanswer.reference = {{ json = '/id' }}\n",
        dir.display()
    );
    let path = dir.join("c.toml");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path.display().to_string()
}

/// A configuration whose store has a tenant, and a key of it that may start.
fn with_a_tenant(dir: &Path, url: &str, vendor: u16) -> (String, String) {
    let config = configuration(dir, url, vendor);
    tool(&["tenants", "create", "acme"], &config);
    let key = ["keys", "create", "--tenant", "acme", "--name", "shop", "--scope", "verifications:write"];
    let key = tool(&key, &config);
    (config, key)
}

fn tool(arguments: &[&str], config: &str) -> String {
    let mut command = countersign(&[arguments, &["--config", config]].concat());
    let (status, out, err) = told(&command.stdin(Stdio::null()).output().unwrap());
    assert_eq!(status, Some(0), "{err}");
    out.trim().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_dead_node_had_is_sent_once_more_by_another_and_not_before_its_lease_is_over() {
    let (dir, url) = (tempfile::tempdir().unwrap(), testing::database().await);
    let (vendor, port) = Vendor::start().await;
    let (config, key) = with_a_tenant(dir.path(), &url, port);
    let start = async |node: &Running, to: &str| {
        let started = node.post("/v1/verifications", json!({"to": to, "channel": "sms"})).await;
        assert_eq!(started.status, 201, "{}", started.body);
    };

    let node = || Running::serve(Path::new(&config), &key);
    let (one, two, three) = (node(), node(), node());
    start(&one, "+34666666111").await;
    vendor.asked.notified().await;
    one.kill();
    vendor.answers.add_permits(100);

    for (node, to) in [(&two, "+34666666112"), (&three, "+34666666113")] {
        start(node, to).await;
        while vendor.times(to) == 0 {
            vendor.asked.notified().await;
        }
    }
    assert_eq!(vendor.times("+34666666111"), 1, "somebody may still be at it");
    take_over(&url).await;
    while vendor.times("+34666666111") == 1 {
        vendor.asked.notified().await;
    }
    assert_eq!(two.stop().0.code(), Some(0));
    assert_eq!(three.stop().0.code(), Some(0));
    let times = ["+34666666111", "+34666666112", "+34666666113"].map(|to| vendor.times(to));
    assert_eq!(times, [2, 1, 1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_starts_alone_sends_at_once_what_the_dead_one_had() {
    let (dir, url) = (tempfile::tempdir().unwrap(), testing::database().await);
    let (vendor, port) = Vendor::start().await;
    let (config, key) = with_a_tenant(dir.path(), &url, port);
    let dead = Running::serve(Path::new(&config), &key);
    let started = dead.post("/v1/verifications", json!({"to": "+34666666111", "channel": "sms"})).await;
    assert_eq!(started.status, 201, "{}", started.body);
    vendor.asked.notified().await;
    dead.kill();
    vendor.answers.add_permits(100);

    let alone = Running::serve(Path::new(&config), &key);
    while vendor.times("+34666666111") == 1 {
        vendor.asked.notified().await;
    }
    assert_eq!(alone.stop().0.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_node_starts_another_checks_and_the_clock_is_the_same_for_both() {
    let (data, url) = (tempfile::tempdir().unwrap(), testing::database().await);
    let (one, two) = (Running::node(data.path(), &url, &[]).await, Running::node(data.path(), &url, &[]).await);
    assert_eq!(one.key(), two.key());
    let (id, code) = one.started_with_code("+34666666111").await;
    let checked = two.post(&format!("/v1/verifications/{id}/check"), json!({"code": code})).await;
    assert_eq!(checked.body["valid"], true, "{}", checked.body);

    let (id, code) = two.started_with_code("+34666666112").await;
    let moved = one.post("/sandbox/clock", json!({"advance_seconds": 3600})).await;
    assert!(moved.status < 300, "{} {}", moved.status, moved.body);
    let late = two.post(&format!("/v1/verifications/{id}/check"), json!({"code": code})).await;
    assert_eq!((&late.body["valid"], &late.body["reason"]), (&json!(false), &json!("expired")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_begun_on_a_file_goes_on_on_a_database() {
    let (dir, url) = (tempfile::tempdir().unwrap(), testing::empty_database().await);
    let (vendor, port) = Vendor::start().await;
    vendor.answers.add_permits(100);
    let config = configuration(dir.path(), &url, port);
    let text = fs::read_to_string(&config).unwrap();
    let file = dir.path().join("countersign.sqlite");
    fs::write(&config, text.replace(&format!("url = '{url}'"), &format!("path = '{}'", file.display()))).unwrap();
    tool(&["tenants", "create", "acme"], &config);
    let write_scope = ["--scope", "verifications:write", "--scope", "verifications:read"];
    let key = tool(&[&["keys", "create", "--tenant", "acme", "--name", "shop"], &write_scope[..]].concat(), &config);
    let server = Running::serve(Path::new(&config), &key);
    let body = json!({"to": "+34666666111", "channel": "sms", "code": "481516"});
    let id = server.post("/v1/verifications", body).await.body["id"].as_str().unwrap().to_owned();
    assert_eq!(server.stop().0.code(), Some(0));

    let migrate = || {
        let from = format!("sqlite:{}", file.display());
        told(&countersign(&["migrate-store", "--from", &from, "--to", &url]).output().unwrap())
    };
    let (status, out, err) = migrate();
    assert_eq!((status, err.as_str()), (Some(0), ""));
    assert!(out.ends_with(" rows were carried over and compared\n"), "{out}");
    let (status, _, err) = migrate();
    assert!(status == Some(1) && err.contains("holds something already"), "{err}");
    fs::write(&config, text).unwrap();
    let server = Running::serve(Path::new(&config), &key);
    let checked = server.post(&format!("/v1/verifications/{id}/check"), json!({"code": "481516"})).await;
    assert_eq!(checked.body["valid"], true, "{}", checked.body);
}
