//! The table `template`.

use super::{
    Postgres, row,
    statement::{Statement, values},
};
use crate::Error;
use countersign_model::{Channel, Template, TenantId, message::Purpose};
use tokio_postgres::Row;

pub(super) fn put(template: &Template) -> Result<Statement, Error> {
    Ok(Statement::one(
        "INSERT INTO template (tenant, message, channel, locale, body) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (tenant, message, channel, locale) DO UPDATE SET body = excluded.body",
        values![
            template.tenant.to_bytes(),
            template.message.name(),
            template.channel.name(),
            template.locale.as_str(),
            row::to_body(template)?
        ],
    ))
}

pub(super) fn delete(tenant: TenantId, message: Purpose, channel: Channel, locale: &str) -> Statement {
    Statement::one(
        "DELETE FROM template WHERE tenant = $1 AND message = $2 AND channel = $3 AND locale = $4",
        values![tenant.to_bytes(), message.name(), channel.name(), locale],
    )
}

pub(crate) async fn find(
    database: &Postgres,
    tenant: TenantId,
    message: Purpose,
    channel: Channel,
    locale: &str,
) -> Result<Option<Template>, Error> {
    row::one(
        database,
        "SELECT body FROM template WHERE tenant = $1 AND message = $2 AND channel = $3 AND locale = $4",
        values![tenant.to_bytes(), message.name(), channel.name(), locale],
        read,
    )
    .await
}

pub(crate) async fn of(database: &Postgres, tenant: TenantId) -> Result<Vec<Template>, Error> {
    row::many(
        database,
        "SELECT body FROM template WHERE tenant = $1 ORDER BY message, channel, locale",
        values![tenant.to_bytes()],
        read,
    )
    .await
}

fn read(row: &Row) -> Result<Template, Error> {
    row::from_body(row, 0)
}
