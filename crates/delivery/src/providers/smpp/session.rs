//! One session with a peer as a state machine: octets and moments go in, octets and what happened come out. It reads no clock and
//! no socket, so every rule of it is tested as a plain function.
//!
//! ```text
//! binding ──bind_resp──▶ bound ──unbind──▶ unbinding
//!    │                     │                   │
//!    └──────── refused, silent, noise, or the peer's unbind ──▶ ended
//! ```
//! Moments are spans since any fixed point.

use super::{
    frame::{Framed, Frames},
    pdu::{Bind, Body, Pdu, Role, ShortMessage},
    status::Status,
};
use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

/// What a session keeps to.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How many messages may be with the peer without an answer.
    pub window: usize,
    /// After how much silence of the peer it is asked whether it is there.
    pub enquire_after: Duration,
    /// How long the peer has for an answer.
    pub answer_within: Duration,
}

/// Our name for a message of ours in a session; the session does not look into it.
pub type Ticket = u64;

/// What happened in a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happened {
    /// The peer let us in.
    Bound,
    /// The peer answered for a message. This may come after [`Happened::Overdue`].
    Answered {
        /// Which message.
        ticket: Ticket,
        /// What it said.
        status: Status,
        /// Its name for it; empty if it gave none.
        message_id: String,
    },
    /// The peer has not answered for a message in time.
    Overdue {
        /// Which message.
        ticket: Ticket,
    },
    /// The peer hands over a message or a receipt, and waits for [`Session::acknowledge`].
    Delivered {
        /// How it is acknowledged.
        receipt_of: Acknowledgement,
        /// What it says.
        message: Box<ShortMessage>,
    },
    /// It is over.
    Ended(End),
}

/// What is to be acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Acknowledgement {
    sequence: u32,
    is_data: bool,
}

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum End {
    /// The peer did not let us in.
    #[error("the bind was refused: {0}")]
    Refused(Status),
    /// The peer said nothing any more.
    #[error("the peer does not answer")]
    Silent,
    /// The peer takes nothing of what it is sent.
    #[error("the peer takes nothing")]
    Deaf,
    /// What the peer sends is not SMPP.
    #[error("the peer does not speak SMPP")]
    Noise,
    /// The peer ended it.
    #[error("the peer ended the session")]
    ByPeer,
    /// We ended it.
    #[error("the session was ended")]
    ByUs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Binding,
    Bound,
    Unbinding,
    Ended,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Bind,
    Message(Ticket),
    /// A message whose answer was given up, and may come yet.
    Late(Ticket),
    Enquiry,
    Unbind,
}

/// A session.
#[derive(Debug)]
pub struct Session {
    limits: Limits,
    role: Role,
    state: State,
    frames: Frames,
    output: Vec<u8>,
    happened: VecDeque<Happened>,
    next_sequence: u32,
    asked: BTreeMap<u32, (Asked, Duration)>,
    in_window: usize,
    heard_at: Duration,
    unacknowledged: usize,
    nacks: u64,
}

/// Sequences go from 1 to this (SMPP 3.4, 3.2).
const LAST_SEQUENCE: u32 = 0x7fff_ffff;
/// A peer that sends so much that is no PDU does not speak SMPP.
const MOST_NOISE: usize = 64 * 1024;
/// While so many octets wait to be sent there is no room for a further message.
const ENOUGH_OUTPUT: usize = 256 * 1024;
/// A peer for which so many wait takes nothing.
const MOST_OUTPUT: usize = 4 * 1024 * 1024;
/// A peer that hands over so many receipts at once is told to wait.
const MOST_UNACKNOWLEDGED: usize = 1000;
/// An answer later than this many times the time for it is not waited for.
const LATE_TIMES: u32 = 6;

impl Session {
    /// Begins: the request to be let in is in the output.
    #[must_use]
    pub fn new(limits: Limits, role: Role, bind: Bind, now: Duration) -> Self {
        let mut session = Self {
            limits,
            role,
            state: State::Binding,
            frames: Frames::default(),
            output: Vec::new(),
            happened: VecDeque::new(),
            next_sequence: 1,
            asked: BTreeMap::new(),
            in_window: 0,
            heard_at: now,
            unacknowledged: 0,
            nacks: 0,
        };
        session.ask(Asked::Bind, Body::Bind(role, Box::new(bind)), now);
        session
    }

    /// Whether one more message may be handed to [`Self::submit`].
    #[must_use]
    pub fn has_room(&self) -> bool {
        let is_free = self.in_window < self.limits.window && self.output.len() < ENOUGH_OUTPUT;
        self.state == State::Bound && self.role != Role::Receiver && is_free
    }

