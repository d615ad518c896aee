//! The `api_key` of a body → [`Caller`]. Unknown and revoked keys and blocked addresses are told apart by nobody; so is a key
//! that lacks the right for a call (`error.rs`).

use super::error::{self, Refused};
use crate::Web;
use countersign_engine::Caller;
use serde_json::{Map, Value};
use std::net::IpAddr;

/// Who asks. `peer` is where the request came from, as far as that is known.
///
/// # Errors
/// `MISSING_PARAMS` without a key, `UNAUTHORIZED` when it opens nothing from there.
pub(super) async fn caller(web: &Web, body: &Map<String, Value>, peer: Option<IpAddr>) -> Result<Caller, Refused> {
    let key = match body.get("api_key") {
        None | Some(Value::Null) => return Err(Refused::missing("api_key")),
        Some(Value::String(key)) if key.is_empty() => return Err(Refused::missing("api_key")),
        Some(Value::String(key)) => key,
        Some(Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
            return Err(error::UNAUTHORIZED);
        }
    };
    let found = web.engine().authenticate(key, peer).await.map_err(|error| Refused::of(&error))?;
    found.ok_or(error::UNAUTHORIZED)
}
