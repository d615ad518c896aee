//! Ten thousand messages over connections that are cut every second, to carriers that throttle: each is taken once, and each receipt
//! is matched.

use super::{cutter, desk};
use crate::peer::{Peer, folder};
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};
use tokio::{process::Command, sync::Semaphore, task::JoinSet};

const MESSAGES: u32 = 10_000;
/// How many are under way at once.
const AT_ONCE: usize = 400;

/// Sends them all through a wire that is cut, and gives back how often each number's message was taken.
async fn through_the_storm(mut peer: Peer, more: serde_json::Value) -> BTreeMap<String, u32> {
    let port = cutter::start(peer.port, Duration::from_secs(1)).await;
    let (smpp, desk) = desk::carrier(port, &more);
    let seen = tokio::spawn(async move {
        let mut taken = BTreeMap::new();
        let mut acknowledged = BTreeSet::new();
        while acknowledged.len() < MESSAGES as usize {
            for event in peer.until("acknowledged").await {
                if event["event"] == "submitted" {
                    *taken.entry(event["to"].as_str().unwrap().to_owned()).or_insert(0) += 1;
                }
                if event["event"] == "acknowledged" && event["status"] == 0 {
                    acknowledged.insert(event["to"].as_str().unwrap().to_owned());
                }
            }
        }
        taken
    });
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut sending = JoinSet::new();
    for number in 0..MESSAGES {
        let place = Arc::clone(&places).acquire_owned().await.unwrap();
        let (smpp, desk) = (Arc::clone(&smpp), Arc::clone(&desk));
        sending.spawn(async move {
            let unknown = desk::send(&smpp, &desk, &desk::message(number, "482913 is your code.")).await;
            drop(place);
            unknown
        });
    }
    let unknown: u32 = sending.join_all().await.into_iter().sum();
    desk.wait_for(MESSAGES as usize).await;
    let told = desk.told();
    assert_eq!(told.len(), MESSAGES as usize, "each receipt is matched");
    let links = countersign_delivery::Provider::links(&*smpp);
    println!("{unknown} were sent again without a sign; {links:?}");
    assert!(links.iter().any(|link| link.times_bound > 1), "the wire was cut: {links:?}");
    assert!(links.iter().any(|link| link.throttled > 0), "the carrier throttled: {links:?}");
    seen.await.unwrap()
}

fn each_once(taken: &BTreeMap<String, u32>) {
    assert_eq!(taken.len(), MESSAGES as usize, "each message was sent");
    let twice: Vec<_> = taken.iter().filter(|(_, times)| **times > 1).collect();
    assert!(twice.is_empty(), "taken twice: {twice:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_messages_through_the_smsc_in_node() {
    let orders = json!({"user": "countersign", "password": "s3cret", "state": "DELIVRD", "ids": "hexadecimal", "perSecond": 1500});
    let peer = Peer::start_smsc(orders).await;
    each_once(
        &through_the_storm(
            peer,
            json!({"binds": 2, "window": 50, "doubt_seconds": 10, "mode": "transmitter_receiver"}),
        )
        .await,
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_messages_through_the_smsc_from_pypi() {
    let python = folder().join("peer/.venv/bin/python");
    assert!(python.exists(), "the SMSC in Python is not installed: run ./scripts/test, which installs it");
    let orders = json!({"state": "DELIVRD", "everyNth": 500});
    let peer = Peer::spawn(Command::new(python).arg(folder().join("smsc_peer.py")), &orders).await;
    // As transceivers: this SMSC passes over what a session that only receives acknowledges.
    each_once(&through_the_storm(peer, json!({"binds": 2, "window": 50, "doubt_seconds": 10})).await);
}
