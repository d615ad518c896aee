//! Where log lines go out: a bounded queue, and one thread that writes. Whoever logs never waits for the reader of standard
//! error: when the queue is full a line is dropped and counted, and the count is told as soon as lines flow again.

use std::{
    cell::Cell,
    collections::VecDeque,
    io::{self, Write},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};
use tracing_subscriber::fmt::MakeWriter;

/// Lines that wait: some two megabytes.
const LONGEST_QUEUE: usize = 8192;
/// Written with one call, so that a reader that keeps up costs little.
const MOST_AT_ONCE: usize = 1024;
/// After each call the thread rests for so long. The first line after a silence goes out at once; under load the lines of a moment
/// go out together, and nobody wakes the thread for each of them, which would cost more than the line.
const REST: Duration = Duration::from_millis(5);

thread_local! {
    /// What the writing thread itself logs goes past the queue.
    static WRITES: Cell<bool> = const { Cell::new(false) };
}

/// The queue. Every clone puts into the same one.
#[derive(Clone)]
pub(super) struct Outlet(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    longest: usize,
    came: Condvar,
    drained: Condvar,
}

#[derive(Default)]
struct State {
    lines: VecDeque<Vec<u8>>,
    dropped: u64,
    /// The thread waits for a line.
    idle: bool,
}

impl Outlet {
    /// Starts the thread, which writes to standard error.
    ///
    /// # Errors
    /// When there is no thread to be had.
    pub(super) fn start() -> io::Result<Self> {
        let tell = |lines| tracing::warn!(lines, "log lines were dropped: standard error was not read in time");
        Self::with(LONGEST_QUEUE, io::stderr(), tell)
    }

    fn with(
        longest: usize,
        target: impl Write + Send + 'static,
        tell: impl Fn(u64) + Send + 'static,
    ) -> io::Result<Self> {
        let (came, drained) = (Condvar::new(), Condvar::new());
        let outlet = Self(Arc::new(Shared { state: Mutex::default(), longest, came, drained }));
        let queue = Arc::clone(&outlet.0);
        thread::Builder::new().name("log".to_owned()).spawn(move || queue.write_all(target, tell))?;
        Ok(outlet)
    }

    /// Waits until everything is written, `patience` at most.
    pub(super) fn flush(&self, patience: Duration) {
        let state = self.0.state();
        let unwritten = |state: &mut State| !(state.idle && state.lines.is_empty());
        // If it takes longer nobody reads, and there is nobody to tell.
        _ = self.0.drained.wait_timeout_while(state, patience, unwritten);
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, line: &[u8]) {
        let mut state = self.state();
        if state.lines.len() >= self.longest {
            state.dropped += 1;
            return;
        }
        state.lines.push_back(line.to_vec());
        // To wake a thread costs a call into the system, also if it is awake.
        if std::mem::take(&mut state.idle) {
            self.came.notify_one();
        }
    }

    fn write_all(&self, mut target: impl Write, tell: impl Fn(u64)) {
        WRITES.set(true);
        loop {
            let (lines, dropped) = self.next();
            // A reader that is gone is nothing to end a server for.
            _ = target.write_all(&lines.concat());
            if dropped > 0 {
                tell(dropped);
            }
            #[expect(clippy::disallowed_methods, reason = "a thread of its own, on which nothing else waits")]
            thread::sleep(REST);
        }
    }

    /// The next lines, and how many were dropped since the last time.
    fn next(&self) -> (Vec<Vec<u8>>, u64) {
        let mut state = self.state();
        while state.lines.is_empty() {
            state.idle = true;
            self.drained.notify_all();
            state = self.came.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.idle = false;
        let count = state.lines.len().min(MOST_AT_ONCE);
        (state.lines.drain(..count).collect(), std::mem::take(&mut state.dropped))
    }
}

/// Takes one line, whole.
pub(super) struct Line(Arc<Shared>);

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if WRITES.get() {
            _ = io::stderr().write_all(bytes);
        } else {
            self.0.put(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Outlet {
    type Writer = Line;

    fn make_writer(&self) -> Line {
        Line(Arc::clone(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};

    /// Takes nothing until it is let.
    struct Gate {
        asked: Sender<()>,
        open: Receiver<()>,
        written: Sender<String>,
    }

    impl Write for Gate {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.asked.send(()).unwrap();
            self.open.recv().unwrap();
            self.written.send(String::from_utf8(bytes.to_vec()).unwrap()).unwrap();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct Watched {
        outlet: Outlet,
        asked: Receiver<()>,
        open: SyncSender<()>,
        written: Receiver<String>,
    }

    fn with_queue_of(longest: usize) -> Watched {
        let ((ask, asked), (open, opened), (write, written)) = (channel(), sync_channel(100), channel());
        let told = write.clone();
        let gate = Gate { asked: ask, open: opened, written: write };
        let outlet = Outlet::with(longest, gate, move |dropped| told.send(format!("{dropped} dropped")).unwrap());
        Watched { outlet: outlet.unwrap(), asked, open, written }
    }

    fn log(outlet: &Outlet, line: &str) {
        outlet.make_writer().write_all(line.as_bytes()).unwrap();
    }

    #[test]
    fn with_a_reader_that_stalls_lines_are_dropped_and_counted_once_they_flow_again() {
        let watched = with_queue_of(2);
        log(&watched.outlet, "0;");
        watched.asked.recv().unwrap();
        // The thread is in the middle of a write that does not end.
        for number in 1..=5 {
            log(&watched.outlet, &format!("{number};"));
        }
        (0..3).for_each(|_| watched.open.send(()).unwrap());
        let said: Vec<_> = watched.written.iter().take(3).collect();
        assert_eq!(said, ["0;", "1;2;", "3 dropped"]);
        log(&watched.outlet, "6;");
        assert_eq!(watched.written.recv().unwrap(), "6;");
    }

    #[test]
    fn a_flush_waits_for_what_is_queued_and_no_longer_than_it_may() {
        let watched = with_queue_of(100);
        (0..50).for_each(|_| log(&watched.outlet, "x"));
        watched.outlet.flush(Duration::from_millis(20));
        assert!(watched.written.try_recv().is_err(), "nobody read it, and the flush ended all the same");
        (0..100).for_each(|_| _ = watched.open.try_send(()));
        watched.outlet.flush(Duration::from_mins(1));
        assert_eq!(watched.written.try_iter().collect::<String>().len(), 50);
    }
}
