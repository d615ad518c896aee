//! The tasks that write, each with a connection of its own. One writes, and meanwhile the next group gathers; if its commit takes
//! long, the other one begins ([`turns`](super::turns)). The statements of a group's works are sent together, rows of the same statement in one, and one commit carries
//! them all.
//!
//! Nearly always every work of a group holds. If one does not, the group is rolled back and done again in halves, each under
//! a savepoint, until those that fail are alone. So what an assertion costs when it holds is nothing but a count.

use super::{
    apply, error,
    link::{Failure, Link, Session},
    messages,
    statement::{Form, Statement, merge},
    turns::Turns,
};
use crate::{
    Error,
    group::{Claim, Group, Groups, Outcome, Work},
    wake::Wake,
};
use countersign_model::Message;
use futures_util::future::{MaybeDone, maybe_done, poll_fn};
use std::{pin::Pin, sync::Arc, task::Poll};
use tokio::sync::Mutex;

/// How many tasks there are.
pub(super) const WRITERS: usize = 2;
/// How many of them write at once, as long as they are quick. More would only make the groups smaller (measured: a fifth less with 2).
pub(super) const AT_ONCE: usize = 1;

/// Takes groups until the queue is closed and empty. What ends last drops `groups`, and whoever closes the store hears it.
pub(super) async fn run(link: Link, turns: Turns, groups: Arc<Mutex<Groups>>, wake: Arc<Wake>) {
    loop {
        let turn = turns.next().await;
        let next = groups.lock().await.next().await;
        let Some(group) = next else { break };
        match turn.spend(write(&link, &group)).await {
            Ok(outcomes) => group.answer(outcomes, &wake),
            Err(error) => group.refuse(&error),
        }
    }
    link.close();
}

/// One outcome for each work; or an error, and then the whole group was not written, or nobody can tell.
async fn write(link: &Link, group: &Group) -> Result<Vec<Outcome>, Error> {
    let session = link.session().await?;
    let jobs: Vec<Job<'_>> = group.works().map(Job::of).collect();
    let mut transaction = Transaction::of(&session, &jobs);
    let done = transaction.run().await;
    if done.is_err() && transaction.is_open {
        // Of one that says nothing nobody waits for this, too.
        let is_gone =
            !session.is_usable() || session.patiently(session.client().batch_execute("ROLLBACK")).await.is_err();
        if is_gone {
            session.discard();
        }
    }
    done.map(|()| transaction.outcomes)
}

/// A work as it is sent.
enum Job<'a> {
    /// Its rows can be written together with those of others.
    Rows(Vec<Statement>),
    /// Its statements have their order among other works.
    Alone(Vec<Statement>),
    Claim(&'a Claim),
    /// It cannot be sent.
    Bad(Error),
}

impl<'a> Job<'a> {
    fn of(work: &'a Work) -> Self {
        match work {
            Work::Claim(claim) => Self::Claim(claim),
            Work::Write(batch) => {
                let mut statements = Vec::with_capacity(batch.0.len());
                match batch.0.iter().try_for_each(|change| apply::push(change, &mut statements)) {
                    Ok(()) if statements.iter().all(|statement| statement.form == Form::Rows) => Self::Rows(statements),
                    Ok(()) => Self::Alone(statements),
                    Err(error) => Self::Bad(error),
                }
            }
        }
    }
}

/// What became of works that were tried together.
enum Verdict {
    /// All hold; a claim brings its messages.
    Kept(Vec<Message>),
    /// One of them does not.
    Refused(Error),
}

struct Transaction<'a> {
    session: &'a Session,
    jobs: &'a [Job<'a>],
    outcomes: Vec<Outcome>,
    is_open: bool,
}

