//! WhatsApp and Telegram in the real binary, through the shipped descriptions: a server plays Meta's and Telegram's part. And in dev
//! mode, where no message leaves.

use crate::{
    carriers::{configuration, free_port, next, pin_in},
    mail::made_key,
    running::Running,
};
use aws_lc_rs::{digest, hmac};
use axum::{Router, body::Bytes, extract::State, http::Uri, routing::post};
use data_encoding::HEXLOWER;
use serde_json::{Value, json};
use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};
use tokio::{
    net::TcpListener,
    sync::mpsc::{self, UnboundedReceiver, UnboundedSender},
};

const NUMBER: &str = "+34666666111";
/// A number that has no account at Telegram.
const UNREACHED: &str = "+34666666222";

/// Meta, Telegram and a carrier of text messages, and what they were sent.
async fn vendors() -> (String, UnboundedReceiver<String>) {
    let (found, posted) = mpsc::unbounded_channel();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let take = |State(found): State<UnboundedSender<String>>, uri: Uri, body: Bytes| async move {
        let body = String::from_utf8(body.to_vec()).unwrap();
        let answer = match uri.path() {
            "/checkSendAbility" if body.contains(&UNREACHED[1..]) => {
                json!({"ok": false, "error": "PHONE_NUMBER_NOT_FOUND"})
            }
            "/checkSendAbility" | "/sendVerificationMessage" => json!({"ok": true, "result": {"request_id": "T1"}}),
            "/sms" => json!({"id": "S1"}),
            _ => json!({"messages": [{"id": "wamid.1"}]}),
        };
        found.send(format!("{} {body}", uri.path())).unwrap();
        answer.to_string()
    };
    let router = Router::new().fallback(post(take)).with_state(found);
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (url, posted)
}

/// A shipped description, pointed at that server. Each secret is the name of its file.
fn shipped(name: &str, url: &str, dir: &Path) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../delivery/aggregators").join(format!("{name}.toml"));
    let mut text = fs::read_to_string(path).unwrap();
    for secret in ["whatsapp", "whatsapp-app", "whatsapp-verify", "telegram"] {
        let file = dir.join(secret);
        fs::write(&file, secret).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        text = text.replace(&format!("\"/run/secrets/{secret}\""), &format!("\"{}\"", file.display()));
    }
    text.replace("https://graph.facebook.com", url).replace("https://gatewayapi.telegram.org", url)
}

fn carrier(url: &str) -> String {
    format!(
        "[providers.http.sky]\nchannels = ['sms']\nrequest.url = '{url}/sms'\n\
         request.json = {{ to = '{{{{ to }}}}', text = '{{{{ text }}}}' }}\n"
    )
}

async fn serving(dir: &Path) -> (Running, UnboundedReceiver<String>) {
    let (url, posted) = vendors().await;
    let providers = shipped("whatsapp", &url, dir) + &shipped("telegram", &url, dir) + &carrier(&url);
    let route = "['sky']\nwhatsapp = ['whatsapp']\n[routes.rules.chat]\nchannel = 'telegram'\nproviders = ['telegram']\n\
                 takes_over_after_seconds = 60\nfall_back = ['sms']\n";
    let config = configuration(dir, free_port().await, &providers, route);
    (Running::serve(&config, &made_key(&config)), posted)
}

async fn started(server: &Running, to: &str, channel: &str) -> String {
    let start = json!({"to": to, "channel": channel, "locale": "en"});
    let started = server.post("/v1/verifications", start).await;
    assert_eq!((started.status, &started.body["channel"]), (201, &json!(channel)), "{}", started.body);
    started.body["id"].as_str().unwrap().to_owned()
}

/// The state of a message once it is this, and what else is known of the verification's messages.
async fn once_it_is(server: &Running, id: &str, message: usize, state: &str) -> Value {
    loop {
        let history = server.get(&format!("/v1/verifications/{id}/events")).await.body;
        if history["messages"][message]["state"] == state {
            return history;
        }
    }
}

