//! The one thread that writes: a group is one transaction, each of its works under a savepoint of its own.

use super::{apply, connection::Pool, messages};
use crate::{
    Error,
    group::{Group, Groups, Outcome, Work},
    wake::Wake,
};
use rusqlite::Connection;
use std::{io, sync::Arc, thread};

/// Starts the writer. It ends with its queue, and then closes the file and the readers.
pub(super) fn spawn(
    connection: Connection,
    groups: Groups,
    pool: Arc<Pool>,
    wake: Arc<Wake>,
) -> io::Result<thread::JoinHandle<()>> {
    thread::Builder::new().name("store-writer".to_owned()).spawn(move || {
        let mut groups = groups;
        while let Some(group) = groups.next_blocking() {
            match commit(&connection, &group) {
                Ok(outcomes) => group.answer(outcomes, &wake),
                Err(error) => group.refuse(&error),
            }
        }
        pool.close();
        fold_log(&connection);
        drop(connection);
        // Last, since whoever waits for this must find the file closed.
        drop(groups);
    })
}

fn fold_log(connection: &Connection) {
    if let Err(error) = connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)") {
        // Nothing is lost: the next one to open the file does it.
        tracing::warn!(%error, "the log of the store was not folded into its file");
    }
}

/// One outcome for each work; or an error, and then nothing of the whole group is written.
fn commit(connection: &Connection, group: &Group) -> Result<Vec<Outcome>, Error> {
    let committed = apply_all(connection, group);
    if committed.is_err() && !connection.is_autocommit() {
        // Where even this fails, the next group cannot begin, and says so.
        run(connection, "ROLLBACK")?;
    }
    committed
}

fn apply_all(connection: &Connection, group: &Group) -> Result<Vec<Outcome>, Error> {
    // Immediate: a tool may write to the same file, and is waited for here rather than in the middle.
    run(connection, "BEGIN IMMEDIATE")?;
    let outcomes = group.works().map(|work| apply_one(connection, work)).collect::<Result<_, _>>()?;
    run(connection, "COMMIT")?;
    Ok(outcomes)
}

/// The outcome of one work, of which nothing is left if it failed. An error if that took the transaction along, which
/// SQLite does by itself when it has no room.
fn apply_one(connection: &Connection, work: &Work) -> Result<Outcome, Error> {
    run(connection, "SAVEPOINT work")?;
    let outcome = match work {
        Work::Write(batch) => batch.0.iter().try_for_each(|change| apply::apply(connection, change)).map(|()| vec![]),
        Work::Claim(claim) => messages::claim(connection, claim),
    };
    if let Err(error) = &outcome {
        if connection.is_autocommit() {
            return Err(error.clone());
        }
        run(connection, "ROLLBACK TO work")?;
    }
    run(connection, "RELEASE work")?;
    Ok(outcome)
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
        let (queue, groups) = group::queue();
        let queue = Arc::new(queue);
        let submit = |changes: Vec<Change>| {
            let queue = Arc::clone(&queue);
            tokio::spawn(async move { queue.submit(Work::Write(Batch(changes))).await })
        };
        let waiting: Vec<_> = changes.into_iter().map(submit).collect();
        // One round of this thread's tasks: each has sent its work, and waits.
        tokio::task::yield_now().await;
        let writer = spawn(connection, groups, Arc::new(Pool::new(path)), Arc::new(Wake::new())).unwrap();
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
        let (queue, groups) = group::queue();
        let writer = spawn(connection, groups, Arc::new(Pool::new(&path)), Arc::new(Wake::new())).unwrap();
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
