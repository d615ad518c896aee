//! The questions of many callers on their way, as `writer.rs` has their changes: while the connections wait for answers, the next
//! questions gather, and those that are the same but for their values travel as one statement. Whoever asks the same with the
//! same values is told by the same rows. No question is answered by what was read before it was asked.
//!
//! A connection has one round of questions at a time: one that takes long holds up those beside it and nobody else
//! ([`turns`](super::turns)).

use super::{
    error,
    link::{Failure, Link, Session, silent},
    statement::{Column, Value},
    turns::Turns,
};
use crate::Error;
use futures_util::future::join_all;
use std::{collections::HashMap, fmt::Write as _, ops::Range, sync::Arc};
use tokio::{
    sync::{mpsc, oneshot},
    task::AbortHandle,
    time::timeout,
};
use tokio_postgres::{Row, types::ToSql};

/// How many connections there are. Each is a process on the server.
const READERS: usize = 4;
/// How many of them read at once, as long as they are quick. More would only make the rounds smaller (measured: a quarter less with 4).
const AT_ONCE: usize = 2;
/// More in one round gains nothing, and makes the first of them wait.
const LARGEST_ROUND: usize = 256;
/// Who asks beyond this waits for a place.
const LONGEST_QUEUE: usize = 4096;

/// Where questions are put.
pub(super) struct Readers {
    questions: mpsc::Sender<Question>,
    rounds: AbortHandle,
    #[cfg(feature = "testing")]
    is_crowded: std::sync::atomic::AtomicBool,
}

struct Question {
    /// It is asked as one of many, even if there are no others.
    is_crowded: bool,
    sql: &'static str,
    values: Vec<Value>,
    reply: oneshot::Sender<Result<Answer, Error>>,
}

/// Rows that several may share, and which of them are one's own.
#[derive(Clone)]
pub(super) struct Answer {
    rows: Arc<Vec<Row>>,
    own: Range<usize>,
}

impl Answer {
    pub(super) fn rows(&self) -> &[Row] {
        self.rows.get(self.own.clone()).unwrap_or_default()
    }
}

impl Readers {
    /// Connections are made when they are needed.
    pub(super) fn start(link: impl Fn() -> Link) -> Self {
        let (sender, questions) = mpsc::channel(LONGEST_QUEUE);
        let rounds = tokio::spawn(run((0..READERS).map(|_| link()).collect(), questions)).abort_handle();
        Self {
            questions: sender,
            rounds,
            #[cfg(feature = "testing")]
            is_crowded: false.into(),
        }
    }

    /// Every question is asked as one of many from now on.
    #[cfg(feature = "testing")]
    pub(super) fn crowd(&self) {
        self.is_crowded.store(true, std::sync::atomic::Ordering::Relaxed);
    }

    #[cfg(feature = "testing")]
    fn is_crowded(&self) -> bool {
        self.is_crowded.load(std::sync::atomic::Ordering::Relaxed)
    }

    #[cfg(not(feature = "testing"))]
    #[expect(clippy::unused_self, reason = "tests look at it")]
    const fn is_crowded(&self) -> bool {
        false
    }

    /// Asks one question, and waits no longer than anybody is patient.
    pub(super) async fn ask(&self, sql: &'static str, values: Vec<Value>) -> Result<Answer, Error> {
        let closed = || Error::Unavailable("it is closed".to_owned());
        let (reply, answer) = oneshot::channel();
        let asked = async {
            self.questions
                .send(Question { is_crowded: self.is_crowded(), sql, values, reply })
                .await
                .map_err(|_| closed())?;
            answer.await.unwrap_or_else(|_| Err(closed()))
        };
        timeout(super::PATIENCE, asked).await.unwrap_or_else(|_| Err(silent()))
    }

    /// Begins no round any more, and gives each connection back after the one that it has.
    pub(super) fn close(&self) {
        self.rounds.abort();
    }
}

