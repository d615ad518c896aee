//! How a value becomes a row and a row a value, and the three ways of asking that all tables share.

use crate::Error;
use rusqlite::{Connection, Params, Row};
use serde::{Serialize, de::DeserializeOwned};

/// The JSON of a value.
pub(super) fn to_body(value: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|error| Error::Unavailable(format!("a value does not become JSON: {error}")))
}

/// The value of a JSON column. An error tells the place only, since the text there may be private.
pub(super) fn from_body<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> Result<T, Error> {
    let body = row.get_ref(column)?.as_str().map_err(rusqlite::Error::from)?;
    serde_json::from_str(body).map_err(|error| {
        let name = std::any::type_name::<T>().rsplit("::").next().unwrap_or_default();
        let (line, place) = (error.line(), error.column());
        Error::Damaged(format!("the body of a {name} makes no sense at line {line}, column {place}"))
    })
}

/// A column that only ever grows from 0.
pub(super) fn whole(row: &Row<'_>, column: usize) -> Result<u64, Error> {
    let number: i64 = row.get(column)?;
    u64::try_from(number).map_err(|_| Error::Damaged("a count is negative".to_owned()))
}

/// The first row of an answer.
pub(super) fn one<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    read: impl FnOnce(&Row<'_>) -> Result<T, Error>,
) -> Result<Option<T>, Error> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    rows.next()?.map(read).transpose()
}

/// All rows of an answer.
pub(super) fn many<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    read: impl Fn(&Row<'_>) -> Result<T, Error>,
) -> Result<Vec<T>, Error> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    let mut values = Vec::new();
    while let Some(row) = rows.next()? {
        values.push(read(row)?);
    }
    Ok(values)
}

/// Changes any number of rows.
pub(super) fn change(connection: &Connection, sql: &str, params: impl Params) -> Result<usize, Error> {
    Ok(connection.prepare_cached(sql)?.execute(params)?)
}

/// Changes the row that was read before: [`Error::Conflict`] when it is not there any more as it was.
pub(super) fn change_one(connection: &Connection, sql: &str, params: impl Params) -> Result<(), Error> {
    match change(connection, sql, params)? {
        0 => Err(Error::Conflict),
        _ => Ok(()),
    }
}
