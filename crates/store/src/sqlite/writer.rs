//! The one thread that writes: a group is one transaction, and a work that fails leaves nothing in it.
//!
//! Nearly always a work that fails does so with its first change, before anything of it was written, and there is nothing to
//! undo. So a group is tried without savepoints, which would copy each page before its first change; only where a work
//! fails in its middle is the group rolled back and done again, each work under a savepoint of its own.

use super::{apply, connection::Pool, log::Log, messages};
use crate::{
    Error,
    group::{Group, Groups, Outcome, Work},
    wake::Wake,
};
use rusqlite::Connection;
use std::{io, sync::Arc, thread};

/// A writer that has no more than this to do at once, and nothing after it, has leisure. Starts at full load come in groups of a dozen.
const SMALL_GROUP: usize = 6;

/// Starts the writer. It ends with its queue, and then closes the file and the readers.
pub(super) fn spawn(
    connection: Connection,
    log: Log,
    groups: Groups,
    pool: Arc<Pool>,
    wake: Arc<Wake>,
) -> io::Result<thread::JoinHandle<()>> {
    thread::Builder::new().name("store-writer".to_owned()).spawn(move || {
        let mut groups = groups;
        while let Some(group) = groups.next_blocking() {
            let was_small = group.works().count() <= SMALL_GROUP;
            match commit(&connection, &group) {
                Ok(outcomes) => group.answer(outcomes, &wake),
                Err(error) => group.refuse(&error),
            }
            log.keep_short(&connection, was_small && groups.is_empty());
        }
        pool.close();
        log.close(&connection);
        drop(connection);
        // Last, since whoever waits for this must find the file closed.
        drop(groups);
    })
}

/// One outcome for each work; or an error, and then nothing of the whole group is written.
fn commit(connection: &Connection, group: &Group) -> Result<Vec<Outcome>, Error> {
    let plainly = in_transaction(connection, group, apply_plainly);
    match plainly {
        Ok(outcomes) => Ok(outcomes),
        Err(Failure::HalfDone) => in_transaction(connection, group, apply_under_savepoint),
        Err(failure) => Err(failure),
    }
    .map_err(|failure| match failure {
        Failure::Store(error) => error,
        Failure::HalfDone => Error::Unavailable("a work was left half done".to_owned()),
    })
}

/// Why a group's transaction cannot be committed.
enum Failure {
    /// The store does not work.
    Store(Error),
    /// A work failed after some of it was written.
    HalfDone,
}

impl<E: Into<Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Store(error.into())
    }
}

type Apply = fn(&Connection, &Work) -> Result<Outcome, Failure>;

fn in_transaction(connection: &Connection, group: &Group, apply: Apply) -> Result<Vec<Outcome>, Failure> {
    let committed = (|| {
        // Immediate: a tool may write to the same file, and is waited for here rather than in the middle.
        run(connection, "BEGIN IMMEDIATE")?;
        let outcomes = group.works().map(|work| apply(connection, work)).collect::<Result<_, _>>()?;
        run(connection, "COMMIT")?;
        Ok(outcomes)
    })();
    if committed.is_err() && !connection.is_autocommit() {
        // Where even this fails, the next group cannot begin, and says so.
        run(connection, "ROLLBACK")?;
    }
    committed
}

/// The outcome of one work, if it was done whole or not at all.
fn apply_plainly(connection: &Connection, work: &Work) -> Result<Outcome, Failure> {
    let before = connection.total_changes();
    let outcome = apply(connection, work);
    match &outcome {
        Ok(_) => Ok(outcome),
        // SQLite has ended the transaction by itself, which it does when it has no room.
        Err(error) if connection.is_autocommit() => Err(error.clone().into()),
        Err(_) if connection.total_changes() == before => Ok(outcome),
        Err(_) => Err(Failure::HalfDone),
    }
}

/// The outcome of one work, of which nothing is left if it failed.
fn apply_under_savepoint(connection: &Connection, work: &Work) -> Result<Outcome, Failure> {
    run(connection, "SAVEPOINT work")?;
    let outcome = apply(connection, work);
    if let Err(error) = &outcome {
        if connection.is_autocommit() {
            return Err(error.clone().into());
        }
        run(connection, "ROLLBACK TO work")?;
    }
    run(connection, "RELEASE work")?;
    Ok(outcome)
}

fn apply(connection: &Connection, work: &Work) -> Outcome {
    match work {
        Work::Write(batch) => batch.0.iter().try_for_each(|change| apply::apply(connection, change)).map(|()| vec![]),
        Work::Claim(claim) => messages::claim(connection, claim),
    }
}

