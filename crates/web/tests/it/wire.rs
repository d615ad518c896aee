//! A server without a socket, and the format of `testdata/*.http`.
//!
//! A file is a story: exchanges in order, on one fresh server that starts at 2026-01-01T00:00:00Z. Lines before a request
//! that begin with `#` are for people, and those that begin with `@` are steps:
//!
//! | step | what it does |
//! |---|---|
//! | `@advance 60` | moves the clock by so many seconds |
//! | `@deliver` | lets the messages leave; `{{code}}` is the code of the last one, `{{code_in_small_letters}}` too, and `{{link}}` its link |
//! | `@deliver first` | the same, and the code stays known as `{{first}}` |
//! | `@text …`, `@from …` | the last message that left says exactly that (`\n` is a line break), or comes from there |
//! | `@subject …`, `@html …` | the same of a mail |
//! | `@code [A-Z] 4` | its code is made of those characters and so long |
//! | `@nothing` | no message waits to leave now |
//! | `@lookup 34666666111 invalid` | what the number lookup says from now on |
//! | `@user ana@example.com required` | there is such a user of an application, with the password `correct horse` |
//! | `@balance 0.6 0.25` | what the tenant may spend, and what a message costs |
//! | `@keep name /a/b` | `{{name}}` is what the last answer has at this JSON pointer from now on; `{{name_in_small_letters}}` too |
//! | `@webhooks taken 2` | webhooks are called, and answer so (`taken`, `busy`, `gone`), in so many calls |
//! | `@revoke` | `{{access_key}}` works no more |
//!
//! `{{client_id}}` and `{{client_secret}}` are those of an application, `{{public_client_id}}` is one without a secret,
//! `{{key}}` is an API key that may do everything, `{{gateway_key}}` one of 32 hexadecimal characters, `{{access_key}}` one
//! that is a JWS, `{{other_gateway_key}}` and `{{other_access_key}}` those of another tenant, `{{test_key}}` one whose messages do not
//! leave, and `{{id}}` the id in the last answer that had one; so are `{{cid}}`, `{{vid}}` and `{{trd}}` for the identifiers of
//! Authentix. After a line `===>`
//! comes the exact answer: status, the headers that matter, the body. A line `-----` begins the next exchange.

use axum::{
    Router,
    body::Body,
    http::{HeaderValue, Request, Response, header},
};
use countersign_engine::{
    Caller,
    commands::{CreateTenant, PutAccount},
    jobs::{CallWebhooks, Progress},
    testing::{CallError, Sent},
};
use countersign_engine::{
    Identity,
    commands::{ClientKind, CreateClient, CreateKey, CreateUser, KeyCreated, KeyForm, RevokeKey},
    testing::Harness,
};
use countersign_model::{Api, Grant, MfaRule, Scope, UserId, account::parse_amount};
use countersign_web::{Parts, Web, dialects::Settings};
use std::{fmt::Write as _, time::Duration};
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

