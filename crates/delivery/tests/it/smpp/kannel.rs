//! Our simulator against a client of another make, Kannel: ten thousand messages with receipts over a connection that is cut every
//! second, more than the simulator takes. Kannel sends again what it has no answer for, so "none twice" is the simulator's
//! work here: it knows what it has.

use super::{
    cutter,
    simulator::{Orders, Simulator},
};
use crate::kannel_boxes::{Boxes, SMSC_PASSWORD, SYSTEM_ID};
use axum::{Router, extract::State, http::Uri, routing::get};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::{net::TcpListener, sync::Semaphore, sync::mpsc, task::JoinSet, time::timeout};

const MESSAGES: u32 = 10_000;
/// Kannel's HTTP port has so many requests at once.
const AT_ONCE: usize = 50;
/// For Kannel: names are hexadecimal in answers, and decimal in receipts.
const HEXADECIMAL_AND_DECIMAL: &str = "msg-id-type = 0x01\n";
/// A test that hears nothing for longer than this has failed.
const PATIENCE: Duration = Duration::from_mins(1);

/// Where Kannel tells what became of a message: the address, and the paths that were called.
async fn reports() -> (String, mpsc::UnboundedReceiver<String>) {
    let (called, calls) = mpsc::unbounded_channel();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let note = |State(called): State<mpsc::UnboundedSender<String>>, uri: Uri| async move {
        called.send(uri.path().to_owned()).unwrap();
    };
    let router = Router::new().fallback(get(note)).with_state(called);
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (origin, calls)
}

/// Asks Kannel for a message to each number; it is to tell what became of it.
async fn ask_for_all(port: u16, origin: &str) {
    let client = reqwest::Client::new();
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut asking = JoinSet::new();
    for number in 0..MESSAGES {
        let place = Arc::clone(&places).acquire_owned().await.unwrap();
        // 1: delivered, 2: not. %d in the address becomes one of the two.
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("username", "countersign"), ("password", "sendsms"), ("from", "Acme"), ("dlr-mask", "3")])
            .append_pair("to", &format!("346{number:08}"))
            .append_pair("text", &format!("{number:06} is your code."))
            .append_pair("dlr-url", &format!("{origin}/%d/346{number:08}"))
            .finish();
        let request = client.get(format!("http://127.0.0.1:{port}/cgi-bin/sendsms?{query}"));
        asking.spawn(async move {
            let taken = request.send().await.unwrap().status();
            drop(place);
            assert_eq!(taken, 202);
        });
    }
    asking.join_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_messages_of_kannel_are_taken_once_and_each_receipt_is_matched() {
    let orders = Orders { system_id: SYSTEM_ID, password: SMSC_PASSWORD, per_second: Some(800), ..Orders::default() };
    let simulator = Simulator::start(orders).await;
    let port = cutter::start(simulator.port, Duration::from_secs(1)).await;
    let boxes = Boxes::start("sendsms", port, HEXADECIMAL_AND_DECIMAL).await;
    let (origin, mut calls) = reports().await;
    let asking = tokio::spawn(async move {
        ask_for_all(boxes.port, &origin).await;
        boxes
    });
    let mut told = BTreeMap::new();
    while told.len() < MESSAGES as usize {
        let call = timeout(PATIENCE, calls.recv()).await;
        let call = call.unwrap_or_else(|_| panic!("{} receipts were told, and no more come", told.len())).unwrap();
        *told.entry(call).or_insert(0) += 1;
    }
    let _boxes = asking.await.unwrap();
    let seen = simulator.seen();
    println!("{} repeated, {} throttled, {} times bound", seen.repeated, seen.throttled, seen.bound);
    assert!(told.iter().all(|(call, times)| *times == 1 && call.starts_with("/1/")), "each receipt is matched once");
    assert_eq!(seen.given.len(), MESSAGES as usize, "each message was sent");
    assert!(seen.given.values().all(|times| *times == 1), "no phone got one twice");
    assert!(seen.bound > 5, "the wire was cut: {} times bound", seen.bound);
    assert!(seen.throttled > 0, "more came than was agreed");
}
