//! The next signing key signs from now on, and a new one waits in its place. Whoever has cached the published keys knows the
//! one that signs; the one that has signed stays published while a token of it can live.

use super::Command;
use crate::{Caller, Engine, Error, tokens::make_key};
use countersign_model::{Scope, SigningKeyState, Timestamp};
use countersign_store::{Batch, Change};
use serde::{Deserialize, Serialize};

/// "Let the next key sign."
#[derive(Debug)]
pub struct RotateSigningKeys;

/// Which keys have changed places.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct KeysRotated {
    /// The one that signs now.
    pub current: String,
    /// The one that will sign after it.
    pub next: String,
}

impl Command for RotateSigningKeys {
    type Outcome = KeysRotated;
    const NEEDS: Scope = Scope::Admin;

    async fn decide(&self, engine: &Engine, _: &Caller, now: Timestamp) -> Result<(KeysRotated, Batch), Error> {
        let keys = engine.signing_keys().await?;
        let fresh = make_key(engine, SigningKeyState::Next).await?;
        let next = fresh.kid.clone();
        let in_state = |state| keys.iter().find(move |key| key.state == state).cloned();
        let missing = || Error::internal("a signing key is missing");
        let (before, after) = (
            in_state(SigningKeyState::Current).ok_or_else(missing)?,
            in_state(SigningKeyState::Next).ok_or_else(missing)?,
        );
        let current = after.kid.clone();
        let forgotten = keys.iter().filter(|key| !key.is_published(now));
        let mut batch = Batch::new()
            .with(Change::PutSigningKey(before.retire(now)))
            .with(Change::PutSigningKey(after.promote()))
            .with(Change::PutSigningKey(fresh));
        for key in forgotten {
            batch.push(Change::DeleteSigningKey { kid: key.kid.clone(), version: key.version });
        }
        Ok((KeysRotated { current, next }, batch))
    }
}
