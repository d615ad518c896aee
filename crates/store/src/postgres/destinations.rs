//! The table `destination`. Why one without a verification and with all its moments past is not needed any more stands in
//! the file of the same name of the other backend.

use super::{
    Postgres, row,
    statement::{Statement, values},
};
use crate::Error;
use countersign_model::{BlindIndex, Destination, ServiceId, TenantId, Timestamp};

pub(super) fn put(
    tenant: TenantId,
    service: ServiceId,
    index: BlindIndex,
    destination: &Destination,
) -> Result<Statement, Error> {
    let (tenant, service, body) = (tenant.to_bytes(), service.to_bytes(), row::to_body(destination)?);
    let quiet_since = destination.quiet_since().as_ms();
    Ok(if destination.version == 0 {
        Statement::row(
            "INSERT INTO destination (tenant, service, to_index, version, quiet_since, body)
             SELECT tenant, service, to_index, 1, quiet_since, body
             FROM unnest($1::bytea[], $2::bytea[], $3::bytea[], $4::bigint[], $5::text[])
                 AS new (tenant, service, to_index, quiet_since, body)
             ON CONFLICT DO NOTHING",
            values![tenant, service, index.0, quiet_since, body],
        )
    } else {
        Statement::row(
            "UPDATE destination SET version = destination.version + 1, quiet_since = new.quiet_since, body = new.body
             FROM unnest($1::bytea[], $2::bytea[], $3::bytea[], $4::bigint[], $5::bigint[], $6::text[])
                 AS new (tenant, service, to_index, version, quiet_since, body)
             WHERE destination.tenant = new.tenant AND destination.service = new.service
                 AND destination.to_index = new.to_index AND destination.version = new.version",
            values![tenant, service, index.0, destination.version, quiet_since, body],
        )
    })
}

pub(super) fn purge(before: Timestamp, limit: u32) -> Statement {
    Statement::any(
        "DELETE FROM destination WHERE (tenant, service, to_index) IN
             (SELECT tenant, service, to_index FROM destination AS old
              WHERE quiet_since < $1 AND NOT EXISTS
                  (SELECT 1 FROM verification
                   WHERE substr(to_index, 1, 8) = substr(old.to_index, 1, 8) AND to_index = old.to_index
                       AND tenant = old.tenant AND service = old.service)
              ORDER BY quiet_since LIMIT $2 FOR UPDATE SKIP LOCKED)",
        values![before.as_ms(), limit],
    )
}

pub(crate) async fn find(
    database: &Postgres,
    tenant: TenantId,
    service: ServiceId,
    index: BlindIndex,
) -> Result<Destination, Error> {
    let found = row::one(
        database,
        "SELECT version, body FROM destination WHERE tenant = $1 AND service = $2 AND to_index = $3",
        values![tenant.to_bytes(), service.to_bytes(), index.0],
        |row| {
            let mut destination: Destination = row::from_body(row, 1)?;
            destination.version = row::small(row, 0)?;
            Ok(destination)
        },
    )
    .await?;
    Ok(found.unwrap_or_default())
}
