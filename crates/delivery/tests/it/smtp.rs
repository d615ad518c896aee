//! The SMTP provider and a relay that behaves well, badly, or not at all.

use crate::{certificates::Certificates, peer::Peer};
use countersign_delivery::{
    Outgoing, Provider as _, Rendered, SendError,
    providers::smtp::{Settings, Smtp},
    render::{Context, Templates},
};
use countersign_model::{
    Address, Channel, Code, MessageId, TenantId, Timestamp, VerificationId,
    message::{Purpose, ReceiptPlan},
};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::{net::TcpListener, time::Instant};

const TO: &str = "ana.lopez@example.com";

fn relay(port: u16, more: &Value) -> Smtp {
    let mut settings = json!({"host": "localhost", "port": port, "from": "Acme <no-reply@acme.example>",
        "hello_name": "client.acme.example", "timeout_seconds": 20});
    settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let settings: Settings = serde_json::from_value(settings).unwrap();
    Smtp::new(&settings).unwrap()
}

fn plain(port: u16) -> Smtp {
    relay(port, &json!({"tls": "none"}))
}

fn message() -> Outgoing {
    let code = Code::own("482913").unwrap();
    let values =
        Context { code: &code, brand: Some("Čárka & Señor"), life_minutes: Some(5), payment: None, last_line: None };
    let templates = Templates::builtin();
    let content = templates.render(None, Purpose::Verification, Channel::Email, "es", &values).unwrap();
    Outgoing {
        id: MessageId::from_bytes([1; 16]),
        tenant: TenantId::from_bytes([2; 16]),
        tenant_name: "acme".into(),
        verification: Some(VerificationId::from_bytes([3; 16])),
        channel: Channel::Email,
        to: Address::parse(Channel::Email, TO).unwrap(),
        from: None,
        from_address: None,
        dlt: None,
        content,
        code: Some(code),
        link: None,
        receipt_url: None,
        call_url: None,
        language: "en".into(),
        life_seconds: Some(300),
        life_minutes: Some(5),
        now: Timestamp::from_ms(1_767_225_600_000),
    }
}

/// An error text is for logs: no address, no code.
fn keeps_quiet(text: &str) {
    assert!(!text.contains('@') && !text.contains("ana") && !text.contains("482913"), "{text}");
}

fn retry(result: Result<countersign_delivery::Accepted, SendError>) -> String {
    let Err(SendError::Retry(text)) = result else { panic!("{result:?}") };
    keeps_quiet(&text);
    text
}

fn refused(result: Result<countersign_delivery::Accepted, SendError>) -> String {
    let Err(SendError::Refused(text)) = result else { panic!("{result:?}") };
    keeps_quiet(&text);
    text
}

fn unknown(result: Result<countersign_delivery::Accepted, SendError>) -> String {
    let Err(SendError::Unknown(text)) = result else { panic!("{result:?}") };
    keeps_quiet(&text);
    text
}

fn secured(tls: &str, certificates: &Certificates) -> Value {
    json!({"tls": tls, "key": certificates.key, "cert": certificates.certificate, "user": "acme", "password": "right"})
}

fn login(tls: &str, authority: &Certificates, password: &str) -> Value {
    json!({"tls": tls, "ca_file": authority.authority, "username": "acme", "password": password})
}

