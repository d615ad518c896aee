//! What one connection is doing, so that one which does nothing can be closed. hyper has a time-out of its own for heads, but
//! none for a connection that never says a word, and it would end an idle connection as soon as it ends a slow head: a
//! proxy in front keeps its idle connections longer than that.

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
    requests: usize,
    multiplexed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// A request's head is wanted: the connection is new, or a head has begun.
    Head,
    /// There is at least one request without its whole answer.
    Busy,
    /// Nothing, between two requests.
    Idle,
}

impl Activity {
    pub(super) fn new(now: Instant) -> Self {
        Self(Mutex::new(State { phase: Phase::Head, since: now, requests: 0, multiplexed: false }))
    }

    /// The first byte after an idle time begins a head. On HTTP/2 it may as well be a ping, which begins nothing.
    pub(super) fn bytes_came(&self) {
        let mut state = self.state();
        if state.phase == Phase::Idle && !state.multiplexed {
            state.enter(Phase::Head);
        }
    }

    /// A request has come; it lasts until its [`InFlight`] is dropped.
    pub(super) fn request(self: &Arc<Self>, version: Version) -> InFlight {
        let mut state = self.state();
        state.multiplexed = version == Version::HTTP_2;
        state.requests += 1;
        state.enter(Phase::Busy);
        InFlight(Arc::clone(self))
    }

    /// Whether it has done nothing for longer than it may.
    pub(super) fn is_overdue(&self, limits: &Limits, now: Instant) -> bool {
        let state = self.state();
        let allowed = match state.phase {
            Phase::Head => limits.header_timeout,
            Phase::Idle => limits.keep_alive,
            Phase::Busy => return false,
        };
        now.duration_since(state.since) >= allowed
    }

    /// How often to look.
    pub(super) fn looks_every(limits: &Limits) -> Duration {
        (limits.header_timeout.min(limits.keep_alive) / 4).max(Duration::from_millis(5))
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

/// A request that has not got its whole answer yet.
#[derive(Debug)]
pub(super) struct InFlight(Arc<Activity>);

impl Drop for InFlight {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.requests = state.requests.saturating_sub(1);
        if state.requests == 0 {
            state.enter(Phase::Idle);
        }
    }
}

/// The body of an answer. The request ends with it.
pub(super) struct Answer {
    body: Body,
    _in_flight: InFlight,
}

impl Answer {
    pub(super) fn new(body: Body, in_flight: InFlight) -> Self {
        Self { body, _in_flight: in_flight }
    }
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
