//! What no shipped configuration needs and an operator's own may: other bodies, other proofs, TLS with a private authority,
//! and number look-ups.

use super::bench::{TO, message, saying};
use crate::certificates::Certificates;
use aws_lc_rs::hmac;
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri},
};
use countersign_delivery::{
    Accepted, NumberLookup as _, Outgoing, Provider as _, SendError,
    lookup::LookedUp,
    providers::http::{Http, HttpLookup, settings},
};
use countersign_model::{Channel, PhoneNumber};
use data_encoding::HEXLOWER;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    sync::mpsc,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    },
};

/// A request as it arrived.
struct Arrived {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: String,
}

/// A server that answers every request the same, and its address.
async fn server(status: u16, answer: &'static str) -> (String, mpsc::UnboundedReceiver<Arrived>) {
    let (found, requests) = mpsc::unbounded_channel();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let note = move |State(found): State<mpsc::UnboundedSender<_>>, method, uri, headers, body: Bytes| async move {
        found.send(Arrived { method, uri, headers, body: String::from_utf8(body.to_vec()).unwrap() }).unwrap();
        let location = [("location", "/elsewhere")];
        (StatusCode::from_u16(status).unwrap(), location, answer)
    };
    let router = Router::new().fallback(note).with_state(found);
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (url, requests)
}

fn settings(request: &Value) -> settings::Settings {
    serde_json::from_value(json!({"channels": ["sms"], "request": request})).unwrap()
}

async fn send(request: &Value) -> Result<Accepted, SendError> {
    Http::new(&settings(request)).unwrap().send(&message()).await
}

#[tokio::test]
async fn xml_and_headers_are_templates_too() {
    let (url, mut requests) = server(200, "").await;
    let request = json!({"method": "PUT", "url": format!("{url}/send/{{{{ id_hex }}}}"), "headers": {"X-To": "{{ to_digits }}", "X-No": "{{ subject }}"},
        "xml": "<sms to=\"{{ to }}\" from=\"{{ from }}\">{{ text }}</sms>"});
    let provider = Http::new(&settings(&request)).unwrap();
    provider.send(&saying(message(), "a & <b> \"c\" 'd' ✓")).await.unwrap();
    let arrived = requests.recv().await.unwrap();
    assert_eq!((arrived.method, arrived.uri.path()), (Method::PUT, "/send/01010101010101010101010101010101"));
    assert_eq!(arrived.headers["content-type"], "application/xml; charset=utf-8");
    assert_eq!(arrived.headers["x-to"], "34666666111");
    assert!(!arrived.headers.contains_key("x-no"), "an empty header is left out");
    let text = "a &amp; &lt;b&gt; &quot;c&quot; &#39;d&#39; ✓";
    assert_eq!(arrived.body, format!("<sms to=\"{TO}\" from=\"AcmeShop\">{text}</sms>"));
}

#[tokio::test]
async fn a_request_is_signed_over_what_the_settings_say() {
    let (url, mut requests) = server(200, "").await;
    let request = json!({"url": format!("{url}/v1?a=b"), "form": {"text": "{{ text }}"}, "headers": {"X-Time": "{{ timestamp }}"},
        "auth": {"hmac": {"header": "X-Sig", "secret": "k", "algorithm": "sha512", "prefix": "v1=", "over": "{{ method }}\n{{ path }}\n{{ timestamp }}\n{{ body }}"}}});
    send(&request).await.unwrap();
    let arrived = requests.recv().await.unwrap();
    assert_eq!(arrived.headers["x-time"], "1767225600");
    let key = hmac::Key::new(hmac::HMAC_SHA512, b"k");
    let signed = format!("POST\n/v1\n1767225600\n{}", arrived.body);
    let expected = HEXLOWER.encode(hmac::sign(&key, signed.as_bytes()).as_ref());
    assert_eq!(arrived.headers["x-sig"], format!("v1={expected}"));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (url, mut requests) = server(307, "").await;
    assert!(matches!(send(&json!({"url": url})).await, Err(SendError::Retry(_))));
    requests.recv().await.unwrap();
    assert!(requests.try_recv().is_err());
}

#[tokio::test]
async fn a_message_of_another_channel_is_refused_before_anything_is_sent() {
    let (url, mut requests) = server(200, "").await;
    let provider = Http::new(&settings(&json!({"url": url}))).unwrap();
    let result = provider.send(&Outgoing { channel: Channel::Voice, ..message() }).await;
    assert!(matches!(result, Err(SendError::Refused(_))));
    assert!(requests.try_recv().is_err());
}

