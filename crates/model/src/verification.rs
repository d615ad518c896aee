//! The state machine of a verification. Every function takes the present value and a moment, and gives the next value
//! together with what became of the request; nothing is written here.
//!
//! ```text
//!            ┌─ right code, or reported ──▶ approved
//!            ├─ last wrong code ──────────▶ exhausted
//! pending ───┼─ other payment, reported ──▶ denied
//!            ├─ cancel ───────────────────▶ cancelled
//!            └─ its code's life ran out ──▶ expired
//! ```
//! Where the policy says so ([`OnFailure::Holds`]), the last wrong code and other payment data are wrong checks and no ends.
//! Only `pending` has ways out. A value whose time has run out counts as expired from that very moment, whether or not
//! the job that writes it down has come by.

use crate::{
    BlindIndex, Channel, ForFactor, Grid, LastLine, MessageId, Policy, ResendRule, Sealed, ServiceId, TenantId,
    Timestamp, VerificationId, address::PhoneTraits, event::DenialReason, policy::OnFailure,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where a verification stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// A code is out.
    Pending,
    /// The person holds the address.
    Approved,
    /// Reported as failed, or checked with other payment data.
    Denied,
    /// Too many wrong codes.
    Exhausted,
    /// Ended by the caller.
    Cancelled,
    /// Ended by time.
    Expired,
}

impl State {
    /// The name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Denied => "denied",
            Self::Exhausted => "exhausted",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        }
    }
}

/// Where the codes of a verification come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CodeSource {
    /// Drawn from the server key of this version; see `countersign-engine`'s `keys.rs`.
    Derived {
        /// The key's version.
        key_version: u16,
    },
    /// Brought by the caller.
    Own(Sealed),
    /// There are none: its messages carry the link to its grid.
    Link,
}

/// A code that can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveCode {
    /// Which one: 0 is the first.
    pub generation: u32,
    /// From when on it cannot be used; none means never.
    pub expires_at: Option<Timestamp>,
}

impl LiveCode {
    fn is_alive(self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }
}

/// One attempt to prove that a person holds an address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verification {
    /// Its name.
    pub id: VerificationId,
    /// Whose it is.
    pub tenant: TenantId,
    /// Grows with each write; 0 before the first.
    #[serde(skip)]
    pub version: u32,
    /// The service it was started under.
    pub service: ServiceId,
    /// That service's name then.
    pub service_name: String,
    /// The way of the latest message that was asked for. One that took over from it may go another way.
    pub channel: Channel,
    /// Where its messages go.
    pub to: Sealed,
    /// The same, as limits and look-ups see it.
    pub to_index: BlindIndex,
    /// What the numbering plan tells, for phone numbers.
    pub phone: Option<PhoneTraits>,
    /// Its rules, frozen.
    pub policy: Policy,
    /// Where its codes come from.
    pub code: CodeSource,
    /// The codes that can be used, oldest first: one, or up to three while newer ones are on their way. A link counts as one.
    pub codes: Vec<LiveCode>,
    /// The screens that it waits for, where it is proved by those and not by a code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grid: Option<Grid>,
    /// Whom its messages speak for.
    pub brand: Option<String>,
    /// Whom its messages come from.
    pub sender: Option<String>,
    /// The language of its messages (BCP 47).
    pub locale: String,
    /// What its text messages end with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_line: Option<LastLine>,
    /// What the caller wants to find again: at most 10 short texts.
    pub metadata: BTreeMap<String, String>,
    /// What the person approves, sealed.
    pub payment: Option<Sealed>,
    /// The caller's own words around the code, in place of a template, sealed.
    pub text: Option<Sealed>,
    /// Who is told what becomes of its messages, sealed.
    pub report: Option<Sealed>,
    /// The factor that it proves; none: an address and nothing more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub for_factor: Option<ForFactor>,
    /// The one provider that carries its messages; none: the route of the channel decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<String>,
    /// Its latest message, where its messages are kept as [`crate::Trial`]s; none: they are not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trial: Option<MessageId>,
    /// Where it stands, as last written; see [`Self::state_at`].
    pub state: State,
    /// Wrong codes so far.
    pub wrong_checks: u32,
    /// Messages that were asked for so far; those that took over from one are not counted.
    pub sends: u32,
    /// When it began.
    pub created_at: Timestamp,
    /// When a person or a caller last did something to it; none if nothing but its start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub touched_at: Option<Timestamp>,
    /// When it left `pending`.
    pub decided_at: Option<Timestamp>,
}

