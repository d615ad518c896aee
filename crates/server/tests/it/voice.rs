//! A text message of which nothing is heard, and then a call, in the real binary: through the shipped descriptions of Twilio, against
//! a server that plays Twilio's part and asks what to say.

use crate::{
    carriers::{configuration, free_port, next, pin_in},
    mail::made_key,
    running::Running,
};
use aws_lc_rs::hmac;
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{StatusCode, Uri},
    routing::post,
};
use data_encoding::BASE64;
use reqwest::{Client, Response};
use serde_json::{Value, json};
use std::{collections::BTreeMap, fs, os::unix::fs::PermissionsExt as _, path::Path};
use tokio::{
    net::TcpListener,
    sync::mpsc::{self, UnboundedReceiver, UnboundedSender},
};

const NUMBER: &str = "+34666666111";
const TOKEN: &str = "twilio-token";
const ACCOUNT: &str = "AC00000000000000000000000000000000";

/// Takes every message and every call.
async fn twilio() -> (String, UnboundedReceiver<String>) {
    let (found, posted) = mpsc::unbounded_channel();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let take = |State(found): State<UnboundedSender<String>>, uri: Uri, body: Bytes| async move {
        let sid = if uri.path().ends_with("/Calls.json") { "CA1" } else { "SM1" };
        found.send(format!("{}?{}", uri.path(), String::from_utf8(body.to_vec()).unwrap())).unwrap();
        (StatusCode::CREATED, json!({"sid": sid, "status": "queued"}).to_string())
    };
    let router = Router::new().fallback(post(take)).with_state(found);
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (url, posted)
}

/// The shipped description, pointed at that server.
fn shipped(name: &str, url: &str, secrets: &Path) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../delivery/aggregators").join(format!("{name}.toml"));
    let text = fs::read_to_string(path).unwrap();
    text.replace("https://api.twilio.com", url).replace("/run/secrets/twilio", &secrets.display().to_string())
}

/// What was posted: where to, and the fields.
fn fields(posted: &str) -> (String, BTreeMap<String, String>) {
    let url: reqwest::Url = format!("http://twilio{posted}").parse().unwrap();
    (url.path().to_owned(), url.query_pairs().into_owned().collect())
}

/// Twilio calls us, signed with this token.
async fn asks(client: &Client, url: &str, token: &str, more: &[(&str, &str)]) -> Response {
    let mut fields = vec![("AccountSid", ACCOUNT), ("CallSid", "CA1"), ("To", NUMBER)];
    fields.extend(more);
    fields.sort_unstable();
    let signed = fields.iter().fold(url.to_owned(), |text, (name, value)| text + name + value);
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, token.as_bytes());
    let signature = BASE64.encode(hmac::sign(&key, signed.as_bytes()).as_ref());
    let mut form: reqwest::Url = "http://form/".parse().unwrap();
    form.query_pairs_mut().extend_pairs(&fields);
    let body = form.query().unwrap().to_owned();
    let request = client.post(url).header("content-type", "application/x-www-form-urlencoded");
    request.header("X-Twilio-Signature", signature).body(body).send().await.unwrap()
}

/// The words of all <Say> in what Twilio was told.
fn said(twiml: &str) -> Vec<String> {
    let pieces = twiml.split("</Say>").filter_map(|piece| piece.split_once("<Say language=\"es-ES\">"));
    pieces.map(|(_, words)| words.to_owned()).collect()
}

