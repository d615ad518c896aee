//! With what a person proves to be itself: a phone, a mailbox, an app that counts out codes, a list of recovery codes.
//!
//! ```text
//! pending ──confirmed──▶ active ──used, used, …     (recovery codes: each once, until none is left)
//! ```
//! A pending factor proves nothing but that it is there: only its first right code makes it active.

use crate::{BlindIndex, Channel, Device, FactorId, Sealed, TenantId, Timestamp, Totp, UserId, address::PhoneTraits};
use serde::{Deserialize, Serialize};

/// A factor of a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Factor {
    /// Its name.
    pub id: FactorId,
    /// Whose tenant.
    pub tenant: TenantId,
    /// Grows with each write; 0 before the first.
    #[serde(skip)]
    pub version: u32,
    /// Whose it is.
    pub user: UserId,
    /// Where it stands.
    pub state: FactorState,
    /// What its owner calls it.
    pub name: Option<String>,
    /// What it is.
    pub kind: FactorKind,
    /// Since when it exists.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// When it became active.
    pub confirmed_at: Option<Timestamp>,
    /// When it last proved something.
    pub last_used_at: Option<Timestamp>,
}

/// Where a factor stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FactorState {
    /// Nobody has shown yet that they hold it.
    Pending,
    /// It can be used.
    Active,
}

/// What a factor is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FactorKind {
    /// A phone that gets codes.
    Phone {
        /// Its number.
        to: Sealed,
        /// The same, as look-ups see it.
        to_index: BlindIndex,
        /// What the numbering plan tells of it.
        phone: Option<PhoneTraits>,
        /// On which ways it is reached, the preferred one first.
        channels: Vec<Channel>,
    },
    /// A mailbox that gets codes.
    Email {
        /// Its address.
        to: Sealed,
        /// The same, as look-ups see it.
        to_index: BlindIndex,
    },
    /// An app that counts out codes.
    Totp {
        /// What it counts with, sealed.
        secret: Sealed,
        /// How it counts.
        rule: Totp,
        /// The last step that was used: neither it nor an earlier one is taken again.
        last_step: Option<u64>,
        /// The device that is asked by push, where the app is one that can be.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        device: Option<Box<Device>>,
    },
    /// A list of codes for the day when everything else is lost. Only salted hashes are kept.
    RecoveryCodes {
        /// Makes the hashes of this list differ from those of another.
        salt: String,
        /// The keyed hashes of those that are left.
        left: Vec<String>,
    },
}

/// Which verification proves which factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForFactor {
    /// Whose.
    pub user: UserId,
    /// Which.
    pub factor: FactorId,
    /// What for.
    pub purpose: FactorPurpose,
}

/// What a code is for that a factor gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FactorPurpose {
    /// To make the factor active.
    Enrol,
    /// To prove to be its owner.
    Prove,
}

impl Factor {
    /// Whether it can be used.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.state == FactorState::Active
    }

    /// Whether it is a factor of its own, and not only the way back in where that is lost.
    #[must_use]
    pub fn is_primary(&self) -> bool {
        !matches!(self.kind, FactorKind::RecoveryCodes { .. })
    }

    /// It proved something; from now on it is active, if it was not before.
    #[must_use]
    pub fn used(mut self, now: Timestamp) -> Self {
        if self.state == FactorState::Pending {
            self.state = FactorState::Active;
            self.confirmed_at = Some(now);
        }
        (self.last_used_at, self.updated_at) = (Some(now), now);
        self
    }

    /// An app's code of this step was used. None where the step, or a later one, was used before, or where it is no app.
    #[must_use]
    pub fn used_at_step(self, step: u64, now: Timestamp) -> Option<Self> {
        let FactorKind::Totp { last_step, .. } = &self.kind else { return None };
        if last_step.is_some_and(|last| step <= last) {
            return None;
        }
        let mut used = self.used(now);
        if let FactorKind::Totp { last_step, .. } = &mut used.kind {
            *last_step = Some(step);
        }
        Some(used)
    }

    /// The device that is asked by push.
    #[must_use]
    pub fn device(&self) -> Option<&Device> {
        match &self.kind {
            FactorKind::Totp { device, .. } => device.as_deref(),
            FactorKind::Phone { .. } | FactorKind::Email { .. } | FactorKind::RecoveryCodes { .. } => None,
        }
    }

    /// The device has changed.
    #[must_use]
    pub fn with_device(mut self, changed: Device, now: Timestamp) -> Self {
        if let FactorKind::Totp { device, .. } = &mut self.kind {
            *device = Some(Box::new(changed));
            self.updated_at = now;
        }
        self
    }

    /// The recovery code at this place of the list was used, and is gone. None where there is none.
    #[must_use]
    pub fn used_code(mut self, place: usize, now: Timestamp) -> Option<Self> {
        let FactorKind::RecoveryCodes { left, .. } = &mut self.kind else { return None };
        if place >= left.len() {
            return None;
        }
        left.remove(place);
        Some(self.used(now))
    }

    /// Another list of recovery codes takes the place of this one.
    #[must_use]
    pub fn with_codes(mut self, salt: String, left: Vec<String>, now: Timestamp) -> Self {
        self.kind = FactorKind::RecoveryCodes { salt, left };
        self.updated_at = now;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_ms(seconds * 1000)
    }

    fn factor(kind: FactorKind) -> Factor {
        Factor {
            id: FactorId::from_bytes([1; 16]),
            tenant: TenantId::from_bytes([2; 16]),
            version: 1,
            user: UserId::from_bytes([3; 16]),
            state: FactorState::Pending,
            name: None,
            kind,
            created_at: at(0),
            updated_at: at(0),
            confirmed_at: None,
            last_used_at: None,
        }
    }

    fn app() -> Factor {
        let secret = Sealed { key_version: 1, bytes: vec![] };
        factor(FactorKind::Totp { secret, rule: Totp::USUAL, last_step: None, device: None })
    }

    #[test]
    fn the_first_use_makes_it_active_and_later_ones_only_note_the_time() {
        let active = app().used(at(5));
        assert_eq!(
            (active.state, active.confirmed_at, active.last_used_at),
            (FactorState::Active, Some(at(5)), Some(at(5)))
        );
        let again = active.used(at(9));
        assert_eq!((again.confirmed_at, again.last_used_at), (Some(at(5)), Some(at(9))));
    }

    #[test]
    fn a_step_is_used_once_and_no_earlier_one_after_it() {
        let used = app().used_at_step(7, at(1)).unwrap();
        assert!(used.is_active());
        assert_eq!(used.clone().used_at_step(7, at(2)), None);
        assert_eq!(used.clone().used_at_step(6, at(2)), None);
        assert!(used.used_at_step(8, at(2)).is_some());
    }

    #[test]
    fn a_recovery_code_is_used_once() {
        let codes =
            factor(FactorKind::RecoveryCodes { salt: "s".to_owned(), left: vec!["a".to_owned(), "b".to_owned()] });
        assert!(!codes.is_primary());
        let used = codes.used_code(0, at(1)).unwrap();
        assert_eq!(used.kind, FactorKind::RecoveryCodes { salt: "s".to_owned(), left: vec!["b".to_owned()] });
        assert_eq!(used.clone().used_code(1, at(1)), None);
        assert_eq!(app().used_code(0, at(1)), None);
        assert_eq!(used.used_at_step(1, at(1)), None);
    }
}