impl<'a> Transaction<'a> {
    fn of(session: &'a Session, jobs: &'a [Job<'a>]) -> Self {
        let outcomes = jobs.iter().map(|job| if let Job::Bad(error) = job { Err(error.clone()) } else { Ok(vec![]) });
        Self { session, jobs, outcomes: outcomes.collect(), is_open: false }
    }

    async fn run(&mut self) -> Result<(), Error> {
        let mut tries = self.first_tries();
        let Some(first) = tries.pop() else { return Ok(()) };
        if tries.is_empty() && first.len() == 1 && self.is_one_statement(&first) {
            // It is a transaction by itself.
            return self.attempt(None, first).await.map(drop);
        }
        self.is_open = true;
        let mut before = if tries.is_empty() { "BEGIN" } else { "BEGIN; SAVEPOINT work" };
        let is_plain = tries.is_empty();
        tries.push(first);
        let mut is_undone = false;
        while let Some(works) = tries.pop() {
            let again = self.attempt(Some(before), works).await?;
            is_undone = again.is_some();
            before = match (is_undone, before) {
                (true, "BEGIN") => "ROLLBACK; BEGIN; SAVEPOINT work",
                (true, _) => "ROLLBACK TO work; RELEASE work; SAVEPOINT work",
                (false, _) => "RELEASE work; SAVEPOINT work",
            };
            tries.extend(again.into_iter().flatten());
        }
        let end = match (is_undone, is_plain && before.starts_with("ROLLBACK; BEGIN")) {
            (true, true) => "ROLLBACK",
            (true, false) => "ROLLBACK TO work; COMMIT",
            (false, _) => "COMMIT",
        };
        self.session.patiently(self.session.client().batch_execute(end)).await?;
        self.is_open = false;
        Ok(())
    }

    /// All works whose rows go together, and each other one by itself; the last is the first to be tried.
    fn first_tries(&self) -> Vec<Vec<usize>> {
        let mut tries = Vec::new();
        let mut together = Vec::new();
        for (number, job) in self.jobs.iter().enumerate() {
            match job {
                // Nothing is to be done.
                Job::Rows(statements) if statements.is_empty() => {}
                Job::Rows(_) => together.push(number),
                Job::Alone(_) | Job::Claim(_) => tries.push(vec![number]),
                Job::Bad(_) => {}
            }
        }
        // Two groups that want the same rows want them in the same order.
        together.sort_by_key(|number| match self.jobs.get(*number) {
            Some(Job::Rows(statements)) => statements.first().map(|statement| &statement.values),
            _ => None,
        });
        tries.extend((!together.is_empty()).then_some(together));
        tries
    }

    fn is_one_statement(&self, works: &[usize]) -> bool {
        works.iter().all(|number| match self.jobs.get(*number) {
            Some(Job::Rows(statements) | Job::Alone(statements)) => statements.len() == 1,
            Some(Job::Claim(_)) => true,
            Some(Job::Bad(_)) | None => false,
        })
    }

    /// Tries works together; when one of them does not hold, they come back in halves, or the only one hears it.
    async fn attempt(&mut self, before: Option<&str>, mut works: Vec<usize>) -> Result<Option<Vec<Vec<usize>>>, Error> {
        match (self.send(before, &works).await?, works.as_slice()) {
            (Verdict::Kept(messages), [only]) => {
                self.settle(*only, Ok(messages));
                Ok(None)
            }
            (Verdict::Kept(_), _) => Ok(None),
            (Verdict::Refused(error), [only]) => {
                self.settle(*only, Err(error));
                Ok(Some(Vec::new()))
            }
            (Verdict::Refused(_), _) => {
                let right = works.split_off(works.len() / 2);
                Ok(Some(vec![right, works]))
            }
        }
    }

    fn settle(&mut self, number: usize, outcome: Outcome) {
        if let Some(place) = self.outcomes.get_mut(number) {
            *place = outcome;
        }
    }

    async fn send(&self, before: Option<&str>, works: &[usize]) -> Result<Verdict, Error> {
        let jobs: Vec<&Job<'_>> = works.iter().filter_map(|number| self.jobs.get(*number)).collect();
        let sent = match jobs.as_slice() {
            [Job::Claim(claim)] => self.claim(before, claim).await,
            [Job::Rows(statements) | Job::Alone(statements)] => {
                // By itself a work is sent as it is, since a change may need the one before it.
                self.execute(before, statements.iter().cloned().map(Statement::into_step).collect()).await
            }
            jobs => {
                let rows = jobs.iter().filter_map(|job| match job {
                    Job::Rows(statements) => Some(statements.clone()),
                    Job::Alone(_) | Job::Claim(_) | Job::Bad(_) => None,
                });
                self.execute(before, merge(rows)).await
            }
        };
        match sent {
            Err(Failure::Told(error)) if error::is_own_fault(&error) => Ok(Verdict::Refused(error.into())),
            sent => Ok(sent?),
        }
    }

    async fn execute(&self, before: Option<&str>, steps: Vec<super::statement::Step>) -> Result<Verdict, Failure> {
        self.session
            .patiently(async {
                let mut statements = Vec::with_capacity(steps.len());
                for step in &steps {
                    statements.push(self.session.prepared(step.sql).await?);
                }
                let client = self.session.client();
                let begun = async {
                    match before {
                        Some(before) => client.batch_execute(before).await.map(|()| None),
                        None => Ok(None),
                    }
                };
                let parameters: Vec<_> = steps.iter().map(super::statement::Step::parameters).collect();
                let each = statements.iter().zip(&parameters).map(|(statement, parameters)| async move {
                    client.execute(statement, parameters).await.map(Some)
                });
                let mut all: Vec<Sent<'_>> = vec![Box::pin(begun)];
                all.extend(each.map(|change| Box::pin(change) as Sent<'_>));
                let changed = in_order(all).await.into_iter().collect::<Result<Vec<_>, _>>()?;
                let holds = changed.iter().flatten().zip(&steps).all(|(changed, step)| *changed >= step.least);
                Ok(if holds { Verdict::Kept(vec![]) } else { Verdict::Refused(Error::Conflict) })
            })
            .await
    }

    async fn claim(&self, before: Option<&str>, claim: &Claim) -> Result<Verdict, Failure> {
        let rows = self
            .session
            .patiently(async {
                if let Some(before) = before {
                    self.session.client().batch_execute(before).await?;
                }
                let statement = self.session.prepared(messages::CLAIM).await?;
                let step = messages::claim(claim).into_step();
                self.session.client().query(&statement, &step.parameters()).await
            })
            .await?;
        Ok(messages::claimed(&rows).map_or_else(Verdict::Refused, Verdict::Kept))
    }
}

/// A statement on its way: how many rows it changed, where that counts.
type Sent<'a> = Pin<Box<dyn Future<Output = Result<Option<u64>, tokio_postgres::Error>> + Send + 'a>>;

/// Sends all of them before it waits for the first answer. The driver sends when a future is first polled.
async fn in_order<F: Future + Unpin>(futures: Vec<F>) -> Vec<F::Output> {
    let mut sent: Vec<MaybeDone<F>> = futures.into_iter().map(maybe_done).collect();
    poll_fn(|context| {
        let mut is_done = true;
        for future in &mut sent {
            is_done &= Pin::new(future).poll(context).is_ready();
        }
        if is_done { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    sent.iter_mut().filter_map(|future| Pin::new(future).take_output()).collect()
}
