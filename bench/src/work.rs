//! What one connection does over and over.

use crate::{
    Outcome,
    client::{Answer, Client},
    product::{CODE, Product, id_of, start_body},
};

/// One kind of work.
pub trait Work: Send + 'static {
    /// Does it once; false when there is nothing left to do.
    fn once(&mut self, client: &mut Client) -> impl Future<Output = Outcome<bool>> + Send;
}

/// Asks the handler that does nothing.
pub struct Nothing(String);

impl Nothing {
    pub fn new(connection: usize) -> Self {
        Self(start_body(600_000_000 + connection as u64))
    }
}

impl Work for Nothing {
    async fn once(&mut self, client: &mut Client) -> Outcome<bool> {
        must_be(client.post("/v1/verifications", "cs_nobody", &self.0).await?.status, 200)
    }
}

/// Starts verifications, each to a number of its own.
pub struct Start {
    key: String,
    number: u64,
}

impl Start {
    /// All of one tenant.
    pub fn new(product: &Product, _: usize) -> Self {
        Self { key: product.key.clone(), number: product.numbers(PER_CONNECTION) }
    }

    /// Every second connection is another tenant's.
    pub fn mixed(product: &Product, connection: usize) -> Self {
        let key = if connection.is_multiple_of(2) { &product.key } else { &product.other_key };
        Self { key: key.clone(), ..Self::new(product, connection) }
    }
}

/// Numbers of different connections never meet: each has so many of its own.
pub const PER_CONNECTION: u64 = 100_000;

impl Work for Start {
    async fn once(&mut self, client: &mut Client) -> Outcome<bool> {
        self.number += 1;
        must_be(client.post("/v1/verifications", &self.key, &start_body(self.number - 1)).await?.status, 201)
    }
}

/// Checks what was started before, each once.
pub struct Check {
    key: String,
    ids: Vec<String>,
    body: String,
    wanted: &'static str,
}

impl Check {
    pub fn right(product: &Product, ids: &[String], connection: usize, connections: usize) -> Self {
        Self::of(product, ids, (connection, connections), CODE, r#""valid":true"#)
    }

    pub fn wrong(product: &Product, ids: &[String], connection: usize, connections: usize) -> Self {
        Self::of(product, ids, (connection, connections), "000000", r#""valid":false"#)
    }

    fn of(
        product: &Product,
        ids: &[String],
        (connection, connections): (usize, usize),
        code: &str,
        wanted: &'static str,
    ) -> Self {
        let ids = ids.iter().skip(connection).step_by(connections).cloned().collect();
        Self { key: product.key.clone(), ids, body: format!(r#"{{"code":"{code}"}}"#), wanted }
    }
}

impl Work for Check {
    async fn once(&mut self, client: &mut Client) -> Outcome<bool> {
        let Some(id) = self.ids.pop() else { return Ok(false) };
        let answer = client.post(&format!("/v1/verifications/{id}/check"), &self.key, &self.body).await?;
        must_say(&answer, self.wanted)
    }
}

/// Starts one and checks it: two requests, counted as two.
pub struct Cycle {
    start: Start,
    id: Option<String>,
}

impl Cycle {
    pub fn new(product: &Product, connection: usize) -> Self {
        Self { start: Start::new(product, connection), id: None }
    }
}

impl Work for Cycle {
    async fn once(&mut self, client: &mut Client) -> Outcome<bool> {
        if let Some(id) = self.id.take() {
            let (path, body) = (format!("/v1/verifications/{id}/check"), format!(r#"{{"code":"{CODE}"}}"#));
            return must_be(client.post(&path, &self.start.key, &body).await?.status, 200);
        }
        self.start.number += 1;
        let answer = client.post("/v1/verifications", &self.start.key, &start_body(self.start.number - 1)).await?;
        let status = answer.status;
        self.id = id_of(answer.body);
        must_be(status, 201)
    }
}

/// Verifies PINs that were read back from the inbox, each once.
pub struct Gateway360Verify {
    key: String,
    pins: Vec<(String, String)>,
}

impl Gateway360Verify {
    pub fn new(key: &str, pins: &[(String, String)], connection: usize, connections: usize) -> Self {
        let (key, pins) = (key.to_owned(), pins.iter().skip(connection).step_by(connections).cloned().collect());
        Self { key, pins }
    }
}

impl Work for Gateway360Verify {
    async fn once(&mut self, client: &mut Client) -> Outcome<bool> {
        let Some((number, pin)) = self.pins.pop() else { return Ok(false) };
        let body = format!(r#"{{"api_key":"{}","msisdn":"{number}","pin":"{pin}"}}"#, self.key);
        must_say(&client.post("/api/2fa/verify", "", &body).await?, r#""status":"ok""#)
    }
}

pub fn must_say(answer: &Answer<'_>, wanted: &'static str) -> Outcome<bool> {
    if answer.body.windows(wanted.len()).any(|window| window == wanted.as_bytes()) {
        return Ok(true);
    }
    Err(format!("answered with {} and not with {wanted}", answer.status).into())
}

fn must_be(status: u16, wanted: u16) -> Outcome<bool> {
    if status == wanted { Ok(true) } else { Err(format!("answered with {status} in place of {wanted}").into()) }
}
