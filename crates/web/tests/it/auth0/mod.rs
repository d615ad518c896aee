//! Auth0: what no file of exchanges can tell. The numbers are those of the dialect's acceptance list.

mod acceptance;
mod grants;
mod limits;
mod management;
mod push;
mod timing;

use crate::wire::{Answer, Server};
use axum::{
    body::Body,
    http::{
        Method, Request,
        header::{AUTHORIZATION, CONTENT_TYPE},
    },
};
use countersign_model::{MfaRule, Timestamp, Totp, UserId};
use serde_json::{Value, json};

const PASSWORD: &str = "correct horse";
const MFA_OTP: &str = "http://auth0.com/oauth/grant-type/mfa-otp";
const MFA_OOB: &str = "http://auth0.com/oauth/grant-type/mfa-oob";
const MFA_RECOVERY: &str = "http://auth0.com/oauth/grant-type/mfa-recovery-code";
const OF_FACTORS: &str = "https://verify.example.com/mfa/";
const PHONE: &str = "+12125558730";

/// A server with applications and a client's view of it.
struct Auth0 {
    server: Server,
    users: u32,
}

/// A user as its client knows it.
#[derive(Clone)]
struct Person {
    id: UserId,
    name: String,
}

impl Auth0 {
    async fn new() -> Self {
        Self { server: Server::with_applications().await, users: 0 }
    }

    async fn person(&mut self, mfa: MfaRule) -> Person {
        self.users += 1;
        let name = format!("user{}@example.com", self.users);
        Person { id: self.server.user(&name, mfa).await, name }
    }

    fn credentials(&self) -> Value {
        json!({ "client_id": self.server.named("client_id"), "client_secret": self.server.named("client_secret") })
    }

    async fn call(&self, method: Method, path: &str, body: Option<&Value>, bearer: Option<&str>) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header(CONTENT_TYPE, "application/json");
        if let Some(token) = bearer {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        self.server.send(request.body(body).unwrap()).await
    }

    /// With the credentials of the client that keeps a secret.
    async fn token(&self, body: Value) -> Answer {
        self.call(Method::POST, "/oauth/token", Some(&merged(self.credentials(), body)), None).await
    }

    async fn log_in(&self, person: &Person, more: Value) -> Answer {
        let body = json!({ "grant_type": "password", "username": person.name, "password": PASSWORD });
        self.token(merged(body, more)).await
    }

    /// The token of a log-in that waits for its second factor.
    async fn mfa_token(&self, person: &Person) -> String {
        let answer = self.log_in(person, json!({ "scope": "openid" })).await;
        assert_eq!(answer.status, 403, "{}", answer.body);
        text(&answer.json(), "mfa_token")
    }

    async fn associate(&self, token: &str, body: Value) -> Answer {
        self.call(Method::POST, "/mfa/associate", Some(&body), Some(token)).await
    }

    async fn challenge(&self, token: &str, more: Value) -> Answer {
        let body = merged(merged(self.credentials(), json!({ "mfa_token": token })), more);
        self.call(Method::POST, "/mfa/challenge", Some(&body), None).await
    }

    async fn list(&self, token: &str) -> Vec<Value> {
        let answer = self.call(Method::GET, "/mfa/authenticators", None, Some(token)).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json().as_array().unwrap().clone()
    }

    async fn with_otp(&self, token: &str, otp: &str) -> Answer {
        self.token(json!({ "grant_type": MFA_OTP, "mfa_token": token, "otp": otp })).await
    }

    async fn with_code(&self, token: &str, oob_code: &str, binding_code: &str) -> Answer {
        let body = json!({ "mfa_token": token, "oob_code": oob_code, "binding_code": binding_code });
        self.token(merged(body, json!({ "grant_type": MFA_OOB }))).await
    }

    /// What an app with this secret shows now.
    fn shown_by_app(&self, secret: &str) -> String {
        let secret = data_encoding::BASE32_NOPAD.decode(secret.as_bytes()).unwrap();
        Totp::USUAL.code(&secret, Totp::USUAL.step_at(self.now())).to_string()
    }

    fn now(&self) -> Timestamp {
        self.server.harness.clock.now()
    }

    fn pass(&self, seconds: u64) {
        self.server.harness.clock.pass(std::time::Duration::from_secs(seconds));
    }

    /// A user with an app: its secret, and its recovery code.
    async fn with_app(&mut self) -> (Person, String, String) {
        let person = self.person(MfaRule::Required).await;
        let token = self.mfa_token(&person).await;
        let answer = self.associate(&token, json!({ "authenticator_types": ["otp"] })).await.json();
        let recovery = answer.pointer("/recovery_codes/0").and_then(Value::as_str).unwrap().to_owned();
        let secret = text(&answer, "secret");
        let answer = self.with_otp(&token, &self.shown_by_app(&secret)).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        self.pass(30);
        (person, secret, recovery)
    }

    /// A user with a phone.
    async fn with_phone(&mut self) -> Person {
        let person = self.person(MfaRule::Required).await;
        let token = self.mfa_token(&person).await;
        let answer = self.associate(&token, sms(PHONE)).await.json();
        self.server.deliver().await;
        let answer = self.with_code(&token, &text(&answer, "oob_code"), self.server.code()).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        person
    }
}

fn sms(number: &str) -> Value {
    json!({ "authenticator_types": ["oob"], "oob_channels": ["sms"], "phone_number": number })
}

fn merged(mut value: Value, more: Value) -> Value {
    let Value::Object(more) = more else { panic!("an object is needed") };
    value.as_object_mut().unwrap().extend(more);
    value
}

fn text(value: &Value, member: &str) -> String {
    value.get(member).and_then(Value::as_str).unwrap_or_else(|| panic!("no {member} in {value}")).to_owned()
}

/// Status, code and description of a refusal.
fn refusal(answer: &Answer) -> (u16, String, String) {
    let body = answer.json();
    (answer.status, text(&body, "error"), text(&body, "error_description"))
}

fn is(status: u16, error: &str, description: &str) -> (u16, String, String) {
    (status, error.to_owned(), description.to_owned())
}

/// Another code than this one.
fn wrong(code: &str) -> &'static str {
    if code == "000000" { "000001" } else { "000000" }
}

/// The claims of a token, whoever has signed it.
fn claims(token: &str) -> Value {
    let body = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&data_encoding::BASE64URL_NOPAD.decode(body.as_bytes()).unwrap()).unwrap()
}
