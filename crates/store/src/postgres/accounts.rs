//! The table `account`.

use super::{
    Postgres, row,
    statement::{Statement, values},
};
use crate::Error;
use countersign_model::{Account, TenantId};
use tokio_postgres::Row;

pub(super) fn put(account: &Account) -> Result<Statement, Error> {
    let (tenant, body) = (account.tenant.to_bytes(), row::to_body(account)?);
    Ok(if account.version == 0 {
        Statement::row(
            "INSERT INTO account (tenant, name, version, body)
             SELECT tenant, name, 1, body FROM unnest($1::bytea[], $2::text[], $3::text[]) AS new (tenant, name, body)
             ON CONFLICT DO NOTHING",
            values![tenant, &account.name, body],
        )
    } else {
        Statement::row(
            "UPDATE account SET version = account.version + 1, body = new.body
             FROM unnest($1::bytea[], $2::text[], $3::bigint[], $4::text[]) AS new (tenant, name, version, body)
             WHERE account.tenant = new.tenant AND account.name = new.name AND account.version = new.version",
            values![tenant, &account.name, account.version, body],
        )
    })
}

pub(crate) async fn find(database: &Postgres, tenant: TenantId, name: &str) -> Result<Option<Account>, Error> {
    row::one(
        database,
        "SELECT version, body FROM account WHERE tenant = $1 AND name = $2",
        values![tenant.to_bytes(), name],
        read,
    )
    .await
}

fn read(row: &Row) -> Result<Account, Error> {
    Ok(Account { version: row::small(row, 0)?, ..row::from_body(row, 1)? })
}
