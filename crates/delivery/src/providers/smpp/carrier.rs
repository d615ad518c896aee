//! What the sessions of one carrier share: the messages that wait for one of them, the pace, and the messages in doubt, whose
//! answer got lost with its connection. One of those is not sent again at once: for a few seconds a late answer, or a receipt that
//! nobody else waits for, may still show that the carrier has it.

use super::{
    fresh::Fresh,
    pace::Pace,
    pdu::{Bind, ShortMessage, tag},
    receipt::{Report, digits},
    session::Ticket,
    settings::Settings,
    status::{Meaning, Status},
    tls::Endpoint,
};
use crate::{LinkState, LinkStatus, Opening, SendError};
use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU8, AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};
use tokio::{
    sync::{oneshot, watch},
    time::{Instant, timeout_at},
};

/// One carrier, once it works.
pub(super) struct Carrier {
    pub settings: Settings,
    pub bind: Bind,
    pub endpoint: Endpoint,
    pub opening: Opening,
    began: Instant,
    queue: Mutex<VecDeque<Job>>,
    pace: Mutex<Pace>,
    doubts: Mutex<HashMap<Ticket, Job>>,
    tickets: AtomicU64,
    links: Mutex<Vec<LinkStatus>>,
    fresh: Mutex<Fresh>,
    senders: Mutex<Senders>,
    news: watch::Sender<u64>,
    /// Whether it is to end.
    pub stop: watch::Sender<bool>,
}

/// A message on its way through the queue.
pub(super) struct Job {
    message: Box<ShortMessage>,
    place: Arc<Place>,
    reply: oneshot::Sender<Answer>,
}

/// What the carrier said of a message.
pub(super) struct Answer {
    pub status: Status,
    pub message_id: String,
}

/// The sessions that can send.
#[derive(Debug)]
struct Senders {
    up: usize,
    /// Since when there has been none, if there is none.
    none_since: Duration,
    /// How the last one ended, or why there was none.
    ended: String,
}

impl Default for Senders {
    fn default() -> Self {
        Self { up: 0, none_since: Duration::ZERO, ended: "the carrier has not answered yet".to_owned() }
    }
}

/// Where a message is: only one of its sender, who may withdraw it, and a session, which may take it, gets it.
#[derive(Debug, Default)]
struct Place(AtomicU8);

const WAITING: u8 = 0;
const OUT: u8 = 1;
const WITHDRAWN: u8 = 2;

impl Place {
    fn change(&self, from: u8, to: u8) -> bool {
        self.0.compare_exchange(from, to, SeqCst, SeqCst).is_ok()
    }
}

/// What a session is to do next.
pub(super) enum Next {
    /// Send this.
    Job(Ticket, Box<ShortMessage>, Job),
    /// Ask again at this moment.
    At(Duration),
    /// Wait for news.
    Nothing,
}

/// Until when a message may wait for its turn, and until when for what became of it.
#[derive(Clone, Copy)]
pub(super) struct Deadlines {
    turn: Instant,
    all: Instant,
}

impl Carrier {
    pub fn new(settings: Settings, bind: Bind, endpoint: Endpoint, opening: Opening) -> Self {
        Self {
            pace: Mutex::new(Pace::new(settings.per_second)),
            settings,
            bind,
            endpoint,
            opening,
            began: Instant::now(),
            queue: Mutex::default(),
            doubts: Mutex::default(),
            tickets: AtomicU64::new(1),
            links: Mutex::default(),
            fresh: Mutex::default(),
            senders: Mutex::default(),
            news: watch::Sender::new(0),
            stop: watch::Sender::new(false),
        }
    }

    /// The time since this carrier began to work.
    pub fn now(&self) -> Duration {
        self.began.elapsed()
    }

    /// A moment of [`Self::now`] on tokio's clock.
    pub fn instant(&self, moment: Duration) -> Instant {
        self.began + moment
    }

    pub fn chance(&self) -> u32 {
        self.opening.random.number()
    }

    pub fn deadlines(&self) -> Deadlines {
        let seconds = |number: u8| Duration::from_secs(number.into());
        let turn = Instant::now() + seconds(self.settings.timeout_seconds);
        Deadlines { turn, all: turn + seconds(self.settings.response_seconds) + seconds(self.settings.doubt_seconds) }
    }

    /// Hands one short message to whichever session has room, and waits for what becomes of it. With no session for longer than a
    /// message would wait for one, it does not wait: the next provider is to have it at once.
    pub async fn submit(&self, message: ShortMessage, deadlines: Deadlines) -> Result<Answer, SendError> {
        if self.is_down_for(Duration::from_secs(self.settings.timeout_seconds.into())) {
            return Err(SendError::Retry(self.why_not()));
        }
        let (reply, mut answer) = oneshot::channel();
        let place = Arc::new(Place::default());
        let to = message.destination.address.clone();
        lock(&self.fresh).begin(&to);
        let job = Job { message: Box::new(message), place: Arc::clone(&place), reply };
        lock(&self.queue).push_back(job);
        self.tell();
        let mut answered = timeout_at(deadlines.turn, &mut answer).await;
        if answered.is_err() && !place.change(WAITING, WITHDRAWN) {
            answered = timeout_at(deadlines.all, answer).await;
        }
        let is_withdrawn = place.0.load(SeqCst) == WITHDRAWN || place.change(WAITING, WITHDRAWN);
        lock(&self.fresh).end(&to, self.now());
        match answered {
            Ok(Ok(answer)) => Ok(answer),
            _ if is_withdrawn => Err(SendError::Retry(self.why_not())),
            _ => Err(SendError::Unknown("the answer of the carrier got lost".to_owned())),
        }
    }