    /// How many messages are with the peer without an answer.
    #[must_use]
    pub const fn in_window(&self) -> usize {
        self.in_window
    }

    /// How often the peer was told that it cannot be understood.
    #[must_use]
    pub const fn nacks(&self) -> u64 {
        self.nacks
    }

    /// Sends a message. Gives it back if there is no room.
    ///
    /// # Errors
    /// The message, when there is no room.
    pub fn submit(
        &mut self,
        ticket: Ticket,
        message: Box<ShortMessage>,
        now: Duration,
    ) -> Result<(), Box<ShortMessage>> {
        if !self.has_room() {
            return Err(message);
        }
        self.in_window += 1;
        self.ask(Asked::Message(ticket), Body::SubmitSm(message), now);
        Ok(())
    }

    /// Tells the peer what became of what it handed over.
    pub fn acknowledge(&mut self, what: Acknowledgement, status: Status) {
        self.unacknowledged = self.unacknowledged.saturating_sub(1);
        if self.state == State::Ended {
            return;
        }
        let body = if what.is_data { Body::DataSmResp { message_id: String::new() } } else { Body::DeliverSmResp };
        self.write(&Pdu::response(status, what.sequence, body));
    }

    /// Begins to end. The session has ended when the peer agrees, or does not in time.
    pub fn unbind(&mut self, now: Duration) {
        match self.state {
            State::Binding => self.end(End::ByUs),
            State::Bound => {
                self.state = State::Unbinding;
                self.ask(Asked::Unbind, Body::Unbind, now);
            }
            State::Unbinding | State::Ended => {}
        }
    }

    /// Octets from the peer.
    pub fn receive(&mut self, octets: &[u8], now: Duration) {
        self.frames.push(octets);
        while self.state != State::Ended
            && let Some(framed) = self.frames.next()
        {
            match framed {
                Framed::Pdu(pdu) => {
                    self.heard_at = now;
                    self.take(pdu);
                }
                Framed::Garbled(garbled) => self.nack(garbled.status, garbled.sequence),
                Framed::Noise => self.nack(Status::ESME_RINVCMDLEN, 0),
            }
        }
        if self.frames.noise() > MOST_NOISE {
            self.end(End::Noise);
        }
    }

    /// The next moment at which [`Self::tick`] has something to do.
    #[must_use]
    pub fn next_moment(&self) -> Option<Duration> {
        let answers = self.asked.values().map(|(asked, since)| *since + self.patience(*asked)).min();
        let enquiry =
            (self.state == State::Bound && !self.is_enquiring()).then(|| self.heard_at + self.limits.enquire_after);
        answers.into_iter().chain(enquiry).min().filter(|_| self.state != State::Ended)
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Duration) {
        if self.state == State::Ended {
            return;
        }
        let is_over = |session: &Self, (asked, since): (Asked, Duration)| since + session.patience(asked) <= now;
        let over: Vec<(u32, Asked)> = self
            .asked
            .iter()
            .filter(|(_, entry)| is_over(self, **entry))
            .map(|(sequence, (asked, _))| (*sequence, *asked))
            .collect();
        for (sequence, asked) in over {
            match asked {
                Asked::Message(ticket) => {
                    if let Some(entry) = self.asked.get_mut(&sequence) {
                        entry.0 = Asked::Late(ticket);
                    }
                    self.in_window = self.in_window.saturating_sub(1);
                    self.happened.push_back(Happened::Overdue { ticket });
                }
                Asked::Late(_) => drop(self.asked.remove(&sequence)),
                // Some peers never answer this, and still work.
                Asked::Enquiry if self.asked.remove(&sequence).is_some_and(|(_, since)| self.heard_at > since) => {}
                Asked::Bind | Asked::Enquiry => return self.end(End::Silent),
                Asked::Unbind => return self.end(End::ByUs),
            }
        }
        if self.state == State::Bound && !self.is_enquiring() && self.heard_at + self.limits.enquire_after <= now {
            self.ask(Asked::Enquiry, Body::EnquireLink, now);
        }
    }

    /// What is to be sent to the peer.
    #[must_use]
    pub fn output(&self) -> &[u8] {
        &self.output
    }

    /// So many octets of it were sent.
    pub fn sent(&mut self, octets: usize) {
        self.output.drain(..octets.min(self.output.len()));
    }

    /// What happened next.
    pub fn poll(&mut self) -> Option<Happened> {
        self.happened.pop_front()
    }