fn signed(key: &[u8], text: &str) -> String {
    HEXLOWER.encode(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes()).as_ref())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_goes_by_whatsapp_and_meta_reports_what_became_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let (server, mut posted) = serving(dir.path()).await;
    let client = server.client();
    let webhook = format!("{}/callbacks/whatsapp", server.url);

    let shake = |token: &str| format!("{webhook}?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token={token}");
    let shaken = client.get(shake("whatsapp-verify")).send().await.unwrap();
    assert_eq!(
        (shaken.status().as_u16(), &shaken.headers()["content-type"]),
        (200, &"text/plain; charset=utf-8".parse().unwrap())
    );
    assert_eq!(shaken.text().await.unwrap(), "1158201444");
    let refused = client.get(shake("another")).send().await.unwrap();
    assert_eq!(refused.status(), 403);
    assert!(!refused.text().await.unwrap().contains("1158201444"));

    let id = started(&server, NUMBER, "whatsapp").await;
    let sent = next(&mut posted).await;
    let (path, body) = sent.split_once(' ').unwrap();
    assert_eq!(path, "/v23.0/106540352242922/messages");
    let body: Value = serde_json::from_str(body).unwrap();
    let template = &body["template"];
    // The codes of the service live for five minutes, and that is what the line under the code says.
    assert_eq!((&template["name"], &template["language"]["code"]), (&json!("code_5m"), &json!("en")));
    let parameters = [0, 1].map(|at| template["components"][at]["parameters"][0]["text"].as_str().unwrap());
    assert_eq!(parameters[0], parameters[1], "what the button copies is what is read");
    once_it_is(&server, &id, 0, "accepted").await;

    let report = |ours: &Value| {
        let status = json!({"id": "wamid.1", "status": "delivered", "biz_opaque_callback_data": ours});
        let other = json!({"id": "wamid.other", "status": "read"});
        json!({"entry": [{"changes": [{"value": {"statuses": [other, status]}}]}]}).to_string()
    };
    let mine = report(&body["biz_opaque_callback_data"]);
    for (key, expected) in [("another", 403), ("whatsapp-app", 200)] {
        let signature = format!("sha256={}", signed(key.as_bytes(), &mine));
        let request = client.post(&webhook).header("X-Hub-Signature-256", signature).body(mine.clone());
        assert_eq!(request.send().await.unwrap().status(), expected);
    }
    once_it_is(&server, &id, 0, "delivered").await;
    let checked = server.post(&format!("/v1/verifications/{id}/check"), json!({"code": parameters[0]})).await.body;
    assert_eq!(checked["valid"], true, "{checked}");
    let paid = json!({"to": NUMBER, "channel": "whatsapp", "payment": {"payee": "Books & Co", "amount": "12.50", "currency": "EUR"}});
    let refused = server.post("/v1/verifications", paid).await;
    assert_eq!((refused.status, &refused.body["code"]), (422, &json!("channel_unavailable")), "{}", refused.body);
    let (status, log) = server.stop();
    assert!(status.success());
    assert!(!log.contains("666666111") && !log.contains(parameters[0]), "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn telegram_is_asked_first_and_who_is_not_there_gets_a_text_message_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let (server, mut posted) = serving(dir.path()).await;
    let id = started(&server, NUMBER, "telegram").await;
    assert_eq!(next(&mut posted).await, "/checkSendAbility phone_number=%2B34666666111");
    let sent = next(&mut posted).await;
    let url: reqwest::Url = format!("http://telegram{}", sent.replacen(' ', "?", 1)).parse().unwrap();
    let field = |name: &str| {
        let found = url.query_pairs().find(|(found, _)| found == name).map(|(_, value)| value.into_owned());
        found.unwrap_or_else(|| panic!("{name} in {sent}"))
    };
    assert_eq!((url.path(), field("request_id").as_str()), ("/sendVerificationMessage", "T1"));
    let ttl: u32 = field("ttl").parse().unwrap();
    assert!((290..=300).contains(&ttl), "for as long as the code can be used: {ttl}");
    once_it_is(&server, &id, 0, "accepted").await;
    let report =
        json!({"request_id": "T1", "phone_number": NUMBER, "delivery_status": {"status": "read", "updated_at": 1}});
    let signature = |token: &str| {
        let key = digest::digest(&digest::SHA256, token.as_bytes());
        signed(key.as_ref(), &format!("1767225601\n{report}"))
    };
    for (token, expected) in [("another", 403), ("telegram", 200)] {
        let request = server.client().post(field("callback_url")).header("X-Request-Timestamp", "1767225601");
        let request = request.header("X-Request-Signature", signature(token)).body(report.to_string());
        assert_eq!(request.send().await.unwrap().status(), expected);
    }
    once_it_is(&server, &id, 0, "delivered").await;
    let code = field("code");
    let checked = server.post(&format!("/v1/verifications/{id}/check"), json!({"code": code})).await.body;
    assert_eq!(checked["valid"], true, "{checked}");

    let id = started(&server, UNREACHED, "telegram").await;
    assert_eq!(next(&mut posted).await, "/checkSendAbility phone_number=%2B34666666222");
    let text = next(&mut posted).await;
    assert!(text.starts_with("/sms "), "nothing was sent, and nothing paid for: {text}");
    let body: Value = serde_json::from_str(text.trim_start_matches("/sms ")).unwrap();
    let history = once_it_is(&server, &id, 1, "accepted").await;
    assert_eq!(
        history["messages"][0]["reason"],
        "telegram: the provider refused the message (200, PHONE_NUMBER_NOT_FOUND)"
    );
    let code = pin_in(body["text"].as_str().unwrap());
    let checked = server.post(&format!("/v1/verifications/{id}/check"), json!({"code": code})).await.body;
    assert_eq!(checked["valid"], true, "{checked}");
    let (_, log) = server.stop();
    assert!(!log.contains("666666111") && !log.contains("666666222") && !log.contains(code), "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_dev_mode_the_inbox_takes_messages_of_every_channel() {
    let dir = tempfile::tempdir().unwrap();
    let server = Running::dev(dir.path()).await;
    for (number, channel) in [("+34666666301", "whatsapp"), ("+34666666302", "telegram"), ("+34666666303", "voice")] {
        let id = started(&server, number, channel).await;
        let inbox = format!("/sandbox/messages?to={}&channel={channel}&wait=30", &number[1..]);
        let message = server.get(&inbox).await.body["messages"][0].clone();
        assert_eq!((&message["channel"], &message["verification_id"]), (&json!(channel), &json!(id)), "{message}");
        let check = format!("/v1/verifications/{id}/check");
        let checked = server.post(&check, json!({"code": message["code"]})).await.body;
        assert_eq!(checked["valid"], true, "{checked}");
    }
}
