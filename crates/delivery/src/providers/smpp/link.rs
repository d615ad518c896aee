//! One session over one connection: the state machine of `session.rs` with a socket, a clock and the carrier's queue; and the
//! loop that connects again, later each time, never in step with others.

use super::{
    carrier::{Answer, Carrier, Job, Next},
    inbox,
    pace::shortened,
    pdu::Role,
    session::{Acknowledgement, End, Happened, Session, Ticket},
    status::{Meaning, Status},
    tls::Stream,
};
use crate::LinkState;
use std::{collections::HashMap, io, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    sync::mpsc,
    time::{sleep_until, timeout},
};

const SHORTEST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// A carrier that has refused us may lock the account of those who knock too often.
const PAUSE_AFTER_REFUSAL: Duration = Duration::from_secs(5);
/// A bind that holds for less is no success: two systems that take one account from each other do not do it without end.
const WORKED: Duration = Duration::from_millis(500);
/// For the last words of a session.
const GOODBYE: Duration = Duration::from_secs(1);
/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(10);

/// Why a connection is over.
#[derive(Debug, thiserror::Error)]
enum Over {
    #[error(transparent)]
    Session(#[from] End),
    #[error("{}", .0.kind())]
    Connection(#[from] io::Error),
    #[error("no connection within {} s", CONNECT.as_secs())]
    NoConnection,
}

/// Keeps one session up until the carrier is to end.
pub(super) async fn run(carrier: Arc<Carrier>, link: usize, role: Role) {
    let mut stop = carrier.stop.subscribe();
    let mut failures = 0_u32;
    while !*stop.borrow_and_update() {
        carrier.note(link, |status| status.state = LinkState::Connecting);
        let (over, bound_for) = connect(&carrier, link, role).await;
        carrier.note(link, |status| (status.state, status.in_window) = (LinkState::Down, 0));
        if matches!(over, Over::Session(End::ByUs)) && *stop.borrow() {
            break;
        }
        if role != Role::Receiver {
            carrier.sender_ended(bound_for.is_some(), over.to_string());
        }
        tracing::warn!(provider = carrier.opening.name, link, role = role.name(), reason = %over, "a bind is down");
        failures = if bound_for.is_some_and(|time| time >= WORKED) { 0 } else { failures + 1 };
        let pause = pause(failures, matches!(over, Over::Session(End::Refused(_))), carrier.chance());
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = stop.changed() => {}
        }
    }
    carrier.note(link, |status| status.state = LinkState::Down);
}

/// Doubled each time up to 30 s, less up to half of it by chance.
fn pause(failures: u32, was_refused: bool, chance: u32) -> Duration {
    let full = SHORTEST_PAUSE.saturating_mul(1 << failures.min(7)).min(LONGEST_PAUSE);
    let full = if was_refused { full.max(PAUSE_AFTER_REFUSAL) } else { full };
    shortened(full, chance)
}

/// One connection: how it ended, and for how long it was bound.
async fn connect(carrier: &Arc<Carrier>, link: usize, role: Role) -> (Over, Option<Duration>) {
    match timeout(CONNECT, carrier.endpoint.connect()).await {
        Err(_) => (Over::NoConnection, None),
        Ok(Err(error)) => (error.into(), None),
        Ok(Ok(stream)) => {
            let mut talk = Talk::new(Arc::clone(carrier), link, role);
            let over = talk.go_on(stream).await;
            talk.leave();
            (over, talk.bound_at.map(|at| carrier.now().saturating_sub(at)))
        }
    }
}

/// Sends some octets; or sees to it that those before have left, if there are none.
async fn push(writer: &mut (impl AsyncWrite + Unpin), octets: &[u8]) -> io::Result<usize> {
    if octets.is_empty() {
        return writer.flush().await.map(|()| 0);
    }
    match writer.write(octets).await? {
        0 => Err(io::ErrorKind::WriteZero.into()),
        length => Ok(length),
    }
}

/// A session with its messages.
struct Talk {
    carrier: Arc<Carrier>,
    link: usize,
    role: Role,
    session: Session,
    out: HashMap<Ticket, Job>,
    bound_at: Option<Duration>,
    nacks: u64,
    acks: mpsc::UnboundedSender<(Acknowledgement, Status)>,
    acked: mpsc::UnboundedReceiver<(Acknowledgement, Status)>,
}

impl Talk {
    fn new(carrier: Arc<Carrier>, link: usize, role: Role) -> Self {
        let session = Session::new(carrier.settings.limits(), role, carrier.bind.clone(), carrier.now());
        let (acks, acked) = mpsc::unbounded_channel();
        Self { carrier, link, role, session, out: HashMap::new(), bound_at: None, nacks: 0, acks, acked }
    }

