//! Single messages: what arrives of them, receipts in every order, refusals, TLS, and the end.

use super::{
    desk::{self, carrier, message},
    simulator::{Orders, Simulator},
};
use crate::{certificates::Certificates, peer::Peer};
use countersign_delivery::{LinkState, Provider as _, SendError};
use countersign_model::message::{Receipt, ReceiptPlan};
use serde_json::{Value, json};

async fn smsc(more: Value) -> Peer {
    let mut orders = json!({"user": "countersign", "password": "s3cret", "state": "DELIVRD"});
    orders.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    Peer::start_smsc(orders).await
}

#[tokio::test]
async fn a_message_arrives_as_it_was_and_its_receipt_comes_back() {
    let mut peer = smsc(json!({})).await;
    let (smpp, desk) = carrier(peer.port, &json!({}));
    assert_eq!(desk::send(&smpp, &desk, &message(1, "482913 is your code, @Acme €")).await, 0);
    let seen = peer.wait_for("submitted").await;
    assert_eq!((&seen["to"], &seen["from"]), (&json!("34600000001"), &json!("Acme")));
    assert_eq!(
        (&seen["text"], &seen["coding"], &seen["ton"]),
        (&json!("482913 is your code, @Acme €"), &json!(0), &json!([5, 1]))
    );
    desk.wait_for(1).await;
    assert_eq!(desk.told()["+34600000001"], [Receipt::Delivered]);
    let accepted = smpp.send(&message(2, "Dein Code: 482913 ✓ 😀")).await.unwrap();
    assert_eq!(accepted.receipt, ReceiptPlan::Expected);
    let seen = peer.wait_for("submitted").await;
    assert_eq!((&seen["text"], &seen["coding"]), (&json!("Dein Code: 482913 ✓ 😀"), &json!(8)));
    smpp.close().await;
    peer.wait_for("unbound").await;
    assert!(smpp.links().is_empty());
}

#[tokio::test]
async fn a_long_message_goes_in_parts_of_three_kinds_and_asks_for_one_receipt() {
    let text = "a".repeat(153) + &"b".repeat(20);
    let mut peer = smsc(json!({})).await;
    let (smpp, desk) = carrier(peer.port, &json!({}));
    desk::send(&smpp, &desk, &message(0x0102, &text)).await;
    for (number, part) in [(1, "a".repeat(153)), (2, "b".repeat(20))] {
        let seen = peer.wait_for("submitted").await;
        assert_eq!(
            (&seen["text"], &seen["header"], &seen["esmClass"]),
            (&json!(part), &json!(format!("000302020{number}")), &json!(0x40))
        );
        assert_eq!(seen["wantsReceipt"], json!(number - 1));
    }
    smpp.close().await;
    let (smpp, desk) = carrier(peer.port, &json!({"long_messages": "sar"}));
    desk::send(&smpp, &desk, &message(2, &text)).await;
    for number in [1, 2] {
        assert_eq!(peer.wait_for("submitted").await["sar"], json!([2, number]));
    }
    smpp.close().await;
    let (smpp, desk) = carrier(peer.port, &json!({"long_messages": "payload"}));
    desk::send(&smpp, &desk, &message(3, &text)).await;
    assert_eq!(peer.wait_for("submitted").await["payload"], json!(text));
    desk.wait_for(1).await;
}

#[tokio::test]
async fn receipts_are_matched_before_the_answer_twice_and_out_of_order() {
    for (receipts, times) in [("before", 1), ("twice", 2), ("shuffled", 1)] {
        let mut peer = smsc(json!({"receipts": receipts, "ids": "hexadecimal", "state": "UNDELIV"})).await;
        let (smpp, desk) = carrier(peer.port, &json!({"mode": "transmitter_receiver"}));
        for number in 0..20 {
            desk::send(&smpp, &desk, &message(number, "482913")).await;
        }
        let mut acknowledged = 0;
        while acknowledged < 20 * times {
            let event = peer.wait_for("acknowledged").await;
            assert_eq!(event["status"], 0);
            acknowledged += 1;
        }
        let told = desk.told();
        assert_eq!(told.len(), 20, "{receipts}");
        assert!(told.values().all(|told| *told == vec![Receipt::Undelivered; times]), "{receipts}: {told:?}");
    }
}

