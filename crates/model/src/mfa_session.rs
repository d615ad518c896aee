//! A visit to the hosted page of a second factor: what the page waits for, and what came of it. The browser holds a link, the
//! caller gets a result, and neither can make the other of it.
//!
//! ```text
//! open ──a right code──▶ proved ──result handed in──▶ redeemed
//!  ▲ │                     (a new recovery code is shown until it was kept; only then is there a result)
//!  └─┴── a code on its way, a wrong one, a change of mind
//! ```
//! Whoever looks changes nothing: each step is a decision of its own.

use crate::{BlindIndex, Channel, ChosenKind, FactorId, Means, Sealed, TenantId, Timestamp, UserId, VerificationId};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A visit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MfaSession {
    /// Keyed hash of the text in its link.
    #[serde(skip, default = "no_id")]
    pub id: BlindIndex,
    /// Whose tenant.
    pub tenant: TenantId,
    /// Grows with each write; 0 before the first.
    #[serde(skip)]
    pub version: u32,
    /// Who is asked.
    pub user: UserId,
    /// On behalf of which client.
    pub client: String,
    /// What for.
    pub purpose: SessionPurpose,
    /// What an app is to call the user, sealed; none: the user's name.
    pub account: Option<Sealed>,
    /// Where the browser goes afterwards; none: nowhere.
    pub return_to: Option<String>,
    /// What it takes along then, for whoever began.
    pub state: Option<String>,
    /// Where it stands.
    pub stage: Stage,
    /// When it ends.
    pub ends_at: Timestamp,
}

const fn no_id() -> BlindIndex {
    BlindIndex([0; 32])
}

/// What a visit is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionPurpose {
    /// A log-in: a second factor is shown, or the first one enrolled.
    LogIn,
    /// A factor is enrolled, and nothing else.
    Enrol {
        /// Of this kind; none: of any.
        only: Option<ChosenKind>,
        /// Even if the user has one already.
        one_more: bool,
    },
}

/// Where a visit stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// It waits.
    Open {
        /// The code that is on its way.
        sent: Option<SentCode>,
        /// What is to be told of the last step.
        notice: Option<Notice>,
    },
    /// The user has proved to be itself.
    Proved {
        /// With what.
        by: Means,
        /// When.
        at: Timestamp,
        /// Whether that was enrolled just now.
        enrolled: bool,
        /// A new recovery code, sealed, until it was kept.
        recovery_code: Option<Sealed>,
    },
    /// Whoever began has heard of it.
    Redeemed,
}

/// A code on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentCode {
    /// Which verification has it.
    pub verification: VerificationId,
    /// Which factor it proves.
    pub factor: FactorId,
    /// On which way it went.
    pub channel: Channel,
    /// When.
    pub at: Timestamp,
    /// Until when it is good.
    pub ends_at: Timestamp,
}

/// What is to be told, and on which page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Where.
    pub place: Place,
    /// What.
    pub what: Told,
}

/// A page of a visit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// The first one.
    Start,
    /// The secret of an app.
    App,
    /// A code that was sent.
    Code,
    /// Where a code is to go.
    Address(Channel),
    /// All ways that there are.
    Ways,
    /// The recovery code.
    Recovery,
}

/// What is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Told {
    /// The code was wrong.
    WrongCode,
    /// Its time was over.
    LateCode,
    /// Nothing can be sent there: to what was typed, sealed.
    BadAddress(Sealed),
    /// A code was sent a moment ago; the next one can be from then on.
    TooSoon(Timestamp),
    /// Too many wrong codes; one more from then on.
    TooManyCodes(Timestamp),
    /// Too many messages; one more from then on.
    TooManyMessages(Timestamp),
}

impl MfaSession {
    /// How long nothing more is sent after a code.
    pub const SEND_GAP: Duration = Duration::from_secs(30);
    /// How long a result can be handed in, at least.
    pub const LIFE_OF_A_RESULT: Duration = Duration::from_mins(5);
    /// How long a visit is kept after its end, to tell of it.
    pub const KEPT_FOR: Duration = Duration::from_hours(1);

    /// The name of the log-in that waits for it: 128 bits that tell nothing of the link.
    #[must_use]
    pub fn transaction(&self) -> [u8; 16] {
        self.id.0.first_chunk().copied().unwrap_or_default()
    }

    /// Whether nothing comes of it any more.
    #[must_use]
    pub fn is_over(&self, now: Timestamp) -> bool {
        now >= self.ends_at || self.stage == Stage::Redeemed
    }

    /// The code that is on its way.
    #[must_use]
    pub const fn sent(&self) -> Option<SentCode> {
        match self.stage {
            Stage::Open { sent, .. } => sent,
            Stage::Proved { .. } | Stage::Redeemed => None,
        }
    }

    /// What is to be told on a page.
    #[must_use]
    pub fn notice(&self, place: Place) -> Option<&Told> {
        match &self.stage {
            Stage::Open { notice: Some(notice), .. } if notice.place == place => Some(&notice.what),
            Stage::Open { .. } | Stage::Proved { .. } | Stage::Redeemed => None,
        }
    }

    /// Whether a code may be sent to a factor on a way: not so soon after another there.
    ///
    /// # Errors
    /// When not: with the moment from which on one may.
    pub fn may_send(&self, factor: FactorId, channel: Channel, now: Timestamp) -> Result<(), Timestamp> {
        let last = self.sent().filter(|sent| (sent.factor, sent.channel) == (factor, channel));
        let free_at = last.map_or(now, |sent| sent.at.plus(Self::SEND_GAP));
        if now >= free_at { Ok(()) } else { Err(free_at) }
    }

