//! What is remembered of an address, and of the person behind it where one is known: the same limits hold for both, so that
//! neither one phone nor one person can be flooded or guessed at, whoever asks.

use crate::{Engine, Error};
use countersign_model::{BlindIndex, Destination, Limited, ServiceId, TenantId, Timestamp, UserId, policy::Limits};
use countersign_store::{Batch, Change};

/// The rows, as they were read, and which of them must be written.
pub(crate) struct Remembered {
    tenant: TenantId,
    service: ServiceId,
    rows: Vec<Row>,
    /// Whether a person became blocked.
    pub person_is_blocked: bool,
}

struct Row {
    index: BlindIndex,
    destination: Destination,
    is_person: bool,
    changed: bool,
}

impl Remembered {
    /// Reads what there is of an address and of a person.
    pub(crate) async fn read(
        engine: &Engine,
        (tenant, service): (TenantId, ServiceId),
        address: Option<BlindIndex>,
        person: Option<UserId>,
    ) -> Result<Self, Error> {
        let person = person.map(|user| (engine.keys().user_index(tenant, user), true));
        let mut rows = Vec::new();
        for (index, is_person) in address.map(|index| (index, false)).into_iter().chain(person) {
            let destination = engine.store().destination(tenant, service, index).await?;
            rows.push(Row { index, destination, is_person, changed: false });
        }
        Ok(Self { tenant, service, rows, person_is_blocked: false })
    }

    /// Counts one more message.
    ///
    /// # Errors
    /// When a limit refuses it. What is to be written then is a block that the refusal has brought, if it has.
    pub(crate) fn count_send(&mut self, limits: &Limits, now: Timestamp) -> Result<(), Limited> {
        let mut refused: Option<Limited> = None;
        let before: Vec<Destination> = self.rows.iter().map(|row| row.destination.clone()).collect();
        let mut refusals = Vec::new();
        for row in &mut self.rows {
            let counted = row.destination.count_send(limits, now);
            refusals.push(counted.is_err());
            if let Err(limited) = counted {
                refused = refused.filter(|other| other.retry_at >= limited.retry_at).or(Some(limited));
            }
        }
        for ((row, before), is_refused) in self.rows.iter_mut().zip(before).zip(refusals) {
            if refused.is_some() && !is_refused {
                row.destination = before;
            } else {
                row.changed = row.destination != before;
                self.person_is_blocked |= row.is_person && is_refused && row.changed;
            }
        }
        refused.map_or(Ok(()), Err)
    }

    /// Whether a code may be checked now.
    ///
    /// # Errors
    /// While one of them is held.
    pub(crate) fn may_check(&self, now: Timestamp) -> Result<(), Limited> {
        self.rows.iter().try_for_each(|row| row.destination.may_check(now))
    }

    /// Counts a wrong code.
    pub(crate) fn count_failed_check(&mut self, limits: &Limits, now: Timestamp) {
        for row in &mut self.rows {
            row.destination.count_failed_check(limits, now);
            row.changed = true;
            self.person_is_blocked |= row.is_person && row.destination.held_until(now).is_some();
        }
    }

    /// A right code clears the count of wrong ones in a row.
    pub(crate) fn clear_failed_checks(&mut self) {
        for row in &mut self.rows {
            row.changed |= row.destination.clear_failed_checks();
        }
    }

    /// All is counted anew.
    pub(crate) fn release(&mut self) {
        for row in &mut self.rows {
            row.changed |= row.destination.release();
        }
    }

    /// Until when nothing is sent or checked; none if nothing is held.
    pub(crate) fn held_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.rows.iter().filter_map(|row| row.destination.held_until(now)).max()
    }

    /// What is to be written.
    pub(crate) fn changes(self) -> Batch {
        let (tenant, service) = (self.tenant, self.service);
        let put = |row: Row| Change::PutDestination { tenant, service, index: row.index, destination: row.destination };
        Batch::of(self.rows.into_iter().filter(|row| row.changed).map(put))
    }
}