#[tokio::test]
async fn garbage_between_receipts_is_answered_and_costs_nothing() {
    for garbage in [&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], b"\0\0\0\x14\0\0\x07\x77\0\0\0\0\0\0\0\x01what"] {
        let orders = Orders { system_id: "countersign", password: "s3cret", ..Orders::default() };
        let simulator = Simulator::start(Orders { garbage: garbage.to_vec(), ..orders }).await;
        let (smpp, desk) = carrier(simulator.port, &json!({"version": "5.0"}));
        for number in 0..20 {
            desk::send(&smpp, &desk, &message(number, "482913")).await;
        }
        desk.wait_for(20).await;
        let link = smpp.links().remove(0);
        smpp.close().await;
        let seen = simulator.seen();
        assert_eq!((seen.bound, seen.acknowledged.len(), seen.nacked), (1, 20, 20), "{garbage:?}");
        assert_eq!((link.times_bound, link.times_nacked), (1, 20));
    }
}

#[tokio::test]
async fn an_account_of_version_5_names_it_when_binding() {
    for (version, named) in [("3.4", 0x34), ("5.0", 0x50)] {
        let mut peer = smsc(json!({})).await;
        let (smpp, desk) = carrier(peer.port, &json!({"version": version}));
        assert_eq!(peer.wait_for("bound").await["version"], named);
        desk::send(&smpp, &desk, &message(1, "482913")).await;
        desk.wait_for(1).await;
    }
}

#[tokio::test]
async fn a_refusal_a_wrong_password_and_nobody_there_are_told_apart() {
    let peer = smsc(json!({"refuse": true})).await;
    let (smpp, _desk) = carrier(peer.port, &json!({}));
    let refused = smpp.send(&message(1, "482913")).await.unwrap_err();
    assert_eq!(refused, SendError::Refused("the carrier refused the message: ESME_RINVDSTADR (0x0b)".into()));
    for (port, more, why) in [
        (peer.port, json!({"password": "wrong", "timeout_seconds": 1}), "the bind was refused: ESME_RBINDFAIL (0x0d)"),
        (1, json!({"timeout_seconds": 1}), "connection refused"),
    ] {
        let (smpp, _desk) = carrier(port, &more);
        let error = smpp.send(&message(1, "482913")).await.unwrap_err();
        assert_eq!(error, SendError::Retry(format!("no bind has been up for 1 s: {why}")));
        assert!(smpp.links().iter().all(|link| link.state != LinkState::Bound));
    }
}

#[tokio::test]
async fn while_a_carrier_is_down_no_message_waits_for_it() {
    // A port on which nobody listens.
    let (smpp, _desk) = carrier(1, &json!({"timeout_seconds": 10, "doubt_seconds": 0}));
    tokio::time::pause();
    let down = |error| error == SendError::Retry("no bind has been up for 10 s: connection refused".into());
    let began = tokio::time::Instant::now();
    assert!(smpp.send(&message(1, "482913")).await.is_err_and(down));
    assert_eq!(began.elapsed().as_secs(), 10);
    assert!(smpp.send(&message(2, "482913")).await.is_err_and(down));
    assert_eq!(began.elapsed().as_secs(), 10, "the next provider has the second one at once");
}

#[tokio::test]
async fn over_tls_only_whom_the_operator_trusts_is_given_the_password() {
    let certificates = Certificates::of("localhost");
    let files = json!({"tls": {"key": certificates.key, "cert": certificates.certificate}});
    let mut peer = smsc(files).await;
    let trusting = json!({"host": "localhost", "tls": "implicit", "ca_file": certificates.authority});
    let (smpp, desk) = carrier(peer.port, &trusting);
    desk::send(&smpp, &desk, &message(1, "482913")).await;
    assert_eq!(peer.wait_for("submitted").await["text"], "482913");
    desk.wait_for(1).await;
    let (smpp, _desk) = carrier(peer.port, &json!({"host": "localhost", "tls": "implicit", "timeout_seconds": 1}));
    assert!(matches!(smpp.send(&message(2, "482913")).await, Err(SendError::Retry(_))));
}
