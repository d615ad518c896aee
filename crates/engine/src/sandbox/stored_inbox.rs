//! Where messages go when none may leave the machine, and what a test has planned for them.

use crate::clock::Clock;
use async_trait::async_trait;
use countersign_delivery::{
    NumberLookup, Outgoing, SendError,
    lookup::LookedUp,
    providers::sandbox::{Inbox, Outcome, Plan},
};
use countersign_model::{Address, PhoneNumber};
use countersign_store::{
    Batch, Change, Store,
    sandbox::{Change as SandboxChange, InboxMessage, Lookup, Outcome as PlannedOutcomeKind},
};
use std::{sync::Arc, time::Duration};

/// The inbox as the sandbox provider sees it, and the numbers as the lookup sees them.
pub struct StoredInbox {
    /// Where it is kept.
    pub store: Store,
    /// When messages arrive.
    pub clock: Arc<Clock>,
}

#[async_trait]
impl Inbox for StoredInbox {
    async fn plan(&self, to: &Address) -> Plan {
        // A store that cannot be read will not take the message either: the put tells.
        let planned = self.store.planned_outcome(to.as_str()).await.unwrap_or_default();
        Plan {
            outcome: match planned.outcome {
                PlannedOutcomeKind::Deliver => Outcome::Deliver,
                PlannedOutcomeKind::Reject => Outcome::Reject,
                PlannedOutcomeKind::Lose => Outcome::Lose,
                PlannedOutcomeKind::Undelivered => Outcome::Undelivered,
            },
            delay: Duration::from_millis(planned.delay_ms.into()),
        }
    }

    async fn put(&self, message: &Outgoing) -> Result<(), SendError> {
        let change = SandboxChange::Deliver(InboxMessage {
            seq: 0,
            message: message.id,
            tenant: message.tenant,
            tenant_name: message.tenant_name.clone(),
            channel: message.channel,
            to: message.to.as_str().to_owned(),
            from: message
                .from_address
                .as_ref()
                .map(|address| address.as_str().to_owned())
                .or_else(|| message.from.clone()),
            subject: message.content.subject.clone(),
            text: message.content.text.clone(),
            html: message.content.html.clone(),
            code: message.code.as_ref().map(|code| code.expose().to_owned()),
            link: message.link.clone(),
            verification: message.verification,
            at: self.clock.now(),
        });
        let written = self.store.write(Batch::new().with(Change::Sandbox(change))).await;
        written.map_err(|error| SendError::Retry(error.to_string()))
    }
}

#[async_trait]
impl NumberLookup for StoredInbox {
    async fn look_up(&self, number: &PhoneNumber) -> Result<LookedUp, String> {
        let planned = self.store.planned_lookup(number.e164()).await.map_err(|error| error.to_string())?;
        Ok(match planned {
            Lookup::Valid => LookedUp::Exists { operator: None },
            Lookup::Invalid => LookedUp::Missing,
        })
    }
}
