//! Makes a set of recovery codes, in place of the one that the user had. They are in the outcome and nowhere else: the store
//! gets salted keyed hashes.

use super::{Command, enrol_factor::fresh_factor};
use crate::{Caller, Engine, Error, UserRef};
use countersign_model::{ActivityKind, Factor, FactorId, FactorKind, Means, Random, Scope, Timestamp, User};
use countersign_store::{Batch, Change};
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use std::fmt;

/// "New recovery codes for this user."
#[derive(Debug)]
pub struct MakeRecoveryCodes {
    /// For whom. One that is named and does not exist is made.
    pub user: UserRef,
    /// How many.
    pub count: u8,
    /// How many characters each has.
    pub length: u8,
    /// What they are made of: ASCII characters, no two of them the same.
    pub alphabet: &'static str,
}

/// A set of recovery codes, which only this outcome holds.
#[derive(Serialize, Deserialize)]
pub struct RecoveryCodesMade {
    /// Whose.
    pub user: User,
    /// What is kept of the set.
    pub factor: Factor,
    /// The codes.
    pub codes: Vec<String>,
}

impl fmt::Debug for RecoveryCodesMade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RecoveryCodesMade({}, …)", self.factor.id)
    }
}

impl Command for MakeRecoveryCodes {
    type Outcome = RecoveryCodesMade;
    const NEEDS: Scope = Scope::VerificationsWrite;

    async fn decide(
        &self,
        engine: &Engine,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<(RecoveryCodesMade, Batch), Error> {
        let (user, mut batch) = engine.find_or_make_user(caller, &self.user, now).await?;
        let codes: Vec<String> = (0..self.count).map(|_| drawn(self.alphabet, self.length, engine.random())).collect();
        let salt = fresh_salt(engine.random());
        let left = codes.iter().map(|code| engine.keys().recovery_hash(&salt, code)).collect();

        let factors = engine.store().factors_of(user.tenant, user.id).await?;
        let before = factors.into_iter().find(|factor| !factor.is_primary());
        let factor = if let Some(before) = before {
            let renewed = before.with_codes(salt, left, now);
            batch.push(Change::UpdateFactor(renewed.clone()));
            renewed
        } else {
            let id = FactorId::generate(now, engine.random());
            let fresh = fresh_factor((&user, id), None, FactorKind::RecoveryCodes { salt, left }, now);
            // Nothing is to be shown first: whoever gets the codes has them.
            let fresh = Factor { last_used_at: None, ..fresh.used(now) };
            batch.push(Change::InsertFactor(fresh.clone()));
            fresh
        };
        let made = engine.activity(caller, &user, ActivityKind::RecoveryCodesMade, now).by(Means::RecoveryCodes);
        batch.push(Change::InsertActivity(made));
        Ok((RecoveryCodesMade { user, factor, codes }, batch))
    }
}

fn fresh_salt(random: &dyn Random) -> String {
    let mut bytes = [0; 16];
    random.fill(&mut bytes);
    HEXLOWER.encode(&bytes)
}

/// Bytes that would favour some characters are rejected, so every code is equally likely.
fn drawn(alphabet: &str, length: u8, random: &dyn Random) -> String {
    let characters = alphabet.as_bytes();
    let fair = 256 - 256 % characters.len().max(1);
    let mut code = String::with_capacity(usize::from(length));
    while code.len() < usize::from(length) && !characters.is_empty() {
        let mut bytes = [0; 32];
        random.fill(&mut bytes);
        let fitting = bytes.into_iter().map(usize::from).filter(|byte| *byte < fair);
        let drawn = fitting.filter_map(|byte| characters.get(byte % characters.len()));
        code.extend(drawn.take(usize::from(length) - code.len()).map(|byte| char::from(*byte)));
    }
    code
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::SeededChance;

    #[test]
    fn a_drawn_code_has_its_length_and_every_character_of_its_alphabet_comes() {
        let chance = SeededChance::default();
        let mut seen = std::collections::BTreeMap::new();
        for _ in 0..1000 {
            let code = drawn("abcde", 7, &chance);
            assert_eq!(code.len(), 7);
            for character in code.chars() {
                *seen.entry(character).or_insert(0) += 1;
            }
        }
        assert_eq!(seen.keys().copied().collect::<String>(), "abcde");
        assert!(seen.values().all(|count| (1250..1550).contains(count)), "{seen:?}");
    }
}
