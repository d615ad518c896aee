//! A vendor on a loopback port. What the vendor checks and answers is in `vendors/`; what goes wrong is ordered here.

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use countersign_delivery::receipt::ReceiptAnswer;
use countersign_model::Channel;
use data_encoding::BASE64;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};
use tokio::{net::TcpListener, task::JoinHandle};

/// A number that every vendor refuses.
pub const BAD_NUMBER: &str = "+34600000000";
/// A mail address that every mailer refuses.
pub const BAD_MAIL: &str = "nobody@invalid.example";
/// The id that every vendor gives.
pub const ID: &str = "b1a2c3-4d5e";

/// What a vendor found in a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sms {
    pub to: String,
    pub from: Option<String>,
    pub text: String,
    /// Whether it was said to need sixteen bits a character, for vendors that must be told.
    pub unicode: Option<bool>,
    pub link: Option<String>,
}

/// What a mailer found in a request besides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mail {
    pub subject: String,
    pub html: Option<String>,
    /// Our id, under which the mailer's own reports are known.
    pub id: String,
    /// Of the header `Auto-Submitted`.
    pub auto_submitted: String,
}

/// What a vendor answers.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub header: Option<(&'static str, &'static str)>,
    pub body: String,
}

impl Reply {
    pub fn json(status: u16, body: &Value) -> Self {
        Self::text(status, &body.to_string())
    }

    pub fn text(status: u16, body: &str) -> Self {
        Self { status, header: None, body: body.to_owned() }
    }

    pub fn with(self, name: &'static str, value: &'static str) -> Self {
        Self { header: Some((name, value)), ..self }
    }
}

/// A request as the vendor sees it.
pub struct Request {
    pub method: Method,
    pub path: String,
    pub query: BTreeMap<String, String>,
    pub headers: HeaderMap,
    pub body: String,
}

impl Request {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub fn has_basic(&self, username: &str, password: &str) -> bool {
        let expected = BASE64.encode(format!("{username}:{password}").as_bytes());
        self.header("authorization") == format!("Basic {expected}")
    }

    /// The fields of a form; each at most once.
    pub fn form(&self) -> Option<BTreeMap<String, String>> {
        if self.header("content-type") != "application/x-www-form-urlencoded" {
            return None;
        }
        let pairs: Vec<_> = form_urlencoded::parse(self.body.as_bytes()).into_owned().collect();
        let fields: BTreeMap<_, _> = pairs.iter().cloned().collect();
        (fields.len() == pairs.len()).then_some(fields)
    }

    pub fn json(&self) -> Option<Value> {
        (self.header("content-type") == "application/json").then(|| serde_json::from_str(&self.body).ok())?
    }
}

/// Takes the fields out of a form or an object one by one; what is left at the end was not the vendor's.
pub struct Fields(BTreeMap<String, Value>);

impl Fields {
    pub fn of(value: &Value) -> Option<Self> {
        Some(Self(value.as_object()?.clone().into_iter().collect()))
    }

    pub fn of_form(form: BTreeMap<String, String>) -> Self {
        Self(form.into_iter().map(|(name, value)| (name, Value::String(value))).collect())
    }

    pub fn take(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name)
    }

    pub fn text(&mut self, name: &str) -> Option<String> {
        self.take(name)?.as_str().map(str::to_owned)
    }

    /// A field that must be this.
    pub fn is(&mut self, name: &str, expected: &str) -> Option<()> {
        (self.text(name)? == expected).then_some(())
    }

    pub fn nothing_left(&self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}

/// What a vendor is given of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carries {
    /// Its text.
    Text,
    /// Its code alone: the words are the vendor's.
    Code,
    /// Nothing: the vendor asks while the call lasts.
    Call,
}

/// One aggregator: its wire as it documents it.
pub trait Vendor: Send + Sync {
    /// The name of its file, without `.toml`, and of its section.
    fn name(&self) -> &'static str;
    /// What it is given of a message.
    fn carries(&self) -> Carries {
        Carries::Text
    }
    /// Whether it reports that one has arrived; none does that where saying the code is what counts.
    fn tells_of_arrival(&self) -> bool {
        self.carries() != Carries::Call
    }
    /// The answer to a request that only asks whether somebody can be reached; none: it is no such request.
    fn answers_question(&self, _request: &Request) -> Option<Reply> {
        None
    }
    /// What is heard in a call when it was told this; and the address that a key would be sent to.
    fn hears(&self, _told: &ReceiptAnswer) -> Heard {
        unreachable!("it places no calls")
    }
    /// The vendor's question in a call, at this address: with the key that was pressed, or before any could be.
    fn asks(&self, _url: &str, _pressed: Option<&str>) -> Call {
        unreachable!("it places no calls")
    }
    /// Reads a request as strictly as the vendor does. Err: the vendor's own error.
    fn read(&self, request: &Request) -> Result<Sms, Reply>;
    /// What it carries.
    fn channel(&self) -> Channel {
        Channel::Sms
    }
    /// Whom the message of the tests comes from, as the vendor reads it; empty if it is told nobody.
    fn sender(&self) -> &'static str {
        "AcmeShop"
    }
    /// What a mailer reads besides.
    fn read_mail(&self, _request: &Request) -> Option<Mail> {
        None
    }
    /// Whether it calls back at all.
    fn calls_back(&self) -> bool {
        true
    }
    /// The answer to a message that it takes.
    fn accepts(&self) -> Reply;
    /// The answer to a number that is none; it quotes the number, as vendors do.
    fn refuses(&self, to: &str) -> Reply;
    /// The answer to somebody who is too fast.
    fn throttles(&self) -> Reply;
    /// Answers that are about us and not about the message, where their status alone does not say so.
    fn complaints(&self) -> Vec<Reply> {
        Vec::new()
    }
    /// The reference that its acceptance names.
    fn reference(&self) -> Option<&'static str> {
        Some(ID)
    }
    /// What the settings of the file must be for the simulator, besides secrets and the address.
    fn adapt(&self, _settings: &mut toml::Table) {}
    /// A report, signed as the vendor signs.
    fn reports(&self, link: &str, what: Report) -> Call;
    /// The report of a mailer about a message that is not ours, signed as well.
    fn reports_of_others(&self, _what: Report) -> Call {
        unreachable!("only mailers tell of others")
    }
    /// The same report from somebody else.
    fn forges(&self, report: Call) -> Call;
}

