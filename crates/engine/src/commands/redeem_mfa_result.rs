//! The caller hands in the result that a browser brought back from the page of a second factor: once, and what it says is true,
//! whatever else the browser says.

use super::Command;
use crate::{Caller, Engine, Error, Thing, UserRef};
use countersign_model::{Means, Scope, Timestamp, mfa_session::Stage};
use countersign_store::{Batch, Change};
use serde::{Deserialize, Serialize};
use std::fmt;

/// "What does this say?"
pub struct RedeemMfaResult {
    /// The result.
    pub result: String,
}

impl fmt::Debug for RedeemMfaResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RedeemMfaResult(…)")
    }
}

/// A user has proved to be itself.
#[derive(Serialize, Deserialize)]
pub struct MfaResult {
    /// The name of the log-in.
    pub id: String,
    /// What the user is called.
    pub user: Option<String>,
    /// With what it was proved.
    pub by: Means,
    /// Whether that was enrolled on the way.
    pub enrolled: bool,
    /// When.
    pub at: Timestamp,
}

impl fmt::Debug for MfaResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MfaResult").field("id", &self.id).field("by", &self.by).finish_non_exhaustive()
    }
}

impl Command for RedeemMfaResult {
    type Outcome = MfaResult;
    const NEEDS: Scope = Scope::VerificationsWrite;

    async fn decide(&self, engine: &Engine, caller: &Caller, now: Timestamp) -> Result<(MfaResult, Batch), Error> {
        let unknown = || Error::NotFound(Thing::MfaResult);
        let id = engine.session_of_result(&self.result).ok_or_else(unknown)?;
        let session = engine.store().mfa_session(id).await?.filter(|session| session.tenant == caller.tenant());
        let session = session.ok_or_else(unknown)?;
        let (by, at, enrolled) = match session.stage {
            Stage::Proved { by, at, enrolled, .. } => (by, at, enrolled),
            Stage::Redeemed => return Err(Error::Spent),
            Stage::Open { .. } => return Err(unknown()),
        };
        let user = engine.must_find_user(session.tenant, &UserRef::Id(session.user)).await?;
        let id = engine.log_in_of(&session).name();
        let redeemed = session.redeemed(now).ok_or_else(unknown)?;
        let result = MfaResult { id, user: engine.name_of(&user)?, by, enrolled, at };
        Ok((result, Batch::new().with(Change::PutMfaSession(redeemed))))
    }
}
