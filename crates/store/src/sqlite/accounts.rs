//! The table `account`.

use super::row;
use crate::Error;
use countersign_model::{Account, TenantId};
use rusqlite::{Connection, Row, params};

pub(super) fn put(connection: &Connection, account: &Account) -> Result<(), Error> {
    let (tenant, body) = (account.tenant.to_bytes(), row::to_body(account)?);
    if account.version == 0 {
        row::change_one(
            connection,
            "INSERT INTO account (tenant, name, version, body) VALUES (?1, ?2, 1, ?3)",
            params![tenant, account.name, body],
        )
    } else {
        row::change_one(
            connection,
            "UPDATE account SET version = version + 1, body = ?3 WHERE tenant = ?1 AND name = ?2 AND version = ?4",
            params![tenant, account.name, body, account.version],
        )
    }
}

pub(crate) fn find(connection: &Connection, tenant: TenantId, name: &str) -> Result<Option<Account>, Error> {
    row::one(
        connection,
        "SELECT version, body FROM account WHERE tenant = ?1 AND name = ?2",
        params![tenant.to_bytes(), name],
        read,
    )
}

fn read(row: &Row<'_>) -> Result<Account, Error> {
    Ok(Account { version: row.get(0)?, ..row::from_body(row, 1)? })
}
