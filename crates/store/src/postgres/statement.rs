//! A change as a statement: its text, and the values of the one row that it is about. Values of many such rows become arrays,
//! which one statement with `UNNEST` writes together.

use bytes::BytesMut;
use std::error::Error as StdError;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

/// What a column can hold here.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Value {
    Bytes(Option<Vec<u8>>),
    Integer(Option<i64>),
    Text(Option<String>),
}

/// The values of one row, from whatever they are made of.
macro_rules! values {
    ($($value:expr),* $(,)?) => {
        vec![$($crate::postgres::statement::Value::from($value)),*]
    };
}
pub(super) use values;

/// One change.
#[derive(Clone, Debug)]
pub(super) struct Statement {
    pub(super) sql: &'static str,
    pub(super) values: Vec<Value>,
    pub(super) form: Form,
    /// Whether a row that is not changed refuses the batch.
    pub(super) asserts: bool,
}

/// How a statement takes its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// As arrays, one for each column: many rows can be written together.
    Rows,
    /// As they are. What it does may depend on what was written just before, so it has its place in the order of works.
    Alone,
}

impl Statement {
    /// For `UNNEST`: changes exactly one row, or refuses the batch. For what is written often. A row that is there already is an error,
    /// which refuses the batch as well; `ON CONFLICT DO NOTHING` spares the server that error where it is to be expected, and costs
    /// a quarter more where it is not: identifiers are made by chance.
    pub(super) const fn row(sql: &'static str, values: Vec<Value>) -> Self {
        Self { sql, values, form: Form::Rows, asserts: true }
    }

    /// For `UNNEST`: changes one row or none.
    pub(super) const fn row_or_none(sql: &'static str, values: Vec<Value>) -> Self {
        Self { sql, values, form: Form::Rows, asserts: false }
    }

    /// Changes one row, or refuses the batch. For what is written seldom.
    pub(super) const fn one(sql: &'static str, values: Vec<Value>) -> Self {
        Self { sql, values, form: Form::Alone, asserts: true }
    }

    /// Changes any number of rows.
    pub(super) const fn any(sql: &'static str, values: Vec<Value>) -> Self {
        Self { sql, values, form: Form::Alone, asserts: false }
    }

    /// As it is sent, if nothing else joins it.
    pub(super) fn into_step(self) -> Step {
        let columns = match self.form {
            Form::Alone => self.values.into_iter().map(Column::One).collect(),
            Form::Rows => self.values.into_iter().map(Column::first).collect(),
        };
        Step { sql: self.sql, columns, least: u64::from(self.asserts), asserts: self.asserts }
    }
}

/// What is sent: a statement for one row or for many.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) sql: &'static str,
    columns: Vec<Column>,
    /// Fewer changed rows than this: the assertion of some work does not hold.
    pub(super) least: u64,
    asserts: bool,
}

impl Step {
    pub(super) fn parameters(&self) -> Vec<&(dyn ToSql + Sync)> {
        self.columns.iter().map(|column| column as &(dyn ToSql + Sync)).collect()
    }

    fn join(&mut self, values: Vec<Value>) {
        for (column, value) in self.columns.iter_mut().zip(values) {
            column.push(value);
        }
        self.least += u64::from(self.asserts);
    }
}

/// The statements of many works, as few steps as their orders allow: what a work does second never comes before what it
/// does first.
pub(super) fn merge(works: impl IntoIterator<Item = Vec<Statement>>) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for work in works {
        let mut from = 0;
        for statement in work {
            let joined = steps.iter().skip(from).position(|step| step.sql == statement.sql);
            if let Some(step) = joined.and_then(|found| steps.get_mut(from + found)) {
                step.join(statement.values);
                from += joined.unwrap_or(0);
            } else {
                from = steps.len();
                steps.push(statement.into_step());
            }
        }
    }
    steps
}

/// A parameter as it is sent.
#[derive(Debug)]
pub(super) enum Column {
    One(Value),
    Bytes(Vec<Option<Vec<u8>>>),
    Integers(Vec<Option<i64>>),
    Texts(Vec<Option<String>>),
}