/// What is heard in a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// The words, with the vendor's name of their language; the same words twice in a row count once.
    pub words: Option<(String, String)>,
    /// Where a key is sent to; none: nobody waits for one, and the call ends.
    pub waits_at: Option<String>,
}

/// What is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Report {
    Delivered,
    Undelivered,
    Interim,
}

impl Report {
    /// The vendor's word for it.
    pub fn pick<T>(self, delivered: T, undelivered: T, interim: T) -> T {
        match self {
            Self::Delivered => delivered,
            Self::Undelivered => undelivered,
            Self::Interim => interim,
        }
    }
}

/// A call of a vendor to us.
#[derive(Clone, Debug)]
pub struct Call {
    pub method: Method,
    pub url: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
    /// Whether the address was the message's own.
    pub by_link: bool,
}

/// What goes wrong.
#[derive(Clone, Debug)]
pub enum Trouble {
    Nothing,
    Throttle,
    Answer(Reply),
    Mute,
}

/// A vendor that runs; it ends with this value.
pub struct Simulator {
    pub port: u16,
    trouble: Arc<Mutex<Trouble>>,
    seen: Arc<Mutex<Vec<Sms>>>,
    mails: Arc<Mutex<Vec<Mail>>>,
    server: JoinHandle<()>,
}

#[derive(Clone)]
struct Desk {
    vendor: &'static dyn Vendor,
    trouble: Arc<Mutex<Trouble>>,
    seen: Arc<Mutex<Vec<Sms>>>,
    mails: Arc<Mutex<Vec<Mail>>>,
}

impl Simulator {
    pub async fn start(vendor: &'static dyn Vendor, trouble: Trouble) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let desk = Desk { vendor, trouble: Arc::new(Mutex::new(trouble)), seen: Arc::default(), mails: Arc::default() };
        let Desk { trouble, seen, mails, .. } = desk.clone();
        let router = Router::new().fallback(serve).with_state(desk);
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { port, trouble, seen, mails, server }
    }

    /// What goes wrong from now on.
    pub fn order(&self, trouble: Trouble) {
        *self.trouble.lock().unwrap() = trouble;
    }

    /// What it has taken so far.
    pub fn seen(&self) -> Vec<Sms> {
        self.seen.lock().unwrap().clone()
    }

    /// What a mailer has read besides, of each mail that it has taken.
    pub fn mails(&self) -> Vec<Mail> {
        self.mails.lock().unwrap().clone()
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(State(desk): State<Desk>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let query = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    let body = String::from_utf8(body.to_vec()).expect("no vendor gets bytes that are no text");
    let request = Request { method, path: uri.path().to_owned(), query, headers, body };
    let trouble = desk.trouble.lock().unwrap().clone();
    let reply = match trouble {
        _ if desk.vendor.answers_question(&request).is_some() => desk.vendor.answers_question(&request).unwrap(),
        Trouble::Mute => std::future::pending().await,
        Trouble::Throttle => desk.vendor.throttles(),
        Trouble::Answer(reply) => reply,
        Trouble::Nothing => match desk.vendor.read(&request) {
            Ok(sms) if sms.to == BAD_NUMBER || sms.to == BAD_MAIL => desk.vendor.refuses(&sms.to),
            Ok(sms) => {
                desk.seen.lock().unwrap().push(sms);
                desk.mails.lock().unwrap().extend(desk.vendor.read_mail(&request));
                desk.vendor.accepts()
            }
            Err(reply) => reply,
        },
    };
    let status = StatusCode::from_u16(reply.status).unwrap();
    let more = reply.header.unwrap_or(("x-request-id", "1"));
    (status, [(header::CONTENT_TYPE.as_str(), "application/json"), more], reply.body).into_response()
}
