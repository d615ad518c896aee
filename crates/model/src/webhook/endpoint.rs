//! A server of a tenant's that is told of events. Its secrets are nowhere here: the engine derives them from the key file, the
//! endpoint's id and a generation.

use crate::{EventType, Sealed, TenantId, Timestamp, WebhookEndpointId};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How long the secret before still signs beside the new one, so that a receiver can change it without missing anything.
pub const OLD_SECRET_SIGNS_FOR: Duration = Duration::from_hours(24);

/// A server that is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookEndpoint {
    /// Its name.
    pub id: WebhookEndpointId,
    /// Whose it is.
    pub tenant: TenantId,
    /// Grows with each write; 0 before the first.
    #[serde(skip)]
    pub version: u32,
    /// Its address, sealed: it may carry a secret of the receiver's.
    pub url: Sealed,
    /// What its owner says of it.
    pub description: Option<String>,
    /// What it is told of; empty: of everything.
    pub events: Vec<EventType>,
    /// Whether it is told the whole address of a person, and not a mask of it.
    pub whole_address: bool,
    /// Which secret and which key pair sign: the first is 0.
    pub generation: u32,
    /// Until when the generation before signs too.
    pub old_signs_until: Option<Timestamp>,
    /// Why nothing is told; none: it is told.
    pub disabled: Option<DisabledBecause>,
    /// Since when it exists.
    pub created_at: Timestamp,
}

/// Why an endpoint is told nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DisabledBecause {
    /// Its owner wants it so.
    Owner,
    /// It has answered 410: it is gone for good.
    Gone,
}

impl DisabledBecause {
    /// The name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Gone => "gone",
        }
    }
}

/// Why an endpoint cannot be as it is wanted, or cannot do what is wanted of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadEndpoint {
    /// Its address cannot be called.
    #[error("this address cannot be called: {0}")]
    Url(&'static str),
    /// Its address has a name or a password in it.
    #[error("an address has no name and no password in it; calls are signed, so the receiver knows whose they are")]
    Credentials,
    /// Its address has a part that is never sent.
    #[error("an address has no part after a #; it is never sent")]
    Fragment,
    /// Its address is longer than 2048 bytes.
    #[error("an address has at most 2048 bytes")]
    LongUrl,
    /// What is said of it cannot be shown.
    #[error("a description has 1 to 200 visible characters, on one line and without a link")]
    Description,
    /// The tenant has as many as it can have.
    #[error("a tenant has at most {} endpoints", WebhookEndpoint::MOST)]
    TooMany,
    /// It is told nothing.
    #[error("the endpoint is disabled; enable it first")]
    Disabled,
}

impl WebhookEndpoint {
    /// How many a tenant can have: each event is written once for each.
    pub const MOST: usize = 16;
    /// The longest address, in bytes.
    pub const LONGEST_URL: usize = 2048;

    /// Whether it is to be told of this.
    #[must_use]
    pub fn wants(&self, what: EventType) -> bool {
        self.disabled.is_none() && (self.events.is_empty() || self.events.contains(&what))
    }

    /// From now on the next generation signs, and the one of now beside it for a day.
    pub fn rotate(&mut self, now: Timestamp) {
        self.generation = self.generation.saturating_add(1);
        self.old_signs_until = Some(now.plus(OLD_SECRET_SIGNS_FOR));
    }

    /// Which generations sign now, the newest first.
    pub fn signing_generations(&self, now: Timestamp) -> impl Iterator<Item = u32> {
        let old = self.old_signs_until.filter(|until| now < *until).and_then(|_| self.generation.checked_sub(1));
        [Some(self.generation), old].into_iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint() -> WebhookEndpoint {
        WebhookEndpoint {
            id: WebhookEndpointId::from_bytes([1; 16]),
            tenant: TenantId::from_bytes([2; 16]),
            version: 1,
            url: Sealed { key_version: 1, bytes: vec![] },
            description: None,
            events: vec![],
            whole_address: false,
            generation: 0,
            old_signs_until: None,
            disabled: None,
            created_at: Timestamp::from_ms(0),
        }
    }

    #[test]
    fn without_a_list_it_wants_everything_with_one_only_that_and_disabled_nothing() {
        let mut endpoint = endpoint();
        assert!(EventType::ALL.iter().all(|what| endpoint.wants(*what)));
        endpoint.events = vec![EventType::VerificationApproved];
        assert!(endpoint.wants(EventType::VerificationApproved) && !endpoint.wants(EventType::VerificationStarted));
        endpoint.disabled = Some(DisabledBecause::Owner);
        assert!(!endpoint.wants(EventType::VerificationApproved));
    }

    #[test]
    fn after_a_rotation_both_secrets_sign_for_a_day_and_then_the_new_one_alone() {
        let (mut endpoint, begun) = (endpoint(), Timestamp::from_ms(1000));
        let signing = |endpoint: &WebhookEndpoint, at| endpoint.signing_generations(at).collect::<Vec<_>>();
        assert_eq!(signing(&endpoint, begun), [0]);
        endpoint.rotate(begun);
        let day = begun.plus(OLD_SECRET_SIGNS_FOR);
        assert_eq!(signing(&endpoint, Timestamp::from_ms(day.as_ms() - 1)), [1, 0]);
        assert_eq!(signing(&endpoint, day), [1]);
        endpoint.rotate(begun);
        assert_eq!(signing(&endpoint, begun), [2, 1], "never more than two");
    }
}
