//! One step on the page of a second factor. Each step is one batch: what it does, and where the visit stands then; so a crash
//! between two steps loses nothing, and of two steps at once the second meets what the first one did.
//!
//! | file | steps |
//! |---|---|
//! | `enrol.rs` | an app, a phone or a mailbox is to be a factor |
//! | `send.rs` | a code, or the next one |
//! | `prove.rs` | a code was typed |

mod enrol;
mod prove;
mod send;

use super::{CodeWording, Command, SecondFactor, ServiceRef};
use crate::{Caller, Engine, Error, tokens::Transaction};
use countersign_model::{
    BlindIndex, Channel, ChosenKind, Factor, FactorId, Means, MfaChoice, MfaLimits, MfaSession, Scope, Timestamp,
    mfa_session::{Place, SentCode, SessionPurpose, Stage, Told},
};
use countersign_store::{Batch, Change};
use serde::{Deserialize, Serialize};
use std::fmt;

/// "This was chosen, or typed, on the page."
pub struct TakeMfaStep<'a> {
    /// In which visit.
    pub session: BlindIndex,
    /// What.
    pub step: MfaStep<'a>,
    /// In which language messages are to be.
    pub locale: &'a str,
    /// How often that can be done.
    pub limits: &'a MfaLimits,
}

/// A step.
#[derive(Clone, Copy)]
pub enum MfaStep<'a> {
    /// An app is to be enrolled.
    EnrolApp,
    /// A phone or a mailbox is.
    EnrolAddress {
        /// How a code goes there.
        channel: Channel,
        /// Where that is, as it was typed.
        typed: &'a str,
    },
    /// A code is to be sent.
    Send {
        /// To which factor.
        factor: FactorId,
        /// On which way.
        channel: Channel,
    },
    /// The same once more.
    Resend,
    /// The code that was sent.
    Code(&'a str),
    /// The code that an app shows, on this page.
    AppCode(Place, &'a str),
    /// A recovery code.
    Recovery(&'a str),
    /// The new recovery code was kept.
    Keep,
}

impl fmt::Debug for TakeMfaStep<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TakeMfaStep").field("session", &self.session).finish_non_exhaustive()
    }
}

/// Where the browser goes then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MfaStepTaken {
    /// To this page of the visit.
    To(Place),
    /// The user has proved to be itself.
    Proved,
    /// Nothing comes of the visit any more, or there is none.
    Over,
}

impl Command for TakeMfaStep<'_> {
    type Outcome = MfaStepTaken;
    const NEEDS: Scope = Scope::VerificationsWrite;

    async fn decide(&self, engine: &Engine, caller: &Caller, now: Timestamp) -> Result<(MfaStepTaken, Batch), Error> {
        let found = engine.store().mfa_session(self.session).await?.filter(|it| it.tenant == caller.tenant());
        let Some(session) = found.filter(|session| !session.is_over(now)) else { return Ok(over()) };
        if matches!(session.stage, Stage::Proved { .. }) {
            let mut batch = Batch::new();
            if matches!(self.step, MfaStep::Keep) {
                batch.push(Change::PutMfaSession(session.kept(now)));
            }
            return Ok((MfaStepTaken::Proved, batch));
        }
        let log_in = engine.log_in_of(&session);
        let factors = engine.store().factors_of(session.tenant, session.user).await?;
        let choice = engine.mfa_choice(session.tenant).await?;
        let wording = CodeWording { service: ServiceRef::Default, locale: Some(self.locale.to_owned()), text: None };
        let visit = Visit { engine, caller, session, log_in, factors, choice, wording, limits: self.limits, now };
        match self.step {
            MfaStep::EnrolApp => visit.enrol_app().await,
            MfaStep::EnrolAddress { channel, typed } => visit.enrol_address(channel, typed).await,
            MfaStep::Send { factor, channel } => visit.send(factor, channel).await,
            MfaStep::Resend => visit.resend().await,
            MfaStep::Code(typed) => visit.prove_with_sent(typed).await,
            MfaStep::AppCode(place, typed) => visit.prove(place, SecondFactor::Totp(typed), Means::Totp).await,
            MfaStep::Recovery(typed) => {
                visit.prove(Place::Recovery, SecondFactor::Recovery(typed), Means::RecoveryCodes).await
            }
            MfaStep::Keep => Ok(back_to_start()),
        }
    }
}

/// A visit that waits, and all that its steps need.
struct Visit<'a> {
    engine: &'a Engine,
    caller: &'a Caller,
    session: MfaSession,
    log_in: Transaction,
    factors: Vec<Factor>,
    choice: MfaChoice,
    wording: CodeWording,
    limits: &'a MfaLimits,
    now: Timestamp,
}

/// What a step brings.
type Taken = (MfaStepTaken, Batch);

fn over() -> Taken {
    (MfaStepTaken::Over, Batch::new())
}

/// Nothing was done: the step was not there to be taken.
fn back_to_start() -> Taken {
    (MfaStepTaken::To(Place::Start), Batch::new())
}

impl Visit<'_> {
    fn has_active(&self) -> bool {
        self.factors.iter().any(|factor| factor.is_active() && factor.is_primary())
    }

    /// Whether a factor of this kind can be enrolled here.
    fn may_enrol(&self, kind: ChosenKind) -> bool {
        self.choice.allows(kind)
            && match self.session.purpose {
                SessionPurpose::LogIn => !self.has_active(),
                SessionPurpose::Enrol { only, one_more } => {
                    only.is_none_or(|only| only == kind) && (one_more || !self.has_active())
                }
            }
    }

    /// Something is to be told on a page.
    fn tell(&self, place: Place, what: Told, batch: Batch) -> Taken {
        let told = Change::PutMfaSession(self.session.clone().told(place, what));
        (MfaStepTaken::To(place), batch.with(told))
    }

    /// On to a page, with nothing to tell.
    fn go_on(&self, place: Place, sent: Option<SentCode>, batch: Batch) -> Taken {
        let went_on = Change::PutMfaSession(self.session.clone().went_on(sent));
        (MfaStepTaken::To(place), batch.with(went_on))
    }
}
