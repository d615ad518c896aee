//! What is read of the file.

use super::{COUNTING, Cell, Row, Table, list};
use crate::{Error, sqlite::Sqlite};
use rusqlite::{
    params_from_iter,
    types::{Value, ValueRef},
};

/// The rows of all tables.
pub(super) async fn count(file: &Sqlite, tables: &[Table]) -> Result<u64, Error> {
    let mut all = 0;
    for table in tables {
        let sql = format!("SELECT count(*) FROM \"{}\"", table.name);
        all += file.read(|connection| Ok(connection.query_row(&sql, [], |row| row.get::<_, i64>(0))?)).await?;
    }
    Ok(u64::try_from(all).unwrap_or(0))
}

/// How many come up to a key, with it.
pub(super) async fn count_until(file: &Sqlite, table: &Table, key: &[Cell]) -> Result<u64, Error> {
    let sql =
        format!("SELECT count(*) FROM \"{}\" WHERE ({}) <= ({})", table.name, table.key_list(), places(key.len()));
    let values = || params_from_iter(key.iter().map(value));
    let found = file.read(|connection| Ok(connection.query_row(&sql, values(), |row| row.get::<_, i64>(0))?)).await?;
    Ok(u64::try_from(found).unwrap_or(0))
}

/// How far each of these has counted.
pub(super) async fn counts(file: &Sqlite, tables: &[&'static str]) -> Result<Vec<(&'static str, i64)>, Error> {
    let mut counts = Vec::new();
    for table in tables {
        let sql = format!("SELECT coalesce(max(place), 0) + 1 FROM \"{table}\"");
        counts.push((*table, file.read(|connection| Ok(connection.query_row(&sql, [], |row| row.get(0))?)).await?));
    }
    Ok(counts)
}

pub(super) async fn columns(file: &Sqlite, table: &Table) -> Result<Vec<String>, Error> {
    file.read(|connection| {
        let mut statement = connection.prepare("SELECT name FROM pragma_table_info(?1) ORDER BY cid")?;
        let names = statement.query_map([table.name], |row| row.get(0))?;
        let mut names: Vec<String> = names.collect::<Result<_, _>>()?;
        names.retain(|name| name != "place" || COUNTING.contains(&table.name));
        Ok(names)
    })
    .await
}

/// The rows after a key, in its order.
pub(super) async fn page(
    file: &Sqlite,
    table: &Table,
    columns: &[String],
    after: Option<&[Cell]>,
    limit: u32,
) -> Result<Vec<Row>, Error> {
    let (columns_list, key) = (list(columns.iter().map(String::as_str)), table.key_list());
    let condition = after.map(|after| format!("WHERE ({key}) > ({})", places(after.len()))).unwrap_or_default();
    let sql = format!("SELECT {columns_list} FROM \"{}\" {condition} ORDER BY {key} LIMIT {limit}", table.name);
    file.read(|connection| {
        let mut statement = connection.prepare_cached(&sql)?;
        let mut rows = statement.query(params_from_iter(after.unwrap_or_default().iter().map(value)))?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found
                .push((0..columns.len()).map(|column| Ok(cell(row.get_ref(column)?))).collect::<Result<Row, Error>>()?);
        }
        Ok(found)
    })
    .await
}

fn places(count: usize) -> String {
    vec!["?"; count].join(", ")
}

fn value(cell: &Cell) -> Value {
    match cell.clone() {
        Cell::Null => Value::Null,
        Cell::Integer(number) => Value::Integer(number),
        Cell::Text(text) => Value::Text(text),
        Cell::Bytes(bytes) => Value::Blob(bytes),
    }
}

/// No table here has a column of fractions; one would differ when it is compared.
fn cell(value: ValueRef<'_>) -> Cell {
    match value {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(number) => Cell::Integer(number),
        ValueRef::Real(number) => Cell::Text(number.to_string()),
        ValueRef::Text(text) => Cell::Text(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(bytes) => Cell::Bytes(bytes.to_vec()),
    }
}
