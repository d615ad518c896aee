//! What is written to the database, and read back of it.

use super::{Cell, Row, TABLES, Table, TransferError, list};
use crate::{
    DatabaseUrl, Error, OpenError,
    postgres::{Session, connect_and_migrate},
};
use bytes::BytesMut;
use std::{error::Error as StdError, sync::Arc};
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

/// The database.
pub(super) struct Target {
    session: Arc<Session>,
    place: String,
}

impl Target {
    /// Connects, and brings its tables up to date.
    pub(super) async fn open(url: &DatabaseUrl) -> Result<Self, OpenError> {
        let (session, place) = connect_and_migrate(url).await?;
        Ok(Self { session, place })
    }

    /// From now on no server opens it. Only of an empty one, or of one that this was begun with before.
    pub(super) async fn begin(&self) -> Result<(), TransferError> {
        if self.session.is_being_filled().await? {
            return Ok(());
        }
        for table in TABLES {
            if self.last_key(table).await?.is_some() {
                return Err(TransferError::NotEmpty(self.place.clone()));
            }
        }
        Ok(self.session.begin_to_fill().await?)
    }

    /// Each column that counts on goes on after what it has. From now on a server may open it.
    pub(super) async fn end(&self, counts: &[(&'static str, i64)]) -> Result<(), Error> {
        for (table, last) in counts {
            let (sql, table) = ("SELECT setval(pg_get_serial_sequence($1, 'place'), $2)", format!("\"{table}\""));
            self.session.client().query(sql, &[&table, last]).await?;
        }
        self.session.end_filling().await
    }

    /// Of the last row that it has.
    pub(super) async fn last_key(&self, table: &Table) -> Result<Option<Row>, Error> {
        let backwards: Vec<String> = table.key.iter().map(|name| format!("\"{name}\" DESC")).collect();
        let (name, key) = (table.name, table.key_list());
        let sql = format!("SELECT {key} FROM \"{name}\" ORDER BY {} LIMIT 1", backwards.join(", "));
        Ok(self.rows(&sql, &[]).await?.pop())
    }

    /// The rows after a key, in its order.
    pub(super) async fn page(
        &self,
        table: &Table,
        columns: &[String],
        after: Option<&[Cell]>,
        limit: u32,
    ) -> Result<Vec<Row>, Error> {
        let (columns, key) = (list(columns.iter().map(String::as_str)), table.key_list());
        let after = after.unwrap_or_default();
        let condition =
            if after.is_empty() { String::new() } else { format!("WHERE ({key}) > ({})", places(after.len())) };
        let sql = format!("SELECT {columns} FROM \"{}\" {condition} ORDER BY {key} LIMIT {limit}", table.name);
        self.rows(&sql, after).await
    }

    /// A page, in one commit.
    pub(super) async fn write(&self, table: &Table, columns: &[String], rows: &[Row]) -> Result<(), Error> {
        let types = self.types(table, columns).await?;
        let arrays: Vec<String> =
            types.iter().enumerate().map(|(number, kind)| format!("${}::{kind}[]", number + 1)).collect();
        let sql = format!(
            "INSERT INTO \"{}\" ({}) SELECT * FROM unnest({})",
            table.name,
            list(columns.iter().map(String::as_str)),
            arrays.join(", ")
        );
        let values: Vec<Vec<&Cell>> =
            (0..columns.len()).map(|column| rows.iter().filter_map(|row| row.get(column)).collect()).collect();
        let parameters: Vec<&(dyn ToSql + Sync)> = values.iter().map(|column| column as _).collect();
        self.session.client().execute(sql.as_str(), &parameters).await?;
        Ok(())
    }

    async fn types(&self, table: &Table, columns: &[String]) -> Result<Vec<String>, Error> {
        let sql = "SELECT data_type FROM unnest($2::text[]) WITH ORDINALITY AS wanted (name, number)
             JOIN information_schema.columns ON table_schema = current_schema() AND table_name = $1 AND column_name = name
             ORDER BY number";
        let found = self.session.client().query(sql, &[&table.name, &columns]).await?;
        Ok(found.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?)
    }

    async fn rows(&self, sql: &str, values: &[Cell]) -> Result<Vec<Row>, Error> {
        let parameters: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| value as _).collect();
        let found = self.session.client().query(sql, &parameters).await?;
        found.iter().map(cells).collect()
    }
}

fn places(count: usize) -> String {
    (1..=count).map(|number| format!("${number}")).collect::<Vec<_>>().join(", ")
}

fn cells(row: &tokio_postgres::Row) -> Result<Row, Error> {
    let cell = |number: usize, kind: &Type| {
        Ok(match *kind {
            Type::INT8 => row.try_get::<_, Option<i64>>(number)?.map_or(Cell::Null, Cell::Integer),
            Type::BYTEA => row.try_get::<_, Option<Vec<u8>>>(number)?.map_or(Cell::Null, Cell::Bytes),
            _ => row.try_get::<_, Option<String>>(number)?.map_or(Cell::Null, Cell::Text),
        })
    };
    row.columns().iter().enumerate().map(|(number, column)| cell(number, column.type_())).collect()
}

impl ToSql for Cell {
    fn to_sql(&self, of: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Integer(number) => number.to_sql_checked(of, out),
            Self::Text(text) => text.to_sql_checked(of, out),
            Self::Bytes(bytes) => bytes.to_sql_checked(of, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}