#[tokio::test]
async fn a_mail_goes_out_over_starttls_with_a_login_and_is_read_as_it_was_meant() {
    let certificates = Certificates::of("localhost");
    let mut peer = Peer::start(secured("starttls", &certificates)).await;
    let relay = relay(peer.port, &login("starttls", &certificates, "right"));
    let message = message();
    let accepted = relay.send(&message).await.unwrap();
    assert_eq!((accepted.reference, accepted.receipt), (None, ReceiptPlan::Never));

    assert_eq!(peer.wait_for("login").await["secure"], true);
    let mail = peer.wait_for("mail").await;
    assert_eq!(mail["secure"], true);
    assert_eq!(mail["hello"], "client.acme.example");
    assert_eq!(mail["envelope"], json!({"from": "no-reply@acme.example", "to": [TO]}));
    assert_eq!((&mail["from"]["name"], &mail["from"]["address"]), (&json!("Acme"), &json!("no-reply@acme.example")));
    assert_eq!(mail["subject"], "Su código de verificación para Čárka & Señor");
    assert_eq!(mail["text"].as_str().map(str::trim_end), Some(message.content.text.as_str()));
    let html = mail["html"].as_str().unwrap();
    assert_eq!(Some(html.trim_end()), message.content.html.as_deref());
    assert!(html.contains("Čárka &amp; Señor") && html.contains("482913"));
    assert_eq!(mail["messageId"], format!("<{}@acme.example>", message.id));
    assert!(mail["raw"].as_str().unwrap().contains("Auto-Submitted: auto-generated\r\n"));
}

#[tokio::test]
async fn a_mail_goes_out_over_implicit_tls() {
    let certificates = Certificates::of("localhost");
    let mut peer = Peer::start(secured("implicit", &certificates)).await;
    relay(peer.port, &login("implicit", &certificates, "right")).send(&message()).await.unwrap();
    assert_eq!(peer.wait_for("mail").await["secure"], true);
}

#[tokio::test]
async fn a_wrong_password_is_our_trouble_and_not_the_messages() {
    let certificates = Certificates::of("localhost");
    let mut peer = Peer::start(secured("starttls", &certificates)).await;
    let result = relay(peer.port, &login("starttls", &certificates, "wrong")).send(&message()).await;
    assert_eq!(retry(result), "the relay refused our user name or password (535 5.7.8)");
    assert_eq!(peer.wait_for("login").await["right"], false);
}

#[tokio::test]
async fn a_missing_login_is_our_trouble_too() {
    let certificates = Certificates::of("localhost");
    let peer = Peer::start(secured("starttls", &certificates)).await;
    let result = relay(peer.port, &json!({"ca_file": certificates.authority})).send(&message()).await;
    assert_eq!(retry(result), "the relay wants another login (530)");
}

#[tokio::test]
async fn a_certificate_of_another_name_or_authority_gets_nothing() {
    let (other_name, ours) = (Certificates::of("mail.acme.example"), Certificates::of("localhost"));
    for tls in ["starttls", "implicit"] {
        for (shown, trusted) in [(&other_name, &other_name), (&ours, &other_name)] {
            let mut peer = Peer::start(secured(tls, shown)).await;
            let result = relay(peer.port, &login(tls, trusted, "right")).send(&message()).await;
            let text = retry(result);
            assert!(text.starts_with("no connection to the relay: invalid peer certificate"), "{text}");
            let mut events = peer.until("closed").await;
            events.retain(|event| event["event"] == "login" || event["event"] == "recipient");
            assert_eq!(events, [] as [Value; 0]);
        }
    }
}

#[tokio::test]
async fn a_relay_that_takes_starttls_away_gets_nothing() {
    let mut peer = Peer::start(json!({"tls": "none", "user": "acme", "password": "right"})).await;
    let more = json!({"tls": "starttls", "username": "acme", "password": "right"});
    let text = retry(relay(peer.port, &more).send(&message()).await);
    assert_eq!(text, "the relay offers no STARTTLS, so nothing was sent to it");
    assert!(!peer.until("closed").await.iter().any(|event| event["event"] == "login"));
}

#[tokio::test]
async fn a_recipient_that_is_put_off_is_tried_again() {
    let peer = Peer::start(json!({"tls": "none", "say": {"to": [451, format!("4.3.0 {TO} is greylisted")]}})).await;
    assert_eq!(retry(plain(peer.port).send(&message()).await), "the relay put the mail off (451 4.3.0)");
}