/// As the server sets them by default.
const DIALECTS: &str = r#"{
    "clickatell": {
        "pin_length": 4, "expire_minutes": 5, "attempts": 1, "number_lookup": true,
        "grid_text": "{BRAND}: confirm your sign-in: {LINK} (valid {MINUTES} minutes)"
    },
    "gateway360": {"time_zone": "Europe/Madrid", "default_text": "{PIN} is your verification code."},
    "authentix": {
        "text": "${SERVICE_NAME}: ${CODE} is your authentication code.",
        "payment_text": "${SERVICE_NAME}: ${CODE} confirms the payment of ${AMOUNT} ${CURRENCY} to ${PAYEE}.",
        "subject": "${SERVICE_NAME}: your authentication code", "trial_reads_per_minute": 0,
        "smtp_settings": {
            "STP1": {"relay": "first", "sender_domains": ["my-company.com"]}, "STP2": {"relay": "first", "tenants": ["other"]}
        },
        "sms_templates": {"TMS1": {"text": "Hello ${NAME}, ${CODE} is your code."}},
        "email_templates": {"TME1": {"subject": "Hello ${NAME}", "text": "${CODE}", "html": "<b>${CODE}</b> ${NAME}"}}
    },
    "nevis": {
        "instance_domain": "", "created_status": "", "failed_status": 403, "status_token_place": "both",
        "show_phones_and_recovery_codes": true, "default_text": "Your verification code is {{CODE}}", "code_digits": 6,
        "code_life_seconds": 300, "max_tries": 3, "intent_life_seconds": 300, "transaction_life_seconds": 120,
        "introspection_consumes": false, "recovery_codes": 10, "gateway_wait_seconds": 0, "export_records": 10000,
        "limits": {
            "send_gap_seconds": 0, "sends": [{"count": 5, "seconds": 900}, {"count": 10, "seconds": 86400}],
            "block_seconds": 3600, "failed_checks": {"max": 10, "window_seconds": 3600, "hold_seconds": 3600}
        }
    },
    "auth0": {
        "issuers": [], "unenrolled_error": "association_required", "push_url": "https://push.example.com/",
        "access_token_seconds": 86400, "id_token_seconds": 36000, "refresh_token_days": 30, "gateway_wait_seconds": 0,
        "limits": {
            "wrong_codes": {"size":10,"refill_seconds":360}, "wrong_recovery_codes": {"size":10,"refill_seconds":360},
            "phone_messages": {"size":10,"refill_seconds":3600}, "mails": {"size":20,"refill_seconds":60}, "pushes": {"size":5,"refill_seconds":12},
            "exchanges": {"size":12,"refill_seconds":5}, "log_ins": {"size":20,"refill_seconds":6},
            "failed_passwords": {"max":10,"hold_seconds":2592000}
        }
    }
}"#;

/// The web side on a harness.
pub struct Server {
    pub harness: Harness,
    pub key: String,
    pub gateway_key: String,
    other_gateway_key: String,
    test_key: String,
    access_key: Option<KeyCreated>,
    other_access_key: String,
    router: Router,
    last: Option<Sent>,
    names: Vec<(String, String)>,
    id: String,
    answered: String,
}

impl Server {
    pub async fn new() -> Self {
        Self::with_settings(|_| ()).await
    }

    /// One whose dialects are set otherwise.
    async fn with_settings(change: impl FnOnce(&mut Settings)) -> Self {
        let mut dialects = serde_json::from_str(DIALECTS).unwrap();
        change(&mut dialects);
        let harness = Harness::with_lookup().await;
        let key = made(&harness, &harness.caller, KeyForm::Native).await;
        let parts = Parts {
            engine: harness.engine.clone(),
            sandbox: None,
            body_timeout: Duration::from_millis(50),
            trusted_proxies: Vec::new(),
            dialects,
            allow_remote: false,
            ca_file: None,
            stop: CancellationToken::new(),
        };
        let router = countersign_web::router(Web::new(parts));
        let (gateway_key, other_gateway_key) = (String::new(), String::new());
        let test_key = String::new();
        let (access_key, other_access_key) = (None, String::new());
        let (last, names, id, answered) = (None, Vec::new(), String::new(), String::new());
        Self {
            harness,
            key,
            gateway_key,
            other_gateway_key,
            test_key,
            access_key,
            other_access_key,
            router,
            last,
            names,
            id,
            answered,
        }
    }

    /// One with the keys that are a JWS too.
    pub async fn with_access_keys() -> Self {
        let mut server = Self::new().await;
        let harness = &server.harness;
        server.access_key = Some(create(harness, &harness.caller, KeyForm::Jws).await);
        let other = CreateTenant { name: "other".into() };
        let other = Caller::operator(harness.engine.run(&harness.caller, None, &other).await.unwrap().id);
        server.other_access_key = made(harness, &other, KeyForm::Jws).await;
        server
    }

    /// The key that is a JWS.
    pub fn access_key(&self) -> &str {
        self.access_key.as_ref().map_or("", |key| &key.secret)
    }

