//! Folding the write-ahead log back into the file. A thread of its own does nearly all of it while commits go on (a PASSIVE
//! checkpoint takes no lock that they need). It leaves what was written meanwhile, and under load there always is some, so the
//! log would grow for ever: once in a long while the writer folds that small rest itself, and the log begins anew.

use super::connection::{self, Durability};
use crate::Error;
use rusqlite::{Connection, hooks::Wal};
use std::{
    io,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI32, Ordering},
    },
    thread::{self, JoinHandle},
};

/// So many pages (1.2 MiB) that were not folded yet wake the thread while the writer has more to do: the more at once, the fewer
/// are written twice.
const FOLD_AT: i32 = 300;
/// So many do where the writer has nothing to do just now. A commit that meets a fold waits for its pages to reach the disk, and
/// these take a millisecond or two.
const FOLD_AT_LEISURE: i32 = 50;
/// At so many pages (64 MiB) the writer helps. In between, a reader looks for each page in the log first, and a start after a
/// crash reads it once.
const LONGEST: i32 = 16_000;

/// The log of a connection that writes.
pub(super) struct Log {
    shared: Arc<Shared>,
    thread: JoinHandle<()>,
}

/// In pages. Both fall when the log begins anew.
#[derive(Default)]
struct Shared {
    written: AtomicI32,
    folded: AtomicI32,
    /// It is a good moment to fold little.
    leisure: AtomicBool,
    stop: AtomicBool,
}

impl Shared {
    fn is_long(&self) -> bool {
        let least = if self.leisure.load(Ordering::Relaxed) { FOLD_AT_LEISURE } else { FOLD_AT };
        self.written.load(Ordering::Relaxed) - self.folded.load(Ordering::Relaxed) >= least
    }

    fn fold(&self, connection: &Connection) -> Result<(), Error> {
        let folded = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get(2))?;
        self.folded.store(folded, Ordering::Relaxed);
        Ok(())
    }
}

impl Log {
    /// Watches it from now on, in place of SQLite's own checkpoints, which a commit waits for.
    pub(super) fn watch(connection: &mut Connection, path: PathBuf, durability: Durability) -> Result<Self, Error> {
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("store-log".to_owned())
            .spawn(move || run(&theirs, &path, durability))
            .map_err(|error: io::Error| Error::Unavailable(error.to_string()))?;
        let (seen, sleeper) = (Arc::clone(&shared), thread.thread().clone());
        let note = move |_: &mut Wal, pages| {
            if seen.written.swap(pages, Ordering::Relaxed) > pages {
                seen.folded.store(0, Ordering::Relaxed);
            }
            if seen.is_long() {
                sleeper.unpark();
            }
            Ok(())
        };
        connection.wal_hook(Some(note))?;
        Ok(Self { shared, thread })
    }

    /// Between two commits of the connection: lets the thread fold little if there is `leisure`, and folds the rest of a log that
    /// has got very long.
    pub(super) fn keep_short(&self, connection: &Connection, leisure: bool) {
        self.shared.leisure.store(leisure, Ordering::Relaxed);
        if leisure && self.shared.is_long() {
            self.thread.thread().unpark();
        }
        if self.shared.written.load(Ordering::Relaxed) >= LONGEST {
            warn(self.shared.fold(connection));
        }
    }

    /// Ends the thread, and folds what is left.
    pub(super) fn close(self, connection: &Connection) {
        self.shared.stop.store(true, Ordering::Relaxed);
        self.thread.thread().unpark();
        // A thread that has panicked was heard of when it did.
        let _ = self.thread.join();
        warn(connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").map_err(Error::from));
    }
}

fn run(shared: &Shared, path: &std::path::Path, durability: Durability) {
    let mut connection = None;
    while !shared.stop.load(Ordering::Relaxed) {
        if !shared.is_long() {
            thread::park();
            continue;
        }
        let folded = match &connection {
            Some(connection) => shared.fold(connection),
            None => connection::open_beside(path, durability).and_then(|opened| shared.fold(connection.insert(opened))),
        };
        if folded.is_err() {
            // Until the next commit: the writer meets the same trouble, and tells those who ask.
            warn(folded);
            thread::park();
        }
    }
}

fn warn(folded: Result<(), Error>) {
    if let Err(error) = folded {
        // Nothing is lost: the next one to open the file does it.
        tracing::warn!(%error, "the log of the store was not folded into its file");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(folder: &std::path::Path) -> (PathBuf, Connection) {
        let path = folder.join("countersign.db");
        std::fs::write(&path, []).unwrap();
        let make = |connection: &mut Connection| {
            connection.execute_batch("CREATE TABLE filled (number INTEGER PRIMARY KEY, body BLOB)").unwrap();
            Ok(())
        };
        let connection = connection::open_writer(&path, Durability::Lost, make).unwrap();
        (path, connection)
    }

    fn fill(connection: &Connection, pages: usize) {
        for _ in 0..pages {
            connection.execute("INSERT INTO filled (body) VALUES (zeroblob(3500))", []).unwrap();
        }
    }

    #[test]
    fn a_long_log_is_folded_by_the_thread_and_a_very_long_one_begins_anew() {
        let folder = tempfile::tempdir().unwrap();
        let (path, mut connection) = opened(folder.path());
        let log = Log::watch(&mut connection, path.clone(), Durability::Lost).unwrap();
        fill(&connection, 1000);
        // Nobody else folds it: without the thread this never ends.
        while log.shared.is_long() {
            thread::yield_now();
        }
        let mut longest = 0;
        for _ in 0..40 {
            fill(&connection, 500);
            longest = longest.max(log.shared.written.load(Ordering::Relaxed));
            log.keep_short(&connection, false);
        }
        assert!(longest < 2 * LONGEST, "{longest}");
        log.close(&connection);
        drop(connection);
        let rows: u32 =
            Connection::open(path).unwrap().query_row("SELECT count(*) FROM filled", [], |row| row.get(0)).unwrap();
        assert_eq!(rows, 21_000);
    }

    #[test]
    fn where_the_writer_has_leisure_little_is_folded_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let (path, mut connection) = opened(folder.path());
        let log = Log::watch(&mut connection, path, Durability::Lost).unwrap();
        fill(&connection, 60);
        let written = log.shared.written.load(Ordering::Relaxed);
        assert!((FOLD_AT_LEISURE..FOLD_AT).contains(&written), "{written}");
        assert!(!log.shared.is_long(), "there is more to do");
        log.keep_short(&connection, true);
        // Nobody else folds it: without the thread this never ends.
        while log.shared.is_long() {
            thread::yield_now();
        }
        assert!(log.shared.folded.load(Ordering::Relaxed) > 0);
        log.close(&connection);
    }
}