#[tokio::test]
async fn a_recipient_that_is_refused_costs_no_connection() {
    let mut peer = Peer::start(json!({"tls": "none", "say": {"to": [550, format!("5.1.1 no {TO} here")]}})).await;
    let relay = plain(peer.port);
    for _ in 0..2 {
        assert_eq!(refused(relay.send(&message()).await), "the relay refused the mail (550 5.1.1)");
    }
    let mut events = peer.until("recipient").await;
    events.extend(peer.until("recipient").await);
    assert_eq!(events.iter().filter(|event| event["event"] == "connected").count(), 1);
}

#[tokio::test]
async fn a_sender_that_is_refused_is_our_trouble() {
    let peer = Peer::start(json!({"tls": "none", "say": {"from": [553, "5.7.1 not yours"]}})).await;
    assert_eq!(retry(plain(peer.port).send(&message()).await), "the relay refused our sender (553 5.7.1)");
}

#[tokio::test]
async fn the_answer_to_the_content_decides() {
    for (code, expected) in [(552, "the relay refused the mail (552)"), (452, "the relay put the mail off (452)")] {
        let peer = Peer::start(json!({"tls": "none", "say": {"data": [code, "no room"]}})).await;
        let result = plain(peer.port).send(&message()).await;
        assert_eq!(if code == 552 { refused(result) } else { retry(result) }, expected);
    }
}

#[tokio::test]
async fn the_relays_own_name_for_the_mail_is_kept() {
    let peer = Peer::start(json!({"tls": "none", "say": {"data": [250, "2.0.0 Ok: queued as 4XyZ12abc"]}})).await;
    let accepted = plain(peer.port).send(&message()).await.unwrap();
    assert_eq!(accepted.reference.as_deref(), Some("4XyZ12abc"));
}

#[tokio::test]
async fn when_the_answer_to_the_content_is_lost_nobody_knows() {
    let mut peer = Peer::start(json!({"tls": "none", "then": "hang-up"})).await;
    unknown(plain(peer.port).send(&message()).await);
    peer.wait_for("mail").await;

    let peer = Peer::start(json!({"tls": "none", "then": "mute"})).await;
    let relay = relay(peer.port, &json!({"tls": "none", "timeout_seconds": 3}));
    let text = unknown(relay.send(&message()).await);
    assert_eq!(text, "the relay took the mail; no answer from the relay within 3 s");
}

#[tokio::test]
async fn a_relay_that_is_down_is_tried_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let text = retry(plain(port).send(&message()).await);
    assert!(text.starts_with("no connection to the relay: Connection refused"), "{text}");
}

#[tokio::test]
async fn a_relay_that_says_nothing_costs_no_more_than_the_time_limit() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let began = Instant::now();
    let text = retry(relay(port, &json!({"tls": "none", "timeout_seconds": 1})).send(&message()).await);
    assert_eq!(text, "no answer from the relay within 1 s");
    assert!(began.elapsed() >= Duration::from_secs(1) && began.elapsed() < Duration::from_secs(6));
}

#[tokio::test]
async fn what_is_no_mail_server_is_tried_again_without_a_word_of_it() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let chatterbox = tokio::spawn(async move {
        use tokio::io::AsyncWriteExt as _;
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(format!("HTTP/1.1 400 {TO}\r\n\r\n").as_bytes()).await.unwrap();
    });
    assert_eq!(retry(plain(port).send(&message()).await), "the relay hung up, or does not speak SMTP");
    chatterbox.await.unwrap();
}

#[tokio::test]
async fn mails_share_a_connection_and_a_closed_one_is_replaced() {
    let mut peer = Peer::start(json!({"tls": "none"})).await;
    let relay = plain(peer.port);
    relay.send(&message()).await.unwrap();
    relay.send(&message()).await.unwrap();
    let mut events = peer.until("mail").await;
    events.extend(peer.until("mail").await);
    assert_eq!(events.iter().filter(|event| event["event"] == "connected").count(), 1);

    let mut peer = Peer::start(json!({"tls": "none", "then": "close"})).await;
    let relay = plain(peer.port);
    relay.send(&message()).await.unwrap();
    peer.wait_for("closed").await;
    relay.send(&message()).await.unwrap();
    peer.wait_for("mail").await;
}

