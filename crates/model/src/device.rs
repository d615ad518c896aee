//! A device that is asked by push: its app registers once, with a key of its own, and signs each answer with it.
//!
//! ```text
//! awaited ──registers──▶ registered       a push: asked ──answer──▶ accepted | refused
//! ```
//! The first answer counts, and whoever asks what it was changes nothing.

use crate::{Sealed, Timestamp};
use serde::{Deserialize, Serialize};

/// A device.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// The app on it; none until it has registered.
    pub app: Option<DeviceApp>,
    /// What it was asked and has not been forgotten, oldest first.
    pub pushes: Vec<Push>,
}

/// The app on a device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceApp {
    /// What it calls itself when it signs.
    pub identifier: String,
    /// What the user calls the device.
    pub name: String,
    /// Its public key, as a JSON web key (RFC 7517).
    pub key: String,
    /// The service that reaches it: `GCM`, `APNS`.
    pub service: String,
    /// Its name there, sealed.
    pub token: Sealed,
}

/// One question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Push {
    /// Its name: 128 random bits in hexadecimal.
    pub id: String,
    /// In which log-in, in hexadecimal.
    pub transaction: String,
    /// Until when it can be answered.
    pub ends_at: Timestamp,
    /// Whether it was accepted; none: no answer yet.
    pub answer: Option<bool>,
}

impl Device {
    /// How many questions are remembered at most.
    const MOST: usize = 16;

    /// It is asked. An earlier question of the same log-in is no more, nor are those whose time is over.
    #[must_use]
    pub fn asked(mut self, push: Push, now: Timestamp) -> Self {
        self.pushes.retain(|other| other.transaction != push.transaction && now < other.ends_at);
        self.pushes.push(push);
        let too_many = self.pushes.len().saturating_sub(Self::MOST);
        self.pushes.drain(..too_many);
        self
    }

    /// It has answered. None: there is no such question, or it was answered, or its time is over.
    #[must_use]
    pub fn answered(mut self, id: &str, accepted: bool, now: Timestamp) -> Option<Self> {
        let push = self.pushes.iter_mut().find(|push| push.id == id && push.answer.is_none() && now < push.ends_at)?;
        push.answer = Some(accepted);
        Some(self)
    }

    /// A question.
    #[must_use]
    pub fn push(&self, id: &str) -> Option<&Push> {
        self.pushes.iter().find(|push| push.id == id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_ms(seconds * 1000)
    }

    fn push(id: &str, transaction: &str) -> Push {
        Push { id: id.to_owned(), transaction: transaction.to_owned(), ends_at: at(300), answer: None }
    }

    #[test]
    fn the_first_answer_counts_and_only_in_time() {
        let asked = Device::default().asked(push("a", "t"), at(0));
        assert_eq!(asked.clone().answered("b", true, at(1)), None);
        assert_eq!(asked.clone().answered("a", true, at(300)), None);
        let refused = asked.answered("a", false, at(299)).unwrap();
        assert_eq!(refused.push("a").unwrap().answer, Some(false));
        assert_eq!(refused.answered("a", true, at(299)), None);
    }

    #[test]
    fn one_question_of_a_log_in_is_open_and_not_many_are_remembered() {
        let device = Device::default().asked(push("a", "t"), at(0)).asked(push("b", "t"), at(1));
        assert!(device.push("a").is_none() && device.push("b").is_some());
        let many =
            (0..40).fold(device, |device, number| device.asked(push(&number.to_string(), &number.to_string()), at(2)));
        assert_eq!(many.pushes.len(), Device::MOST);
        assert!(many.push("39").is_some() && many.push("b").is_none());
        assert_eq!(many.asked(push("z", "z"), at(300)).pushes.len(), 1);
    }
}