    /// One with the keys of 32 hexadecimal characters too.
    pub async fn with_gateway_keys() -> Self {
        let mut server = Self::new().await;
        let harness = &server.harness;
        server.gateway_key = made(harness, &harness.caller, KeyForm::Hex32).await;
        let other = CreateTenant { name: "other".into() };
        let other = Caller::operator(harness.engine.run(&harness.caller, None, &other).await.unwrap().id);
        server.other_gateway_key = made(harness, &other, KeyForm::Hex32).await;
        server
    }

    /// One with applications that get tokens.
    pub async fn with_applications() -> Self {
        Self::with_applications_and(|_| ()).await
    }

    /// The same, with dialects that are set otherwise.
    pub async fn with_applications_and(change: impl FnOnce(&mut Settings)) -> Self {
        let mut server = Self::with_settings(change).await;
        let (client, secret) = server.application(ClientKind::Secret, &Grant::ALL).await;
        let (public, _) = server.application(ClientKind::Public, &Grant::ALL).await;
        for (name, value) in [("client_id", client), ("client_secret", secret), ("public_client_id", public)] {
            server.names.push((name.to_owned(), value));
        }
        server
    }

    /// One more application: its id, and its secret if it has one.
    pub async fn application(&self, kind: ClientKind, grants: &[Grant]) -> (String, String) {
        let scopes = vec!["read:things".to_owned(), "write:things".to_owned()];
        let command = CreateClient {
            name: "test".into(),
            kind,
            grants: grants.to_vec(),
            apis: vec![Api { audience: "https://api.example.com/".into(), scopes }],
            management: MANAGEMENT.map(str::to_owned).to_vec(),
            return_to: vec!["https://shop.example.com/done".into()],
            origins: vec!["http://localhost:3000".into()],
        };
        let made = self.harness.engine.run(&self.harness.caller, None, &command).await.unwrap();
        (made.client.id, made.secret.unwrap_or_default())
    }

    /// A user of an application.
    pub async fn user(&self, name: &str, mfa: MfaRule) -> UserId {
        let password = Some(self.harness.engine.hash_password("correct horse").await.unwrap());
        let identity = Identity { name: Some(name.to_owned()), ..Identity::default() };
        let command = CreateUser { identity, password, mfa };
        self.harness.engine.run(&self.harness.caller, None, &command).await.unwrap().id
    }