/// What a check brings, after the engine has compared codes and payment data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The generation of the live code that equals what was typed.
    pub matches: Option<u32>,
    /// Whether payment data equals what the message showed; true where none is bound.
    pub payment_matches: bool,
}

/// What became of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Checked {
    /// The right code: this once, and never again.
    Approved,
    /// A wrong one.
    Wrong {
        /// How many more it survives; none means any number.
        left: Option<u32>,
    },
    /// A wrong one, and the last.
    Exhausted,
    /// All checks were spent before, and it still waits for its end. Nothing is spent.
    Held,
    /// Other payment data than the message showed: the code is dead.
    PaymentMismatch,
    /// Nothing to check: it had ended before. Nothing is spent.
    NotPending(State),
}

/// Why a request cannot be met in this state. Nothing is changed then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotPossible {
    /// It has ended.
    #[error("the verification is {}", .0.name())]
    NotPending(State),
    /// It has sent all its messages.
    #[error("the verification has sent all the messages that it may send")]
    SendsSpent,
    /// It has been checked as often as it may be.
    #[error("the verification has been checked as often as it may be")]
    ChecksSpent,
    /// It is proved in another way.
    #[error("the verification has no code: it is proved by pictures, behind the link in its message")]
    NoCode,
}

/// What a caller reports about a verification that was decided elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Report {
    /// The person proved it in another way.
    Approved,
    /// The person did not.
    Denied,
}

impl Verification {
    /// The first code's life, for a verification that starts now.
    #[must_use]
    pub fn first_code(policy: &Policy, now: Timestamp) -> LiveCode {
        LiveCode { generation: 0, expires_at: end_of_life(policy, now) }
    }

    /// Where it stands at a moment.
    #[must_use]
    pub fn state_at(&self, now: Timestamp) -> State {
        if self.state == State::Pending && !self.codes.iter().any(|code| code.is_alive(now)) {
            State::Expired
        } else {
            self.state
        }
    }

    /// When its last code stops working; none means never.
    #[must_use]
    pub fn expires_at(&self) -> Option<Timestamp> {
        if self.codes.iter().any(|code| code.expires_at.is_none()) {
            return None;
        }
        self.codes.iter().filter_map(|code| code.expires_at).max()
    }

    /// How many more wrong codes it survives; none means any number.
    #[must_use]
    pub fn attempts_left(&self) -> Option<u32> {
        (self.policy.max_checks > 0).then(|| self.policy.max_checks.saturating_sub(self.wrong_checks))
    }

