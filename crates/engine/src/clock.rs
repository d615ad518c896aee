//! The only place that reads the system clock and the operating system's random source. Everything else gets moments and
//! random bytes as arguments, so that a test can move time and repeat chance.

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use countersign_model::{Random, Timestamp};
use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use tokio::sync::watch;

/// Two clocks in one. [`Clock::now`] is the time of every rule: dev mode can move it forward. [`Clock::wall`] is never
/// moved: leases run by it, so that moving the time of the rules does not take work away from a living worker.
#[derive(Debug)]
pub struct Clock {
    /// The wall time of a test's clock; none: the system's.
    set_ms: Option<AtomicI64>,
    /// By how much the machine of a shared store is ahead of this one: all processes on it go by its time.
    ahead_ms: AtomicI64,
    moved_by_ms: AtomicI64,
    moved: watch::Sender<()>,
    started: Instant,
}

impl Clock {
    /// The system's clock.
    #[must_use]
    pub fn system() -> Self {
        #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
        let started = Instant::now();
        Self {
            set_ms: None,
            ahead_ms: AtomicI64::new(0),
            moved_by_ms: AtomicI64::new(0),
            moved: watch::Sender::new(()),
            started,
        }
    }

    /// A clock that stands still until it is moved.
    #[must_use]
    pub fn set_to(moment: Timestamp) -> Self {
        Self { set_ms: Some(AtomicI64::new(moment.as_ms())), ..Self::system() }
    }

    /// The time of every rule.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        Timestamp::from_ms(self.wall().as_ms().saturating_add(self.moved_by_ms.load(Ordering::Relaxed)))
    }

    /// The time that nobody moves.
    #[must_use]
    pub fn wall(&self) -> Timestamp {
        let ahead = self.ahead_ms.load(Ordering::Relaxed);
        Timestamp::from_ms(self.own().as_ms().saturating_add(ahead))
    }

    /// The time of this machine.
    fn own(&self) -> Timestamp {
        if let Some(set) = &self.set_ms {
            return Timestamp::from_ms(set.load(Ordering::Relaxed));
        }
        #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        Timestamp::from_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    /// Time since the start, for measuring how long something took. Runs on in tests too.
    #[must_use]
    pub fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }

    /// From now on [`Self::now`] is so many milliseconds ahead of [`Self::wall`]. Never less than before.
    pub(crate) fn move_to_offset(&self, offset_ms: u64) {
        let offset_ms = i64::try_from(offset_ms).unwrap_or(i64::MAX / 2);
        if self.moved_by_ms.fetch_max(offset_ms, Ordering::Relaxed) < offset_ms {
            self.moved.send_replace(());
        }
    }

    /// Goes by the time of a shared store from now on, which answered `asked` with its own: in the middle, one supposes,
    /// between the question and the answer. A test's clock goes by nobody's.
    pub(crate) async fn agree<E>(&self, asked: impl Future<Output = Result<Option<Timestamp>, E>>) -> Result<(), E> {
        let before = self.own().as_ms();
        let Some(shared) = asked.await? else { return Ok(()) };
        if self.set_ms.is_none() {
            let middle = before.midpoint(self.own().as_ms());
            self.ahead_ms.store(shared.as_ms().saturating_sub(middle), Ordering::Relaxed);
        }
        Ok(())
    }

    /// Lets a test's clock run on by so much, both of its times.
    pub fn pass(&self, span: Duration) {
        if let Some(set) = &self.set_ms {
            set.fetch_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX), Ordering::Relaxed);
            self.moved.send_replace(());
        }
    }

    /// Tells when the clock was moved: whoever sleeps until a moment must look again then.
    pub(crate) fn moves(&self) -> watch::Receiver<()> {
        self.moved.subscribe()
    }
}

/// The operating system's random source.
#[derive(Debug, Default)]
pub struct SystemChance(SystemRandom);

impl Random for SystemChance {
    fn fill(&self, bytes: &mut [u8]) {
        // The source fails only if the kernel has none, and then nothing may be handed out as random.
        #[expect(clippy::expect_used, reason = "a server without randomness must not go on")]
        self.0.fill(bytes).expect("the operating system gives random bytes");
    }
}
