//! Another message takes over from one of which nothing was heard, that was not delivered, or that nobody took: the next provider
//! of its route, or, once nobody is left there, the next channel. The row of the new message is in the same batch as what
//! the old one became, so a crash loses neither; once the code was accepted, or a newer message was asked for, nothing more
//! goes out.

use crate::{Engine, Error, health::Way};
use countersign_model::{
    Channel, Event, EventKind, Message, MessageId, Timestamp, Verification,
    message::Content,
    routing::{Asked, Destination, NextCode, PassedOver, Standing, TakeOver},
};
use countersign_store::{Batch, Change};

/// Why another message takes over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// Nothing was heard of it in time.
    NoReceipt,
    /// Its provider reported that it did not arrive.
    Undelivered,
    /// No provider of its channel took it.
    NotTaken,
}

impl Cause {
    const fn words(self) -> &'static str {
        match self {
            Self::NoReceipt => "no receipt came in time",
            Self::Undelivered => "it was reported as undelivered",
            Self::NotTaken => "no provider of its channel took it",
        }
    }
}

/// What came of the wish that somebody takes over.
pub(crate) enum TakenOver {
    /// Another message does; this is to be written.
    By(Batch),
    /// Nobody can at this moment: who could has a rest.
    Later,
    /// Nobody is to, or nobody is left.
    Nobody,
}

impl TakenOver {
    /// What is to be written.
    pub(crate) fn batch(self) -> Batch {
        match self {
            Self::By(batch) => batch,
            Self::Later | Self::Nobody => Batch::new(),
        }
    }
}

impl Engine {
    /// Lets another message take over, if the route says so and somebody waits for the code. The message is changed, and is to be
    /// written in the same batch.
    pub(crate) async fn take_over(
        &self,
        message: &mut Message,
        cause: Cause,
        now: Timestamp,
    ) -> Result<TakenOver, Error> {
        let Content::Code { verification, generation, .. } = message.content else { return Ok(TakenOver::Nobody) };
        if self.routes().rules.is_empty() || message.via.is_some() || message.chain.next.is_some() {
            return Ok(TakenOver::Nobody);
        }
        let found = self.store().verification(message.tenant, verification).await?;
        let Some(mut verification) = found.filter(|it| it.wants(generation, now)) else {
            return Ok(TakenOver::Nobody);
        };
        let to = self.destination(&verification)?;
        let (_, begun_on) = message.first_of_chain();
        let rule = self.routes().take_over(begun_on, &to, now);
        if rule.after.is_none() || !self.is_latest(message, &verification).await? {
            return Ok(TakenOver::Nobody);
        }
        let says_it = |channel: Channel| verification.can_go_by(channel);
        let channel = match self.next_channel(message, cause, (&rule, &says_it), &to, now) {
            Reached::Channel(channel) => channel,
            Reached::Later => return Ok(TakenOver::Later),
            Reached::Nobody => return Ok(TakenOver::Nobody),
        };
        let new_code = rule.code == NextCode::New && verification.add_code(now);
        let generation = if new_code { verification.newest_generation() } else { generation };
        let mut next = Message::of_code(MessageId::generate(now, self.random()), &verification, generation, now);
        message.hand_on_to(&mut next, channel);
        self.metrics().taken_over(message.channel, channel);
        tracing::info!(
            message_id = %message.id, by = %next.id, channel = channel.name(), reason = cause.words(), new_code,
            "another message takes over"
        );
        let taken_over = EventKind::MessageTakenOver {
            message: message.id,
            by: next.id,
            channel,
            reason: cause.words().to_owned(),
            new_code,
        };
        let event = Event::new((message.tenant, verification.id), taken_over, now, self.random());
        let mut batch = Batch::new().with(Change::InsertMessage(next)).with(Change::InsertEvent(event));
        if new_code {
            batch.push(Change::UpdateVerification(verification));
        }
        Ok(TakenOver::By(batch))
    }

    /// Where the messages of a verification go, as far as routes care.
    pub(crate) fn destination(&self, of: &Verification) -> Result<Destination, Error> {
        Ok(Destination::of(&self.address_of(of)?, of.phone.as_ref()))
    }

    /// Whether nobody has asked for another message since.
    async fn is_latest(&self, message: &Message, of: &Verification) -> Result<bool, Error> {
        let messages = self.store().messages_of(of.tenant, of.id).await?;
        Ok(messages.last().is_some_and(|latest| latest.id == message.id))
    }

    /// On which channel the chain goes on: on this one while a provider is left, else on the next where there is one, and that can
    /// say it.
    fn next_channel(
        &self,
        message: &Message,
        cause: Cause,
        (rule, says_it): (&TakeOver, &dyn Fn(Channel) -> bool),
        to: &Destination,
        now: Timestamp,
    ) -> Reached {
        let mut later = false;
        if cause != Cause::NotTaken {
            let had = |name: &str| {
                let has_it = message.provider.as_deref() == Some(name);
                if has_it { Some(PassedOver::Spent) } else { message.passes_over(name) }
            };
            match self.reach(message.channel, to, now, &had) {
                Reached::Channel(channel) => return Reached::Channel(channel),
                Reached::Later => later = true,
                Reached::Nobody => {}
            }
        }
        let (_, begun_on) = message.first_of_chain();
        let channels = std::iter::once(begun_on).chain(rule.fall_back.iter().copied());
        let later_ones = channels.skip_while(|channel| *channel != message.channel).skip(1);
        for channel in later_ones.filter(|channel| says_it(*channel)) {
            match self.reach(channel, to, now, &|_| None) {
                Reached::Channel(channel) => return Reached::Channel(channel),
                Reached::Later => later = true,
                Reached::Nobody => {}
            }
        }
        if later { Reached::Later } else { Reached::Nobody }
    }

    fn reach(
        &self,
        channel: Channel,
        to: &Destination,
        now: Timestamp,
        passes_over: &dyn Fn(&str) -> Option<PassedOver>,
    ) -> Reached {
        let way = Way { channel, country: to.country.as_deref() };
        let decision = self.consider(way, now, |health| {
            let standing = |name: &str| passes_over(name).map_or_else(|| health(name), Standing::PassedOver);
            self.routes().decide(&Asked { channel, to, only: None, now, chance: 0, standing: &standing })
        });
        let may_later = |standing| matches!(standing, Standing::PassedOver(why) if why.passes());
        if decision.next().is_some() {
            Reached::Channel(channel)
        } else if decision.candidates.iter().any(|candidate| may_later(candidate.standing)) {
            Reached::Later
        } else {
            Reached::Nobody
        }
    }
}

/// Where a chain can go on.
enum Reached {
    Channel(Channel),
    Later,
    Nobody,
}