    fn is_down_for(&self, time: Duration) -> bool {
        let senders = lock(&self.senders);
        senders.up == 0 && self.now() >= senders.none_since + time
    }

    fn why_not(&self) -> String {
        let seconds = self.settings.timeout_seconds;
        if self.is_down_for(Duration::ZERO) {
            format!("no bind has been up for {seconds} s: {}", lock(&self.senders).ended)
        } else if lock(&self.pace).from() > self.now() {
            format!("the carrier wants fewer messages, and there was no turn within {seconds} s")
        } else {
            format!("there was no place in the window within {seconds} s")
        }
    }

    /// The next message that may go now.
    pub fn next(&self, now: Duration) -> Next {
        let mut queue = lock(&self.queue);
        loop {
            let Some(job) = queue.front() else { return Next::Nothing };
            if job.place.0.load(SeqCst) == WITHDRAWN {
                queue.pop_front();
                continue;
            }
            let mut pace = lock(&self.pace);
            if pace.from() > now {
                return Next::At(pace.from());
            }
            let Some(job) = queue.pop_front() else { return Next::Nothing };
            if job.place.change(WAITING, OUT) {
                pace.went(now);
                return Next::Job(self.tickets.fetch_add(1, SeqCst), job.message.clone(), job);
            }
        }
    }

    /// The carrier has answered for a message.
    pub fn answered(&self, job: Job, answer: Answer) {
        let now = self.now();
        match answer.status.meaning() {
            Meaning::Busy => {
                lock(&self.pace).throttled(now, self.chance());
                if job.place.change(OUT, WAITING) {
                    lock(&self.queue).push_front(job);
                    self.tell();
                }
                return;
            }
            Meaning::Taken => lock(&self.pace).taken(now),
            Meaning::Retry | Meaning::Refused => {}
        }
        // Its sender may have stopped waiting.
        let _ = job.reply.send(answer);
    }

    /// The answer for a message got lost, or is late.
    pub fn doubt(&self, ticket: Ticket, job: Job) {
        let mut doubts = lock(&self.doubts);
        doubts.retain(|_, job| !job.reply.is_closed());
        doubts.insert(ticket, job);
    }

    /// A late answer.
    pub fn answered_late(&self, ticket: Ticket, answer: Answer) {
        let job = lock(&self.doubts).remove(&ticket);
        if let Some(job) = job {
            self.answered(job, answer);
        }
    }

    /// A receipt whose message nobody knows proves that a message in doubt was taken, if it went to the same number: then the
    /// carrier's name for it is in the receipt.
    pub fn settle_doubt(&self, report: &Report) {
        let Some(name) = report.names.first() else { return };
        let mut doubts = lock(&self.doubts);
        doubts.retain(|_, job| !job.reply.is_closed());
        let fits = |job: &Job| {
            let own = job.message.parameter(tag::USER_MESSAGE_REFERENCE).map(|own| own.value.as_slice());
            let told = report.own_reference.map(u16::to_be_bytes);
            let differs = own.zip(told.as_ref()).is_some_and(|(own, told)| own != told);
            !report.to.is_empty() && digits(&job.message.destination.address) == report.to && !differs
        };
        // The oldest, if there are several.
        let found = doubts.iter().filter(|(_, job)| fits(job)).map(|(ticket, _)| *ticket).min();
        if let Some(job) = found.and_then(|ticket| doubts.remove(&ticket)) {
            let _ = job.reply.send(Answer { status: Status::ESME_ROK, message_id: name.clone() });
        }
    }

    /// Whether a receipt for this number may be about a message whose name is not written down yet.
    pub fn may_know_soon(&self, to: &str) -> bool {
        lock(&self.fresh).may_be_about(to, self.now())
    }

    /// To wait for messages.
    pub fn news(&self) -> watch::Receiver<u64> {
        self.news.subscribe()
    }

    fn tell(&self) {
        self.news.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// A session more; its number.
    pub fn add_link(&self, name: String) -> usize {
        let mut links = lock(&self.links);
        links.push(LinkStatus {
            name,
            state: LinkState::Down,
            in_window: 0,
            times_bound: 0,
            times_nacked: 0,
            throttled: 0,
        });
        links.len() - 1
    }

    /// A session that can send has come up.
    pub fn sender_up(&self) {
        lock(&self.senders).up += 1;
    }

    /// A session that can send has ended, or did not come up.
    pub fn sender_ended(&self, was_up: bool, why: String) {
        let mut senders = lock(&self.senders);
        senders.ended = why;
        if was_up {
            senders.up = senders.up.saturating_sub(1);
            senders.none_since = self.now();
        }
    }

    /// Notes something of a session.
    pub fn note(&self, link: usize, change: impl FnOnce(&mut LinkStatus)) {
        if let Some(status) = lock(&self.links).get_mut(link) {
            change(status);
        }
    }

    pub fn links(&self) -> Vec<LinkStatus> {
        lock(&self.links).clone()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
