//! Auth0 against the real binary: the vendor's own sample line, and `kill -9` in the middle of a log-in.

use crate::running::Running;
use serde_json::{Value, json};
use std::process::Command;

const MFA_OOB: &str = "http://auth0.com/oauth/grant-type/mfa-oob";

async fn credentials(server: &Running) -> Value {
    server.get("/sandbox/credentials").await.body["tenants"][0]["auth0"].clone()
}

async fn token(server: &Running, more: Value) -> (u16, Value) {
    let known = credentials(server).await;
    let mut body = json!({ "client_id": known["client_id"], "client_secret": known["client_secret"] });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let answer = server.post("/oauth/token", body).await;
    (answer.status, answer.body)
}

async fn log_in(server: &Running, user: &Value) -> String {
    let log_in = json!({ "grant_type": "password", "username": user["username"], "password": user["password"] });
    let (status, body) = token(server, log_in).await;
    assert_eq!((status, &body["error"]), (403, &json!("mfa_required")));
    body["mfa_token"].as_str().unwrap().to_owned()
}

async fn code(server: &Running, after: u64) -> (u64, String) {
    let messages = server.get(&format!("/sandbox/messages?channel=email&after={after}&wait=30")).await.body;
    let message = &messages["messages"][0];
    (message["seq"].as_u64().unwrap(), message["code"].as_str().unwrap().to_owned())
}

