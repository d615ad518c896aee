//! The table `webhook_delivery`. Who wants to tell a line takes its rows by writing the end of a lease into them, which only the
//! first of two can.

use super::{
    Postgres, row,
    statement::{Statement, values},
};
use crate::{DeliveryFilter, Error, delivery_filter::hex_list};
use countersign_model::{
    TenantId, Timestamp, WebhookDelivery, WebhookDeliveryId, WebhookEndpointId, webhook::DeliveryState,
};
use tokio_postgres::Row;

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

pub(super) fn insert(delivery: &WebhookDelivery) -> Result<Statement, Error> {
    Ok(Statement::row(
        "INSERT INTO webhook_delivery (tenant, id, version, endpoint, line, state, due_at, leased_until, body)
         SELECT tenant, id, 1, endpoint, line, state, due_at, leased_until, body
         FROM unnest($1::bytea[], $2::bytea[], $3::bytea[], $4::bytea[], $5::text[], $6::bigint[], $7::bigint[], $8::text[])
             AS new (tenant, id, endpoint, line, state, due_at, leased_until, body)
         ON CONFLICT DO NOTHING",
        values![
            delivery.tenant.to_bytes(),
            delivery.id.to_bytes(),
            delivery.endpoint.to_bytes(),
            delivery.line(),
            delivery.state.name(),
            delivery.due_at.as_ms(),
            delivery.leased_until.as_ms(),
            row::to_body(delivery)?
        ],
    ))
}

pub(super) fn update(delivery: &WebhookDelivery) -> Result<Statement, Error> {
    Ok(Statement::row(
        "UPDATE webhook_delivery SET version = webhook_delivery.version + 1, state = new.state, due_at = new.due_at,
             leased_until = new.leased_until, body = new.body
         FROM unnest($1::bytea[], $2::bytea[], $3::bigint[], $4::text[], $5::bigint[], $6::bigint[], $7::text[])
             AS new (tenant, id, version, state, due_at, leased_until, body)
         WHERE webhook_delivery.tenant = new.tenant AND webhook_delivery.id = new.id
             AND webhook_delivery.version = new.version",
        values![
            delivery.tenant.to_bytes(),
            delivery.id.to_bytes(),
            delivery.version,
            delivery.state.name(),
            delivery.due_at.as_ms(),
            delivery.leased_until.as_ms(),
            row::to_body(delivery)?
        ],
    ))
}

pub(super) fn delete(tenant: TenantId, id: WebhookDeliveryId) -> Statement {
    Statement::row_or_none(
        "DELETE FROM webhook_delivery USING unnest($1::bytea[], $2::bytea[]) AS old (tenant, id)
         WHERE webhook_delivery.tenant = old.tenant AND webhook_delivery.id = old.id",
        values![tenant.to_bytes(), id.to_bytes()],
    )
}

pub(super) fn purge(before: Timestamp, limit: u32) -> Statement {
    Statement::any(
        "DELETE FROM webhook_delivery WHERE (tenant, id) IN
             (SELECT tenant, id FROM webhook_delivery WHERE state = 'dead' AND due_at < $1 ORDER BY due_at LIMIT $2
              FOR UPDATE SKIP LOCKED)",
        values![before.as_ms(), limit],
    )
}

pub(crate) async fn with_id(
    database: &Postgres,
    tenant: TenantId,
    id: WebhookDeliveryId,
) -> Result<Option<WebhookDelivery>, Error> {
    row::one(
        database,
        concat!("SELECT ", columns!(), " FROM webhook_delivery WHERE tenant = $1 AND id = $2"),
        values![tenant.to_bytes(), id.to_bytes()],
        read,
    )
    .await
}

