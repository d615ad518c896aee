//! The table `template`.

use super::row;
use crate::Error;
use countersign_model::{Channel, Template, TenantId, message::Purpose};
use rusqlite::{Connection, Row, params};

pub(super) fn put(connection: &Connection, template: &Template) -> Result<(), Error> {
    row::change_one(
        connection,
        "INSERT INTO template (tenant, message, channel, locale, body) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (tenant, message, channel, locale) DO UPDATE SET body = excluded.body",
        params![
            template.tenant.to_bytes(),
            template.message.name(),
            template.channel.name(),
            template.locale,
            row::to_body(template)?
        ],
    )
}

pub(super) fn delete(
    connection: &Connection,
    tenant: TenantId,
    message: Purpose,
    channel: Channel,
    locale: &str,
) -> Result<(), Error> {
    row::change_one(
        connection,
        "DELETE FROM template WHERE tenant = ?1 AND message = ?2 AND channel = ?3 AND locale = ?4",
        params![tenant.to_bytes(), message.name(), channel.name(), locale],
    )
}

pub(crate) fn find(
    connection: &Connection,
    tenant: TenantId,
    message: Purpose,
    channel: Channel,
    locale: &str,
) -> Result<Option<Template>, Error> {
    row::one(
        connection,
        "SELECT body FROM template WHERE tenant = ?1 AND message = ?2 AND channel = ?3 AND locale = ?4",
        params![tenant.to_bytes(), message.name(), channel.name(), locale],
        read,
    )
}

pub(crate) fn of(connection: &Connection, tenant: TenantId) -> Result<Vec<Template>, Error> {
    row::many(
        connection,
        "SELECT body FROM template WHERE tenant = ?1 ORDER BY message, channel, locale",
        [tenant.to_bytes()],
        read,
    )
}

fn read(row: &Row<'_>) -> Result<Template, Error> {
    row::from_body(row, 0)
}
