//! One event on its way to one endpoint: a row that is written together with what it tells of, so that none is forgotten. It is
//! tried as Standard Webhooks advises, ten times within three days and some hours, and is a dead letter then.

use crate::{EventId, EventType, Sealed, TenantId, Timestamp, VerificationId, WebhookDeliveryId, WebhookEndpointId};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// One event for one endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookDelivery {
    /// Its name.
    pub id: WebhookDeliveryId,
    /// Whose it is.
    pub tenant: TenantId,
    /// Grows with each write; 0 before the first.
    #[serde(skip)]
    pub version: u32,
    /// Who is told.
    pub endpoint: WebhookEndpointId,
    /// What it tells of, and under which name: the same however often it is told (`webhook-id`).
    pub event: EventId,
    /// What that is called.
    pub kind: EventType,
    /// The verification, whose events are told in their order; none: it stands alone.
    pub verification: Option<VerificationId>,
    /// What is told, sealed.
    pub payload: Sealed,
    /// When it was made.
    pub created_at: Timestamp,
    /// Since when it is tried: since it was made, or since it was last asked for again.
    pub tried_since: Timestamp,
    /// How often it was tried in vain since then.
    pub attempts: u32,
    /// What went wrong last.
    pub reason: Option<String>,
    /// Where it stands.
    #[serde(skip, default)]
    pub state: DeliveryState,
    /// When it is to be tried, on the clock of the rules; of a dead letter: since when it is one.
    #[serde(skip, default = "beginning")]
    pub due_at: Timestamp,
    /// Until when a worker has it, on the clock that nobody moves.
    #[serde(skip, default = "beginning")]
    pub leased_until: Timestamp,
}

/// Where a delivery stands. One that was taken is not kept: the history of its verification has the event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeliveryState {
    /// It is tried, now or later.
    #[default]
    Pending,
    /// It is given up, until somebody asks for it again.
    Dead,
}

impl DeliveryState {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Pending, Self::Dead];

    /// The name on the wire and in a store.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Dead => "dead",
        }
    }

    /// The opposite of [`Self::name`].
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

const fn beginning() -> Timestamp {
    Timestamp::from_ms(0)
}

/// The pauses after each try in vain: 75 h 35 min 5 s in all, the schedule of the Standard Webhooks specification. Each is longer by
/// up to a tenth by chance, so that a server that comes back is not met by everything at once.
pub const PAUSES: [Duration; 9] = [
    Duration::from_secs(5),
    Duration::from_mins(5),
    Duration::from_mins(30),
    Duration::from_hours(2),
    Duration::from_hours(5),
    Duration::from_hours(10),
    Duration::from_hours(14),
    Duration::from_hours(20),
    Duration::from_hours(24),
];

/// Well more than all pauses at their longest. One that had to wait for an earlier event of its verification may have fewer tries.
const LONGEST_EFFORT: Duration = Duration::from_hours(96);

impl WebhookDelivery {
    /// What is told in its order: the events of a verification at one endpoint. One that stands alone has an order of its own.
    #[must_use]
    pub const fn line(&self) -> [u8; 16] {
        match self.verification {
            Some(verification) => verification.to_bytes(),
            None => self.event.to_bytes(),
        }
    }

    /// It was tried in vain: it is due again after a pause, or is a dead letter.
    pub fn note_failure(&mut self, why: &str, now: Timestamp, chance: u32) {
        let pause = usize::try_from(self.attempts).ok().and_then(|done| PAUSES.get(done));
        self.attempts = self.attempts.saturating_add(1);
        let next = pause.map(|pause| {
            let tenth = u64::try_from(pause.as_millis() / 10).unwrap_or(u64::MAX).max(1);
            now.plus(*pause).plus(Duration::from_millis(u64::from(chance) % tenth))
        });
        match next.filter(|next| next.since(self.tried_since) <= LONGEST_EFFORT) {
            Some(next) => {
                self.reason = Some(why.to_owned());
                self.due_at = next;
                self.leased_until = beginning();
            }
            None => self.give_up(why, now),
        }
    }

    /// It is a dead letter from now on.
    pub fn give_up(&mut self, why: &str, now: Timestamp) {
        self.state = DeliveryState::Dead;
        self.reason = Some(why.to_owned());
        self.due_at = now;
        self.leased_until = beginning();
    }

    /// It is tried from the beginning, at once, or when the worker that has it lets go of it. Its name stays, so a receiver that has
    /// it already can tell.
    pub fn replay(&mut self, now: Timestamp) {
        self.state = DeliveryState::Pending;
        self.tried_since = now;
        self.attempts = 0;
        self.due_at = now;
    }

    /// It waits for an earlier one of its line, which is due then.
    pub fn wait_until(&mut self, due_at: Timestamp) {
        self.due_at = self.due_at.max(due_at);
        self.leased_until = beginning();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivery() -> WebhookDelivery {
        WebhookDelivery {
            id: WebhookDeliveryId::from_bytes([0; 16]),
            tenant: TenantId::from_bytes([0; 16]),
            version: 1,
            endpoint: WebhookEndpointId::from_bytes([0; 16]),
            event: EventId::from_bytes([0; 16]),
            kind: EventType::VerificationStarted,
            verification: None,
            payload: Sealed { key_version: 1, bytes: vec![] },
            created_at: beginning(),
            tried_since: beginning(),
            attempts: 0,
            reason: None,
            state: DeliveryState::Pending,
            due_at: beginning(),
            leased_until: beginning(),
        }
    }

    fn tries(delivery: &mut WebhookDelivery, mut now: Timestamp, chance: u32) -> (u32, Timestamp) {
        let mut tries = 0;
        while delivery.state == DeliveryState::Pending {
            tries += 1;
            delivery.note_failure("status 500", now, chance);
            if delivery.state == DeliveryState::Pending {
                now = delivery.due_at;
            }
        }
        (tries, now)
    }

    #[test]
    fn it_is_tried_ten_times_within_three_days_and_then_it_is_dead() {
        for chance in [0, 17, u32::MAX] {
            let mut delivery = delivery();
            let (tries, end) = tries(&mut delivery, beginning(), chance);
            assert_eq!((tries, delivery.attempts, delivery.due_at), (10, 10, end));
            let whole = end.since(beginning());
            assert!(whole >= Duration::from_secs(75 * 3600 + 35 * 60 + 5) && whole < LONGEST_EFFORT, "{whole:?}");
        }
    }

    #[test]
    fn one_that_had_to_wait_for_an_earlier_one_is_given_up_with_it() {
        let mut delivery = delivery();
        let late = beginning().plus(Duration::from_hours(76));
        let (tries, end) = tries(&mut delivery, late, 0);
        assert!(tries > 1 && end.since(beginning()) <= LONGEST_EFFORT, "{tries}");
    }

    #[test]
    fn a_replay_begins_from_the_beginning() {
        let mut delivery = delivery();
        let (_, end) = tries(&mut delivery, beginning(), 0);
        let later = end.plus(Duration::from_hours(100));
        delivery.replay(later);
        assert_eq!((delivery.state, delivery.due_at, delivery.attempts), (DeliveryState::Pending, later, 0));
        assert_eq!(tries(&mut delivery, later, 0).0, 10);
    }
}