    /// Whether it has been checked as often as it may be, and stays all the same.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.policy.on_failure == OnFailure::Holds && self.attempts_left() == Some(0)
    }

    /// Until when a code of it can be checked; none if no more, or if it has no end.
    #[must_use]
    pub fn checkable_until(&self) -> Option<Timestamp> {
        if self.state == State::Pending && !self.is_held() { self.expires_at() } else { None }
    }

    /// When it last changed: what was done to it, or the end of its time.
    #[must_use]
    pub fn changed_at(&self, now: Timestamp) -> Timestamp {
        match (self.decided_at, self.expires_at()) {
            (Some(decided), _) => decided,
            (None, Some(end)) if self.state_at(now) == State::Expired => end,
            (None, _) => self.touched_at.unwrap_or(self.created_at),
        }
    }

    /// The codes that can be used at a moment.
    pub fn live_codes(&self, now: Timestamp) -> impl Iterator<Item = LiveCode> {
        let pending = self.state == State::Pending;
        self.codes.iter().copied().filter(move |code| pending && code.is_alive(now))
    }

    /// Whether a message with this code may still go out.
    #[must_use]
    pub fn wants(&self, generation: u32, now: Timestamp) -> bool {
        self.live_codes(now).any(|code| code.generation == generation)
    }

    /// For how many minutes a code of its policy can be used, begun ones counted, as messages say it; none: there is no end.
    #[must_use]
    pub fn life_minutes(&self) -> Option<u32> {
        self.policy.life_minutes()
    }

    /// Whether a message of this channel can say what those of this verification must: a link is not read out, and where the
    /// vendor's words stand around the code there is no room for a link or a payment.
    #[must_use]
    pub const fn can_go_by(&self, channel: Channel) -> bool {
        let is_to_be_tapped = matches!(self.code, CodeSource::Link);
        match channel {
            Channel::Sms | Channel::Email => true,
            Channel::Voice => !is_to_be_tapped,
            Channel::Whatsapp | Channel::Telegram => !is_to_be_tapped && self.payment.is_none(),
        }
    }

    /// Judges a proof. The attempt is already spent in the value that comes back.
    #[must_use]
    pub fn check(mut self, proof: Proof, now: Timestamp) -> (Self, Checked) {
        let state = self.state_at(now);
        if state != State::Pending {
            return (self, Checked::NotPending(state));
        }
        if self.is_held() {
            return (self, Checked::Held);
        }
        let right = proof.matches.is_some_and(|generation| self.wants(generation, now));
        let holds = self.policy.on_failure == OnFailure::Holds;
        if !proof.payment_matches && !holds {
            self.decide(State::Denied, now);
            return (self, Checked::PaymentMismatch);
        }
        if right && proof.payment_matches {
            self.decide(State::Approved, now);
            return (self, Checked::Approved);
        }
        self.wrong_checks = self.wrong_checks.saturating_add(1);
        self.touched_at = Some(now);
        match self.attempts_left() {
            Some(0) if !holds => {
                self.decide(State::Exhausted, now);
                (self, Checked::Exhausted)
            }
            left => (self, Checked::Wrong { left }),
        }
    }

    /// Counts one more message, with the same or a new code as the policy says. The generation to send is the newest one.
    ///
    /// # Errors
    /// When it has ended or may send no more.
    pub fn resend(mut self, channel: Channel, now: Timestamp) -> Result<Self, NotPossible> {
        self.must_be_pending(now)?;
        if self.is_held() {
            return Err(NotPossible::ChecksSpent);
        }
        if self.policy.max_sends > 0 && self.sends >= self.policy.max_sends {
            return Err(NotPossible::SendsSpent);
        }
        match self.policy.resend {
            ResendRule::SameCode => {}
            ResendRule::NewCodeKillsOld => {
                if self.add_code(now) {
                    self.codes.drain(..self.codes.len() - 1);
                }
            }
            ResendRule::NewCodeAfterAccept => _ = self.add_code(now),
        }
        self.channel = channel;
        self.touched_at = Some(now);
        self.sends = self.sends.saturating_add(1);
        Ok(self)
    }

    /// A new code beside those that can be used: older ones die once a provider has accepted the message with this one. False: there
    /// is none, since the caller holds the only one, or the messages carry a link.
    pub fn add_code(&mut self, now: Timestamp) -> bool {
        match self.code {
            CodeSource::Own(_) | CodeSource::Link => return false,
            CodeSource::Derived { .. } => {}
        }
        let next = LiveCode { generation: self.newest_generation() + 1, expires_at: end_of_life(&self.policy, now) };
        // The oldest is the one that a provider has accepted, or the best hope of one; the newest before this one may
        // be with a provider at this moment. What lies between goes: each live code makes guessing easier.
        self.codes.retain(|code| code.is_alive(now));
        if self.codes.len() > 2 {
            self.codes.drain(1..self.codes.len() - 1);
        }
        self.codes.push(next);
        true
    }

    /// The generation of the latest code.
    #[must_use]
    pub fn newest_generation(&self) -> u32 {
        self.codes.iter().map(|code| code.generation).max().unwrap_or(0)
    }

    /// A provider has accepted the message with this code: older codes are dead from now on. Tells whether any was.
    pub fn supersede_codes_before(&mut self, generation: u32) -> bool {
        let before = self.codes.len();
        if self.codes.iter().any(|code| code.generation == generation) {
            self.codes.retain(|code| code.generation >= generation);
        }
        self.codes.len() != before
    }

    /// Ends it.
    ///
    /// # Errors
    /// When it has ended already.
    pub fn cancel(mut self, now: Timestamp) -> Result<Self, NotPossible> {
        self.must_be_pending(now)?;
        self.decide(State::Cancelled, now);
        Ok(self)
    }

    /// Takes the caller's word for its end.
    ///
    /// # Errors
    /// When it has ended already.
    pub fn report(mut self, report: Report, now: Timestamp) -> Result<Self, NotPossible> {
        self.must_be_pending(now)?;
        self.decide(
            match report {
                Report::Approved => State::Approved,
                Report::Denied => State::Denied,
            },
            now,
        );
        Ok(self)
    }

    /// Writes down that its time has run out; none if it has not.
    #[must_use]
    pub fn expire(mut self, now: Timestamp) -> Option<Self> {
        if self.state != State::Pending || self.state_at(now) != State::Expired {
            return None;
        }
        let end = self.expires_at().unwrap_or(now);
        self.decide(State::Expired, end);
        Some(self)
    }

    fn must_be_pending(&self, now: Timestamp) -> Result<(), NotPossible> {
        match self.state_at(now) {
            State::Pending => Ok(()),
            ended @ (State::Approved | State::Denied | State::Exhausted | State::Cancelled | State::Expired) => {
                Err(NotPossible::NotPending(ended))
            }
        }
    }

    fn decide(&mut self, state: State, at: Timestamp) {
        self.state = state;
        self.decided_at = Some(at);
        if let Some(grid) = &mut self.grid {
            grid.forget();
        }
    }
}

