//! `Authorization: Bearer` → who asks. An access key may do everything; an intent token one enrolment or one approval of one user,
//! once. A missing header is 401, and whatever is no good is 403.

use super::{
    error::{self, Refused},
    instance::Instance,
    params::Identity,
    tokens::{INTENT, one_time},
};
use crate::{Web, peer};
use axum::{
    extract::FromRequestParts,
    http::{header::AUTHORIZATION, request::Parts},
};
use countersign_engine::{Caller, commands::OneTime, instance_tokens::InstanceClaims};
use countersign_model::{Scope, TenantId, Timestamp, User};

/// Who asks, and of which instance.
pub(super) struct Asker {
    pub caller: Caller,
    pub instance: Instance,
    intent: Option<InstanceClaims>,
}

impl FromRequestParts<Web> for Asker {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Refused> {
        let (engine, now) = (web.engine(), web.engine().now());
        let header = parts.headers.get(AUTHORIZATION).ok_or(error::UNAUTHORIZED)?;
        let (scheme, secret) =
            header.to_str().ok().and_then(|text| text.trim().split_once(' ')).ok_or(error::INVALID_KEY)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(error::INVALID_KEY);
        }
        let secret = secret.trim().to_owned();
        let instance = Instance::of(parts, web).await;
        let found = engine.authenticate(&secret, peer::of(parts, web)).await;
        let asker = match found.map_err(|error| Refused::of(&error, now))? {
            Some(caller) => Self { caller, instance, intent: None },
            None => Self::with_intent(web, &secret, instance, now).await?,
        };
        asker.instance.must_admit(web, asker.caller.tenant(), now).await?;
        Ok(asker)
    }
}

impl Asker {
    async fn with_intent(web: &Web, token: &str, instance: Instance, now: Timestamp) -> Result<Self, Refused> {
        let claims = web.engine().verify(token).filter(|claims| claims.aud == INTENT).ok_or(error::INVALID_KEY)?;
        if claims.is_over(now) {
            return Err(error::EXPIRED_TOKEN);
        }
        let caller = bearer_of(claims.tenant);
        let spent = web.engine().is_spent(&caller, &one_time(&claims).id).await;
        if spent.map_err(|error| Refused::of(&error, now))? {
            return Err(error::INVALID_KEY);
        }
        Ok(Self { caller, instance, intent: Some(claims) })
    }

    /// For calls that take an access key only.
    pub(super) fn with_key(self) -> Result<Caller, Refused> {
        self.must_have_key()?;
        Ok(self.caller)
    }

    pub(super) fn must_have_key(&self) -> Result<(), Refused> {
        if self.intent.is_some() { Err(error::INSUFFICIENT_SCOPE) } else { Ok(()) }
    }

    /// Whether it may do this at all: an access key may.
    pub(super) fn must_allow(&self, operation: &str, channel: &str) -> Result<(), Refused> {
        let Some(intent) = &self.intent else { return Ok(()) };
        let mut words = intent.scope.split(' ');
        let is_operation = words.next() == Some(operation);
        let mut channels = words.peekable();
        // An intent of all channels names none, and is good for recovery codes too.
        let is_channel = channels.peek().is_none() || channels.any(|word| word == channel);
        if is_operation && is_channel { Ok(()) } else { Err(error::INSUFFICIENT_SCOPE) }
    }

    /// Whether it may do it for whoever the request is about, who comes back: none if nobody has that name yet. With an intent
    /// token nobody learns who exists besides the one whom it is for.
    pub(super) async fn must_be_for(&self, web: &Web, identity: Identity<'_>) -> Result<Option<User>, Refused> {
        let found = identity.find(web, &self.caller).await;
        let Some(intent) = &self.intent else { return found };
        let user = found.map_err(|refused| if refused.is_ours() { refused } else { error::INSUFFICIENT_SCOPE })?;
        let name = match &user {
            Some(user) => web.engine().name_of(user).map_err(|error| Refused::of(&error, web.engine().now()))?,
            None => identity.username.map(str::to_owned),
        };
        let by_id = user.as_ref().is_some_and(|user| user.id.to_uuid() == intent.sub);
        let by_name = name.is_some_and(|name| web.engine().name_hash(&self.caller, &name) == intent.sub);
        if by_id || by_name { Ok(user) } else { Err(error::INSUFFICIENT_SCOPE) }
    }

    /// What is spent by this request.
    pub(super) fn spends(&self) -> Option<OneTime> {
        self.intent.as_ref().map(one_time)
    }
}

/// Whoever has a token that this server has signed.
pub(super) fn bearer_of(tenant: TenantId) -> Caller {
    Caller::with_token(tenant, vec![Scope::VerificationsWrite, Scope::VerificationsRead])
}
