//! Messages as reports count them.

use super::{Page, Slice, TrialFilter, TrialTotals};
use crate::{Caller, Engine, Error, Thing};
use countersign_model::{Address, MessageId, Payment, Scope, Timestamp, Trial, message::MessageState};
use futures_util::future::try_join_all;

/// A trial and what became of its message.
#[derive(Clone, Debug)]
pub struct TrialRecord {
    /// The trial.
    pub trial: Trial,
    /// What the person approves.
    pub payment: Option<Payment>,
    /// Where the message stands.
    pub state: MessageState,
    /// How often it was tried to hand it over.
    pub attempts: u32,
    /// When any of this last changed.
    pub changed_at: Timestamp,
}

impl Engine {
    /// The caller's trial of an id.
    ///
    /// # Errors
    /// When there is none, or the caller may not see it.
    pub async fn trial(&self, caller: &Caller, id: MessageId) -> Result<TrialRecord, Error> {
        caller.must_have(Scope::VerificationsRead)?;
        let found = self.store().trial(caller.tenant(), id).await?.ok_or(Error::NotFound(Thing::Trial))?;
        self.trial_record(found).await?.ok_or(Error::NotFound(Thing::Trial))
    }

    /// A part of the trials that a filter lets through, the newest first; of those to one address, if one is named.
    ///
    /// # Errors
    /// When the caller may not see them.
    pub async fn trials(
        &self,
        caller: &Caller,
        filter: TrialFilter,
        to: Option<&Address>,
        slice: Slice,
    ) -> Result<Page<TrialRecord>, Error> {
        caller.must_have(Scope::VerificationsRead)?;
        let filter = self.filter_to(caller, filter, to);
        let page = self.store().trials(caller.tenant(), &filter, slice).await?;
        let records = try_join_all(page.items.into_iter().map(|trial| self.trial_record(trial))).await?;
        Ok(Page { total: page.total, items: records.into_iter().flatten().collect() })
    }

    /// How many trials a filter lets through; of those to one address, if one is named.
    ///
    /// # Errors
    /// When the caller may not see them.
    pub async fn trial_totals(
        &self,
        caller: &Caller,
        filter: TrialFilter,
        to: Option<&Address>,
    ) -> Result<TrialTotals, Error> {
        caller.must_have(Scope::VerificationsRead)?;
        Ok(self.store().trial_totals(caller.tenant(), &self.filter_to(caller, filter, to)).await?)
    }

    fn filter_to(&self, caller: &Caller, filter: TrialFilter, to: Option<&Address>) -> TrialFilter {
        TrialFilter { to: to.map(|to| self.keys().blind_index(caller.tenant(), to)), ..filter }
    }

    /// None if it was purged since it was found, together with its verification and its message.
    async fn trial_record(&self, trial: Trial) -> Result<Option<TrialRecord>, Error> {
        let message = self.store().message(trial.tenant, trial.id).await?;
        let verification = self.store().verification(trial.tenant, trial.verification).await?;
        let (Some(message), Some(verification)) = (message, verification) else { return Ok(None) };
        Ok(Some(TrialRecord {
            payment: self.payment_of(&verification)?,
            state: message.state,
            attempts: message.attempts,
            changed_at: trial.updated_at.max(message.updated_at),
            trial,
        }))
    }
}
