//! Calls to callers' servers that are recorded instead of made.

use crate::clock::Clock;
use async_trait::async_trait;
use countersign_delivery::callback::{self, Call, CallError, Caller as _, GuardedCaller};
use countersign_store::{
    Batch, Change, Store,
    sandbox::{Call as RecordedCall, Change as SandboxChange},
};
use std::sync::Arc;

/// Records the calls to callers' servers that `serve` would make. Really made are only those to this machine, and only if
/// that was asked for.
pub struct RecordedCalls {
    /// Where they are kept.
    pub store: Store,
    /// When they are made.
    pub clock: Arc<Clock>,
    /// Judges an address, and makes the calls to this machine.
    pub guard: GuardedCaller,
    /// Whether calls to this machine are made.
    pub loopback: bool,
}

#[async_trait]
impl callback::Caller for RecordedCalls {
    async fn post(&self, call: &Call) -> Result<(), CallError> {
        let refused = self.guard.refusal(&call.url);
        let tenant = self.store.tenant(call.tenant).await.ok().flatten();
        let record = SandboxChange::RecordCall(RecordedCall {
            seq: 0,
            tenant_name: tenant.map(|tenant| tenant.name).unwrap_or_default(),
            url: call.url.clone(),
            headers: call.headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
            body: String::from_utf8_lossy(&call.body).into_owned(),
            refused: refused.map(str::to_owned),
            at: self.clock.now(),
        });
        let written = self.store.write(Batch::new().with(Change::Sandbox(record))).await;
        written.map_err(|error| CallError::Retry(error.to_string()))?;
        match refused {
            Some(why) => Err(CallError::Refused(why.to_owned())),
            None if self.loopback && is_this_machine(&call.url) => self.guard.post(call).await,
            None => Ok(()),
        }
    }

    fn refusal(&self, url: &str) -> Option<&'static str> {
        self.guard.refusal(url)
    }
}

/// Whether an address that the guard lets through is one of this machine: dev mode calls no other.
fn is_this_machine(url: &str) -> bool {
    GuardedCaller::new(&[]).is_ok_and(|strict| strict.refusal(url).is_some())
}
