//! The engine's commands and jobs on a memory store, with a clock that is moved and seeded chance.

#![expect(
    clippy::unwrap_used,
    reason = "a test says what went wrong by panicking, and so do the functions that tests share"
)]

mod accounts;
mod administration;
mod calls;
mod check;
mod deliver;
mod grids;
mod idempotency;
mod jobs;
mod languages;
mod log_in;
mod people;
mod routing;
mod sandbox;
mod secrets;
mod send_code;
mod start;
mod take_over;
mod texts;
mod webhook_lines;
mod webhooks;

use countersign_engine::{
    Error, Idempotency,
    commands::{CheckCode, CodeChecked, Decided, Overrides, ServiceRef, StartVerification, Target},
    testing::Harness,
};
use countersign_model::{Address, Channel, Code, Payment, Typed, VerificationId};
use std::collections::BTreeMap;

const ANA: &str = "+34666666111";

fn start_to(to: &str) -> StartVerification {
    StartVerification {
        service: ServiceRef::Default,
        channel: Channel::Sms,
        to: Address::parse(Channel::Sms, to).unwrap(),
        code: None,
        locale: None,
        metadata: BTreeMap::new(),
        payment: None,
        overrides: Overrides::default(),
    }
}

fn payment(amount: &str) -> Payment {
    Payment::new("Books & Co", amount, "EUR").unwrap()
}

/// What the tests of all modules do with a harness.
trait Acts {
    async fn start(&self, command: &StartVerification) -> Result<Decided, Error>;
    async fn check(&self, id: VerificationId, code: &str) -> Result<CodeChecked, Error>;
    async fn started_with_code(&self) -> (VerificationId, String);
}

impl Acts for Harness {
    async fn start(&self, command: &StartVerification) -> Result<Decided, Error> {
        self.engine.run(&self.caller, None, command).await
    }

    async fn check(&self, id: VerificationId, code: &str) -> Result<CodeChecked, Error> {
        let command = CheckCode { target: Target::Id(id), code: Typed::Text(Code::typed(code)), payment: None };
        self.engine.run(&self.caller, None, &command).await
    }

    async fn started_with_code(&self) -> (VerificationId, String) {
        let id = self.start(&start_to(ANA)).await.unwrap().verification.id;
        self.deliver().await;
        (id, self.first.take().pop().unwrap().code)
    }
}

/// A code that is not this one.
fn other_than(code: &str) -> String {
    if code == "000000" { "000001".to_owned() } else { "000000".to_owned() }
}

fn idempotency(key: &str, request: &str) -> Idempotency {
    Idempotency { key: key.to_owned(), request: request.as_bytes().to_vec() }
}