    /// Something is to be told on a page; the code that was on its way still is.
    #[must_use]
    pub fn told(mut self, place: Place, what: Told) -> Self {
        if let Stage::Open { notice, .. } = &mut self.stage {
            *notice = Some(Notice { place, what });
        }
        self
    }

    /// A step was taken of which nothing is to be told.
    #[must_use]
    pub fn went_on(mut self, code: Option<SentCode>) -> Self {
        if let Stage::Open { sent, notice } = &mut self.stage {
            (*sent, *notice) = (code.or(*sent), None);
        }
        self
    }

    /// The user has proved to be itself. There is time enough left to hand in the result.
    #[must_use]
    pub fn proved(mut self, by: Means, enrolled: bool, recovery_code: Option<Sealed>, now: Timestamp) -> Self {
        if matches!(self.stage, Stage::Open { .. }) {
            self.stage = Stage::Proved { by, at: now, enrolled, recovery_code };
            self.ends_at = self.ends_at.max(now.plus(Self::LIFE_OF_A_RESULT));
        }
        self
    }

    /// The new recovery code was kept, and is shown no more.
    #[must_use]
    pub fn kept(mut self, now: Timestamp) -> Self {
        if let Stage::Proved { recovery_code, .. } = &mut self.stage
            && recovery_code.take().is_some()
        {
            self.ends_at = self.ends_at.max(now.plus(Self::LIFE_OF_A_RESULT));
        }
        self
    }

    /// The result was handed in. None: there is none, or its time is over.
    #[must_use]
    pub fn redeemed(self, now: Timestamp) -> Option<Self> {
        let is_ready = matches!(self.stage, Stage::Proved { recovery_code: None, .. }) && now < self.ends_at;
        is_ready.then_some(Self { stage: Stage::Redeemed, ..self })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_ms(seconds * 1000)
    }

    fn sealed() -> Sealed {
        Sealed { key_version: 1, bytes: vec![1] }
    }

    fn session() -> MfaSession {
        MfaSession {
            id: BlindIndex([7; 32]),
            tenant: TenantId::from_bytes([1; 16]),
            version: 1,
            user: UserId::from_bytes([2; 16]),
            client: "c".to_owned(),
            purpose: SessionPurpose::LogIn,
            account: None,
            return_to: None,
            state: None,
            stage: Stage::Open { sent: None, notice: None },
            ends_at: at(600),
        }
    }

    fn sent(at_seconds: i64) -> SentCode {
        SentCode {
            verification: VerificationId::from_bytes([3; 16]),
            factor: FactorId::from_bytes([4; 16]),
            channel: Channel::Sms,
            at: at(at_seconds),
            ends_at: at(at_seconds + 300),
        }
    }

    #[test]
    fn the_next_code_to_the_same_place_waits_half_a_minute() {
        let may = |session: &MfaSession, channel, now| session.may_send(sent(0).factor, channel, at(now));
        let fresh = session();
        assert_eq!(may(&fresh, Channel::Sms, 0), Ok(()));
        let waiting = fresh.went_on(Some(sent(10)));
        assert_eq!(may(&waiting, Channel::Sms, 39), Err(at(40)));
        assert_eq!(may(&waiting, Channel::Voice, 39), Ok(()));
        assert_eq!(may(&waiting, Channel::Sms, 40), Ok(()));
    }

    #[test]
    fn what_is_told_is_told_on_its_page_until_the_next_step_and_ends_no_code() {
        let told = session().went_on(Some(sent(0))).told(Place::Code, Told::WrongCode);
        assert_eq!((told.notice(Place::Code), told.notice(Place::Ways)), (Some(&Told::WrongCode), None));
        let on = told.went_on(None);
        assert_eq!((on.notice(Place::Code), on.sent()), (None, Some(sent(0))));
    }

    #[test]
    fn a_late_success_leaves_time_for_its_result() {
        let proved = session().proved(Means::Totp, false, None, at(599));
        assert_eq!(proved.ends_at, at(899));
        assert!(!proved.is_over(at(898)) && proved.is_over(at(899)));
        assert_eq!(proved.clone().redeemed(at(899)), None);
        assert!(proved.redeemed(at(898)).is_some());
    }

    #[derive(Clone, Copy, Debug)]
    enum Step {
        Send,
        Tell,
        Prove { with_recovery_code: bool },
        Keep,
        Redeem,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            Just(Step::Send),
            Just(Step::Tell),
            any::<bool>().prop_map(|with_recovery_code| Step::Prove { with_recovery_code }),
            Just(Step::Keep),
            Just(Step::Redeem),
        ]
    }

    proptest! {
        #[test]
        fn a_result_comes_once_at_most_and_only_after_a_proof_and_what_was_to_be_kept(
            steps in prop::collection::vec((step(), 0..200_i64), 0..30),
        ) {
            let (mut session, mut now, mut results) = (session(), 0, 0);
            let (mut was_proved, mut is_kept) = (false, true);
            for (step, wait) in steps {
                now += wait;
                match step {
                    Step::Send => session = session.went_on(Some(sent(now))),
                    Step::Tell => session = session.told(Place::Code, Told::WrongCode),
                    Step::Prove { with_recovery_code } => {
                        if matches!(session.stage, Stage::Open { .. }) {
                            (was_proved, is_kept) = (true, !with_recovery_code);
                        }
                        session = session.proved(Means::Totp, true, with_recovery_code.then(sealed), at(now));
                    }
                    Step::Keep => {
                        session = session.kept(at(now));
                        is_kept |= was_proved;
                    }
                    Step::Redeem => if let Some(redeemed) = session.clone().redeemed(at(now)) {
                        prop_assert!(was_proved && is_kept && now < session.ends_at.as_ms() / 1000);
                        results += 1;
                        session = redeemed;
                    },
                }
            }
            prop_assert!(results <= 1);
        }
    }
}
