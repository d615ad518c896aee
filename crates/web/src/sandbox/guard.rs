//! Who may pull the levers: programs on this machine, and the inbox page itself. Web pages of other origins may not, neither by a
//! request from a browser here nor by a name of theirs that leads to this machine (DNS rebinding).

use super::wire::bad;
use crate::{Web, dialects::native::Problem};
use axum::{
    extract::{Request, State},
    http::{
        HeaderMap, StatusCode,
        header::{HOST, ORIGIN},
        uri::{Authority, Scheme},
    },
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use std::net::IpAddr;

/// Lets through what comes from here.
pub(super) async fn from_here(State(web): State<Web>, request: Request, next: Next) -> Response {
    match refusal(&web, &request) {
        Some(problem) => problem.into_response(),
        None => next.run(request).await,
    }
}

fn refusal(web: &Web, request: &Request) -> Option<Problem> {
    let Some(asked) = authority(request) else { return Some(bad("The request names no host.")) };
    if !web.allows_remote() && !is_local(asked.host()) {
        return Some(forbidden("The sandbox answers at the addresses of this machine only, such as 127.0.0.1."));
    }
    let text = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    let from_elsewhere = text("sec-fetch-site").is_some_and(|site| site == "cross-site")
        || text(ORIGIN.as_str()).is_some_and(|origin| !is_origin_of(origin, &asked));
    from_elsewhere.then(|| forbidden("Pages of other origins may not use the sandbox."))
}

fn forbidden(detail: &str) -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "forbidden", detail)
}

fn is_origin_of(origin: &str, asked: &Authority) -> bool {
    let origin = origin.split_once("://").and_then(|(_, host)| host.parse::<Authority>().ok());
    origin.is_some_and(|origin| origin == *asked)
}

fn is_local(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.eq_ignore_ascii_case("localhost")
        || bare.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

/// Host and port as the caller wrote them, in whichever way its version of HTTP says it.
fn authority(request: &Request) -> Option<Authority> {
    request.uri().authority().cloned().or_else(|| host(request.headers()))
}

fn host(headers: &HeaderMap) -> Option<Authority> {
    headers.get(HOST)?.to_str().ok()?.parse().ok()
}

/// The address under which the caller reached this server, for commands to paste.
pub(super) fn base_url(request: &Request) -> String {
    let scheme = request.extensions().get::<Scheme>().map_or("http", Scheme::as_str);
    let is_plain = |authority: &Authority| {
        authority.as_str().bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte))
    };
    let authority = authority(request).filter(is_plain);
    format!("{scheme}://{}", authority.as_ref().map_or("127.0.0.1:8080", Authority::as_str))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_local() {
        for good in ["127.0.0.1", "127.9.9.9", "localhost", "LOCALHOST", "[::1]"] {
            assert!(is_local(good), "{good}");
        }
        for bad in ["evil.example", "127.0.0.1.evil.example", "10.0.0.1", "localhost.evil.example", ""] {
            assert!(!is_local(bad), "{bad}");
        }
    }

    #[test]
    fn an_origin_is_the_same_host_and_port() {
        let asked: Authority = "127.0.0.1:8080".parse().unwrap();
        assert!(is_origin_of("http://127.0.0.1:8080", &asked));
        for bad in ["http://127.0.0.1:3000", "http://evil.example", "null", ""] {
            assert!(!is_origin_of(bad, &asked), "{bad}");
        }
    }
}
