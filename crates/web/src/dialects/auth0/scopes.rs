//! What of the scope that a client asks for it gets: what is said of users by OpenID Connect, and what the API has and the
//! client may ask for. The rest is left out without a word, as the vendor does.

use super::{
    error::Refused,
    issuer::{Issuer, OwnApi},
};
use countersign_engine::tokens::TokenRequest;
use countersign_model::{Client, Grant};

/// What can be asked of the user's own factors.
pub(super) const OF_FACTORS: [&str; 3] = ["enroll", "read:authenticators", "remove:authenticators"];
/// What can be asked of the user.
pub(super) const OF_USERS: [&str; 6] = ["openid", "profile", "email", "address", "phone", "offline_access"];

/// What is asked for, and of which of this server's own APIs, if it is one.
#[derive(Debug)]
pub(super) struct Asked {
    pub request: TokenRequest,
    pub own: Option<OwnApi>,
}

/// For a user.
pub(super) fn for_user(
    client: &Client,
    issuer: &Issuer,
    audience: Option<&str>,
    scope: Option<&str>,
) -> Result<Asked, Refused> {
    let own = audience.and_then(|audience| issuer.own_api(audience));
    let of_api: Vec<&str> = match (audience, own) {
        (None, _) => Vec::new(),
        (Some(_), Some(OwnApi::Mfa)) => OF_FACTORS.to_vec(),
        (Some(audience), Some(OwnApi::Management)) => return Err(unknown_api(audience)),
        (Some(audience), None) => {
            let api = client.api(audience).ok_or_else(|| unknown_api(audience))?;
            api.scopes.iter().map(String::as_str).collect()
        }
    };
    let may_refresh = client.may(Grant::RefreshToken);
    let words: Vec<&str> = scope.unwrap_or_default().split_whitespace().collect();
    let given: Vec<&str> = if words.is_empty() {
        of_api
    } else {
        let is_known = |word: &&str| of_api.contains(word) || OF_USERS.contains(word);
        words.into_iter().filter(is_known).filter(|word| *word != "offline_access" || may_refresh).collect()
    };
    Ok(Asked { request: TokenRequest { audience: audience.map(str::to_owned), scope: joined(given) }, own })
}

/// For a client itself.
pub(super) fn for_client(
    client: &Client,
    issuer: &Issuer,
    audience: &str,
    scope: Option<&str>,
) -> Result<Asked, Refused> {
    let own = issuer.own_api(audience);
    let may: Vec<&str> = match own {
        Some(OwnApi::Management) if !client.management.is_empty() => {
            client.management.iter().map(String::as_str).collect()
        }
        Some(OwnApi::Management | OwnApi::Mfa) => return Err(not_granted(audience)),
        None => {
            let api = client.api(audience).ok_or_else(|| unknown_api(audience))?;
            api.scopes.iter().map(String::as_str).collect()
        }
    };
    let words: Vec<&str> = scope.unwrap_or_default().split_whitespace().collect();
    let given = if words.is_empty() { may } else { words.into_iter().filter(|word| may.contains(word)).collect() };
    Ok(Asked { request: TokenRequest { audience: Some(audience.to_owned()), scope: joined(given) }, own })
}

fn joined(words: Vec<&str>) -> String {
    let mut once: Vec<&str> = Vec::new();
    for word in words {
        if !once.contains(&word) {
            once.push(word);
        }
    }
    once.join(" ")
}

fn unknown_api(audience: &str) -> Refused {
    Refused::new("access_denied", format!("Service not found: {audience}"))
}

fn not_granted(audience: &str) -> Refused {
    Refused::new("access_denied", format!("Client is not authorized to access \"{audience}\"."))
}
