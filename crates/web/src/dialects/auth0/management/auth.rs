//! Who administers: a client that shows a token of its own for this API. What it may do stands in the token.

use super::error::Refused;
use crate::{
    Web, body,
    dialects::auth0::{
        auth::audience_of,
        auth::token,
        issuer::{Issuer, OwnApi},
        names::user_id,
    },
};
use axum::{
    extract::{FromRequest, FromRequestParts, Request},
    http::{StatusCode, request::Parts},
};
use countersign_engine::{Caller, UserRef};
use countersign_model::{Client, Factor, MfaChoice, User};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A request whose token is good.
pub(super) struct Administrator {
    pub web: Web,
    pub client: Client,
    pub issuer: Issuer,
    scopes: Vec<String>,
}

impl FromRequestParts<Web> for Administrator {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Refused> {
        let refused = |message: &'static str| Refused::new(StatusCode::UNAUTHORIZED, "unauthorized", message);
        let token = token(&parts.headers).ok_or_else(|| refused("Missing authentication"))?;
        let claims = web.engine().read_signed(token).await?.map_err(|_| refused("Invalid token"))?;
        if audience_of(&claims, OwnApi::Management).is_none() {
            return Err(refused("Bad audience"));
        }
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        let client = match text("azp") {
            Some(id) => web.engine().client(id).await?,
            None => None,
        };
        let scopes = text("scope").unwrap_or_default().split(' ').map(str::to_owned).collect();
        let client = client.ok_or_else(|| refused("Invalid token"))?;
        Ok(Self { web: web.clone(), client, issuer: Issuer::of(parts, web), scopes })
    }
}

impl Administrator {
    /// Checks that the token has one of these.
    pub(super) fn must_have(&self, any_of: &[&str]) -> Result<(), Refused> {
        if any_of.iter().any(|scope| self.scopes.iter().any(|given| given == scope)) {
            return Ok(());
        }
        let message = format!("Insufficient scope, expected any of: {}", any_of.join(","));
        Err(Refused::new(StatusCode::FORBIDDEN, "insufficient_scope", message))
    }

    /// The engine sees an operator of the client's tenant.
    pub(super) fn caller(&self) -> Caller {
        Caller::operator(self.client.tenant)
    }

    pub(super) async fn user(&self, name: &str) -> Result<User, Refused> {
        let id = user_id(name).ok_or_else(Refused::no_user)?;
        Ok(self.web.engine().user(&self.caller(), &UserRef::Id(id)).await?)
    }

    pub(super) async fn factors(&self, user: &User) -> Result<Vec<Factor>, Refused> {
        Ok(self.web.engine().factors_of(&self.caller(), user.id).await?)
    }

    pub(super) async fn choice(&self) -> Result<MfaChoice, Refused> {
        Ok(self.web.engine().mfa_choice(self.client.tenant).await?)
    }
}

/// A JSON body. No body is as good as an empty object.
pub(super) struct Sent<T>(pub T);

impl<T: DeserializeOwned> FromRequest<Web> for Sent<T> {
    type Rejection = Refused;

    async fn from_request(request: Request, web: &Web) -> Result<Self, Refused> {
        let (parts, body) = request.into_parts();
        let bytes = body::read(&parts.headers, body, web.body_timeout()).await?;
        let bytes = if bytes.iter().all(u8::is_ascii_whitespace) { b"{}".to_vec() } else { bytes };
        let mut json = serde_json::Deserializer::from_slice(&bytes);
        let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
            let path = error.path().to_string();
            let what = error.into_inner().to_string();
            let what = what.split(" at line ").next().unwrap_or_default().to_owned();
            Refused::bad(format!("Payload validation error: '{what}' on property {path}."))
        })?;
        json.end().map_err(|_| Refused::bad("Payload validation error: the body is not JSON."))?;
        Ok(Self(value))
    }
}
