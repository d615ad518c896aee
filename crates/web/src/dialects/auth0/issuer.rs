//! Who issues tokens: the base URL under which the caller reached this server, with a slash at its end, since clients refuse
//! tokens of any other. In production only names that the operator has said are taken from a request; the audiences of this
//! server's own APIs are below the issuer.

use crate::Web;
use axum::http::{
    header::HOST,
    request::Parts,
    uri::{Authority, Scheme},
};

/// A base URL with a slash at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Issuer(pub String);

/// Whose tokens are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OwnApi {
    /// `…/mfa/`: the user's own factors.
    Mfa,
    /// `…/api/v2/`: management.
    Management,
}

impl Issuer {
    /// That of a request.
    pub(super) fn of(parts: &Parts, web: &Web) -> Self {
        let asked = authority(parts);
        let settings = &web.dialects().auth0;
        if web.sandbox().is_none() {
            let known = settings.issuers.iter().find(|url| asked.as_ref().is_some_and(|asked| is_at(url, asked)));
            let fixed =
                known.or_else(|| settings.issuers.first()).map(String::as_str).or_else(|| web.engine().public_url());
            if let Some(url) = fixed {
                return Self(format!("{}/", url.trim_end_matches('/')));
            }
        }
        let scheme = parts.extensions.get::<Scheme>().map_or("http", Scheme::as_str);
        let authority = asked.filter(is_plain);
        Self(format!("{scheme}://{}/", authority.as_ref().map_or("127.0.0.1", Authority::as_str)))
    }

    /// Something below it.
    pub(super) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }

    /// Which of this server's own APIs an audience names. Its scheme and port are not looked at: a server may be reached on
    /// several.
    pub(super) fn own_api(&self, audience: &str) -> Option<OwnApi> {
        let (host, path) = host_and_path(audience)?;
        let (ours, _) = host_and_path(&self.0)?;
        match (host.eq_ignore_ascii_case(ours), path.trim_end_matches('/')) {
            (true, "mfa") => Some(OwnApi::Mfa),
            (true, "api/v2") => Some(OwnApi::Management),
            (true | false, _) => None,
        }
    }
}

/// Which API an audience names, whoever has issued the token that has it.
pub(super) fn own_api_of(issuer: &str, audience: &str) -> Option<OwnApi> {
    Issuer(issuer.to_owned()).own_api(audience)
}

fn host_and_path(url: &str) -> Option<(&str, &str)> {
    let (_, rest) = url.split_once("://")?;
    let (authority, path) = rest.split_once('/')?;
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    let host = authority.rsplit_once(':').filter(|(_, port)| is_port(port)).map_or(authority, |(host, _)| host);
    Some((host, path))
}

fn is_at(url: &str, authority: &Authority) -> bool {
    let host = url.split_once("://").map_or(url, |(_, rest)| rest);
    host.trim_end_matches('/').eq_ignore_ascii_case(authority.as_str())
}

fn authority(parts: &Parts) -> Option<Authority> {
    parts.uri.authority().cloned().or_else(|| parts.headers.get(HOST)?.to_str().ok()?.parse().ok())
}

fn is_plain(authority: &Authority) -> bool {
    authority.as_str().bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_audience_of_this_server_is_known_on_every_port_and_scheme() {
        let issuer = Issuer("http://127.0.0.1:8080/".to_owned());
        for mfa in ["http://127.0.0.1:8080/mfa/", "https://127.0.0.1:8443/mfa/", "https://127.0.0.1/mfa"] {
            assert_eq!(issuer.own_api(mfa), Some(OwnApi::Mfa), "{mfa}");
        }
        assert_eq!(issuer.own_api("https://127.0.0.1:8443/api/v2/"), Some(OwnApi::Management));
        for other in ["https://example.com/mfa/", "http://127.0.0.1:8080/mfa/x", "mfa", "http://127.0.0.1:8080"] {
            assert_eq!(issuer.own_api(other), None, "{other}");
        }
    }
}
