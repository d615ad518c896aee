//! `POST /oauth/token`: all ways to get tokens. Who asks comes first, then whether it may ask in this way, then what it brings.

use super::{
    answer,
    auth::{self, Bearer},
    error::Refused,
    heads,
    issuer::{Issuer, OwnApi},
    names::Way,
    params::{Call, Params},
    scopes::{self, Asked},
};
use crate::{Web, peer};
use axum::{extract::State, http::request::Parts, response::Response};
use countersign_engine::{
    Caller,
    commands::{
        LogIn, LoggedIn, RedeemTransaction, Redeemed, Refresh, Refreshed, SecondFactor, SecondFactorRule, Wanted,
    },
    tokens::{PushOnItsWay, Transaction, Unreadable},
};
use countersign_model::{Client, Grant, UserId};
use serde_json::{Value, json};
use std::{net::IpAddr, time::Duration};

/// The ways, as the vendor calls them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum GrantType {
    Password,
    RefreshToken,
    ClientCredentials,
    MfaOtp,
    MfaOob,
    MfaRecoveryCode,
}

impl GrantType {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "password" | "http://auth0.com/oauth/grant-type/password-realm" => Self::Password,
            "refresh_token" => Self::RefreshToken,
            "client_credentials" => Self::ClientCredentials,
            "http://auth0.com/oauth/grant-type/mfa-otp" => Self::MfaOtp,
            "http://auth0.com/oauth/grant-type/mfa-oob" => Self::MfaOob,
            "http://auth0.com/oauth/grant-type/mfa-recovery-code" => Self::MfaRecoveryCode,
            _ => return None,
        })
    }

    const fn grant(self) -> Grant {
        match self {
            Self::Password => Grant::Password,
            Self::RefreshToken => Grant::RefreshToken,
            Self::ClientCredentials => Grant::ClientCredentials,
            Self::MfaOtp | Self::MfaOob | Self::MfaRecoveryCode => Grant::Mfa,
        }
    }
}

/// Who asks, and with what.
struct Asking<'a> {
    web: &'a Web,
    client: &'a Client,
    issuer: &'a Issuer,
    params: &'a Params,
    peer: Option<IpAddr>,
}

pub(super) async fn token(State(web): State<Web>, call: Call) -> Result<Response, Refused> {
    let Call { parts, params } = call;
    let client = auth::client(&web, &parts, &params).await?;
    let name = params.required("grant_type")?.to_owned();
    let grant_type = GrantType::parse(&name)
        .ok_or_else(|| Refused::new("unsupported_grant_type", format!("Unsupported grant type: {name}")))?;
    let is_public = client.proof == countersign_model::ClientProof::Public;
    if !client.may(grant_type.grant()) || is_public && grant_type == GrantType::ClientCredentials {
        return Err(Refused::grant_not_allowed(&name));
    }
    let issuer = Issuer::of(&parts, &web);
    let peer = end_users_address(&web, &parts, is_public);
    let asking = Asking { web: &web, client: &client, issuer: &issuer, params: &params, peer };
    match grant_type {
        GrantType::Password => asking.with_password().await,
        GrantType::RefreshToken => asking.with_refresh_token().await,
        GrantType::ClientCredentials => asking.for_itself().await,
        GrantType::MfaOtp => asking.with_second_factor(Way::Totp).await,
        GrantType::MfaOob => asking.with_code().await,
        GrantType::MfaRecoveryCode => asking.with_second_factor(Way::Recovery).await,
    }
}

/// Where the user is: a server that keeps a secret can say so, since it is the one that we see.
fn end_users_address(web: &Web, parts: &Parts, is_public: bool) -> Option<IpAddr> {
    let said = parts.headers.get("auth0-forwarded-for").filter(|_| !is_public);
    let said = said.and_then(|value| value.to_str().ok()?.split(',').next()?.trim().parse().ok());
    said.or_else(|| peer::of(parts, web))
}