    /// A name that a step or the making has given.
    pub fn named(&self, name: &str) -> &str {
        self.names.iter().rev().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// One with a key whose messages do not leave.
    pub async fn with_test_key() -> Self {
        let mut server = Self::with_gateway_keys().await;
        let command = CreateKey {
            name: "test".into(),
            scopes: Scope::ALL.to_vec(),
            form: KeyForm::Native,
            allowed_from: vec![],
            test: true,
        };
        server.test_key = server.harness.engine.run(&server.harness.caller, None, &command).await.unwrap().secret;
        server
    }

    /// A request; it comes with a host, as from every client, if it does not bring one of its own.
    pub async fn send(&self, mut request: Request<Body>) -> Answer {
        request.headers_mut().entry(header::HOST).or_insert(HeaderValue::from_static("verify.example.com"));
        self.send_as_it_is(request).await
    }

    pub async fn send_as_it_is(&self, request: Request<Body>) -> Answer {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let answer = Answer::of(self.router.clone().oneshot(request).await.unwrap()).await;
        must_be_described(method.as_str(), &path, answer.status).await;
        answer
    }

    /// A request with the key and a JSON body.
    pub async fn post(&self, path: &str, body: &str) -> Answer {
        let request = Request::post(path)
            .header(header::AUTHORIZATION, format!("Bearer {}", self.key))
            .header(header::CONTENT_TYPE, "application/json");
        self.send(request.body(Body::from(body.to_owned())).unwrap()).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        let request = Request::get(path).header(header::AUTHORIZATION, format!("Bearer {}", self.key));
        self.send(request.body(Body::empty()).unwrap()).await
    }

    /// Something that is no text, fetched by a browser.
    pub async fn fetch(&self, path: &str) -> Fetched {
        let request = Request::get(path).header(header::HOST, "verify.example.com").body(Body::empty()).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let kind = response.headers().get(header::CONTENT_TYPE).map_or("", |kind| kind.to_str().unwrap());
        Fetched { status: response.status().as_u16(), kind: kind.to_owned() }
    }

    /// Lets the messages leave, and keeps the code of the last one.
    pub async fn deliver(&mut self) {
        self.harness.deliver().await;
        if let Some(sent) = self.harness.first.take().pop() {
            self.last = Some(sent);
        }
    }

    /// The code of the message that left last.
    pub fn code(&self) -> &str {
        self.last.as_ref().map_or("", |sent| &sent.code)
    }

    /// The link in it.
    pub fn link(&self) -> &str {
        self.last.as_ref().map_or("", |sent| &sent.link)
    }

    fn last(&self) -> &Sent {
        self.last.as_ref().expect("a message has left")
    }

    fn fill(&self, text: &str) -> String {
        let known = [
            ("key", self.key.clone()),
            ("gateway_key", self.gateway_key.clone()),
            ("other_gateway_key", self.other_gateway_key.clone()),
            ("test_key", self.test_key.clone()),
            ("access_key", self.access_key().to_owned()),
            ("other_access_key", self.other_access_key.clone()),
            ("code", self.code().to_owned()),
            ("code_in_small_letters", self.code().to_lowercase()),
            ("link", self.link().to_owned()),
            ("id", self.id.clone()),
        ];
        let named = self.names.iter().map(|(name, value)| (name.as_str(), value.clone()));
        // What was kept last under a name is what it means.
        known
            .into_iter()
            .chain(named.rev())
            .fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{{{name}}}}}"), &value))
    }

    async fn step(&mut self, step: &str) {
        let (name, rest) = step.split_once(' ').unwrap_or((step, ""));
        let words: Vec<&str> = rest.split(' ').collect();
        match (name, words.as_slice()) {
            ("@advance", [seconds]) => self.harness.clock.pass(Duration::from_secs(seconds.parse().unwrap())),
            ("@deliver", [name]) => {
                self.deliver().await;
                self.names.extend((!name.is_empty()).then(|| ((*name).to_owned(), self.code().to_owned())));
            }
            ("@text", _) => assert_eq!(self.last().text, self.fill(rest).replace("\\n", "\n")),
            ("@from", _) => assert_eq!(self.last().from, rest),
            ("@subject", _) => assert_eq!(self.last().mail.0, self.fill(rest)),
            ("@html", _) => assert_eq!(self.last().mail.1, self.fill(rest)),
            ("@code", [class, length]) => self.must_have_code(class, length.parse().unwrap()),
            ("@nothing", _) => {
                self.harness.deliver().await;
                assert_eq!(self.harness.first.take(), vec![]);
            }
            ("@lookup", [number, says]) => self.harness.numbers.note(&format!("+{number}"), *says == "valid"),
            ("@user", [name, mfa]) => {
                let mfa = if *mfa == "off" { MfaRule::Off } else { MfaRule::Required };
                self.user(name, mfa).await;
            }
            ("@balance", [balance, price]) => {
                let command =
                    PutAccount { balance_e4: parse_amount(balance), price_e4: parse_amount(price), currency: None };
                self.harness.engine.run(&self.harness.caller, None, &command).await.unwrap();
            }
            ("@keep", [name, pointer]) => {
                let answered: serde_json::Value = serde_json::from_str(&self.answered).unwrap();
                let found = answered.pointer(pointer).and_then(|value| value.as_str()).expect("it is a text");
                self.names.push((format!("{name}_in_small_letters"), found.to_lowercase()));
                self.names.push(((*name).to_owned(), found.to_owned()));
            }
            ("@webhooks", [answer, count]) => {
                let busy = CallError::Retry("status 503".to_owned());
                let answers = [("taken", None), ("busy", Some(busy)), ("gone", Some(CallError::Gone))];
                let answer = answers.into_iter().find(|(name, _)| name == answer).expect("a known answer").1;
                self.harness.callbacks.fail_all(answer);
                let job = CallWebhooks::new(&self.harness.engine);
                while job.run_once().await.unwrap() == Progress::More {}
                assert_eq!(self.harness.callbacks.take().len().to_string(), *count, "{step}");
            }
            ("@revoke", _) => {
                let id = self.access_key.as_ref().unwrap().key.id;
                self.harness.engine.run(&self.harness.caller, None, &RevokeKey { id }).await.unwrap();
            }
            _ => panic!("an unknown step: {step}"),
        }
    }

    /// The identifiers of Authentix in an answer: the object's own, and that of its latest trial.
    fn note_ids(&mut self, answer: &Answer) {
        let Ok(body) = serde_json::from_str::<serde_json::Value>(&answer.body) else { return };
        let trial = body.get("trials").and_then(|trials| trials.as_array()?.last()?.get("trialId"));
        let found = [("cid", body.get("configurationId")), ("vid", body.get("authenticationId")), ("trd", trial)];
        let texts = found.into_iter().filter_map(|(name, id)| Some((name.to_owned(), id?.as_str()?.to_owned())));
        self.names.extend(texts);
    }

    fn must_have_code(&self, class: &str, length: usize) {
        let code = self.code();
        let fits = |byte: u8| match class {
            "[0-9]" => byte.is_ascii_digit(),
            "[A-Z]" => byte.is_ascii_uppercase(),
            "[0-9A-Z]" => byte.is_ascii_digit() || byte.is_ascii_uppercase(),
            other => panic!("an unknown class: {other}"),
        };
        assert!(code.len() == length && code.bytes().all(fits), "{code} is not {class} {length}");
    }
}