impl Column {
    /// The columns of rows that are alike.
    pub(super) fn of_rows(rows: &[Vec<Value>]) -> Vec<Self> {
        let Some((first, others)) = rows.split_first() else { return Vec::new() };
        let mut columns: Vec<Self> = first.iter().cloned().map(Self::first).collect();
        for values in others {
            columns.iter_mut().zip(values).for_each(|(column, value)| column.push(value.clone()));
        }
        columns
    }

    /// Of what it is an array.
    pub(super) const fn type_name(&self) -> &'static str {
        match self {
            Self::One(Value::Bytes(_)) | Self::Bytes(_) => "bytea",
            Self::One(Value::Integer(_)) | Self::Integers(_) => "bigint",
            Self::One(Value::Text(_)) | Self::Texts(_) => "text",
        }
    }

    fn first(value: Value) -> Self {
        match value {
            Value::Bytes(value) => Self::Bytes(vec![value]),
            Value::Integer(value) => Self::Integers(vec![value]),
            Value::Text(value) => Self::Texts(vec![value]),
        }
    }

    fn push(&mut self, value: Value) {
        match (self, value) {
            (Self::Bytes(values), Value::Bytes(value)) => values.push(value),
            (Self::Integers(values), Value::Integer(value)) => values.push(value),
            (Self::Texts(values), Value::Text(value)) => values.push(value),
            // One statement has the same types for every row: the same function makes them all.
            (column, value) => debug_assert!(false, "{column:?} takes no {value:?}"),
        }
    }
}

impl ToSql for Value {
    fn to_sql(&self, of: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        match self {
            Self::Bytes(value) => value.to_sql_checked(of, out),
            Self::Integer(value) => value.to_sql_checked(of, out),
            Self::Text(value) => value.to_sql_checked(of, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl ToSql for Column {
    fn to_sql(&self, of: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        match self {
            Self::One(value) => value.to_sql_checked(of, out),
            Self::Bytes(values) => values.to_sql_checked(of, out),
            Self::Integers(values) => values.to_sql_checked(of, out),
            Self::Texts(values) => values.to_sql_checked(of, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl<const N: usize> From<[u8; N]> for Value {
    fn from(bytes: [u8; N]) -> Self {
        Self::Bytes(Some(bytes.to_vec()))
    }
}

impl<const N: usize> From<Option<[u8; N]>> for Value {
    fn from(bytes: Option<[u8; N]>) -> Self {
        Self::Bytes(bytes.map(|bytes| bytes.to_vec()))
    }
}

impl From<&[u8]> for Value {
    fn from(bytes: &[u8]) -> Self {
        Self::Bytes(Some(bytes.to_vec()))
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Integer(Some(number))
    }
}

impl From<Option<i64>> for Value {
    fn from(number: Option<i64>) -> Self {
        Self::Integer(number)
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Integer(Some(number.into()))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(Some(text.to_owned()))
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(Some(text))
    }
}

impl From<Option<&str>> for Value {
    fn from(text: Option<&str>) -> Self {
        Self::Text(text.map(str::to_owned))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(sql: &'static str, number: i64) -> Statement {
        Statement::row(sql, values![number])
    }

    #[test]
    fn rows_of_the_same_statement_are_sent_together() {
        let works = (0..3).map(|number| vec![row("a", number), row("b", number)]);
        let steps = merge(works);
        let told: Vec<_> = steps.iter().map(|step| (step.sql, step.least)).collect();
        assert_eq!(told, [("a", 3), ("b", 3)]);
    }

    #[test]
    fn what_a_work_does_second_never_comes_before_what_it_does_first() {
        let steps = merge([vec![row("a", 1), row("b", 1)], vec![row("b", 2), row("a", 2)], vec![row("a", 3)]]);
        let told: Vec<_> = steps.iter().map(|step| (step.sql, step.least)).collect();
        assert_eq!(told, [("a", 2), ("b", 2), ("a", 1)]);
    }
}