impl Asking<'_> {
    async fn with_password(&self) -> Result<Response, Refused> {
        let (name, password) = (self.params.required("username")?, self.params.required("password")?);
        let audience = match self.params.text("audience")? {
            Some(audience) => Some(audience),
            None => self.params.text("resource")?,
        };
        let asked = scopes::for_user(self.client, self.issuer, audience, self.params.text("scope")?)?;
        let wanted = self.wanted(asked).await?;
        let limits = &self.web.dialects().auth0.limits;
        let name = name.trim().to_lowercase();
        let log_in = LogIn { client: self.client, name: &name, password, peer: self.peer, wanted: &wanted, limits };
        let (outcome, level) = self.web.engine().log_in(&log_in).await?;
        let told = |refused: Refused| Err(level.into_iter().fold(refused, Refused::limited));
        match outcome {
            LoggedIn::Wrong => told(Refused::wrong_password()),
            LoggedIn::Blocked(until) => Err(Refused::blocked(until, limits.failed_passwords.max)),
            LoggedIn::TooMany(level) => Err(Refused::too_many_log_ins(level)),
            LoggedIn::Granted(granted) => {
                let answer = answer::for_user(self.web, self.issuer, self.client, granted, "password").await?;
                Ok(level.into_iter().fold(answer, heads::limited))
            }
            LoggedIn::NeedsSecondFactor(transaction) => told(self.mfa_required(&transaction).await?),
        }
    }

    async fn with_refresh_token(&self) -> Result<Response, Refused> {
        let token = self.params.required("refresh_token")?;
        let asked = scopes::for_user(self.client, self.issuer, None, None)?;
        let wanted = self.wanted(asked).await?;
        let refresh = Refresh { client: self.client, token, scope: self.params.text("scope")?, wanted: &wanted };
        match self.web.engine().run(&Caller::client(self.client.tenant), None, &refresh).await? {
            Refreshed::Known(LoggedIn::Granted(granted)) => {
                answer::for_user(self.web, self.issuer, self.client, granted, "refresh_token").await
            }
            Refreshed::Known(LoggedIn::NeedsSecondFactor(transaction)) => Err(self.mfa_required(&transaction).await?),
            Refreshed::Known(LoggedIn::Wrong | LoggedIn::Blocked(_) | LoggedIn::TooMany(_)) | Refreshed::Unknown => {
                Err(Refused::new(super::error::INVALID_GRANT, "Unknown or invalid refresh token."))
            }
        }
    }

    async fn for_itself(&self) -> Result<Response, Refused> {
        let audience = self.params.text("audience")?.ok_or_else(|| {
            let text = "No audience parameter was provided, and no default audience has been configured";
            Refused::new("access_denied", text)
        })?;
        let asked = scopes::for_client(self.client, self.issuer, audience, self.params.text("scope")?)?;
        answer::for_client(self.web, self.issuer, self.client, asked.request).await
    }

    async fn with_second_factor(&self, way: Way) -> Result<Response, Refused> {
        let token = self.params.required("mfa_token")?;
        let name = if way == Way::Totp { "otp" } else { "recovery_code" };
        let typed = self.params.required(name)?;
        let transaction = self.transaction(token).await?;
        let shown = if way == Way::Totp { SecondFactor::Totp(typed) } else { SecondFactor::Recovery(typed) };
        self.redeem(&transaction, shown, name).await
    }

    async fn with_code(&self) -> Result<Response, Refused> {
        let token = self.params.required("mfa_token")?;
        let code = self.params.required("oob_code")?;
        if let Some(sent) = self.push(code)? {
            let transaction = self.transaction(token).await?;
            if sent.transaction != transaction.id || sent.tenant != transaction.tenant {
                return Err(Refused::foreign_oob_code());
            }
            return self.redeem(&transaction, SecondFactor::Push(&sent), "oob_code").await;
        }
        let typed = self.params.required("binding_code")?;
        let transaction = self.transaction(token).await?;
        let sent = self.web.engine().open_code_on_its_way(code).map_err(Refused::unreadable_oob_code)?;
        if sent.transaction != transaction.id || sent.tenant != transaction.tenant {
            return Err(Refused::foreign_oob_code());
        }
        self.redeem(&transaction, SecondFactor::Code { sent: &sent, typed }, "binding_code").await
    }

    /// A question to a device, if that is what the code stands for: nothing is typed then.
    fn push(&self, code: &str) -> Result<Option<PushOnItsWay>, Refused> {
        match self.web.engine().open_push_on_its_way(code) {
            Ok(sent) => Ok(Some(sent)),
            Err(Unreadable::Expired) => Err(Refused::unreadable_oob_code(Unreadable::Expired)),
            Err(Unreadable::Malformed) => Ok(None),
        }
    }

    /// The log-in that the client's token stands for; or, to confirm what it enrolled, a token for the user's own factors.
    async fn transaction(&self, token: &str) -> Result<Transaction, Refused> {
        let transaction = match auth::open(self.web, token).await?.map_err(Refused::unreadable_mfa_token)? {
            Bearer::LogIn(transaction) => transaction,
            Bearer::Factors(transaction) if transaction.request.has("enroll") => transaction,
            Bearer::Factors(_) => return Err(Refused::malformed_mfa_token()),
        };
        if transaction.client != self.client.id {
            return Err(Refused::foreign_mfa_token());
        }
        self.with_audience(transaction)
    }

    /// Some clients name the audience again. It may be said late where it was not said at all.
    fn with_audience(&self, mut transaction: Transaction) -> Result<Transaction, Refused> {
        let Some(audience) = self.params.text("audience")? else { return Ok(transaction) };
        match &transaction.request.audience {
            Some(first) if first == audience => {}
            Some(_) => {
                let text = "The audience doesn't match the mfa_token";
                return Err(Refused::new(super::error::INVALID_REQUEST, text));
            }
            None => {
                let scope = Some(transaction.request.scope.as_str()).filter(|scope| !scope.is_empty());
                transaction.request = scopes::for_user(self.client, self.issuer, Some(audience), scope)?.request;
            }
        }
        Ok(transaction)
    }

    async fn redeem(
        &self,
        transaction: &Transaction,
        shown: SecondFactor<'_>,
        parameter: &'static str,
    ) -> Result<Response, Refused> {
        let asked = Asked { request: transaction.request.clone(), own: None };
        let wanted = self.wanted(asked).await?;
        let limits = &self.web.dialects().auth0.limits;
        let command = RedeemTransaction {
            client: self.client,
            transaction,
            shown,
            wanted: &wanted,
            limits,
            shows_recovery_code: false,
        };
        match self.web.engine().run(&auth::caller(transaction), None, &command).await? {
            Redeemed::Granted(granted) => {
                answer::for_user(self.web, self.issuer, self.client, granted, "password").await
            }
            Redeemed::Wrong(level) => Err(Refused::invalid_code(parameter).limited(level)),
            Redeemed::Spent => Err(Refused::unreadable_mfa_token(Unreadable::Malformed)),
            Redeemed::NotEnrolled => {
                Err(Refused::unsupported_challenge_type("User is not enrolled with this kind of factor"))
            }
            Redeemed::TooManyWrong(level) => Err(Refused::too_many_failed_codes(level)),
            Redeemed::Waiting => Err(Refused::authorization_pending()),
            Redeemed::Refused => Err(Refused::authorization_rejected()),
            Redeemed::TooManyTries(level) if parameter == "oob_code" => Err(Refused::slow_down(level)),
            Redeemed::TooManyTries(level) => Err(Refused::too_many_exchanges(level)),
        }
    }

    async fn wanted(&self, asked: Asked) -> Result<Wanted, Refused> {
        let second_factor = if asked.own == Some(OwnApi::Mfa) {
            SecondFactorRule::IfThereIsOne
        } else if super::choice::everybody_needs_mfa(&self.web.engine().mfa_choice(self.client.tenant).await?) {
            SecondFactorRule::Always
        } else {
            SecondFactorRule::ByUser
        };
        let days = u64::from(self.web.dialects().auth0.refresh_token_days);
        Ok(Wanted { request: asked.request, second_factor, refresh_life: Duration::from_hours(24 * days) })
    }

    async fn mfa_required(&self, transaction: &Transaction) -> Result<Refused, Refused> {
        let token = self.web.engine().seal_transaction(transaction)?;
        let refused = Refused::new("mfa_required", "Multifactor authentication required");
        Ok(refused.with("mfa_token", token).with("mfa_requirements", self.requirements(transaction.user).await?))
    }

    /// With which kinds of factor the user can be challenged; or, where it has no factor, which it can enrol. One that has factors
    /// of kinds that are switched off can still enrol nothing: a password alone is not enough for that.
    async fn requirements(&self, user: UserId) -> Result<Value, Refused> {
        let caller = Caller::client(self.client.tenant);
        let choice = super::choice::of(self.web, self.client.tenant).await?;
        let factors = self.web.engine().factors_of(&caller, user).await?;
        let active: Vec<_> = factors.iter().filter(|factor| factor.is_active()).collect();
        let listed = |kinds: &[&str]| kinds.iter().map(|kind| json!({ "type": kind })).collect::<Vec<_>>();
        if active.iter().any(|factor| factor.is_primary()) {
            let ways = active.into_iter().flat_map(Way::of).filter(|way| super::choice::allows(&choice, *way));
            let mut kinds: Vec<&str> = ways.map(Way::kind).collect();
            kinds.sort_unstable();
            kinds.dedup();
            return Ok(json!({ "challenge": listed(&kinds) }));
        }
        Ok(json!({ "enroll": listed(&super::choice::kinds_to_enrol(&choice)) }))
    }
}
