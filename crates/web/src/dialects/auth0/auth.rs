//! Who asks: a client with its credentials in the body, in HTTP Basic or as an assertion that it has signed; or the bearer of a
//! token, which is that of a log-in under way or one of ours for the user's own factors.

use super::{
    error::Refused,
    issuer::{Issuer, OwnApi, own_api_of},
    names::user_id,
    params::Params,
};
use crate::Web;
use axum::http::{HeaderMap, header::AUTHORIZATION, request::Parts};
use countersign_engine::{
    Caller,
    clients::{ShownProof, client_of_assertion},
    tokens::{Origin, TokenRequest, Transaction, Unreadable},
};
use countersign_model::{Client, Timestamp};
use data_encoding::{BASE64, HEXLOWER};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The client that a request comes from.
pub(super) async fn client(web: &Web, parts: &Parts, params: &Params) -> Result<Client, Refused> {
    let basic = basic(&parts.headers)?;
    let assertion = params.text("client_assertion")?;
    let named = params.text("client_id")?;
    let id = match (&basic, named, assertion) {
        (Some((id, _)), Some(named), _) if id != named => return Err(Refused::invalid_client()),
        (Some((id, _)), _, _) => id.clone(),
        (None, Some(named), _) => named.to_owned(),
        (None, None, Some(assertion)) => client_of_assertion(assertion).ok_or_else(Refused::invalid_client)?,
        (None, None, None) => return Err(Refused::missing("client_id")),
    };
    let issuer = Issuer::of(parts, web);
    let audiences = [issuer.0.clone(), issuer.0.trim_end_matches('/').to_owned(), issuer.at("oauth/token")];
    let shown = match (&basic, params.text("client_secret")?, assertion) {
        // Whoever has none leaves it empty (RFC 6749, 2.3.1).
        (Some((_, secret)), _, _) if secret.is_empty() => ShownProof::Nothing,
        (Some((_, secret)), _, _) => ShownProof::Secret(secret),
        (None, _, Some(token)) => {
            if params.text("client_assertion_type")? != Some(JWT_BEARER) {
                return Err(Refused::invalid_client());
            }
            ShownProof::Assertion { token, audiences: &audiences }
        }
        (None, Some(secret), None) => ShownProof::Secret(secret),
        (None, None, None) => ShownProof::Nothing,
    };
    web.engine().authenticate_client(&id, shown).await?.ok_or_else(Refused::invalid_client)
}

/// Id and secret come encoded as in a form (RFC 6749, 2.3.1), and some clients send them as they are. Another scheme is not
/// meant for us: an old sample sends a log-in's token along.
fn basic(headers: &HeaderMap) -> Result<Option<(String, String)>, Refused> {
    let Some(value) = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()) else { return Ok(None) };
    let Some((scheme, encoded)) = value.split_once(' ') else { return Ok(None) };
    if !scheme.eq_ignore_ascii_case("basic") {
        return Ok(None);
    }
    let decoded = BASE64.decode(encoded.trim().as_bytes()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let (id, secret) = decoded.as_deref().and_then(|text| text.split_once(':')).ok_or_else(Refused::invalid_client)?;
    let plain = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    Ok(Some((plain(id), plain(secret))))
}

/// A bearer's token, opened.
pub(super) enum Bearer {
    /// A log-in that waits for its second factor.
    LogIn(Transaction),
    /// A token for the user's own factors, and what it allows.
    Factors(Transaction),
}

impl Bearer {
    /// That of a request.
    pub(super) async fn of(web: &Web, headers: &HeaderMap) -> Result<Self, Refused> {
        let token = token(headers).ok_or_else(Refused::no_bearer)?;
        open(web, token).await?.map_err(Refused::bad_bearer)
    }

    /// The transaction behind it, if it may do this. A log-in's token may do what comes before the second factor.
    pub(super) fn with_scope(self, scope: &'static str) -> Result<Transaction, Refused> {
        match self {
            Self::LogIn(transaction) => Ok(transaction),
            Self::Factors(transaction) if transaction.request.has(scope) => Ok(transaction),
            Self::Factors(_) => Err(Refused::insufficient_scope(scope)),
        }
    }
}

/// The token in the header.
pub(super) fn token(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

/// What a token stands for: ours are told apart by how they look.
pub(super) async fn open(web: &Web, token: &str) -> Result<Result<Bearer, Unreadable>, Refused> {
    if !token.starts_with("ey") {
        return Ok(web.engine().open_transaction(token).map(Bearer::LogIn));
    }
    let Ok(claims) = web.engine().read_signed(token).await? else { return Ok(Err(Unreadable::Malformed)) };
    let opened = of_claims(web, &claims).await?;
    Ok(opened.map(Bearer::Factors).ok_or(Unreadable::Malformed))
}

/// A token for a user's own factors, as a transaction that cannot be redeemed, only used to confirm what it enrolled.
async fn of_claims(web: &Web, claims: &Map<String, Value>) -> Result<Option<Transaction>, Refused> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let Some(audience) = audience_of(claims, OwnApi::Mfa) else { return Ok(None) };
    let (Some(user), Some(client), Some(id)) = (
        text("sub").and_then(user_id),
        text("azp"),
        text("jti").and_then(|jti| HEXLOWER.decode(jti.as_bytes()).ok()?.try_into().ok()),
    ) else {
        return Ok(None);
    };
    let Some(client) = web.engine().client(client).await? else { return Ok(None) };
    let seconds = claims.get("exp").and_then(Value::as_i64).unwrap_or(0);
    let scope = text("scope").unwrap_or_default().to_owned();
    Ok(Some(Transaction {
        id,
        tenant: client.tenant,
        user,
        client: client.id,
        request: TokenRequest { audience: Some(audience.to_owned()), scope },
        origin: Origin::Enrolment,
        ends_at: Timestamp::from_ms(seconds.saturating_mul(1000)),
    }))
}

/// The audience of a token that is one of this server's own APIs, as whoever issued it was called.
pub(super) fn audience_of(claims: &Map<String, Value>, api: OwnApi) -> Option<&str> {
    let issuer = claims.get("iss")?.as_str()?;
    let given = match claims.get("aud")? {
        Value::String(one) => vec![one.as_str()],
        Value::Array(many) => many.iter().filter_map(Value::as_str).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => Vec::new(),
    };
    given.into_iter().find(|audience| own_api_of(issuer, audience) == Some(api))
}

/// A client, as the engine sees it.
pub(super) fn caller(transaction: &Transaction) -> Caller {
    Caller::client(transaction.tenant)
}