    async fn go_on(&mut self, stream: Box<dyn Stream>) -> Over {
        let (mut reader, mut writer) = tokio::io::split(stream);
        let (mut stop, mut news) = (self.carrier.stop.subscribe(), self.carrier.news());
        let mut octets = vec![0; 16 * 1024];
        let mut to_flush = false;
        loop {
            if let Some(end) = self.note_all() {
                let last_words = async {
                    writer.write_all(self.session.output()).await?;
                    writer.shutdown().await
                };
                let _ = timeout(GOODBYE, last_words).await;
                return end.into();
            }
            if *stop.borrow_and_update() {
                self.session.unbind(self.carrier.now());
            }
            news.mark_unchanged();
            let paced = self.hand_out();
            let moment = self.session.next_moment().into_iter().chain(paced).min();
            let moment = self.carrier.instant(moment.unwrap_or_else(|| self.carrier.now() + LONGEST_PAUSE));
            tokio::select! {
                read = reader.read(&mut octets) => match read {
                    Ok(0) => return io::Error::from(io::ErrorKind::UnexpectedEof).into(),
                    Ok(length) => {
                        let now = self.carrier.now();
                        self.session.receive(octets.get(..length).unwrap_or_default(), now);
                    }
                    Err(error) => return error.into(),
                },
                written = push(&mut writer, self.session.output()), if to_flush || !self.session.output().is_empty() => match written {
                    Ok(length) => {
                        self.session.sent(length);
                        // TLS keeps octets back until it is told.
                        to_flush = length > 0;
                    }
                    Err(error) => return error.into(),
                },
                Some((what, status)) = self.acked.recv() => self.session.acknowledge(what, status),
                _ = news.changed(), if self.session.has_room() => {}
                () = sleep_until(moment) => self.session.tick(self.carrier.now()),
                _ = stop.changed() => {}
            }
        }
    }

    /// Gives the session what may go now. The moment at which more may go, if the pace holds it back.
    fn hand_out(&mut self) -> Option<Duration> {
        while self.session.has_room() {
            let now = self.carrier.now();
            match self.carrier.next(now) {
                Next::Nothing => return None,
                Next::At(moment) => return Some(moment),
                Next::Job(ticket, message, job) => {
                    self.out.insert(ticket, job);
                    // There is room: it was just looked at.
                    let _ = self.session.submit(ticket, message, now);
                }
            }
        }
        None
    }

    /// Notes what happened; how it ended, if it did.
    fn note_all(&mut self) -> Option<End> {
        let mut ended = None;
        while let Some(happened) = self.session.poll() {
            match happened {
                Happened::Bound => {
                    self.bound_at = Some(self.carrier.now());
                    if self.role != Role::Receiver {
                        self.carrier.sender_up();
                    }
                    self.carrier.note(self.link, |status| {
                        status.state = LinkState::Bound;
                        status.times_bound += 1;
                    });
                    tracing::info!(provider = self.carrier.opening.name, link = self.link, "a bind is up");
                }
                Happened::Answered { ticket, status, message_id } => {
                    self.answered(ticket, Answer { status, message_id });
                }
                Happened::Overdue { ticket } => {
                    if let Some(job) = self.out.remove(&ticket) {
                        self.carrier.doubt(ticket, job);
                    }
                }
                Happened::Delivered { receipt_of, message } => {
                    let (carrier, acks) = (Arc::clone(&self.carrier), self.acks.clone());
                    tokio::spawn(async move {
                        // Where the session has ended meanwhile, the carrier sends it again.
                        let _ = acks.send((receipt_of, inbox::take(carrier, message).await));
                    });
                }
                Happened::Ended(end) => ended = Some(end),
            }
        }
        let (in_window, nacks) = (self.session.in_window(), self.session.nacks() - self.nacks);
        self.nacks += nacks;
        self.carrier.note(self.link, |status| {
            status.in_window = in_window;
            status.times_nacked += nacks;
        });
        ended
    }

    fn answered(&mut self, ticket: Ticket, answer: Answer) {
        if answer.status.meaning() == Meaning::Busy {
            self.carrier.note(self.link, |status| status.throttled += 1);
        }
        match self.out.remove(&ticket) {
            Some(job) => self.carrier.answered(job, answer),
            None => self.carrier.answered_late(ticket, answer),
        }
    }

    /// What had no answer is in doubt now.
    fn leave(&mut self) {
        for (ticket, job) in self.out.drain() {
            self.carrier.doubt(ticket, job);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_half_a_minute_and_differ() {
        assert_eq!(pause(0, false, 0), Duration::from_millis(250));
        assert_eq!(pause(3, false, 0), Duration::from_secs(2));
        assert_eq!(pause(40, false, 0), Duration::from_secs(30));
        assert!(
            pause(40, false, u32::MAX) >= Duration::from_secs(15)
                && pause(40, false, u32::MAX) < Duration::from_secs(16)
        );
        assert_eq!(pause(0, true, 0), Duration::from_secs(5));
    }
}