/// The history, once this message of it is in this state.
async fn once_it_is(server: &Running, id: &str, message: usize, state: &str) -> Value {
    loop {
        let history = server.get(&format!("/v1/verifications/{id}/events")).await.body;
        if history["messages"][message]["state"] == state {
            return history;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_text_message_of_which_nothing_is_heard_a_call_says_the_code_once_a_key_was_pressed() {
    let (url, mut taken) = twilio().await;
    let dir = tempfile::tempdir().unwrap();
    let secrets = dir.path().join("twilio");
    fs::write(&secrets, TOKEN).unwrap();
    fs::set_permissions(&secrets, fs::Permissions::from_mode(0o600)).unwrap();
    let carriers = shipped("twilio", &url, &secrets) + &shipped("twilio-voice", &url, &secrets);
    let rule = "['twilio']\nvoice = ['twilio-voice']\n[routes.rules.spain]\nchannel = 'sms'\ncountries = ['ES']\n\
                providers = ['twilio']\ntakes_over_after_seconds = 1\nfall_back = ['voice']\n";
    let config = configuration(dir.path(), free_port().await, &carriers, rule);
    let server = Running::serve(&config, &made_key(&config));
    let client = server.client();
    let start = json!({"to": NUMBER, "channel": "sms", "locale": "es"});
    let started = server.post("/v1/verifications", start).await;
    assert_eq!(started.status, 201, "{}", started.body);
    let id = started.body["id"].as_str().unwrap().to_owned();

    let (path, text) = fields(&next(&mut taken).await);
    assert!(path.ends_with("/Messages.json"), "{path}");
    let code = pin_in(&text["Body"]).to_owned();
    let posted = next(&mut taken).await;
    assert!(!posted.contains(&code), "who places the call does not get the code");
    let (path, call) = fields(&posted);
    assert!(path.ends_with("/Calls.json"), "{path}");
    assert_eq!((call["To"].as_str(), call["From"].as_str()), (NUMBER, "+15005550006"));
    once_it_is(&server, &id, 1, "accepted").await;

    // Something picks up; a stranger who knows the address is told nothing.
    let picked_up = [("CallStatus", "in-progress")];
    assert_eq!(asks(&client, &call["Url"], "another-token", &picked_up).await.status(), 403);
    let answer = asks(&client, &call["Url"], TOKEN, &picked_up).await;
    assert_eq!(answer.headers()["content-type"], "text/xml; charset=utf-8");
    let asked = answer.text().await.unwrap();
    println!("picked up:  {asked}");
    let ask = "Hola. Para escuchar su código de verificación, pulse 1.";
    assert_eq!(said(&asked), [ask, ask]);
    let one_by_one = code.chars().map(String::from).collect::<Vec<_>>().join(", ");
    assert!(!asked.contains(&code) && !asked.contains(&one_by_one));
    let action = asked.split("action=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();

    let pressed = asks(&client, action, TOKEN, &[("Digits", "1")]).await.text().await.unwrap();
    println!("pressed 1:  {}", pressed.replace(&one_by_one, "4, 8, 2, …"));
    let [words] = said(&pressed).try_into().unwrap();
    assert_eq!(words.matches(&one_by_one).count(), 2, "{words}");
    assert_eq!(
        words,
        format!(
            "Hola. Su código de verificación es: {one_by_one}. Se lo repetimos: {one_by_one}. No lo comparta con nadie. Adiós."
        )
    );
    let history = once_it_is(&server, &id, 1, "delivered").await;
    assert_eq!(history["messages"][0]["taken_over_by"], history["messages"][1]["id"]);

    // That the call is over is taken, and changes nothing.
    let ended = asks(&client, &call["StatusCallback"], TOKEN, &[("CallStatus", "completed")]).await;
    assert_eq!(ended.status(), 200);
    let history = once_it_is(&server, &id, 1, "delivered").await.to_string();
    let checked = server.post(&format!("/v1/verifications/{id}/check"), json!({"code": code})).await.body;
    assert_eq!(checked["valid"], true, "{checked}");
    let later = asks(&client, action, TOKEN, &[("Digits", "1")]).await.text().await.unwrap();
    assert_eq!(said(&later), ["Este código ya no es válido. Adiós."]);

    let (status, log) = server.stop();
    assert!(status.success());
    for told in [&log, &history] {
        assert!(!told.contains("666666111") && !told.contains(&code) && !told.contains(&one_by_one), "{told}");
    }
    assert!(!log.contains(call["Url"].rsplit('/').next().unwrap()), "the token of the call's address is in no log");
}
