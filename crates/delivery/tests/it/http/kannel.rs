//! `kannel.toml` and a real Kannel: a message goes by HTTP to its smsbox, over SMPP to an SMSC, and the SMSC's receipt comes
//! back the same way to us. Waiting is for lines of the programs and for calls, never for time to pass.

use super::{
    bench::{CODE, Configured, TO, message, receive, saying, secret},
    simulator::Call,
    vendors,
};
use crate::kannel_boxes::Kannel;
use axum::{
    Router,
    extract::State,
    http::{Method, Uri},
};
use countersign_delivery::{
    Outgoing, Provider,
    receipt::{About, ReceiptNote},
};
use countersign_model::message::Receipt;
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use tokio::{net::TcpListener, sync::mpsc, time::timeout};

/// A test that waits longer than this has failed.
const PATIENCE: Duration = Duration::from_mins(1);

/// Kannel, and our provider of it.
struct Gateway {
    kannel: Kannel,
    provider: Arc<dyn Provider>,
}

impl Gateway {
    /// A Kannel between us and an SMSC whose receipts say this.
    async fn start(state: &str) -> Self {
        let kannel = Kannel::start(&secret("kannel"), state).await;
        let provider = Configured::new(&vendors::kannel::SIMULATED, kannel.port, secret, 6).build();
        Self { kannel, provider }
    }

    /// The next message at the SMSC.
    async fn submitted(&mut self) -> Value {
        self.kannel.smsc.wait_for("submitted").await
    }
}

/// Where Kannel calls us back: the address, and the calls.
async fn callbacks() -> (String, mpsc::UnboundedReceiver<(Method, Uri)>) {
    let (found, calls) = mpsc::unbounded_channel();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let note = |State(found): State<mpsc::UnboundedSender<_>>, method: Method, uri: Uri| async move {
        found.send((method, uri)).unwrap();
    };
    let router = Router::new().fallback(note).with_state(found);
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (origin, calls)
}

/// Sends a message, and returns what the SMSC got and what our provider reads from the receipt.
async fn round_trip(gateway: &mut Gateway, text: &str) -> (Value, Vec<ReceiptNote>) {
    let (origin, mut calls) = callbacks().await;
    let receipt_url = Some(format!("{origin}/callbacks/kannel/msg_1/t0ken"));
    gateway.provider.send(&Outgoing { receipt_url, ..saying(message(), text) }).await.unwrap();
    let submitted = gateway.submitted().await;
    let (method, uri) = timeout(PATIENCE, calls.recv()).await.expect("Kannel calls back").unwrap();
    assert_eq!(uri.path(), "/callbacks/kannel/msg_1/t0ken");
    let call = Call { method, url: format!("{origin}{uri}"), headers: vec![], body: String::new(), by_link: true };
    (submitted, receive(&*gateway.provider, &call).unwrap().notes)
}

#[tokio::test]
async fn a_message_goes_through_kannel_and_its_receipt_comes_back() {
    let mut gateway = Gateway::start("DELIVRD").await;
    let (submitted, notes) = round_trip(&mut gateway, &format!("{CODE} is your code & more + 100%.")).await;
    assert_eq!(submitted["to"], TO.trim_start_matches('+'));
    assert_eq!(submitted["from"], "AcmeShop");
    assert_eq!(submitted["text"], format!("{CODE} is your code & more + 100%."));
    assert_eq!(notes, [ReceiptNote { about: About::Message(message().id), receipt: Receipt::Delivered }]);

    let (submitted, notes) = round_trip(&mut gateway, "Dein Code: 482913 ✓ 😀").await;
    assert_eq!((&submitted["text"], &submitted["coding"]), (&json!("Dein Code: 482913 ✓ 😀"), &json!(8)));
    assert_eq!(notes[0].receipt, Receipt::Delivered);
}

#[tokio::test]
async fn a_message_that_the_smsc_cannot_deliver_is_reported() {
    let mut gateway = Gateway::start("UNDELIV").await;
    let (_, notes) = round_trip(&mut gateway, "482913").await;
    assert_eq!(notes, [ReceiptNote { about: About::Message(message().id), receipt: Receipt::Undelivered }]);
}