/// Whatever any test is answered by the native API stands in its description.
async fn must_be_described(method: &str, path: &str, status: u16) {
    // What is refused before it is a call of any API (docs/api.md has the list).
    let is_before_any_call = status == 501;
    if !path.starts_with("/v1/") || is_before_any_call {
        return;
    }
    let document = DOCUMENT.get_or_init(description).await;
    let is_of = |template: &str| {
        template.split('/').count() == path.split('/').count()
            && template
                .split('/')
                .zip(path.split('/'))
                .all(|(wanted, found)| wanted == found || wanted.starts_with('{'))
    };
    let found = document["paths"].as_object().unwrap().iter().find(|(template, _)| is_of(template));
    let operation = found.and_then(|(_, methods)| methods.get(method.to_ascii_lowercase()));
    if let Some(operation) = operation {
        assert!(operation["responses"].get(status.to_string()).is_some(), "{method} {path} may answer {status}");
    }
}

static DOCUMENT: OnceCell<serde_json::Value> = OnceCell::const_new();

/// Of a server of its own: each request takes of the chance from which the identifiers of a story come.
async fn description() -> serde_json::Value {
    let router = Server::new().await.router;
    let request = Request::get("/openapi.json").header(header::HOST, "verify.example.com").body(Body::empty());
    Answer::of(router.oneshot(request.unwrap()).await.unwrap()).await.json()
}

/// What an application may do in the management API.
const MANAGEMENT: [&str; 13] = [
    "read:users",
    "update:users",
    "read:authentication_methods",
    "create:authentication_methods",
    "update:authentication_methods",
    "delete:authentication_methods",
    "read:guardian_factors",
    "update:guardian_factors",
    "read:guardian_enrollments",
    "delete:guardian_enrollments",
    "read:logs",
    "read:signing_keys",
    "update:signing_keys",
];

async fn made(harness: &Harness, caller: &Caller, form: KeyForm) -> String {
    create(harness, caller, form).await.secret
}

