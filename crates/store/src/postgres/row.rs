//! How a value becomes a row and a row a value, and the two ways of asking that all tables share.

use super::{Postgres, statement::Value};
use crate::Error;
use countersign_model::Timestamp;
use serde::{Serialize, de::DeserializeOwned};
use tokio_postgres::{Row, types::FromSql};

/// The JSON of a value.
pub(super) fn to_body(value: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|error| Error::Unavailable(format!("a value does not become JSON: {error}")))
}

/// The value of a JSON column. An error tells the place only, since the text there may be private.
pub(super) fn from_body<T: DeserializeOwned>(row: &Row, column: usize) -> Result<T, Error> {
    serde_json::from_str(row.try_get(column)?).map_err(|error| {
        let name = std::any::type_name::<T>().rsplit("::").next().unwrap_or_default();
        let (line, place) = (error.line(), error.column());
        Error::Damaged(format!("the body of a {name} makes no sense at line {line}, column {place}"))
    })
}

/// A column as it is.
pub(super) fn get<'a, T: FromSql<'a>>(row: &'a Row, column: usize) -> Result<T, Error> {
    Ok(row.try_get(column)?)
}

/// A column that only ever grows from 0.
pub(super) fn whole(row: &Row, column: usize) -> Result<u64, Error> {
    u64::try_from(get::<i64>(row, column)?).map_err(|_| Error::Damaged("a count is negative".to_owned()))
}

/// A version, or another small number.
pub(super) fn small<T: TryFrom<i64>>(row: &Row, column: usize) -> Result<T, Error> {
    T::try_from(get(row, column)?).map_err(|_| Error::Damaged("a number is out of its range".to_owned()))
}

/// A moment.
pub(super) fn moment(row: &Row, column: usize) -> Result<Timestamp, Error> {
    get(row, column).map(Timestamp::from_ms)
}

/// A moment, or none.
pub(super) fn maybe_moment(row: &Row, column: usize) -> Result<Option<Timestamp>, Error> {
    Ok(get::<Option<i64>>(row, column)?.map(Timestamp::from_ms))
}

/// So many bytes: an identifier or a hash.
pub(super) fn bytes<const N: usize>(row: &Row, column: usize) -> Result<[u8; N], Error> {
    get::<&[u8]>(row, column)?.try_into().map_err(|_| Error::Damaged("an identifier has another length".to_owned()))
}

/// The first row of an answer.
pub(super) async fn one<T>(
    database: &Postgres,
    sql: &'static str,
    values: Vec<Value>,
    read: impl FnOnce(&Row) -> Result<T, Error> + Send,
) -> Result<Option<T>, Error> {
    database.readers.ask(sql, values).await?.rows().first().map(read).transpose()
}

/// All rows of an answer.
pub(super) async fn many<T>(
    database: &Postgres,
    sql: &'static str,
    values: Vec<Value>,
    read: impl Fn(&Row) -> Result<T, Error> + Send,
) -> Result<Vec<T>, Error> {
    database.readers.ask(sql, values).await?.rows().iter().map(read).collect()
}
