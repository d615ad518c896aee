//! The table `webhook_delivery`. Who wants to tell a line takes its rows by writing the end of a lease into them, which only the
//! first of two can.

use super::row;
use crate::{DeliveryFilter, Error, delivery_filter::hex_list};
use countersign_model::{
    TenantId, Timestamp, WebhookDelivery, WebhookDeliveryId, WebhookEndpointId, webhook::DeliveryState,
};
use rusqlite::{Connection, Row, params};

/// In the order of [`read`].
macro_rules! columns {
    () => {
        "version, state, due_at, leased_until, body"
    };
}

/// Of the row `found`: nobody has any of its line.
macro_rules! nobody_is_at_it {
    ($wall:literal) => {
        concat!(
            "NOT EXISTS (SELECT 1 FROM webhook_delivery AS other WHERE other.endpoint = found.endpoint
                 AND other.line = found.line AND other.state = 'pending' AND other.leased_until > ",
            $wall,
            ")"
        )
    };
}

pub(super) fn insert(connection: &Connection, delivery: &WebhookDelivery) -> Result<(), Error> {
    row::change_one(
        connection,
        "INSERT INTO webhook_delivery (tenant, id, version, endpoint, line, state, due_at, leased_until, body)
         VALUES (?1, ?2, 1, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            delivery.tenant.to_bytes(),
            delivery.id.to_bytes(),
            delivery.endpoint.to_bytes(),
            delivery.line(),
            delivery.state.name(),
            delivery.due_at.as_ms(),
            delivery.leased_until.as_ms(),
            row::to_body(delivery)?
        ],
    )
}

pub(super) fn update(connection: &Connection, delivery: &WebhookDelivery) -> Result<(), Error> {
    row::change_one(
        connection,
        "UPDATE webhook_delivery SET version = version + 1, state = ?4, due_at = ?5, leased_until = ?6, body = ?7
         WHERE tenant = ?1 AND id = ?2 AND version = ?3",
        params![
            delivery.tenant.to_bytes(),
            delivery.id.to_bytes(),
            delivery.version,
            delivery.state.name(),
            delivery.due_at.as_ms(),
            delivery.leased_until.as_ms(),
            row::to_body(delivery)?
        ],
    )
}

pub(super) fn delete(connection: &Connection, tenant: TenantId, id: WebhookDeliveryId) -> Result<(), Error> {
    row::change(
        connection,
        "DELETE FROM webhook_delivery WHERE tenant = ?1 AND id = ?2",
        params![tenant.to_bytes(), id.to_bytes()],
    )?;
    Ok(())
}

pub(super) fn purge(connection: &Connection, before: Timestamp, limit: u32) -> Result<(), Error> {
    row::change(
        connection,
        "DELETE FROM webhook_delivery WHERE place IN
             (SELECT place FROM webhook_delivery WHERE state = 'dead' AND due_at < ?1 ORDER BY due_at LIMIT ?2)",
        params![before.as_ms(), limit],
    )?;
    Ok(())
}

/// A server that opens the file is the only one that has leases on it, and the one before it is dead.
pub(super) fn end_all_leases(connection: &Connection) -> Result<(), Error> {
    row::change(
        connection,
        "UPDATE webhook_delivery SET version = version + 1, leased_until = 0 WHERE state = 'pending' AND leased_until > 0",
        [],
    )?;
    Ok(())
}

pub(crate) fn with_id(
    connection: &Connection,
    tenant: TenantId,
    id: WebhookDeliveryId,
) -> Result<Option<WebhookDelivery>, Error> {
    row::one(
        connection,
        concat!("SELECT ", columns!(), " FROM webhook_delivery WHERE tenant = ?1 AND id = ?2"),
        params![tenant.to_bytes(), id.to_bytes()],
        read,
    )
}