fn run(connection: &Connection, sql: &str) -> Result<(), Error> {
    connection.prepare_cached(sql)?.execute([])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Answer, Batch, Change, Role,
        group::{self, Queue},
        sqlite::{answers, connection, migrate},
    };
    use countersign_model::{Sealed, TenantId, Timestamp};
    use std::path::{Path, PathBuf};

    fn opened(folder: &Path) -> (PathBuf, Connection) {
        let path = folder.join("countersign.db");
        std::fs::write(&path, []).unwrap();
        let make_tables = |connection: &mut Connection| migrate::run(connection, &path, Role::Server);
        let connection = connection::open_writer(&path, connection::Durability::Lost, make_tables).unwrap();
        (path, connection)
    }

    fn watched(mut connection: Connection, path: &Path) -> (Connection, Log) {
        let log = Log::watch(&mut connection, path.to_owned(), connection::Durability::Lost).unwrap();
        (connection, log)
    }

    fn answer(number: u8, size: usize) -> Change {
        Change::InsertAnswer(Answer {
            tenant: TenantId::from_bytes([1; 16]),
            key: [number; 32],
            request: [0; 32],
            outcome: Sealed { key_version: 1, bytes: vec![number; size] },
            created_at: Timestamp::from_ms(number.into()),
        })
    }

    /// Queues all of them before the writer begins, so that they are one group.
    async fn in_one_group(connection: Connection, path: &Path, changes: Vec<Vec<Change>>) -> Vec<Outcome> {
        let (connection, log) = watched(connection, path);
        let (queue, groups) = group::queue();
        let queue = Arc::new(queue);
        let submit = |changes: Vec<Change>| {
            let queue = Arc::clone(&queue);
            tokio::spawn(async move { queue.submit(Work::Write(Batch(changes))).await })
        };
        let waiting: Vec<_> = changes.into_iter().map(submit).collect();
        // One round of this thread's tasks: each has sent its work, and waits.
        tokio::task::yield_now().await;
        let writer = spawn(connection, log, groups, Arc::new(Pool::new(path)), Arc::new(Wake::new())).unwrap();
        let mut outcomes = Vec::new();
        for one in waiting {
            outcomes.push(one.await.unwrap());
        }
        queue.close().await;
        writer.join().unwrap();
        outcomes
    }

    fn kept(path: &Path) -> Vec<u8> {
        let connection = Connection::open(path).unwrap();
        let found = |number: &u8| answers::find(&connection, TenantId::from_bytes([1; 16]), &[*number; 32]);
        (0..=u8::MAX).filter(|number| found(number).unwrap().is_some()).collect()
    }

    #[tokio::test]
    async fn a_work_that_fails_with_its_first_change_makes_nobody_else_start_over() {
        let folder = tempfile::tempdir().unwrap();
        let (path, connection) = opened(folder.path());
        let changes = vec![vec![answer(1, 1)], vec![answer(1, 1), answer(2, 1)], vec![answer(3, 1)]];
        let outcomes = in_one_group(connection, &path, changes).await;
        assert_eq!(outcomes, [Ok(vec![]), Err(Error::Conflict), Ok(vec![])]);
        assert_eq!(kept(&path), [1, 3]);
    }

    #[tokio::test]
    async fn neighbours_in_one_group_fail_one_by_one() {
        let folder = tempfile::tempdir().unwrap();
        let (path, connection) = opened(folder.path());
        // Every odd one brings a row of its own, and then the key of the one before it.
        let changes = (0..200_u8).map(|number| match number % 2 {
            0 => vec![answer(number, 1)],
            _ => vec![answer(number, 1), answer(number - 1, 1)],
        });
        let outcomes = in_one_group(connection, &path, changes.collect()).await;
        for (number, outcome) in outcomes.iter().enumerate() {
            let wanted = if number % 2 == 0 { Ok(vec![]) } else { Err(Error::Conflict) };
            assert_eq!(*outcome, wanted, "{number}");
        }
        assert_eq!(kept(&path), (0..200).filter(|number| number % 2 == 0).collect::<Vec<_>>());
    }

    /// Room for a few small rows and two big ones, whatever tables there are.
    fn leave_room(connection: &Connection) {
        let used: u32 = connection.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
        connection.pragma_update(None, "max_page_count", used + 12).unwrap();
    }

    async fn submit(queue: &Queue, changes: Vec<Change>) -> Outcome {
        queue.submit(Work::Write(Batch(changes))).await
    }

    #[tokio::test]
    async fn without_room_a_write_leaves_nothing_and_with_room_again_it_succeeds() {
        let folder = tempfile::tempdir().unwrap();
        let (path, connection) = opened(folder.path());
        leave_room(&connection);
        let (connection, log) = watched(connection, &path);
        let (queue, groups) = group::queue();
        let writer = spawn(connection, log, groups, Arc::new(Pool::new(&path)), Arc::new(Wake::new())).unwrap();
        let mut written = Vec::new();
        let refused = loop {
            let number = u8::try_from(written.len()).unwrap();
            match submit(&queue, vec![answer(number, 10), answer(number + 100, 16_000)]).await {
                Ok(_) => written.extend([number]),
                Err(error) => break error,
            }
        };
        assert!(matches!(refused, Error::Full(_)), "{refused:?}");
        let both: Vec<u8> = written.iter().copied().chain(written.iter().map(|number| number + 100)).collect();
        assert!(!both.is_empty());
        assert_eq!(kept(&path), both, "nothing of the batch that found no room");
        let purge = Change::PurgeAnswers { before: Timestamp::from_ms(101), limit: 100 };
        assert_eq!(submit(&queue, vec![purge]).await, Ok(vec![]));
        assert_eq!(submit(&queue, vec![answer(90, 10), answer(190, 16_000)]).await, Ok(vec![]));
        drop(queue);
        writer.join().unwrap();
    }

    #[tokio::test]
    async fn a_group_that_finds_no_room_is_refused_as_a_whole() {
        let folder = tempfile::tempdir().unwrap();
        let (path, connection) = opened(folder.path());
        leave_room(&connection);
        let changes = vec![vec![answer(1, 10)], vec![answer(2, 1_000_000)], vec![answer(3, 10)]];
        for outcome in in_one_group(connection, &path, changes).await {
            assert!(matches!(outcome, Err(Error::Full(_))), "{outcome:?}");
        }
        assert!(kept(&path).is_empty());
    }
}