    fn take(&mut self, pdu: Pdu) {
        let Pdu { status, sequence, body } = pdu;
        if body.is_response() {
            return self.take_answer(status, sequence, body);
        }
        match body {
            Body::EnquireLink => self.write(&Pdu::response(Status::ESME_ROK, sequence, Body::EnquireLinkResp)),
            Body::Unbind => {
                self.write(&Pdu::response(Status::ESME_ROK, sequence, Body::UnbindResp));
                self.end(End::ByPeer);
            }
            Body::DeliverSm(message) => self.hand_out(Acknowledgement { sequence, is_data: false }, message),
            Body::DataSm(message) => self.hand_out(Acknowledgement { sequence, is_data: true }, message),
            Body::Bind(..) | Body::SubmitSm(_) => self.nack(Status::ESME_RINVBNDSTS, sequence),
            Body::Other { .. } => self.nack(Status::ESME_RINVCMDID, sequence),
            // These ask for nothing; answers have been taken above.
            Body::Outbind
            | Body::AlertNotification
            | Body::GenericNack
            | Body::BindResp(..)
            | Body::UnbindResp
            | Body::SubmitSmResp { .. }
            | Body::DeliverSmResp
            | Body::DataSmResp { .. }
            | Body::EnquireLinkResp => {}
        }
    }

    fn hand_out(&mut self, receipt_of: Acknowledgement, message: Box<ShortMessage>) {
        self.unacknowledged += 1;
        if self.state == State::Binding || self.unacknowledged > MOST_UNACKNOWLEDGED {
            return self.acknowledge(receipt_of, Status::ESME_RMSGQFUL);
        }
        self.happened.push_back(Happened::Delivered { receipt_of, message });
    }

    /// An answer to nothing that was asked is passed over: it is no reason to lose the session.
    fn take_answer(&mut self, status: Status, sequence: u32, body: Body) {
        let Some((asked, _)) = self.asked.get(&sequence).copied() else { return };
        match (asked, body) {
            (Asked::Bind, Body::BindResp(..)) if status == Status::ESME_ROK => {
                self.asked.remove(&sequence);
                self.state = State::Bound;
                self.happened.push_back(Happened::Bound);
            }
            (Asked::Bind, Body::BindResp(..) | Body::GenericNack) => self.end(End::Refused(status)),
            (Asked::Message(ticket), Body::SubmitSmResp { message_id }) => {
                self.in_window = self.in_window.saturating_sub(1);
                self.answered(sequence, ticket, status, message_id);
            }
            (Asked::Message(ticket), Body::GenericNack) => {
                self.in_window = self.in_window.saturating_sub(1);
                self.answered(sequence, ticket, refusing(status), String::new());
            }
            (Asked::Late(ticket), Body::SubmitSmResp { message_id }) => {
                self.answered(sequence, ticket, status, message_id);
            }
            (Asked::Late(ticket), Body::GenericNack) => {
                self.answered(sequence, ticket, refusing(status), String::new());
            }
            (Asked::Enquiry, Body::EnquireLinkResp | Body::GenericNack) => drop(self.asked.remove(&sequence)),
            (Asked::Unbind, Body::UnbindResp | Body::GenericNack) => self.end(End::ByUs),
            _ => {}
        }
    }

    fn answered(&mut self, sequence: u32, ticket: Ticket, status: Status, message_id: String) {
        self.asked.remove(&sequence);
        self.happened.push_back(Happened::Answered { ticket, status, message_id });
    }

    fn nack(&mut self, status: Status, sequence: u32) {
        self.nacks += 1;
        self.write(&Pdu::response(status, sequence, Body::GenericNack));
    }

    fn end(&mut self, end: End) {
        if self.state != State::Ended {
            self.state = State::Ended;
            self.happened.push_back(Happened::Ended(end));
        }
    }

    fn is_enquiring(&self) -> bool {
        self.asked.values().any(|(asked, _)| *asked == Asked::Enquiry)
    }

    fn patience(&self, asked: Asked) -> Duration {
        match asked {
            Asked::Late(_) => self.limits.answer_within * LATE_TIMES,
            Asked::Bind | Asked::Message(_) | Asked::Enquiry | Asked::Unbind => self.limits.answer_within,
        }
    }

    fn ask(&mut self, asked: Asked, body: Body, now: Duration) {
        let sequence = self.next_sequence;
        self.next_sequence = if sequence >= LAST_SEQUENCE { 1 } else { sequence + 1 };
        self.asked.insert(sequence, (asked, now));
        self.write(&Pdu::request(sequence, body));
    }

    fn write(&mut self, pdu: &Pdu) {
        pdu.write(&mut self.output);
        if self.output.len() > MOST_OUTPUT {
            self.end(End::Deaf);
        }
    }
}

/// A `generic_nack` never means "done", whatever its status says.
fn refusing(status: Status) -> Status {
    if status == Status::ESME_ROK { Status::ESME_RSYSERR } else { status }
}

#[cfg(test)]
mod tests;
