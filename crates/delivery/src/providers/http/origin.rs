//! The part of an address that no message may change: scheme, host and port. Codes leave in the clear only to this machine,
//! or where the operator says so.

use super::{
    BadSetting,
    settings::Request,
    template::{Place, Template},
    values::Own,
};
use reqwest::Url;
use std::net::IpAddr;

/// Scheme, host and port.
#[derive(PartialEq, Eq)]
pub(super) struct Origin {
    scheme: String,
    host: Option<String>,
    port: Option<u16>,
}

impl Origin {
    /// Only the operator's own values may stand in it.
    pub fn new(settings: &Request, own: &Own) -> Result<Self, BadSetting> {
        let bad = |problem: &str| BadSetting::new("request.url", problem);
        let after_scheme = settings.url.find("://").ok_or_else(|| bad("must begin with https://"))? + 3;
        let (scheme, rest) = settings.url.split_at(after_scheme);
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let template = Template::new(&format!("{scheme}{host}/"), Place::Url, &own.names(&[]));
        let rendered = template.and_then(|template| template.render(&own.alone())).map_err(|problem| bad(&problem))?;
        let url: Url = rendered.parse().map_err(|_| bad("is no address"))?;
        match url.scheme() {
            "https" => {}
            "http" if settings.allow_plaintext || is_loopback(&url) => {}
            "http" => return Err(bad("would send codes in the clear: use https://, or set allow_plaintext = true")),
            _ => return Err(bad("must begin with https://")),
        }
        if has_user(&url) {
            return Err(bad("holds a user name or a password: use request.auth"));
        }
        Ok(Self::of(&url))
    }

    /// Whether an address has it, and nothing else before its path.
    pub fn is_of(&self, url: &Url) -> bool {
        *self == Self::of(url) && !has_user(url)
    }

    fn of(url: &Url) -> Self {
        Self {
            scheme: url.scheme().to_owned(),
            host: url.host_str().map(str::to_owned),
            port: url.port_or_known_default(),
        }
    }
}

fn has_user(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn origin(url: &str, more: &str) -> Result<Origin, String> {
        let json = format!(r#"{{"url": "{url}"{more}}}"#);
        let own = Own::new(BTreeMap::from([("account".into(), "x1".into())]), BTreeMap::new());
        Origin::new(&serde_json::from_str(&json).unwrap(), &own).map_err(|bad| bad.problem)
    }

    #[test]
    fn plaintext_is_for_this_machine_only_unless_it_is_meant() {
        for url in ["http://localhost/", "http://127.9.9.9:81/x", "http://[::1]:81?x", "https://sms.example/"] {
            assert!(origin(url, "").is_ok(), "{url}");
        }
        for url in
            ["http://sms.example/", "http://localhost.sms.example/", "http://10.0.0.1/", "ftp://localhost/", "x", ""]
        {
            assert!(origin(url, "").is_err(), "{url}");
        }
        assert!(origin("http://sms.example/", r#", "allow_plaintext": true"#).is_ok());
    }

    #[test]
    fn the_operators_values_may_stand_in_the_host_and_a_messages_may_not() {
        let origin_of_account = origin("https://{{ account }}.api.example/{{ to }}", "").unwrap();
        assert!(origin_of_account.is_of(&"https://x1.api.example/?x".parse().unwrap()));
        for other in ["https://x2.api.example/", "https://x1.api.example:444/", "https://u@x1.api.example/"] {
            assert!(!origin_of_account.is_of(&other.parse().unwrap()), "{other}");
        }
        for url in ["https://{{ to }}.example/", "https://{{ secrets.a }}.example/", "https://a:b@sms.example/"] {
            assert!(origin(url, "").is_err(), "{url}");
        }
    }
}