fn in_shell(line: &str) -> String {
    let output = Command::new("sh").args(["-euc", line]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// As the vendor's page has it; domain, client and token are put in as a user would do it.
const CURL: &str = r#"curl --request POST \
  --url 'https://YOUR_DOMAIN/mfa/challenge' \
  --data '{ "client_id": "YOUR_CLIENT_ID", "challenge_type": "otp", "mfa_token": "Fe26.2**05..." }'"#;

#[tokio::test]
async fn the_vendors_curl_line_works_and_a_log_in_outlives_kill_9() {
    let data = tempfile::tempdir().unwrap();
    let server = Running::dev(data.path()).await;
    let user = credentials(&server).await["users"][1].clone();

    // Enrolled before the first crash, confirmed after it.
    let waiting = log_in(&server, &user).await;
    let mail = json!({ "authenticator_types": ["oob"], "oob_channels": ["email"] });
    let answer = with_bearer(&server, &waiting, "/mfa/associate", &mail).await;
    let (seq, first) = code(&server, 0).await;
    server.kill();
    let server = Running::dev(data.path()).await;
    let confirm = |token: &str, oob_code: &Value, code: &str| json!({ "grant_type": MFA_OOB, "mfa_token": token, "oob_code": oob_code, "binding_code": code });
    assert_eq!(token(&server, confirm(&waiting, &answer["oob_code"], &first)).await.0, 200);

    // Challenged before the second, redeemed after it, and never again.
    let waiting = log_in(&server, &user).await;
    let known = credentials(&server).await;
    let mut challenge = json!({ "mfa_token": waiting, "challenge_type": "oob" });
    challenge["client_id"] = known["client_id"].clone();
    challenge["client_secret"] = known["client_secret"].clone();
    let answer = server.post("/mfa/challenge", challenge).await.body;
    let (_, second) = code(&server, seq).await;
    server.kill();
    let server = Running::dev(data.path()).await;
    assert_eq!(token(&server, confirm(&waiting, &answer["oob_code"], &second)).await.0, 200);
    server.kill();
    let server = Running::dev(data.path()).await;
    let (status, again) = token(&server, confirm(&waiting, &answer["oob_code"], &second)).await;
    assert_eq!((status, &again["error_description"]), (403, &json!("Malformed mfa_token")));

    // The vendor's line, for a user with an app.
    let fresh = json!({ "tenant": "dev", "username": "app@example.com", "password": "x", "mfa": "required" });
    let fresh = server.post("/sandbox/users", fresh).await;
    assert_eq!(fresh.status, 201);
    let public = known["public_client_id"].as_str().unwrap();
    let log_in =
        json!({ "grant_type": "password", "username": "app@example.com", "password": "x", "client_id": public });
    let waiting = server.post("/oauth/token", log_in).await.body["mfa_token"].as_str().unwrap().to_owned();
    let line = CURL
        .replace("https://YOUR_DOMAIN", &server.url)
        .replace("YOUR_CLIENT_ID", public)
        .replace("Fe26.2**05...", &waiting);
    let told: Value = serde_json::from_str(&in_shell(&line)).unwrap();
    assert_eq!(told["error"], "association_required");
}

async fn with_bearer(server: &Running, token: &str, path: &str, body: &Value) -> Value {
    let request = server.client().post(format!("{}{path}", server.url)).bearer_auth(token).json(body);
    request.send().await.unwrap().json().await.unwrap()
}

#[tokio::test]
async fn what_newcomers_paste_works() {
    let data = tempfile::tempdir().unwrap();
    let server = Running::dev(data.path()).await;
    let examples = server.get("/sandbox/examples").await.body;
    let of_auth0 = examples["examples"].as_array().unwrap().iter().find(|it| it["dialect"] == "auth0").unwrap();
    let commands = of_auth0["commands"].as_array().unwrap();
    let paste = |place: usize, filled: &[(&str, &str)]| {
        let line = commands[place]["command"].as_str().unwrap().to_owned();
        let line = filled.iter().fold(line, |line, (name, value)| line.replace(name, value));
        serde_json::from_str::<Value>(&in_shell(&line)).unwrap()
    };
    let text = |value: &Value, name: &str| value[name].as_str().unwrap_or_else(|| panic!("{value}")).to_owned();
    let waiting = text(&paste(0, &[]), "mfa_token");
    let oob_code = text(&paste(1, &[("MFA_TOKEN", &waiting)]), "oob_code");
    let messages = server.get("/sandbox/messages?to=34666666111&wait=30").await.body;
    let code = text(&messages["messages"][0], "code");
    let tokens = paste(2, &[("MFA_TOKEN", &waiting), ("OOB_CODE", &oob_code), ("\"CODE\"", &format!("\"{code}\""))]);
    assert_eq!(tokens["token_type"], "Bearer");
    let waiting = text(&paste(0, &[]), "mfa_token");
    assert_eq!(paste(3, &[("MFA_TOKEN", &waiting)])["binding_method"], "prompt");
    assert_eq!(paste(4, &[])["token_type"], "Bearer");
}

#[tokio::test]
async fn the_two_tenants_know_nothing_of_each_other_and_each_user_stays_itself() {
    let data = tempfile::tempdir().unwrap();
    let server = Running::dev(data.path()).await;
    let before = server.get("/sandbox/credentials").await.body;
    let (dev, dev2) = (before["tenants"][0]["auth0"].clone(), before["tenants"][1]["auth0"].clone());
    assert_ne!(dev["client_id"], dev2["client_id"]);
    assert_ne!(dev["users"][0]["user_id"], dev2["users"][0]["user_id"]);
    let user = &dev["users"][0];
    let foreign = json!({
        "grant_type": "password", "username": user["username"], "password": user["password"],
        "client_id": dev2["client_id"], "client_secret": dev2["client_secret"],
    });
    assert_eq!(server.post("/oauth/token", foreign).await.status, 403);
    let taken = json!({ "tenant": "dev", "username": user["username"], "password": "x", "mfa": "off" });
    assert_eq!(server.post("/sandbox/users", taken).await.status, 409);
    server.kill();
    let server = Running::dev(data.path()).await;
    let after = credentials(&server).await;
    for same in ["client_id", "client_secret", "public_client_id", "audience", "users"] {
        assert_eq!(after[same], dev[same], "{same}");
    }
}

/// What a client is told, head and body.
struct Told {
    status: u16,
    kind: String,
    body: String,
}

impl Told {
    async fn of(request: reqwest::RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
        Self { status: response.status().as_u16(), kind, body: response.text().await.unwrap() }
    }

    fn must_be_not_sent(&self) {
        let body = r#"{"error":"bad_gateway","error_description":"The message could not be sent."}"#;
        let kind = "application/json; charset=utf-8";
        assert_eq!((self.status, self.kind.as_str(), self.body.as_str()), (502, kind, body));
    }

    fn json(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.body);
        serde_json::from_str(&self.body).unwrap()
    }
}

#[tokio::test]
async fn a_code_that_nobody_carries_is_told_at_once_and_leaves_nothing_behind() {
    let data = tempfile::tempdir().unwrap();
    let server = Running::dev(data.path()).await;
    let user = credentials(&server).await["users"][1].clone();
    let waiting = log_in(&server, &user).await;
    let refuses = async |number: &str, outcome: &str| {
        server.put(&format!("/sandbox/outcomes/{number}"), json!({"outcome": outcome, "delay_ms": 0})).await;
    };
    let with_token =
        |method, path: &str| server.client().request(method, format!("{}{path}", server.url)).bearer_auth(&waiting);
    let associate = async |channel: &str| {
        let mut body = json!({ "authenticator_types": ["oob"], "oob_channels": [channel] });
        if channel == "email" {
            body["email"] = json!("a@example.com");
        } else {
            body["phone_number"] = json!("+34666666111");
        }
        Told::of(with_token(reqwest::Method::POST, "/mfa/associate").json(&body)).await
    };
    let listed = async || {
        Told::of(with_token(reqwest::Method::GET, "/mfa/authenticators")).await.json().as_array().unwrap().len()
    };
    for address in ["34666666111", "a@example.com"] {
        refuses(address, "reject").await;
    }
    for channel in ["sms", "voice", "email"] {
        associate(channel).await.must_be_not_sent();
        assert_eq!(
            listed().await,
            0,
            "{channel}: neither a factor that waits nor the recovery code that nobody has seen"
        );
    }

    // The next one is the first.
    refuses("34666666111", "deliver").await;
    let enrolled = associate("sms").await.json();
    assert_eq!(enrolled["recovery_codes"].as_array().map(Vec::len), Some(1));
    let code = async |after: u64| {
        let arrived = server.get(&format!("/sandbox/messages?to=34666666111&after={after}&wait=30")).await.body;
        let message = arrived["messages"].as_array().unwrap().last().unwrap().clone();
        (message["seq"].as_u64().unwrap(), message["code"].as_str().unwrap().to_owned())
    };
    let redeem = |token: &str, oob_code: &Value, code: &str| json!({ "grant_type": MFA_OOB, "mfa_token": token, "oob_code": oob_code, "binding_code": code });
    let (seq, first) = code(0).await;
    assert_eq!(token(&server, redeem(&waiting, &enrolled["oob_code"], &first)).await.0, 200);

    let waiting = log_in(&server, &user).await;
    let known = credentials(&server).await;
    let challenge = async || {
        let body =
            json!({ "mfa_token": waiting, "client_id": known["client_id"], "client_secret": known["client_secret"] });
        Told::of(server.client().post(format!("{}/mfa/challenge", server.url)).json(&body)).await
    };
    refuses("34666666111", "reject").await;
    challenge().await.must_be_not_sent();
    let ask = json!({ "grant_type": "client_credentials", "audience": format!("{}/api/v2/", server.url) });
    let admin = token(&server, ask).await.1["access_token"].as_str().unwrap().to_owned();
    let log = Told::of(server.client().get(format!("{}/api/v2/logs?per_page=1", server.url)).bearer_auth(admin)).await;
    assert_eq!(log.json()[0]["type"], "gd_send_sms_failure");
    refuses("34666666111", "deliver").await;
    let sent = challenge().await.json();
    let (_, second) = code(seq).await;
    assert_eq!(token(&server, redeem(&waiting, &sent["oob_code"], &second)).await.0, 200);
}
