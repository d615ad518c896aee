//! What one connection does over and over.

use crate::{
    Outcome,
    client::Client,
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
    /// Numbers of different connections never meet: each has a hundred thousand of its own.
    pub fn new(product: &Product, _: usize) -> Self {
        let first = product.number();
        for _ in 1..PER_CONNECTION {
            product.number();
        }
        Self { key: product.key.clone(), number: first }
    }
}

const PER_CONNECTION: u64 = 100_000;

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
        let (status, wanted) = (answer.status, self.wanted.as_bytes());
        if !answer.body.windows(wanted.len()).any(|window| window == wanted) {
            return Err(format!("a check was answered otherwise than with {}", self.wanted).into());
        }
        must_be(status, 200)
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

fn must_be(status: u16, wanted: u16) -> Outcome<bool> {
    if status == wanted { Ok(true) } else { Err(format!("answered with {status} in place of {wanted}").into()) }
}