async fn run(links: Vec<Link>, mut questions: mpsc::Receiver<Question>) {
    let (give_back, mut free) = mpsc::unbounded_channel();
    for link in links {
        // Its other end is here.
        let _ = give_back.send(link);
    }
    let turns = Turns::new(AT_ONCE);
    while let Some(link) = free.recv().await {
        let turn = turns.next().await;
        let mut taken = Vec::new();
        if questions.recv_many(&mut taken, LARGEST_ROUND).await == 0 {
            break;
        }
        let give_back = give_back.clone();
        tokio::spawn(async move {
            turn.spend(round(&link, taken)).await;
            // Nobody takes it any more when the store was closed.
            let _ = give_back.send(link);
        });
    }
}

async fn round(link: &Link, mut questions: Vec<Question>) {
    // Who has given up is not asked for.
    questions.retain(|question| !question.reply.is_closed());
    let session = match link.session().await {
        Ok(session) => session,
        Err(error) => return questions.into_iter().for_each(|question| tell(question.reply, Err(error.clone()))),
    };
    join_all(Alike::sorted(questions).into_iter().map(|alike| alike.ask(&session))).await;
}

fn tell(reply: oneshot::Sender<Result<Answer, Error>>, answer: Result<Answer, Error>) {
    // Who no longer waits is no error.
    let _ = reply.send(answer);
}

/// Questions that differ in their values only.
struct Alike {
    sql: &'static str,
    is_crowded: bool,
    /// Each once.
    values: Vec<Vec<Value>>,
    /// Who asks, and with which of the values.
    askers: Vec<(usize, oneshot::Sender<Result<Answer, Error>>)>,
}

impl Alike {
    fn sorted(questions: Vec<Question>) -> Vec<Self> {
        let mut sorted: Vec<(Self, HashMap<Vec<Value>, usize>)> = Vec::new();
        for Question { is_crowded, sql, values, reply } in questions {
            let place = sorted.iter().position(|(alike, _)| alike.sql == sql).unwrap_or(sorted.len());
            if place == sorted.len() {
                sorted.push((Self { sql, is_crowded, values: Vec::new(), askers: Vec::new() }, HashMap::new()));
            }
            if let Some((alike, known)) = sorted.get_mut(place) {
                let which = *known.entry(values).or_insert_with_key(|values| {
                    alike.values.push(values.clone());
                    alike.values.len() - 1
                });
                alike.askers.push((which, reply));
            }
        }
        sorted.into_iter().map(|(alike, _)| alike).collect()
    }

    async fn ask(self, session: &Session) {
        if let [values] = &*self.values
            && (!self.is_crowded || values.is_empty())
        {
            let answer = alone(session, self.sql, values).await;
            return self.askers.into_iter().for_each(|(_, reply)| tell(reply, answer.clone()));
        }
        match together(session, self.sql, &self.values).await {
            Ok(answers) => {
                for (which, reply) in self.askers {
                    tell(reply, answers.get(which).cloned().ok_or_else(silent));
                }
            }
            // The values of one of them are to blame: each hears of its own.
            Err(Failure::Told(error)) if error::is_own_fault(&error) => {
                let each = self.values.iter().map(|values| alone(session, self.sql, values));
                let answers = join_all(each).await;
                for (which, reply) in self.askers {
                    tell(reply, answers.get(which).cloned().unwrap_or_else(|| Err(silent())));
                }
            }
            Err(failure) => {
                let error = Error::from(failure);
                self.askers.into_iter().for_each(|(_, reply)| tell(reply, Err(error.clone())));
            }
        }
    }
}

async fn alone(session: &Session, sql: &'static str, values: &[Value]) -> Result<Answer, Error> {
    let asked = async {
        let statement = session.prepared(sql).await?;
        let parameters: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| value as _).collect();
        session.client().query(&statement, &parameters).await
    };
    let rows = match session.patiently(asked).await {
        Err(Failure::Told(error)) if error::is_no_text(&error) => Vec::new(),
        answer => answer?,
    };
    Ok(Answer { own: 0..rows.len(), rows: Arc::new(rows) })
}

