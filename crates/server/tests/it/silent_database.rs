//! A database that says nothing any more, as behind a network that swallows everything or on a machine that hangs: no error comes,
//! and nobody may be held up for long all the same.

use crate::running::{Answer, Running};
use countersign_store::testing;
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    time::timeout,
};

/// A bit more than the five seconds for which a node is patient: the machine may be busy.
const BOUND: Duration = Duration::from_secs(7);

/// What lies between a node and its database.
struct Network {
    url: String,
    is_silent: watch::Sender<bool>,
}

impl Network {
    async fn before(url: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (is_silent, silence) = watch::channel(false);
        let (server, database) = url.split_once('@').unwrap().1.split_once('/').unwrap();
        let there = server.to_owned();
        tokio::spawn(async move {
            while let Ok((node, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(&there).await else { continue };
                let ((from_node, to_node), (from_server, to_server)) = (node.into_split(), server.into_split());
                tokio::spawn(carry(from_node, to_server, silence.clone()));
                tokio::spawn(carry(from_server, to_node, silence.clone()));
            }
        });
        Self { url: format!("postgres://countersign@127.0.0.1:{port}/{database}"), is_silent }
    }
}

/// What is on its way when it falls silent arrives when it speaks again.
async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut silence: watch::Receiver<bool>) {
    let mut octets = vec![0; 1 << 16];
    while let Ok(length @ 1..) = from.read(&mut octets).await {
        if silence.wait_for(|is_silent| !is_silent).await.is_err() || to.write_all(&octets[..length]).await.is_err() {
            break;
        }
    }
}

/// Of what cannot be done now.
async fn in_time(server: &Running, method: Method, path: &str, body: Option<Value>) -> Answer {
    timeout(BOUND, server.ask(method, path, body)).await.expect("nobody waits for longer").unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_database_says_nothing_everybody_is_refused_within_seconds_and_afterwards_it_goes_on() {
    let (data, url) = (tempfile::tempdir().unwrap(), testing::database().await);
    let network = Network::before(&url).await;
    let server = Running::node(data.path(), &network.url, &[]).await;
    let (id, code) = server.started_with_code("+34666666111").await;
    let check = format!("/v1/verifications/{id}/check");

    network.is_silent.send_replace(true);
    // Those that meet the silence first, those that wait behind them, and those that come when it is known.
    for _ in 0..3 {
        let mut asked = vec![
            in_time(&server, Method::POST, &check, Some(json!({"code": code}))),
            in_time(&server, Method::POST, &check, Some(json!({"code": "000000"}))),
            in_time(&server, Method::GET, "/healthz/ready", None),
        ];
        for number in 0..40 {
            let body = json!({"to": format!("+34{}", 600_000_000 + number), "channel": "sms"});
            asked.push(in_time(&server, Method::POST, "/v1/verifications", Some(body)));
        }
        for answer in join_all(asked).await {
            assert_eq!((answer.status, answer.retry_after.as_deref()), (503, Some("1")), "{}", answer.body);
            assert!(answer.body.get("valid").is_none(), "nobody can know: {}", answer.body);
        }
    }

    network.is_silent.send_replace(false);
    while server.get("/healthz/ready").await.status != 200 {}
    let now = server.get(&format!("/v1/verifications/{id}")).await;
    assert_eq!(now.status, 200, "{}", now.body);
    // It was refused without being known: it may have been done, once.
    let checked = server.post(&check, json!({"code": code})).await;
    let is_done = now.body["status"] == "approved";
    assert_eq!(checked.body["valid"], !is_done, "{} {}", now.body, checked.body);
    let (fresh, its_code) = server.started_with_code("+34666666112").await;
    let checked = server.post(&format!("/v1/verifications/{fresh}/check"), json!({"code": its_code})).await;
    assert_eq!(checked.body["valid"], true, "{}", checked.body);
}