impl Checked {
    /// The reason to record, where the check denied the verification.
    #[must_use]
    pub const fn denial(self) -> Option<DenialReason> {
        match self {
            Self::PaymentMismatch => Some(DenialReason::PaymentMismatch),
            Self::Approved | Self::Wrong { .. } | Self::Exhausted | Self::Held | Self::NotPending(_) => None,
        }
    }
}

fn end_of_life(policy: &Policy, now: Timestamp) -> Option<Timestamp> {
    let end = || now.plus(std::time::Duration::from_secs(policy.life_seconds)).min(Timestamp::FURTHEST);
    (policy.life_seconds > 0).then(end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Profile;
    use proptest::prelude::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_ms(seconds * 1000)
    }

    fn started(change: impl FnOnce(&mut Policy)) -> Verification {
        let mut policy = Policy::of(Profile::Standard);
        change(&mut policy);
        Verification {
            id: VerificationId::from_bytes([1; 16]),
            tenant: TenantId::from_bytes([2; 16]),
            version: 1,
            service: ServiceId::from_bytes([3; 16]),
            service_name: "default".into(),
            channel: Channel::Sms,
            to: Sealed { key_version: 1, bytes: vec![] },
            to_index: BlindIndex([0; 32]),
            phone: None,
            codes: vec![Verification::first_code(&policy, at(0))],
            policy,
            code: CodeSource::Derived { key_version: 1 },
            grid: None,
            brand: None,
            sender: None,
            locale: "en".into(),
            last_line: None,
            metadata: BTreeMap::new(),
            payment: None,
            text: None,
            report: None,
            for_factor: None,
            via: None,
            trial: None,
            state: State::Pending,
            wrong_checks: 0,
            sends: 1,
            created_at: at(0),
            touched_at: None,
            decided_at: None,
        }
    }

    const WRONG: Proof = Proof { matches: None, payment_matches: true };
    const RIGHT: Proof = Proof { matches: Some(0), payment_matches: true };
    const SECOND: Proof = Proof { matches: Some(1), payment_matches: true };

    #[test]
    fn a_link_is_not_read_out_and_where_the_words_are_the_vendors_only_a_code_goes() {
        let ways = |of: &Verification| Channel::ALL.map(|channel| of.can_go_by(channel));
        let plain = started(|_| {});
        assert_eq!(ways(&plain), [true; 5]);
        // SMS, voice, mail, WhatsApp, Telegram.
        let paid = Verification { payment: Some(Sealed { key_version: 1, bytes: vec![1] }), ..plain.clone() };
        assert_eq!(ways(&paid), [true, true, true, false, false]);
        let link = Verification { code: CodeSource::Link, ..plain };
        assert_eq!(ways(&link), [true, false, true, false, false]);
    }

    #[test]
    fn a_wrong_code_spends_one_attempt_and_the_last_one_ends_it() {
        let mut verification = started(|_| {});
        for left in (1..5).rev() {
            let checked;
            (verification, checked) = verification.check(WRONG, at(1));
            assert_eq!(checked, Checked::Wrong { left: Some(left) });
        }
        let (verification, checked) = verification.check(WRONG, at(1));
        assert_eq!(checked, Checked::Exhausted);
        assert_eq!(verification.check(RIGHT, at(1)).1, Checked::NotPending(State::Exhausted));
    }

    #[test]
    fn a_right_code_is_accepted_once() {
        let (verification, checked) = started(|_| {}).check(RIGHT, at(299));
        assert_eq!((checked, verification.decided_at), (Checked::Approved, Some(at(299))));
        assert_eq!(verification.check(RIGHT, at(299)).1, Checked::NotPending(State::Approved));
    }

    #[test]
    fn a_code_is_dead_from_the_moment_its_life_ends() {
        assert_eq!(started(|_| {}).check(RIGHT, at(300)).1, Checked::NotPending(State::Expired));
        assert_eq!(started(|policy| policy.life_seconds = 0).check(RIGHT, at(300_000_000)).1, Checked::Approved);
    }

    #[test]
    fn a_very_long_life_is_that_long_and_ends_with_the_calendar_at_the_latest() {
        let long = started(|policy| policy.life_seconds = 10_000_000_000);
        assert_eq!(long.clone().check(RIGHT, at(9_999_999_999)).1, Checked::Approved);
        assert_eq!(long.check(RIGHT, at(10_000_000_000)).1, Checked::NotPending(State::Expired));
        let longest = started(|policy| policy.life_seconds = u64::MAX);
        assert_eq!(longest.expires_at(), Some(Timestamp::FURTHEST));
        assert_eq!(longest.life_minutes(), Some(u32::MAX));
    }

    #[test]
    fn without_a_limit_any_number_of_wrong_codes_is_survived() {
        let mut verification = started(|policy| policy.max_checks = 0);
        for _ in 0..1000 {
            let checked;
            (verification, checked) = verification.check(WRONG, at(1));
            assert_eq!(checked, Checked::Wrong { left: None });
        }
        assert_eq!(verification.check(RIGHT, at(1)).1, Checked::Approved);
    }

    #[test]
    fn other_payment_data_kills_the_code_even_if_the_code_is_right() {
        let (verification, checked) = started(|_| {}).check(Proof { payment_matches: false, ..RIGHT }, at(1));
        assert_eq!(checked, Checked::PaymentMismatch);
        assert_eq!(verification.state, State::Denied);
    }

    #[test]
    fn where_failures_hold_it_stays_pending_and_takes_nothing_until_its_end() {
        let mut verification = started(|policy| (policy.on_failure, policy.max_checks) = (OnFailure::Holds, 2));
        let other_payment = Proof { payment_matches: false, ..RIGHT };
        for (proof, left) in [(other_payment, 1), (WRONG, 0)] {
            assert!(verification.checkable_until().is_some());
            let checked;
            (verification, checked) = verification.check(proof, at(1));
            assert_eq!(checked, Checked::Wrong { left: Some(left) });
        }
        let (verification, checked) = verification.check(RIGHT, at(2));
        assert_eq!((checked, verification.wrong_checks), (Checked::Held, 2));
        assert_eq!(verification.clone().resend(Channel::Sms, at(2)), Err(NotPossible::ChecksSpent));
        assert_eq!((verification.state, verification.checkable_until()), (State::Pending, None));
        assert_eq!((verification.changed_at(at(299)), verification.changed_at(at(301))), (at(1), at(300)));
        assert_eq!(verification.state_at(at(300)), State::Expired);
        assert_eq!(verification.cancel(at(3)).map(|ended| ended.state), Ok(State::Cancelled));
    }

    #[test]
    fn the_same_code_goes_out_again_without_a_longer_life() {
        let verification = started(|_| {}).resend(Channel::Voice, at(200)).unwrap();
        assert_eq!((verification.newest_generation(), verification.expires_at()), (0, Some(at(300))));
        assert_eq!((verification.sends, verification.channel), (2, Channel::Voice));
    }

    #[test]
    fn a_new_code_kills_the_old_one_where_the_policy_says_so() {
        let verification =
            started(|policy| policy.resend = ResendRule::NewCodeKillsOld).resend(Channel::Sms, at(200)).unwrap();
        assert_eq!(verification.expires_at(), Some(at(500)));
        assert_eq!(verification.clone().check(RIGHT, at(201)).1, Checked::Wrong { left: Some(4) });
        assert_eq!(verification.check(SECOND, at(499)).1, Checked::Approved);
    }

    #[test]
    fn the_old_code_stays_good_until_a_provider_has_the_new_one() {
        let resent = started(|policy| policy.resend = ResendRule::NewCodeAfterAccept);
        let mut resent = resent.resend(Channel::Sms, at(200)).unwrap();
        assert_eq!(resent.clone().check(RIGHT, at(201)).1, Checked::Approved);
        assert_eq!(resent.clone().check(SECOND, at(201)).1, Checked::Approved);
        assert!(resent.supersede_codes_before(1));
        assert_eq!(resent.clone().check(RIGHT, at(201)).1, Checked::Wrong { left: Some(4) });
        assert_eq!(resent.check(SECOND, at(201)).1, Checked::Approved);
    }

    #[test]
    fn the_old_code_still_dies_of_age_while_the_new_one_is_on_its_way() {
        let resent = started(|policy| policy.resend = ResendRule::NewCodeAfterAccept);
        let resent = resent.resend(Channel::Sms, at(299)).unwrap();
        assert_eq!(resent.clone().check(RIGHT, at(300)).1, Checked::Wrong { left: Some(4) });
        assert_eq!(resent.check(SECOND, at(300)).1, Checked::Approved);
    }

    #[test]
    fn a_code_that_is_with_a_provider_survives_one_more_resend() {
        let mut resent = started(|policy| policy.resend = ResendRule::NewCodeAfterAccept);
        for second in 1..=3 {
            resent = resent.resend(Channel::Sms, at(second)).unwrap();
        }
        let live: Vec<u32> = resent.live_codes(at(4)).map(|code| code.generation).collect();
        assert_eq!(live, [0, 2, 3]);
        resent.supersede_codes_before(2);
        let live: Vec<u32> = resent.live_codes(at(4)).map(|code| code.generation).collect();
        assert_eq!(live, [2, 3]);
    }

    #[test]
    fn an_own_code_is_never_replaced() {
        let mut verification = started(|policy| policy.resend = ResendRule::NewCodeKillsOld);
        verification.code = CodeSource::Own(Sealed { key_version: 1, bytes: vec![] });
        assert_eq!(verification.resend(Channel::Sms, at(1)).unwrap().newest_generation(), 0);
    }

    #[test]
    fn a_sixth_message_is_refused() {
        let mut verification = started(|_| {});
        for _ in 1..5 {
            verification = verification.resend(Channel::Sms, at(1)).unwrap();
        }
        assert_eq!(verification.resend(Channel::Sms, at(1)), Err(NotPossible::SendsSpent));
    }

    #[test]
    fn expiry_is_written_down_with_the_moment_at_which_it_happened() {
        assert_eq!(started(|_| {}).expire(at(299)), None);
        let expired = started(|_| {}).expire(at(1000)).unwrap();
        assert_eq!((expired.state, expired.decided_at), (State::Expired, Some(at(300))));
        assert_eq!(expired.expire(at(1001)), None);
    }

    #[derive(Clone, Debug)]
    enum Step {
        Check(Proof),
        Resend,
        Accept(u32),
        Cancel,
        Report(Report),
        Expire,
        Wait(u16),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let proof = (prop::option::of(0_u32..4), prop::bool::weighted(0.95))
            .prop_map(|(matches, payment_matches)| Proof { matches, payment_matches });
        let step = prop_oneof![
            4 => proof.prop_map(Step::Check),
            3 => Just(Step::Resend),
            2 => (0_u32..4).prop_map(Step::Accept),
            1 => Just(Step::Cancel),
            1 => prop_oneof![Just(Report::Approved), Just(Report::Denied)].prop_map(Step::Report),
            1 => Just(Step::Expire),
            4 => (0_u16..200).prop_map(Step::Wait),
        ];
        prop::collection::vec(step, 0..40)
    }

    proptest! {
        #[test]
        fn whatever_happens_the_rules_hold(
            steps in steps(),
            rule in prop_oneof![Just(ResendRule::SameCode), Just(ResendRule::NewCodeKillsOld), Just(ResendRule::NewCodeAfterAccept)],
            on_failure in prop_oneof![Just(OnFailure::Ends), Just(OnFailure::Holds)],
        ) {
            let mut value = started(|policy| (policy.resend, policy.on_failure) = (rule, on_failure));
            let (mut now, mut approvals, mut wrong) = (0_i64, 0, 0_u32);
            for step in steps {
                let before = value.clone();
                match step {
                    Step::Check(proof) => {
                        let (next, checked) = value.check(proof, at(now));
                        match checked {
                            Checked::Approved => { approvals += 1; prop_assert!(before.wants(proof.matches.unwrap(), at(now))); }
                            Checked::Wrong { .. } | Checked::Exhausted => wrong += 1,
                            Checked::NotPending(_) | Checked::Held => prop_assert_eq!(&next, &before),
                            Checked::PaymentMismatch => prop_assert!(!proof.payment_matches),
                        }
                        value = next;
                    }
                    Step::Resend => value = value.clone().resend(Channel::Sms, at(now)).unwrap_or(value),
                    Step::Accept(generation) => { value.supersede_codes_before(generation); }
                    Step::Cancel => value = value.clone().cancel(at(now)).unwrap_or(value),
                    Step::Report(report) => {
                        if let Ok(next) = value.clone().report(report, at(now)) {
                            approvals += u32::from(report == Report::Approved);
                            value = next;
                        }
                    }
                    Step::Expire => value = value.clone().expire(at(now)).unwrap_or(value),
                    Step::Wait(seconds) => now += i64::from(seconds),
                }
                prop_assert!(approvals <= 1);
                prop_assert_eq!(value.wrong_checks, wrong);
                prop_assert!(value.wrong_checks <= value.policy.max_checks && value.sends <= value.policy.max_sends);
                prop_assert!((1..=3).contains(&value.codes.len()));
                prop_assert_eq!(value.state == State::Pending, value.decided_at.is_none());
                if before.state_at(at(now)) != State::Pending {
                    prop_assert_eq!(value.state_at(at(now)), before.state_at(at(now)), "an end is final");
                }
            }
        }
    }
}
