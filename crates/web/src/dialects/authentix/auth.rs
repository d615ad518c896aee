//! The headers `ApiUser` and `ApiKey` → [`Applet`]. The key opens a tenant, and the user must name just that tenant: by its name, or
//! as its applet id. Which of the two is wrong is told to nobody.

use super::{error::Code, error::Refused, ids};
use crate::{Web, peer};
use axum::http::{HeaderMap, request::Parts};
use countersign_engine::Caller;

/// Who asks.
pub(super) struct Applet {
    /// What it may do.
    pub caller: Caller,
    /// Its id in this API.
    pub id: String,
    /// The tenant's name.
    pub tenant: String,
}

/// Who asks.
///
/// # Errors
/// 20002 without both headers, 20003 when they open nothing.
pub(super) async fn applet(web: &Web, parts: &Parts) -> Result<Applet, Refused> {
    let (user, key) = (header(&parts.headers, "apiuser")?, header(&parts.headers, "apikey")?);
    let fault = |error| Refused::of(&error, web.engine().now());
    let wrong = || Code::CredentialsWrong.refused();
    let caller = web.engine().authenticate(key, peer::of(parts, web)).await.map_err(fault)?.ok_or_else(wrong)?;
    let tenant = web.engine().tenant_of(&caller).await.map_err(fault)?;
    let id = ids::applet(tenant.id);
    if user == tenant.name || user == id { Ok(Applet { caller, id, tenant: tenant.name }) } else { Err(wrong()) }
}

/// One that is there twice is as good as a list of both (RFC 9110, 5.3), which names nobody.
fn header<'h>(headers: &'h HeaderMap, name: &str) -> Result<&'h str, Refused> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().filter(|value| !value.is_empty()).ok_or(Code::CredentialsMissing.refused())?;
    let text = value.to_str().ok().filter(|_| values.next().is_none());
    text.ok_or(Code::CredentialsWrong.refused())
}