/// One answer for each of the values, in their order.
async fn together(session: &Session, sql: &'static str, values: &[Vec<Value>]) -> Result<Vec<Answer>, Failure> {
    let columns = Column::of_rows(values);
    let asked = async {
        let statement = session.prepared_as((sql, true), || for_many(sql, &columns)).await?;
        let parameters: Vec<&(dyn ToSql + Sync)> = columns.iter().map(|column| column as _).collect();
        let rows = session.client().query(&statement, &parameters).await?;
        rows.into_iter().map(|row| Ok((row.try_get::<_, i64>(row.len() - 1)?, row))).collect()
    };
    let mut rows: Vec<(i64, Row)> = session.patiently(asked).await?;
    // They come so, though nobody promises it. Those of one answer keep their order.
    rows.sort_by_key(|(place, _)| *place);
    let (places, rows): (Vec<i64>, Vec<Row>) = rows.into_iter().unzip();
    let (rows, mut end) = (Arc::new(rows), 0);
    let answers = (1..).zip(values).map(|(number, _)| {
        let begin = end;
        end += places.iter().skip(begin).take_while(|place| **place == number).count();
        Answer { rows: Arc::clone(&rows), own: begin..end }
    });
    Ok(answers.collect())
}

/// The same question for many rows of values, each answer with the place of its values at its end. `OFFSET 0` keeps the planner
/// from turning it inside out: for each row it does what it would do for that one alone.
fn for_many(sql: &str, columns: &[Column]) -> String {
    let mut asked = sql.to_owned();
    let (mut arrays, mut names) = (String::new(), String::new());
    // From the last one on: `$1` is the beginning of `$10`.
    for number in (1..=columns.len()).rev() {
        asked = asked.replace(&format!("${number}"), &format!("asked.value_{number}"));
    }
    for (number, column) in (1..).zip(columns) {
        // Writing to a text does not fail.
        let _ = write!(arrays, "${number}::{}[], ", column.type_name());
        let _ = write!(names, "value_{number}, ");
    }
    let arrays = arrays.trim_end_matches(", ");
    format!(
        "SELECT answer.*, asked.place FROM unnest({arrays}) WITH ORDINALITY AS asked ({names}place)
         CROSS JOIN LATERAL (SELECT * FROM ({asked}) AS one OFFSET 0) AS answer"
    )
}

#[cfg(test)]
mod tests {
    use super::{super::statement::values, *};

    fn question(sql: &'static str, values: Vec<Value>) -> (Question, oneshot::Receiver<Result<Answer, Error>>) {
        let (reply, answer) = oneshot::channel();
        (Question { is_crowded: false, sql, values, reply }, answer)
    }

    #[test]
    fn the_same_question_is_asked_once_and_those_that_differ_in_their_values_together() {
        let asked = [("a", 1), ("b", 1), ("a", 2), ("a", 1)];
        let questions = asked.map(|(sql, number)| question(sql, values![i64::from(number)]).0);
        let sorted = Alike::sorted(questions.into());
        let told: Vec<_> = sorted
            .iter()
            .map(|it| (it.sql, it.values.clone(), it.askers.iter().map(|(which, _)| *which).collect::<Vec<_>>()))
            .collect();
        assert_eq!(
            told,
            [("a", vec![values![1_i64], values![2_i64]], vec![0, 1, 0]), ("b", vec![values![1_i64]], vec![0])]
        );
    }

    #[test]
    fn each_value_is_taken_from_its_own_row() {
        let mut row = values!["x"];
        row.extend((2..=11).map(|number| Value::from(i64::from(number))));
        let text = for_many("SELECT $1, $2 + $11", &Column::of_rows(&[row]));
        assert!(text.contains("(SELECT asked.value_1, asked.value_2 + asked.value_11)"), "{text}");
        assert!(text.contains("unnest($1::text[], $2::bigint[], "), "{text}");
        assert!(text.contains("asked (value_1, value_2, "), "{text}");
    }
}
