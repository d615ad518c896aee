//! `POST /v1/mfa-tokens` and `POST /v1/mfa-results`: the second step of a log-in whose first step was the caller's own. No second
//! table of users is needed: a user is whoever the caller says, and is made when it is first named.

use super::{
    Problem, ProblemObject,
    auth::Authenticated,
    extract::Input,
    verifications::{NOT_A_LOCALE, is_locale},
};
use crate::{Web, pages::mfa, time};
use axum::{Json, extract::State, http::StatusCode};
use countersign_engine::{
    UserRef,
    commands::{BeginMfa, MfaBegun, PageWanted, RedeemMfaResult},
    tokens::TokenRequest,
};
use countersign_model::Means;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Somebody whom the caller has recognised.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MfaTokenRequest {
    /// The client with which the log-in is to be ended; `countersign clients list` shows them.
    #[schema(example = "K7mQxT2vB8nLrW4pZcYd9HfJ3sGaE6uV")]
    client_id: String,
    /// Who it is, in the caller's own words: 1 to 256 characters, compared to the letter.
    #[schema(example = "customer-4711")]
    user: String,
    /// What an authenticator app calls the user; absent: `user`. At most 128 characters.
    #[schema(example = "ana@example.com")]
    account: Option<String>,
    /// The language that the user reads (BCP 47): of codes and pages, here and wherever this user is asked for a factor from now on,
    /// unless a request asks for another one. Absent: as it was said last; if it never was, that of the browser, or the number's.
    #[schema(example = "pt-BR")]
    language: Option<String>,
    /// The API of the tokens that a redemption at `/oauth/token` brings; absent: none but the user's profile.
    audience: Option<String>,
    /// What they allow.
    scope: Option<String>,
    /// Where the page sends the browser back to: one of the client's own addresses, to the letter. Absent: there is no page.
    #[schema(example = "https://shop.example.com/signed-in")]
    return_to: Option<String>,
    /// What the browser takes along then: at most 512 characters. Bind it to the browser's session, and compare it there.
    state: Option<String>,
}

/// A log-in that waits for its second factor.
#[derive(Serialize, ToSchema)]
pub(super) struct MfaTokenObject {
    /// Its name.
    id: String,
    /// For `/mfa/…` and `/oauth/token`, by a caller that asks for the second factor itself.
    mfa_token: String,
    /// When both end: after ten minutes.
    #[schema(format = DateTime)]
    expires_at: String,
    /// The page on which the user shows a second factor, or enrols the first one. Send the browser there.
    #[serde(skip_serializing_if = "Option::is_none")]
    page_url: Option<String>,
}

/// What a browser brought back.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MfaResultRequest {
    /// The value of `mfa_result` in the address that the browser came back to.
    result: String,
}

/// A user has shown a second factor.
#[derive(Serialize, ToSchema)]
pub(super) struct MfaResultObject {
    /// The name of the log-in, as it was begun.
    id: String,
    /// Who it is, as the caller has named it. Compare it with whom you have recognised.
    #[schema(example = "customer-4711")]
    user: Option<String>,
    /// With what.
    factor: FactorName,
    /// Whether that was enrolled on the way.
    enrolled: bool,
    /// When.
    #[schema(format = DateTime)]
    approved_at: String,
}

/// With what a user has proved to be itself.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum FactorName {
    /// A code by text message.
    Sms,
    /// A code in a call.
    Voice,
    /// A code by mail.
    Email,
    /// A code of an authenticator app.
    Totp,
    /// A question on a device.
    Push,
    /// A recovery code.
    RecoveryCode,
}

const LONGEST_USER: usize = 256;
const LONGEST_ACCOUNT: usize = 128;
const LONGEST_STATE: usize = 512;

impl MfaTokenRequest {
    fn check(&self) -> Result<(), Problem> {
        let is_line =
            |text: &str, longest| (1..=longest).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        if !is_line(&self.user, LONGEST_USER) {
            return Err(Problem::field("/user", "must have 1 to 256 visible characters"));
        }
        if self.account.as_ref().is_some_and(|account| !is_line(account, LONGEST_ACCOUNT)) {
            return Err(Problem::field("/account", "must have 1 to 128 visible characters"));
        }
        if self.language.as_ref().is_some_and(|language| !is_locale(language)) {
            return Err(Problem::field("/language", NOT_A_LOCALE));
        }
        if self.state.as_ref().is_some_and(|state| state.chars().count() > LONGEST_STATE) {
            return Err(Problem::field("/state", "must have at most 512 characters"));
        }
        if self.return_to.is_none() && (self.state.is_some() || self.account.is_some()) {
            let field = if self.state.is_some() { "/state" } else { "/account" };
            return Err(Problem::field(field, "belongs to a page, and there is none without return_to"));
        }
        Ok(())
    }

