//! Tells callers' servers what became of their messages. What goes to one address goes in one call; a server that is away is
//! called again, later each time, for two days.

use super::Progress;
use crate::{
    Engine, Error,
    reports::{DeliveryReport, MOST_AT_ONCE},
};
use countersign_delivery::callback::{Call, CallError};
use countersign_model::{BlindIndex, Callback, TenantId};
use countersign_store::{Batch, Change, Error as StoreError};
use futures_util::future::join_all;
use std::{collections::BTreeMap, time::Duration};

/// The job.
#[derive(Clone)]
pub struct Report(pub Engine);

/// Well above what one call may take.
const LEASE: Duration = Duration::from_mins(1);

/// Callbacks that go in one call.
pub type Group = Vec<Callback>;

impl Report {
    /// Tells what is due: at most a thousand reports, in as many calls as there are addresses.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub async fn run_once(&self) -> Result<Progress, Error> {
        let groups = self.claim().await?;
        let progress = if groups.is_empty() { Progress::Idle } else { Progress::More };
        join_all(groups.into_iter().map(|group| self.tell(group))).await;
        Ok(progress)
    }

    /// What is due and could be taken, by address. What another worker took first is left to it.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub async fn claim(&self) -> Result<Vec<Group>, Error> {
        let (now, wall) = (self.0.now(), self.0.clock().wall());
        let due = self.0.store().due_callbacks(now, wall, MOST_AT_ONCE).await?;
        let mut groups: BTreeMap<(TenantId, String, [u8; 32]), Group> = BTreeMap::new();
        for mut callback in due {
            callback.leased_until = wall.plus(LEASE);
            // A deadline in the past would keep every job awake for as long as the call takes.
            callback.due_at = now.plus(LEASE);
            let BlindIndex(target) = callback.target;
            groups.entry((callback.tenant, callback.dialect.clone(), target)).or_default().push(callback);
        }
        let mut taken = Vec::new();
        for mut group in groups.into_values() {
            let batch = group.iter().cloned().fold(Batch::new(), |batch, it| batch.with(Change::UpdateCallback(it)));
            match self.0.write(batch).await {
                Ok(()) => {
                    for callback in &mut group {
                        callback.version += 1;
                    }
                    taken.push(group);
                }
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(taken)
    }

    /// One call. What goes wrong with the store is logged: the lease ends, and the call is made again.
    async fn tell(&self, group: Group) {
        let told = match self.call(&group) {
            Ok(call) => self.0.callback_caller().post(&call).await,
            Err(error) => Err(CallError::Refused(error.to_string())),
        };
        let mut batch = Batch::new();
        for callback in group {
            batch.push(self.next(callback, &told));
        }
        if let Err(error) = self.0.write(batch).await {
            tracing::warn!(%error, "a call could not be noted; it will be repeated");
        }
    }

    fn call(&self, group: &[Callback]) -> Result<Call, Error> {
        let opened = group.iter().map(|callback| self.0.open_callback(callback)).collect::<Result<Vec<_>, _>>()?;
        let (urls, reports): (Vec<String>, Vec<DeliveryReport>) = opened.into_iter().unzip();
        let first = group.first().ok_or_else(|| Error::internal("a call without reports"))?;
        let format = self.0.report_format(&first.dialect).ok_or_else(|| Error::internal("a report of no dialect"))?;
        Ok(Call {
            tenant: first.tenant,
            url: urls.into_iter().next().unwrap_or_default(),
            headers: vec![("content-type", "application/json".to_owned())],
            body: format(&reports),
        })
    }

    fn next(&self, mut callback: Callback, told: &Result<(), CallError>) -> Change {
        let over = |callback: &Callback| Change::DeleteCallback {
            tenant: callback.tenant,
            id: callback.id,
            version: callback.version,
        };
        let (engine, message_id) = (&self.0, callback.message);
        match told {
            Ok(()) => over(&callback),
            Err(CallError::Refused(why)) => {
                tracing::warn!(%message_id, %why, "a delivery report will not be sent");
                over(&callback)
            }
            Err(why @ (CallError::Gone | CallError::Retry(_))) => {
                if callback.note_failure(engine.now(), engine.random().number()) {
                    tracing::info!(%message_id, %why, attempts = callback.attempts, "a delivery report was not taken");
                    Change::UpdateCallback(callback)
                } else {
                    tracing::warn!(%message_id, %why, "a delivery report was not taken for two days and is given up");
                    over(&callback)
                }
            }
        }
    }
}
