//! The table `signing_key`.

use super::{
    Postgres, row,
    statement::{Statement, values},
};
use crate::Error;
use countersign_model::SigningKey;
use tokio_postgres::Row;

pub(super) fn put(key: &SigningKey) -> Result<Statement, Error> {
    let body = row::to_body(key)?;
    Ok(if key.version == 0 {
        Statement::one(
            "INSERT INTO signing_key (kid, state, version, body) VALUES ($1, $2, 1, $3) ON CONFLICT DO NOTHING",
            values![&key.kid, key.state.name(), body],
        )
    } else {
        Statement::one(
            "UPDATE signing_key SET state = $2, version = version + 1, body = $3 WHERE kid = $1 AND version = $4",
            values![&key.kid, key.state.name(), body, key.version],
        )
    })
}

pub(super) fn delete(kid: &str, version: u32) -> Statement {
    Statement::one("DELETE FROM signing_key WHERE kid = $1 AND version = $2", values![kid, version])
}

pub(crate) async fn all(database: &Postgres) -> Result<Vec<SigningKey>, Error> {
    row::many(database, "SELECT version, body FROM signing_key ORDER BY state, kid", vec![], read).await
}

fn read(row: &Row) -> Result<SigningKey, Error> {
    Ok(SigningKey { version: row::small(row, 0)?, ..row::from_body(row, 1)? })
}
