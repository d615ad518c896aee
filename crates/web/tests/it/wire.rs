//! A server without a socket, and the format of `testdata/*.http`.
//!
//! A file is a story: exchanges in order, on one fresh server that starts at 2026-01-01T00:00:00Z. Lines before a request
//! that begin with `#` are for people; `@advance 60` moves the clock by so many seconds; `@deliver` lets the messages
//! leave, after which `{{code}}` stands for the code of the last one. `{{key}}` is an API key that may do everything, and
//! `{{id}}` the id in the last answer that had one. After a line `===>` comes the exact answer: status, the headers that
//! matter, the body. A line `-----` begins the next exchange.

use axum::{
    Router,
    body::Body,
    http::{Request, Response, header},
};
use countersign_engine::{
    commands::{CreateKey, KeyForm},
    testing::Harness,
};
use countersign_model::Scope;
use countersign_web::{Parts, Web};
use std::{fmt::Write as _, time::Duration};
use tower::ServiceExt as _;

/// The web side on a harness.
pub struct Server {
    pub harness: Harness,
    pub key: String,
    router: Router,
    code: String,
    id: String,
}

impl Server {
    pub async fn new() -> Self {
        let harness = Harness::new().await;
        let command = CreateKey { name: "test".into(), scopes: Scope::ALL.to_vec(), form: KeyForm::Native };
        let key = harness.engine.run(&harness.caller, None, &command).await.unwrap().secret;
        let parts = Parts {
            engine: harness.engine.clone(),
            sandbox: None,
            body_timeout: Duration::from_millis(50),
            ca_file: None,
        };
        let router = countersign_web::router(Web::new(parts));
        Self { harness, key, router, code: String::new(), id: String::new() }
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        Answer::of(self.router.clone().oneshot(request).await.unwrap()).await
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

    /// Lets the messages leave, and keeps the code of the last one.
    pub async fn deliver(&mut self) {
        self.harness.deliver().await;
        if let Some(sent) = self.harness.first.take().pop() {
            self.code = sent.code;
        }
    }

    pub fn code(&self) -> &str {
        &self.code
    }

    fn fill(&self, text: &str) -> String {
        text.replace("{{key}}", &self.key).replace("{{code}}", &self.code).replace("{{id}}", &self.id)
    }
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
    let mut server = Server::new().await;
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
        if let Some(id) = serde_json::from_str::<serde_json::Value>(&answer.body)
            .ok()
            .and_then(|body| Some(body.get("id")?.as_str()?.to_owned()))
        {
            server.id = id;
        }
    }
    told.join("\n-----\n") + "\n"
}

async fn prepare(server: &mut Server, asked: &str) -> Request<Body> {
    let mut lines = asked.lines();
    let head = loop {
        let line = lines.next().expect("a request line");
        match line.split_once(' ') {
            Some(("@advance", seconds)) => server.harness.clock.pass(Duration::from_secs(seconds.parse().unwrap())),
            _ if line == "@deliver" => server.deliver().await,
            _ if line.is_empty() || line.starts_with('#') => {}
            _ => break server.fill(line),
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
    write!(text, "\n\n{}", answer.body).unwrap();
    text
}
