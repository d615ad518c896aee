//! Ends what limits hold against a user: all is counted anew, for the user and for where its factors are reached.

use super::Command;
use crate::{Caller, Engine, Error, UserRef, people::address_index, remembered::Remembered};
use countersign_model::{ActivityKind, Scope, Timestamp, User};
use countersign_store::{Batch, Change};

/// "Let this user try again."
#[derive(Debug)]
pub struct ReleaseUser {
    /// Which.
    pub user: UserRef,
}

impl Command for ReleaseUser {
    type Outcome = User;
    const NEEDS: Scope = Scope::Admin;

    async fn decide(&self, engine: &Engine, caller: &Caller, now: Timestamp) -> Result<(User, Batch), Error> {
        let user = engine.must_find_user(caller.tenant(), &self.user).await?;
        let factors = engine.store().factors_of(user.tenant, user.id).await?;
        let mut addresses: Vec<_> = factors.iter().filter_map(address_index).collect();
        addresses.sort_unstable_by_key(|index| index.0);
        addresses.dedup();
        let mut batch = Batch::new();
        for service in engine.store().services(user.tenant).await? {
            let of = (user.tenant, service.id);
            let mut person = Remembered::read(engine, of, None, Some(user.id)).await?;
            person.release();
            batch.extend(person.changes());
            for address in &addresses {
                let mut address = Remembered::read(engine, of, Some(*address), None).await?;
                address.release();
                batch.extend(address.changes());
            }
        }
        batch.push(Change::InsertActivity(engine.activity(caller, &user, ActivityKind::UserReleased, now)));
        Ok((user, batch))
    }
}
