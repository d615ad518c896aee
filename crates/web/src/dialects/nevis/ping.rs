//! `GET /ping`: whether the instance is there, for whoever has an access key of it.

use super::{auth::Asker, error::Refused};

pub(super) async fn ping(asker: Asker) -> Result<&'static str, Refused> {
    asker.with_key()?;
    Ok("PONG")
}