/// The newest first.
pub(crate) fn of(
    connection: &Connection,
    tenant: TenantId,
    filter: &DeliveryFilter,
) -> Result<Vec<WebhookDelivery>, Error> {
    row::many(
        connection,
        match filter.state {
            DeliveryState::Dead => concat!(
                "SELECT ",
                columns!(),
                " FROM webhook_delivery
                  WHERE tenant = ?1 AND state = 'dead' AND id < ?2 AND (?3 IS NULL OR endpoint = ?3) ORDER BY id DESC LIMIT ?4"
            ),
            DeliveryState::Pending => concat!(
                "SELECT ",
                columns!(),
                " FROM webhook_delivery
                  WHERE tenant = ?1 AND state = 'pending' AND id < ?2 AND (?3 IS NULL OR endpoint = ?3)
                  ORDER BY id DESC LIMIT ?4"
            ),
        },
        params![
            tenant.to_bytes(),
            filter.before.map_or([u8::MAX; 16], WebhookDeliveryId::to_bytes),
            filter.endpoint.map(WebhookEndpointId::to_bytes),
            filter.limit
        ],
        read,
    )
}

/// What is due in lines that nobody is at, the longest due first.
pub(crate) fn due(
    connection: &Connection,
    now: Timestamp,
    wall: Timestamp,
    except: &[WebhookEndpointId],
    limit: u32,
) -> Result<Vec<WebhookDelivery>, Error> {
    row::many(
        connection,
        concat!(
            "SELECT ",
            columns!(),
            " FROM webhook_delivery AS found WHERE state = 'pending' AND due_at <= ?1 AND leased_until <= ?2
                  AND lower(hex(endpoint)) NOT IN (SELECT value FROM json_each(?3)) AND ",
            nobody_is_at_it!("?2"),
            " ORDER BY due_at LIMIT ?4"
        ),
        params![now.as_ms(), wall.as_ms(), hex_list(except), limit],
        read,
    )
}

/// What waits of a line, in the order of writing.
pub(crate) fn pending_of(
    connection: &Connection,
    endpoint: WebhookEndpointId,
    line: &[u8; 16],
) -> Result<Vec<WebhookDelivery>, Error> {
    row::many(
        connection,
        concat!(
            "SELECT ",
            columns!(),
            " FROM webhook_delivery WHERE endpoint = ?1 AND line = ?2 AND state = 'pending' ORDER BY place"
        ),
        params![endpoint.to_bytes(), line],
        read,
    )
}

pub(crate) fn next_due(
    connection: &Connection,
    wall: Timestamp,
    except: &[WebhookEndpointId],
) -> Result<Option<Timestamp>, Error> {
    row::one(
        connection,
        concat!(
            "SELECT due_at FROM webhook_delivery AS found WHERE state = 'pending' AND leased_until <= ?1
                 AND lower(hex(endpoint)) NOT IN (SELECT value FROM json_each(?2)) AND ",
            nobody_is_at_it!("?1"),
            " ORDER BY due_at LIMIT 1"
        ),
        params![wall.as_ms(), hex_list(except)],
        |row| Ok(Timestamp::from_ms(row.get(0)?)),
    )
}

pub(crate) fn next_lease_end(connection: &Connection, wall: Timestamp) -> Result<Option<Timestamp>, Error> {
    let moment = row::one(
        connection,
        "SELECT min(leased_until) FROM webhook_delivery WHERE state = 'pending' AND leased_until > 0 AND leased_until > ?1",
        params![wall.as_ms()],
        |row| Ok(row.get::<_, Option<i64>>(0)?.map(Timestamp::from_ms)),
    )?;
    Ok(moment.flatten())
}

fn read(row: &Row<'_>) -> Result<WebhookDelivery, Error> {
    let state = DeliveryState::parse(row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?);
    Ok(WebhookDelivery {
        version: row.get(0)?,
        state: state.ok_or_else(|| Error::Damaged("the state of a webhook delivery is none".to_owned()))?,
        due_at: Timestamp::from_ms(row.get(2)?),
        leased_until: Timestamp::from_ms(row.get(3)?),
        ..row::from_body(row, 4)?
    })
}