#[tokio::test]
async fn a_host_that_does_not_speak_tls_costs_half_the_time_and_is_tried_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    let result = send(&json!({"url": url, "timeout_seconds": 2})).await;
    assert_eq!(result, Err(SendError::Retry("no connection to the provider within 1s".into())));
}

/// Answers one request over TLS.
async fn tls_server(certificates: &Certificates) -> u16 {
    let chain = CertificateDer::pem_file_iter(&certificates.certificate).unwrap().map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_file(&certificates.key).unwrap();
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        // A client that does not trust us ends the handshake.
        let Ok(mut stream) = acceptor.accept(stream).await else { return };
        let mut head = [0; 1024];
        let _ = stream.read(&mut head).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
    });
    port
}

#[tokio::test]
async fn a_private_authority_is_trusted_where_the_settings_say_so_and_nowhere_else() {
    let (ours, other) = (Certificates::of("localhost"), Certificates::of("localhost"));
    let request = |port, more: Value| {
        let mut request = json!({"method": "GET", "url": format!("https://localhost:{port}/")});
        request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        request
    };
    let port = tls_server(&ours).await;
    send(&request(port, json!({"ca_file": ours.authority}))).await.unwrap();
    for more in [json!({"ca_file": other.authority}), json!({})] {
        let port = tls_server(&ours).await;
        let Err(SendError::Retry(text)) = send(&request(port, more)).await else { panic!("trusted a stranger") };
        assert!(text.starts_with("no connection to the provider: invalid peer certificate"), "{text}");
    }
}

