//! A call to a caller's server that tells what became of a message. It is a row that is written together with the message's
//! last step, and so none is forgotten; it is tried until the server takes it, with growing pauses, for two days.

use crate::{BlindIndex, CallbackId, MessageId, Sealed, TenantId, Timestamp, message::Fate};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// One thing to tell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Callback {
    /// Its name.
    pub id: CallbackId,
    /// Whose it is.
    pub tenant: TenantId,
    /// Grows with each write; 0 before the first.
    #[serde(skip)]
    pub version: u32,
    /// The dialect whose words it is told in.
    pub dialect: String,
    /// The same for the same address: what goes there is told in one call.
    pub target: BlindIndex,
    /// The address, sealed.
    pub url: Sealed,
    /// Which message.
    pub message: MessageId,
    /// Where the message went, sealed.
    pub to: Sealed,
    /// Whom it came from.
    pub from: Option<String>,
    /// The caller's own name for it.
    pub custom: String,
    /// What became of it.
    pub fate: Fate,
    /// When the message was made.
    pub sent_at: Timestamp,
    /// When its fate was known.
    pub settled_at: Timestamp,
    /// How often the call was made in vain.
    pub attempts: u32,
    /// When it is to be made, on the clock of the rules.
    #[serde(skip, default = "beginning")]
    pub due_at: Timestamp,
    /// Until when a worker has it, on the clock that nobody moves.
    #[serde(skip, default = "beginning")]
    pub leased_until: Timestamp,
}

const fn beginning() -> Timestamp {
    Timestamp::from_ms(0)
}

const FIRST_PAUSE: Duration = Duration::from_secs(10);
const LONGEST_PAUSE: Duration = Duration::from_hours(1);
/// How long a caller's server may be away without missing anything.
pub const LONGEST_EFFORT: Duration = Duration::from_hours(48);

impl Callback {
    /// The call was made in vain: the next one is due after a pause (10 s doubled up to an hour, less up to half of it by
    /// chance). False when two days are over, and it is given up.
    pub fn note_failure(&mut self, now: Timestamp, chance: u32) -> bool {
        let doubled = FIRST_PAUSE.saturating_mul(1 << self.attempts.min(12)).min(LONGEST_PAUSE);
        let full = u64::try_from(doubled.as_millis()).unwrap_or(u64::MAX);
        self.attempts += 1;
        self.due_at = now.plus(Duration::from_millis(full - u64::from(chance) % (full / 2)));
        self.leased_until = beginning();
        self.due_at.since(self.settled_at) <= LONGEST_EFFORT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_is_away_is_called_less_and_less_often_for_two_days() {
        let sealed = Sealed { key_version: 1, bytes: vec![] };
        let mut callback = Callback {
            id: CallbackId::from_bytes([0; 16]),
            tenant: TenantId::from_bytes([0; 16]),
            version: 1,
            dialect: "x".into(),
            target: BlindIndex([0; 32]),
            url: sealed.clone(),
            message: MessageId::from_bytes([0; 16]),
            to: sealed,
            from: None,
            custom: String::new(),
            fate: Fate::Delivered,
            sent_at: beginning(),
            settled_at: beginning(),
            attempts: 0,
            due_at: beginning(),
            leased_until: beginning(),
        };
        let (mut now, mut calls) = (beginning(), 0);
        while callback.note_failure(now, 0) {
            assert!(
                callback.due_at.since(now) >= Duration::from_secs(5) && callback.due_at.since(now) <= LONGEST_PAUSE
            );
            now = callback.due_at;
            calls += 1;
        }
        assert!((50..70).contains(&calls), "{calls}");
        assert!(now.since(beginning()) > Duration::from_hours(46));
    }
}
