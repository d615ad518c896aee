//! Where a request came from: the other end of its connection, or, where that is a proxy that the operator trusts, whom the
//! proxy names in `X-Forwarded-For`. Anybody can write that header, so it counts only as far as trusted proxies wrote it.

use crate::Web;
use axum::{
    extract::ConnectInfo,
    http::{HeaderMap, request::Parts},
};
use countersign_model::tenant::IpNet;
use std::net::{IpAddr, SocketAddr};

/// Where it came from; none if that cannot be told.
pub(crate) fn of(parts: &Parts, web: &Web) -> Option<IpAddr> {
    let ConnectInfo(peer) = parts.extensions.get::<ConnectInfo<SocketAddr>>()?;
    forwarded(peer.ip(), &parts.headers, web.trusted_proxies())
}

/// Goes back from the connection's end for as long as the one who speaks is trusted.
fn forwarded(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> Option<IpAddr> {
    let written = headers.get_all("x-forwarded-for").into_iter().map(|value| value.to_str().unwrap_or("?"));
    let written: Vec<&str> = written.flat_map(|value| value.split(',')).collect();
    let mut said = written.into_iter().rev();
    let mut from = peer.to_canonical();
    while trusted.iter().any(|net| net.contains(&from)) {
        let Some(before) = said.next() else { break };
        from = address(before.trim())?.to_canonical();
    }
    Some(from)
}

/// An address, which some proxies write with a port.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|socket| socket.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(peer: &str, said: &[&str], trusted: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in said {
            headers.append("x-forwarded-for", value.parse().unwrap());
        }
        let trusted: Vec<IpNet> = trusted.iter().map(|net| net.parse().unwrap()).collect();
        forwarded(peer.parse().unwrap(), &headers, &trusted).map_or("nobody".to_owned(), |address| address.to_string())
    }

    #[test]
    fn nobody_but_a_trusted_proxy_is_believed() {
        assert_eq!(from("198.51.100.1", &["203.0.113.9"], &[]), "198.51.100.1");
        assert_eq!(from("198.51.100.1", &["203.0.113.9"], &["10.0.0.0/8"]), "198.51.100.1");
        assert_eq!(from("10.0.0.1", &["203.0.113.9"], &["10.0.0.0/8"]), "203.0.113.9");
    }

    #[test]
    fn the_right_most_address_that_no_trusted_proxy_has_is_meant() {
        let proxies = ["10.0.0.0/8", "2001:db8::/32"];
        assert_eq!(from("10.0.0.1", &["1.1.1.1, 203.0.113.9, 10.0.0.2"], &proxies), "203.0.113.9");
        assert_eq!(from("10.0.0.1", &["1.1.1.1, 203.0.113.9", "2001:db8::5"], &proxies), "203.0.113.9");
        assert_eq!(from("10.0.0.1", &["10.0.0.3"], &proxies), "10.0.0.3", "all of them are trusted");
        assert_eq!(from("10.0.0.1", &[], &proxies), "10.0.0.1");
    }

    #[test]
    fn ports_and_mapped_addresses_do_no_harm_and_nonsense_is_nobody() {
        let proxies = ["127.0.0.1/32"];
        assert_eq!(from("::ffff:127.0.0.1", &["203.0.113.9:4711"], &proxies), "203.0.113.9");
        assert_eq!(from("127.0.0.1", &["[2001:db8::1]:443"], &proxies), "2001:db8::1");
        assert_eq!(from("127.0.0.1", &["[2001:db8::1]"], &proxies), "2001:db8::1");
        assert_eq!(from("127.0.0.1", &["203.0.113.9, unknown"], &proxies), "nobody");
    }
}