#[tokio::test]
async fn a_look_up_tells_whether_a_number_exists_or_that_nobody_knows() {
    for (status, answer, expected) in [
        (200, r#"{"status": "active", "network": 21407}"#, Some(LookedUp::Exists { operator: Some("21407".into()) })),
        (200, r#"{"status": "roaming"}"#, Some(LookedUp::Exists { operator: None })),
        (200, r#"{"status": "absent"}"#, Some(LookedUp::Missing)),
        (404, "", Some(LookedUp::Missing)),
        (200, r#"{"status": "pending"}"#, None),
        (200, "<html>", None),
        (500, r#"{"status": "unheard"}"#, None),
    ] {
        let (url, mut requests) = server(status, answer).await;
        let lookup = json!({"request": {"method": "GET", "url": format!("{url}/hlr"), "query": {"number": "{{ to }}"}},
            "exists": [{"status": "2xx", "json": "/status", "is": ["active", "roaming"]}],
            "missing": [{"json": "/status", "is": "absent"}, {"status": "404"}], "operator": {"json": "/network"}});
        let lookup = HttpLookup::new(&serde_json::from_value(lookup).unwrap()).unwrap();
        let found = lookup.look_up(&PhoneNumber::parse(TO).unwrap()).await;
        assert_eq!(requests.recv().await.unwrap().uri.query(), Some("number=%2B34666666111"));
        match expected {
            Some(known) => assert_eq!(found, Ok(known), "{answer}"),
            None => assert!(!found.unwrap_err().contains("34666666111"), "{answer}"),
        }
    }
}

/// A provider that asks at one server whether somebody can be reached, and sends at another.
fn asking_first(question: &str, send: &str) -> Http {
    let json = json!({"channels": ["sms"], "request": {"url": send, "form": {"id": "{{ reach_reference }}", "text": "{{ text }}"}},
        "reach": {"request": {"url": question, "timeout_seconds": 1, "form": {"to": "{{ to }}"}},
                  "answer": {"accept": [{"json": "/id", "exists": true}], "refuse": [{"contains": "nobody"}], "reference": {"json": "/id"}}}});
    Http::new(&serde_json::from_value(json).unwrap()).unwrap()
}

#[tokio::test]
async fn who_cannot_be_reached_is_sent_nothing_and_who_can_is_sent_it_with_the_answers_reference() {
    let (carrier, mut sent) = server(200, "").await;
    let (question, mut asked) = server(200, r#"{"id": "q-1"}"#).await;
    asking_first(&question, &carrier).send(&message()).await.unwrap();
    assert_eq!(asked.recv().await.unwrap().body, "to=%2B34666666111");
    assert!(sent.recv().await.unwrap().body.starts_with("id=q-1&text="));
    // An answer that nobody understands is no message that was perhaps sent.
    for (status, answer, expected) in [(200, "nobody is there", true), (503, "", false), (200, "what?", false)] {
        let (question, _asked) = server(status, answer).await;
        let result = asking_first(&question, &carrier).send(&message()).await;
        assert_eq!(matches!(result, Err(SendError::Refused(_))), expected, "{result:?}");
        assert_eq!(matches!(result, Err(SendError::Retry(_))), !expected, "{result:?}");
    }
    let mute = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let question = format!("http://{}/", mute.local_addr().unwrap());
    let result = asking_first(&question, &carrier).send(&message()).await;
    assert_eq!(result, Err(SendError::Retry("no answer from the provider within 1s".into())));
    assert!(sent.try_recv().is_err());
}

#[test]
fn what_cannot_be_of_questions_calls_and_languages_is_named() {
    let request = json!({"url": "https://v.example/{{ call_url }}"});
    let say = json!({"key_press": false, "say": {"xml": "<s>{{ text }}</s>"}});
    for (settings, setting) in [
        (json!({"channels": ["voice"], "request": {"url": "https://v.example/"}, "call": say}), "call"),
        (json!({"channels": ["voice", "sms"], "request": request, "call": say}), "call"),
        (
            json!({"channels": ["voice"], "request": {"url": "https://v.example/{{ call_url }}", "form": {"a": "{{ code }}"}}, "call": say}),
            "call",
        ),
        (json!({"channels": ["voice"], "request": request, "call": {"say": {"xml": "x"}}}), "call.pressed"),
        (json!({"channels": ["sms"], "request": request, "languages": {"EN": "x"}}), "languages"),
        (json!({"channels": ["sms"], "request": {"url": "https://v.example/{{ reach_reference }}"}}), "request.url"),
        (
            json!({"channels": ["sms"], "request": {"url": "https://v.example/", "timeout_seconds": 14},
            "reach": {"request": {"url": "https://v.example/", "timeout_seconds": 14}}}),
            "reach",
        ),
        (
            json!({"channels": ["sms"], "request": request, "reach": {"request": {"url": "https://v.example/{{ nmae }}"}}}),
            "reach",
        ),
        (
            json!({"channels": ["sms"], "request": {"url": "https://v.example/", "auth": {"jwt": {"private_key": "x"}}}}),
            "request.auth",
        ),
    ] {
        let Err(bad) = Http::new(&serde_json::from_value(settings.clone()).unwrap()) else { panic!("{settings}") };
        assert_eq!(bad.setting, setting, "{settings}: {}", bad.problem);
    }
}

#[test]
fn settings_that_cannot_be_are_named() {
    for (request, setting) in [
        (json!({"url": "sms.example"}), "request.url"),
        (json!({"url": "http://sms.example/"}), "request.url"),
        (json!({"url": "https://sms.example/{{ nmae }}"}), "request.url"),
        (json!({"url": "https://sms.example/", "query": {"a": "{{"}}), "request.query"),
        (json!({"url": "https://sms.example/", "headers": {"a b": "c"}}), "request.headers"),
        (json!({"url": "https://sms.example/", "timeout_seconds": 15}), "request.timeout_seconds"),
        (json!({"url": "https://sms.example/", "timeout_seconds": 0}), "request.timeout_seconds"),
        (json!({"url": "https://sms.example/", "ca_file": "/dev/null"}), "request.ca_file"),
        (json!({"url": "https://sms.example/", "values": {"text": "x"}}), "request.values"),
        (json!({"url": "https://sms.example/", "values": {"A": "x"}}), "request.values"),
        (json!({"url": "https://sms.example/", "secrets": {"a_file": "/nowhere"}}), "request.secrets"),
        (json!({"url": "https://sms.example/", "auth": {"bearer": {}}}), "request.auth"),
        (json!({"url": "https://sms.example/", "auth": {"bearer": {"token": "a\nb"}}}), "request.auth"),
    ] {
        let Err(bad) = Http::new(&settings(&request)) else { panic!("{request}") };
        assert_eq!(bad.setting, setting, "{request}: {}", bad.problem);
    }
    let link = json!({"status": {"form": "s"}, "delivered": "1", "undelivered": "2"});
    let request = json!({"url": "https://sms.example/"});
    let settings = json!({"channels": ["sms"], "request": request, "receipt": link});
    let bad = Http::new(&serde_json::from_value(settings).unwrap()).unwrap_err();
    assert_eq!(bad.setting, "receipt.signature", "a link that is never told cannot be called");
    let nobody = json!({"channels": [], "request": request});
    assert_eq!(Http::new(&serde_json::from_value(nobody).unwrap()).unwrap_err().setting, "channels");
}