async fn create(harness: &Harness, caller: &Caller, form: KeyForm) -> KeyCreated {
    let command =
        CreateKey { name: "test".into(), scopes: Scope::ALL.to_vec(), form, allowed_from: vec![], test: false };
    harness.engine.run(caller, None, &command).await.unwrap()
}

/// What can be told of something that is no text.
pub struct Fetched {
    pub status: u16,
    pub kind: String,
}

/// An answer, read whole.
pub struct Answer {
    pub status: u16,
    headers: axum::http::HeaderMap,
    pub body: String,
}

impl Answer {
    async fn of(response: Response<Body>) -> Self {
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        Self { status: parts.status.as_u16(), headers: parts.headers, body: String::from_utf8(bytes.to_vec()).unwrap() }
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

/// Plays a story. Answers come back as text in the file's own form, so that a difference can be read.
pub async fn play(story: &str) -> String {
    let mut server = if story.contains("{{test_key}}") {
        Server::with_test_key().await
    } else if story.contains("gateway_key}}") {
        Server::with_gateway_keys().await
    } else if story.contains("access_key}}") {
        Server::with_access_keys().await
    } else if story.contains("client_id}}") {
        Server::with_applications().await
    } else {
        Server::new().await
    };
    let mut told = Vec::new();
    for exchange in story.split("\n-----\n") {
        let (asked, expected) = exchange.split_once("\n===>\n").expect("an exchange has a line ===>");
        let request = prepare(&mut server, asked).await;
        let answer = server.send(request).await;
        let wanted: Vec<&str> = expected
            .lines()
            .skip(1)
            .take_while(|line| !line.is_empty())
            .filter_map(|line| line.split(':').next())
            .collect();
        told.push(format!("{asked}\n===>\n{}", print(&answer, &wanted)));
        server.id = id_in(&answer.body).unwrap_or(server.id);
        server.note_ids(&answer);
        server.answered = answer.body;
    }
    told.join("\n-----\n") + "\n"
}

/// The id that an answer gives to what it made, in the words of any dialect.
fn id_in(body: &str) -> Option<String> {
    let in_xml = || Some(body.split_once("<apiRequestId>")?.1.split_once('<')?.0.to_owned());
    let Ok(body) = serde_json::from_str::<serde_json::Value>(body) else { return in_xml() };
    let places = ["/id", "/data/apiRequestId", "/data/message/0/apiMessageId"];
    places.into_iter().find_map(|place| Some(body.pointer(place)?.as_str()?.to_owned()).filter(|id| !id.is_empty()))
}

async fn prepare(server: &mut Server, asked: &str) -> Request<Body> {
    let mut lines = asked.lines();
    let head = loop {
        let line = lines.next().expect("a request line");
        match line {
            step if step.starts_with('@') => server.step(step).await,
            note if note.is_empty() || note.starts_with('#') => {}
            head => break server.fill(head),
        }
    };
    let mut words = head.split(' ');
    let mut request = Request::builder().method(words.next().unwrap()).uri(words.next().unwrap());
    for line in lines.by_ref().take_while(|line| !line.is_empty()) {
        let (name, value) = line.split_once(": ").unwrap();
        request = request.header(name, server.fill(value));
    }
    let body = lines.collect::<Vec<_>>().join("\n");
    request.body(Body::from(server.fill(&body))).unwrap()
}

fn print(answer: &Answer, headers: &[&str]) -> String {
    let mut text = answer.status.to_string();
    for name in headers {
        write!(text, "\n{name}: {}", answer.header(name)).unwrap();
    }
    write!(text, "\n\n{}", without_sealed(&answer.body)).unwrap();
    text
}

/// A sealed token is printed by its beginning: all of it would say nothing to a reader.
fn without_sealed(body: &str) -> String {
    const BEGINNING: &str = "Fe26.2*";
    let mut parts = body.split(BEGINNING);
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        text.push_str(BEGINNING);
        text.push('…');
        text.push_str(part.find('"').map_or("", |end| &part[end..]));
    }
    text
}
