//! The table `mfa_choice`.

use super::{
    Postgres, row,
    statement::{Statement, values},
};
use crate::Error;
use countersign_model::{MfaChoice, TenantId};
use tokio_postgres::Row;

pub(super) fn put(choice: &MfaChoice) -> Result<Statement, Error> {
    let (tenant, body) = (choice.tenant.to_bytes(), row::to_body(choice)?);
    Ok(if choice.version == 0 {
        Statement::one(
            "INSERT INTO mfa_choice (tenant, version, body) VALUES ($1, 1, $2) ON CONFLICT DO NOTHING",
            values![tenant, body],
        )
    } else {
        Statement::one(
            "UPDATE mfa_choice SET version = version + 1, body = $2 WHERE tenant = $1 AND version = $3",
            values![tenant, body, choice.version],
        )
    })
}

pub(crate) async fn of(database: &Postgres, tenant: TenantId) -> Result<Option<MfaChoice>, Error> {
    let sql = "SELECT version, body FROM mfa_choice WHERE tenant = $1";
    row::one(database, sql, values![tenant.to_bytes()], read).await
}

fn read(row: &Row) -> Result<MfaChoice, Error> {
    Ok(MfaChoice { version: row::small(row, 0)?, ..row::from_body(row, 1)? })
}