    fn command(self) -> BeginMfa {
        let (state, account) = (self.state, self.account);
        BeginMfa {
            client: self.client_id,
            user: UserRef::Named(self.user),
            language: self.language,
            request: TokenRequest { audience: self.audience, scope: self.scope.unwrap_or_default() },
            page: self.return_to.map(|return_to| PageWanted { return_to, state, account }),
        }
    }
}

/// Begin the second step of a log-in
///
/// The first step was yours: you have recognised the user. With `return_to`, send the browser to `page_url`; it comes back to
/// `return_to` with `mfa_result` (or with `mfa_error`: `cancelled`, `expired`, `too_many_attempts`) and with your `state`. What it
/// brings is a hint until you have handed it in.
#[utoipa::path(
    post, path = "/v1/mfa-tokens", operation_id = "begin_mfa", tag = "mfa", request_body(content = MfaTokenRequest, example = json!({"client_id": "K7mQxT2vB8nLrW4pZcYd9HfJ3sGaE6uV", "user": "customer-4711"})),
    responses(
        (status = 201, description = "It waits for the second factor", body = MfaTokenObject),
        (status = 404, description = "There is no such client", body = ProblemObject, content_type = "application/problem+json"),
        (status = 422, description = "A field is wrong", body = ProblemObject, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn begin(
    State(web): State<Web>,
    Authenticated(caller): Authenticated,
    input: Input<MfaTokenRequest>,
) -> Result<(StatusCode, Json<MfaTokenObject>), Problem> {
    input.value.check()?;
    let command = input.value.command();
    let told = |error| Problem::of(&error, web.engine().now());
    let begun = web.engine().run(&caller, input.idempotency.as_ref(), &command).await.map_err(told)?;
    let MfaBegun::Begun { id, token, ends_at, link } = begun else {
        return Err(Problem::field("/return_to", "must be one of the client's own addresses, to the letter"));
    };
    let base = web.engine().public_url().unwrap_or_default().trim_end_matches('/');
    let object = MfaTokenObject {
        id,
        mfa_token: token,
        expires_at: time::text(ends_at),
        page_url: link.map(|link| format!("{base}{}", mfa::path_of(&link))),
    };
    Ok((StatusCode::CREATED, Json(object)))
}

/// Hand in what a browser brought back
///
/// A result is good once, for at least five minutes after the second factor was shown. Only what is answered here is true,
/// whatever else the browser says: let the user in only if `user` is whom you have recognised.
#[utoipa::path(
    post, path = "/v1/mfa-results", operation_id = "redeem_mfa_result", tag = "mfa", request_body(content = MfaResultRequest, example = json!({"result": "mfr_…"})),
    responses(
        (status = 200, description = "The user has shown a second factor", body = MfaResultObject),
        (status = 404, description = "There is no such result, or its time is over", body = ProblemObject, content_type = "application/problem+json"),
        (status = 409, description = "It was handed in before", body = ProblemObject, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn redeem(
    State(web): State<Web>,
    Authenticated(caller): Authenticated,
    input: Input<MfaResultRequest>,
) -> Result<Json<MfaResultObject>, Problem> {
    let command = RedeemMfaResult { result: input.value.result };
    let told = |error| Problem::of(&error, web.engine().now());
    let redeemed = web.engine().run(&caller, input.idempotency.as_ref(), &command).await.map_err(told)?;
    Ok(Json(MfaResultObject {
        id: redeemed.id,
        user: redeemed.user,
        factor: match redeemed.by {
            // Its page offers neither of the two last ones.
            Means::Sms | Means::Whatsapp | Means::Telegram => FactorName::Sms,
            Means::Voice => FactorName::Voice,
            Means::Email => FactorName::Email,
            Means::Totp => FactorName::Totp,
            Means::Push => FactorName::Push,
            Means::RecoveryCodes => FactorName::RecoveryCode,
        },
        enrolled: redeemed.enrolled,
        approved_at: time::text(redeemed.at),
    }))
}