/// The newest first.
pub(crate) async fn of(
    database: &Postgres,
    tenant: TenantId,
    filter: &DeliveryFilter,
) -> Result<Vec<WebhookDelivery>, Error> {
    row::many(
        database,
        match filter.state {
            DeliveryState::Dead => concat!(
                "SELECT ",
                columns!(),
                " FROM webhook_delivery
                  WHERE tenant = $1 AND state = 'dead' AND id < $2 AND ($3::bytea IS NULL OR endpoint = $3)
                  ORDER BY id DESC LIMIT $4"
            ),
            DeliveryState::Pending => concat!(
                "SELECT ",
                columns!(),
                " FROM webhook_delivery
                  WHERE tenant = $1 AND state = 'pending' AND id < $2 AND ($3::bytea IS NULL OR endpoint = $3)
                  ORDER BY id DESC LIMIT $4"
            ),
        },
        values![
            tenant.to_bytes(),
            filter.before.map_or([u8::MAX; 16], WebhookDeliveryId::to_bytes),
            filter.endpoint.map(WebhookEndpointId::to_bytes),
            filter.limit
        ],
        read,
    )
    .await
}

/// What is due in lines that nobody is at, the longest due first.
pub(crate) async fn due(
    database: &Postgres,
    now: Timestamp,
    wall: Timestamp,
    except: &[WebhookEndpointId],
    limit: u32,
) -> Result<Vec<WebhookDelivery>, Error> {
    row::many(
        database,
        concat!(
            "SELECT ",
            columns!(),
            " FROM webhook_delivery AS found WHERE state = 'pending' AND due_at <= $1 AND leased_until <= $2
                  AND encode(endpoint, 'hex') NOT IN (SELECT json_array_elements_text($3::text::json)) AND ",
            nobody_is_at_it!("$2"),
            " ORDER BY due_at LIMIT $4"
        ),
        values![now.as_ms(), wall.as_ms(), hex_list(except), limit],
        read,
    )
    .await
}

/// What waits of a line, in the order of writing.
pub(crate) async fn pending_of(
    database: &Postgres,
    endpoint: WebhookEndpointId,
    line: &[u8; 16],
) -> Result<Vec<WebhookDelivery>, Error> {
    row::many(
        database,
        concat!(
            "SELECT ",
            columns!(),
            " FROM webhook_delivery WHERE endpoint = $1 AND line = $2 AND state = 'pending' ORDER BY place"
        ),
        values![endpoint.to_bytes(), *line],
        read,
    )
    .await
}

pub(crate) async fn next_due(
    database: &Postgres,
    wall: Timestamp,
    except: &[WebhookEndpointId],
) -> Result<Option<Timestamp>, Error> {
    row::one(
        database,
        concat!(
            "SELECT due_at FROM webhook_delivery AS found WHERE state = 'pending' AND leased_until <= $1
                 AND encode(endpoint, 'hex') NOT IN (SELECT json_array_elements_text($2::text::json)) AND ",
            nobody_is_at_it!("$1"),
            " ORDER BY due_at LIMIT 1"
        ),
        values![wall.as_ms(), hex_list(except)],
        |row| row::moment(row, 0),
    )
    .await
}

pub(crate) async fn next_lease_end(database: &Postgres, wall: Timestamp) -> Result<Option<Timestamp>, Error> {
    let moment = row::one(
        database,
        "SELECT min(leased_until) FROM webhook_delivery WHERE state = 'pending' AND leased_until > 0 AND leased_until > $1",
        values![wall.as_ms()],
        |row| row::maybe_moment(row, 0),
    );
    Ok(moment.await?.flatten())
}

fn read(row: &Row) -> Result<WebhookDelivery, Error> {
    let state = DeliveryState::parse(row::get(row, 1)?);
    Ok(WebhookDelivery {
        version: row::small(row, 0)?,
        state: state.ok_or_else(|| Error::Damaged("the state of a webhook delivery is none".to_owned()))?,
        due_at: row::moment(row, 2)?,
        leased_until: row::moment(row, 3)?,
        ..row::from_body(row, 4)?
    })
}
