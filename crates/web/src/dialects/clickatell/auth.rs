//! `Authorization: Bearer …` → [`Caller`]. Unknown and revoked tokens are told apart by nobody; one that works, but not from where
//! the request came, is told so, as this vendor does.

use super::error::{self, Refused};
use crate::Web;
use axum::http::{HeaderMap, header::AUTHORIZATION};
use countersign_engine::{Caller, Identified};
use std::net::IpAddr;

/// Who asks. `peer` is where the request came from, as far as that is known.
///
/// # Errors
/// 001 without a token that works, 007 when it does not work from there.
pub(super) async fn caller(web: &Web, headers: &HeaderMap, peer: Option<IpAddr>) -> Result<Caller, Refused> {
    let token = bearer(headers).ok_or(error::AUTHENTICATION_FAILED)?;
    match web.engine().identify(token, peer).await.map_err(|error| Refused::of(&error, web.engine().now()))? {
        Identified::Known(caller) => Ok(caller),
        Identified::Elsewhere => Err(error::IP_LOCKDOWN),
        Identified::Unknown => Err(error::AUTHENTICATION_FAILED),
    }
}

/// Exactly one token, in exactly one header. Public clients also write the scheme in small letters.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let mut words = value.to_str().ok()?.split_ascii_whitespace();
    match (words.next(), words.next(), words.next()) {
        (Some(scheme), Some(token), None) if scheme.eq_ignore_ascii_case("bearer") => Some(token),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_one_token_in_one_header() {
        let of = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(AUTHORIZATION, value.parse().unwrap());
            }
            bearer(&headers).map(str::to_owned)
        };
        for good in ["Bearer T", "bearer T", "BEARER   T"] {
            assert_eq!(of(&[good]).as_deref(), Some("T"), "{good}");
        }
        for bad in [&["T"][..], &["Basic T"], &["Bearer"], &["Bearer T T"], &[], &["Bearer T", "Bearer T"], &[""]] {
            assert_eq!(of(bad), None, "{bad:?}");
        }
    }
}
