//! Which instance a request is for: each tenant is one. A request may name it, by its host name where the operator has set
//! `instance_domain`, or by the path below `/nevis/{instance}`; then a credential of another one is not valid there. A request
//! that names none is for the instance of its credential.

use super::error::{self, Refused};
use crate::Web;
use axum::{
    RequestPartsExt as _,
    extract::RawPathParams,
    http::{
        header::HOST,
        request::Parts,
        uri::{Authority, Scheme},
    },
};
use countersign_engine::{Error, Thing};
use countersign_model::{TenantId, Timestamp};

/// What a request says of its instance.
#[derive(Clone, Debug)]
pub(super) struct Instance {
    /// Its name, if the request names one.
    name: Option<String>,
    /// The address under which it was called, without a slash at its end.
    pub base_url: String,
}

impl Instance {
    pub(super) async fn of(parts: &mut Parts, web: &Web) -> Self {
        let in_path = parameter(parts, "instance").await;
        let authority = authority(parts);
        let host = authority.as_ref().map(|authority| authority.host().to_ascii_lowercase()).unwrap_or_default();
        let in_host = web.dialects().nevis.instance_domain.as_deref().and_then(|domain| below(&host, domain));
        let scheme = parts.extensions.get::<Scheme>().map_or("http", Scheme::as_str);
        let shown = authority.as_ref().map_or("localhost", Authority::as_str);
        let prefix = in_path.as_ref().map(|name| format!("/nevis/{name}")).unwrap_or_default();
        Self { base_url: format!("{scheme}://{shown}{prefix}"), name: in_path.or(in_host) }
    }

    /// Whether a credential of this tenant is one of this instance.
    pub(super) async fn admits(&self, web: &Web, tenant: TenantId, now: Timestamp) -> Result<bool, Refused> {
        let Some(name) = &self.name else { return Ok(true) };
        match web.engine().tenant_named(name).await {
            Ok(named) => Ok(named.id == tenant),
            Err(Error::NotFound(Thing::Tenant)) => Ok(false),
            Err(error) => Err(Refused::of(&error, now)),
        }
    }

    /// The same, as a refusal.
    pub(super) async fn must_admit(&self, web: &Web, tenant: TenantId, now: Timestamp) -> Result<(), Refused> {
        if self.admits(web, tenant, now).await? { Ok(()) } else { Err(error::INVALID_KEY) }
    }
}

/// A segment of the path, by the name that the route gives it.
pub(super) async fn parameter(parts: &mut Parts, name: &str) -> Option<String> {
    let params = parts.extract::<RawPathParams>().await.ok()?;
    params.iter().find(|(key, _)| *key == name).map(|(_, value)| value.to_owned())
}

fn authority(parts: &Parts) -> Option<Authority> {
    let said = parts.headers.get(HOST).and_then(|host| host.to_str().ok()?.parse().ok());
    parts.uri.authority().cloned().or(said)
}

/// The one label before a domain.
fn below(host: &str, domain: &str) -> Option<String> {
    let label = host.strip_suffix(domain)?.strip_suffix('.')?;
    (!label.is_empty() && !label.contains('.')).then(|| label.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_is_the_one_label_before_the_domain() {
        assert_eq!(below("acme.mauth.example.com", "mauth.example.com").as_deref(), Some("acme"));
        for other in
            ["mauth.example.com", ".mauth.example.com", "a.b.mauth.example.com", "xmauth.example.com", "127.0.0.1"]
        {
            assert_eq!(below(other, "mauth.example.com"), None, "{other}");
        }
    }
}
