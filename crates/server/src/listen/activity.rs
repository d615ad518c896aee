//! What one connection is doing, so that one which does nothing can be closed. hyper has a time-out of its own for heads, but
//! none for a connection that never says a word, none for one that never takes its answer, and it would end an idle
//! connection as soon as it ends a slow head: a proxy in front keeps its idle connections longer than that.

use super::Limits;
use axum::{
    body::{Body, Bytes},
    http::Version,
};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::Instant;

/// The state of one connection.
#[derive(Debug)]
pub(super) struct Activity(Mutex<State>);

#[derive(Debug)]
struct State {
    phase: Phase,
    since: Instant,
    /// Requests without their whole answer.
    requests: usize,
    /// Those of them whose answer has begun, and when one of these last went on.
    answers: usize,
    went_on: Instant,
    /// Since when the peer takes no byte of what is to be written.
    stuck: Option<Instant>,
    opening: Opening,
    /// The first bytes of the head that has begun.
    head: Vec<u8>,
}

/// A request line with a path of ours fits in.
const HEAD_KEPT: usize = 256;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// A request's head is wanted: the connection is new, or a head has begun.
    Head,
    /// There is at least one request without its whole answer.
    Busy,
    /// Nothing, between two requests.
    Idle,
}

/// Why a connection is to be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Overdue {
    /// Nothing was said for too long.
    Silent,
    /// A head of HTTP/1 has begun, and did not end in time.
    LateHead,
    /// An answer is there, and nothing of it is taken.
    Unread,
}

impl Activity {
    pub(super) fn new(now: Instant) -> Self {
        let opening = Opening { bytes: 0, is_http2: true };
        let (phase, requests, answers) = (Phase::Head, 0, 0);
        let head = Vec::with_capacity(HEAD_KEPT);
        Self(Mutex::new(State { phase, since: now, requests, answers, went_on: now, stuck: None, opening, head }))
    }

    /// The first byte after an idle time begins a head. On HTTP/2 it may as well be a ping, which begins nothing.
    pub(super) fn bytes_came(&self, bytes: &[u8]) {
        let mut state = self.state();
        state.opening.read(bytes);
        if state.phase == Phase::Idle && !state.opening.is_http2 {
            state.enter(Phase::Head);
        }
        if state.phase == Phase::Head {
            let room = HEAD_KEPT - state.head.len();
            state.head.extend(bytes.iter().take(room));
        }
    }

    /// The first bytes of the head that has begun.
    pub(super) fn head(&self) -> Vec<u8> {
        self.state().head.clone()
    }

    /// The peer took bytes. On HTTP/1 they are of an answer; on HTTP/2 perhaps of a ping's, which is no progress.
    pub(super) fn bytes_went(&self) {
        let mut state = self.state();
        state.stuck = None;
        if state.phase == Phase::Idle && !state.opening.is_http2 {
            state.enter(Phase::Idle);
        }
    }

    /// Nothing is left for the peer to take.
    pub(super) fn all_went(&self) {
        self.state().stuck = None;
    }

    /// There are bytes for the peer, and it takes none.
    pub(super) fn bytes_wait(&self) {
        let mut state = self.state();
        state.stuck.get_or_insert_with(Instant::now);
    }

    /// A request has come; it lasts until its [`InFlight`] is dropped.
    pub(super) fn request(self: &Arc<Self>, version: Version) -> InFlight {
        let mut state = self.state();
        state.opening.is_http2 = version == Version::HTTP_2;
        state.requests += 1;
        state.head.clear();
        state.enter(Phase::Busy);
        InFlight { activity: Arc::clone(self), has_begun: false }
    }

    /// Whether it has done nothing for longer than it may.
    pub(super) fn overdue(&self, limits: &Limits, now: Instant) -> Option<Overdue> {
        let state = self.state();
        let is_over = |since: Instant, allowed| now.duration_since(since) >= allowed;
        if state.stuck.is_some_and(|since| is_over(since, limits.send_timeout)) {
            return Some(Overdue::Unread);
        }
        match state.phase {
            Phase::Head if !is_over(state.since, limits.header_timeout) => None,
            Phase::Head if state.opening.is_head_of_http1() && state.stuck.is_none() => Some(Overdue::LateHead),
            Phase::Head => Some(Overdue::Silent),
            Phase::Idle => is_over(state.since, limits.keep_alive).then_some(Overdue::Silent),
            Phase::Busy if state.answers == 0 => None,
            Phase::Busy => is_over(state.went_on, limits.send_timeout).then_some(Overdue::Unread),
        }
    }

    /// How often to look.
    pub(super) fn looks_every(limits: &Limits) -> Duration {
        let shortest = limits.header_timeout.min(limits.keep_alive).min(limits.send_timeout);
        (shortest / 4).max(Duration::from_millis(5))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        self.since = Instant::now();
    }
}

/// The first bytes of a connection, which tell the version of HTTP before there is a request.
#[derive(Debug)]
struct Opening {
    bytes: usize,
    /// Or it may still become that.
    is_http2: bool,
}

impl Opening {
    /// How a connection of HTTP/2 begins: RFC 9113, 3.4.
    const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n";

    fn read(&mut self, bytes: &[u8]) {
        if self.bytes < Self::PREFACE.len() {
            self.is_http2 &= Self::PREFACE.iter().skip(self.bytes).zip(bytes).all(|(wanted, byte)| wanted == byte);
            self.bytes += bytes.len();
        }
    }

    fn is_head_of_http1(&self) -> bool {
        self.bytes > 0 && !self.is_http2
    }
}

/// A request that has not got its whole answer yet.
#[derive(Debug)]
pub(super) struct InFlight {
    activity: Arc<Activity>,
    has_begun: bool,
}

impl InFlight {
    /// The answer is there, and its first byte may leave. Only the first of several is progress: a peer that asks on and on and
    /// takes nothing is not to be kept.
    fn begin(&mut self) {
        let mut state = self.activity.state();
        if state.answers == 0 {
            state.went_on = Instant::now();
        }
        state.answers += 1;
        self.has_begun = true;
    }

    fn go_on(&self) {
        self.activity.state().went_on = Instant::now();
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let mut state = self.activity.state();
        state.answers = state.answers.saturating_sub(usize::from(self.has_begun));
        state.requests = state.requests.saturating_sub(1);
        if state.requests == 0 {
            state.enter(Phase::Idle);
        }
    }
}

/// The body of an answer. The request ends with it. hyper asks it for bytes only when the peer has room for some.
pub(super) struct Answer {
    body: Body,
    in_flight: InFlight,
}

impl Answer {
    pub(super) fn new(body: Body, mut in_flight: InFlight) -> Self {
        in_flight.begin();
        Self { body, in_flight }
    }
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if polled.is_ready() {
            self.in_flight.go_on();
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