#[tokio::test]
async fn a_repeated_attempt_is_the_same_mail_to_the_byte() {
    let mut peer = Peer::start(json!({"tls": "none"})).await;
    let relay = plain(peer.port);
    relay.send(&message()).await.unwrap();
    relay.send(&message()).await.unwrap();
    assert_eq!(peer.wait_for("mail").await["raw"], peer.wait_for("mail").await["raw"]);
}

#[tokio::test]
async fn nothing_in_a_brand_or_a_sender_becomes_a_header_or_a_recipient() {
    let evil = "Acme\r\nBcc: eve@evil.example\r\n.\r\nRCPT TO:<eve@evil.example>\r\n\r\n<b>\u{202e}";
    let code = Code::own("482913").unwrap();
    let values = Context { code: &code, brand: Some(evil), life_minutes: None, payment: None, last_line: None };
    let content = Templates::builtin().render(None, Purpose::Verification, Channel::Email, "en", &values).unwrap();
    let mut peer = Peer::start(json!({"tls": "none"})).await;
    let relay = plain(peer.port);
    for from in [evil, "Pizza\r\nBcc: eve", "\"Pizza\" <,;:>"] {
        relay.send(&Outgoing { from: Some(from.into()), content: content.clone(), ..message() }).await.unwrap();
        let mail = peer.wait_for("mail").await;
        assert_eq!(mail["envelope"]["to"], json!([TO]));
        assert_eq!(mail["from"]["address"], "no-reply@acme.example");
        let names: Vec<&str> = mail["headers"].as_array().unwrap().iter().filter_map(|h| h["key"].as_str()).collect();
        assert!(names.contains(&"subject") && !names.contains(&"bcc"), "{names:?}");
        let expected = match from {
            "Pizza\r\nBcc: eve" => "Pizza Bcc: eve",
            "\"Pizza\" <,;:>" => "\"Pizza\" <,;:>",
            _ => "Acme",
        };
        assert_eq!(mail["from"]["name"], expected);
    }
}

#[tokio::test]
async fn a_mail_without_html_is_text_alone_and_every_line_of_it_arrives() {
    let mut peer = Peer::start(json!({"tls": "none"})).await;
    let text = format!(".\n..\n482913\nFrom x\n{}\nfin ✓", "long ".repeat(300).trim_end());
    let content = Rendered { subject: Some("x".into()), text: text.clone(), html: None };
    plain(peer.port).send(&Outgoing { content, ..message() }).await.unwrap();
    let mail = peer.wait_for("mail").await;
    assert_eq!((mail["text"].as_str().map(str::trim_end), &mail["html"]), (Some(text.as_str()), &Value::Null));
    assert!(mail["raw"].as_str().unwrap().lines().all(|line| line.len() <= 998), "RFC 5322, section 2.1.1");
}

#[tokio::test]
async fn an_address_outside_of_ascii_goes_only_to_a_relay_that_takes_it() {
    let to = "josé@example.com";
    let message = || Outgoing { to: Address::parse(Channel::Email, to).unwrap(), ..message() };
    let mut peer = Peer::start(json!({"tls": "none"})).await;
    plain(peer.port).send(&message()).await.unwrap();
    let mail = peer.wait_for("mail").await;
    assert_eq!((&mail["envelope"]["to"], &mail["to"][0]["address"]), (&json!([to]), &json!(to)));

    let peer = Peer::start(json!({"tls": "none", "asciiOnly": true})).await;
    let text = refused(plain(peer.port).send(&message()).await);
    assert_eq!(text, "the relay takes no address with letters outside of ASCII");
}

#[tokio::test]
async fn a_number_gets_no_mail() {
    let to = Address::parse(Channel::Sms, "+34666666111").unwrap();
    refused(plain(1).send(&Outgoing { to, ..message() }).await);
}
