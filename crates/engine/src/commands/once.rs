//! A command that something pays for which can be used once: a token with the right to do this and nothing more. Of two at the
//! same time one is done, and a command that fails costs nothing.

use super::Command;
use crate::{Caller, Engine, Error, metrics::Metrics};
use countersign_model::{Scope, Timestamp};
use countersign_store::{Batch, Change};

/// "Do this, and let this be spent."
#[derive(Debug)]
pub struct Once<C> {
    /// What is to be done.
    pub command: C,
    /// What pays for it; none: nothing is to be paid.
    pub token: Option<OneTime>,
}

/// Something that can be used once.
#[derive(Clone, Debug)]
pub struct OneTime {
    /// What it is called: unique within its tenant.
    pub id: String,
    /// When it would have ended anyway.
    pub until: Timestamp,
}

/// Nothing else is to be done: what counts is that the token is spent.
#[derive(Debug)]
pub struct Spend;

impl Command for Spend {
    type Outcome = ();
    const NEEDS: Scope = Scope::VerificationsWrite;

    async fn decide(&self, _: &Engine, _: &Caller, _: Timestamp) -> Result<((), Batch), Error> {
        Ok(((), Batch::new()))
    }
}

impl<C: Command> Command for Once<C> {
    type Outcome = C::Outcome;
    const NEEDS: Scope = C::NEEDS;

    async fn decide(&self, engine: &Engine, caller: &Caller, now: Timestamp) -> Result<(C::Outcome, Batch), Error> {
        let Some(token) = &self.token else { return self.command.decide(engine, caller, now).await };
        if engine.is_spent(caller, &token.id).await? {
            return Err(Error::Spent);
        }
        let (outcome, mut batch) = self.command.decide(engine, caller, now).await?;
        let id = engine.spent_id(&token.id);
        batch.push(Change::SpendToken { tenant: caller.tenant(), id, until: token.until });
        Ok((outcome, batch))
    }

    fn count(&self, outcome: &C::Outcome, metrics: &Metrics) {
        self.command.count(outcome, metrics);
    }
}

impl Engine {
    /// Whether something that can be used once was used.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub async fn is_spent(&self, caller: &Caller, id: &str) -> Result<bool, Error> {
        Ok(self.store().is_spent(caller.tenant(), &self.spent_id(id)).await?)
    }

    fn spent_id(&self, id: &str) -> [u8; 32] {
        self.keys().hash("one-time token", id.as_bytes())
    }
}
