//! Auth0's MFA API, and as much of its authentication and management APIs as that takes: passwords and tokens, enrolling,
//! listing and challenging second factors, and their administration. What is the vendor's word and what is ours:
//! `docs/dialects/auth0.md`.
//!
//! | vendor path | file | state |
//! |---|---|---|
//! | `/oauth/token` | `oauth_token.rs` | password, refresh, client credentials, and the three MFA grants |
//! | `/oauth/revoke` | `oauth_revoke.rs` | refresh tokens |
//! | `/mfa/authenticators`, `/mfa/authenticators/{id}` | `mfa_authenticators.rs` | whole |
//! | `/mfa/associate` | `mfa_associate.rs` | whole |
//! | `/mfa/challenge` | `mfa_challenge.rs` | whole |
//! | `/appliance-mfa/api/…` | `appliance_mfa.rs` | an app registers, and answers |
//! | `/userinfo` | `userinfo.rs` | whole |
//! | `/.well-known/openid-configuration`, `/.well-known/jwks.json` | `well_known.rs` | whole |
//! | `/api/v2/…` | `management/` | what concerns factors, and signing keys |
//!
//! Who issues tokens is `issuer.rs`, who asks is `auth.rs`, who may call from a browser is `cors.rs`.

mod answer;
mod appliance_mfa;
mod auth;
mod choice;
mod cors;
mod error;
mod issuer;
mod management;
mod mfa_associate;
mod mfa_authenticators;
mod mfa_challenge;
mod names;
mod oauth_revoke;
mod oauth_token;
mod params;
mod scopes;
mod settings;
mod texts;
mod userinfo;
mod well_known;

pub(crate) use names::name_of_user;
pub use settings::Settings;

use super::Dialect;
use crate::Web;
use axum::{
    Json, Router,
    http::{
        HeaderValue,
        header::{CONTENT_TYPE, PRAGMA},
    },
    middleware,
    response::{IntoResponse as _, Response},
    routing::{MethodRouter, delete, get, post},
};
use countersign_engine::sandbox::Credentials;
use error::Refused;
use serde::Serialize;
use serde_json::{Value, json};

/// The dialect.
pub const DIALECT: Dialect = Dialect {
    name: NAME,
    title: "Auth0 MFA API",
    prefixes: &[
        "/oauth/",
        "/mfa/",
        "/appliance-mfa/",
        "/userinfo",
        "/.well-known/openid-configuration",
        "/.well-known/jwks.json",
        "/api/v2/",
    ],
    routes,
    refuse: |refusal, _| Refused::before_the_dialect(refusal),
    reports: None,
    credentials,
    examples,
};

/// Also the name of the service under which its codes go out.
const NAME: &str = "auth0";

fn routes() -> Router<Web> {
    // Of every call a browser may ask first.
    let open = |path, methods: MethodRouter<Web>| Router::new().route(path, methods.options(cors::asked_first));
    Router::new()
        .merge(open("/oauth/token", post(oauth_token::token)))
        .merge(open("/oauth/revoke", post(oauth_revoke::revoke)))
        .merge(open("/mfa/authenticators", get(mfa_authenticators::list)))
        .merge(open("/mfa/authenticators/{id}", delete(mfa_authenticators::delete)))
        .merge(open("/mfa/associate", post(mfa_associate::associate)))
        .merge(open("/mfa/challenge", post(mfa_challenge::challenge)))
        .route("/appliance-mfa/api/enroll", post(appliance_mfa::enroll))
        .route("/appliance-mfa/api/resolve-transaction", post(appliance_mfa::resolve))
        .merge(open("/userinfo", get(userinfo::userinfo).post(userinfo::userinfo)))
        .merge(open("/.well-known/openid-configuration", get(well_known::configuration)))
        .merge(open("/.well-known/jwks.json", get(well_known::jwks)))
        // The vendor's sample in Python puts the host into the path as well.
        .route("/{domain}/mfa/challenge", post(mfa_challenge::challenge_with_domain))
        .nest("/api/v2", management::routes())
        .layer(middleware::from_fn(cors::around))
}

/// An answer of `/mfa/…`: nobody keeps it.
fn json(value: &impl Serialize) -> Response {
    let mut response = Json(value).into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    response.headers_mut().insert(PRAGMA, HeaderValue::from_static("no-cache"));
    response
}

fn credentials(credentials: &Credentials) -> Value {
    let application = &credentials.application;
    let users = credentials.users.iter().map(user_object).collect::<Vec<_>>();
    json!({
        "domain": credentials.authority,
        "client_id": application.client_id,
        "client_secret": *application.client_secret,
        "public_client_id": application.public_client_id,
        "audience": application.audience,
        "users": users,
    })
}

/// A user of dev mode, as tests know it.
pub(crate) fn user_object(user: &countersign_engine::sandbox::TrialUser) -> Value {
    let mfa = match user.mfa {
        countersign_model::MfaRule::Off => "off",
        countersign_model::MfaRule::Required => "required",
    };
    json!({ "username": user.name, "password": *user.password, "user_id": name_of_user(user.id), "mfa": mfa })
}

fn examples(credentials: &Credentials, base_url: &str) -> Vec<(&'static str, String)> {
    let application = &credentials.application;
    let client =
        format!(r#""client_id":"{}","client_secret":"{}""#, application.client_id, application.client_secret.as_str());
    let post = |path: &str, more: &str, body: &str| {
        format!("curl -s {base_url}{path} -H 'Content-Type: application/json'{more} -d '{{{body}}}'")
    };
    let log_in = |user: usize| {
        let (name, password) =
            credentials.users.get(user).map_or(("", ""), |it| (it.name.as_str(), it.password.as_str()));
        post(
            "/oauth/token",
            "",
            &format!(
                r#""grant_type":"password","username":"{name}","password":"{password}","scope":"openid",{client}"#
            ),
        )
    };
    let grant = |kind: &str, rest: &str| {
        format!(r#""grant_type":"http://auth0.com/oauth/grant-type/{kind}","mfa_token":"MFA_TOKEN",{rest},{client}"#)
    };
    let bearer = " -H 'Authorization: Bearer MFA_TOKEN'";
    vec![
        ("Log in: a second factor is asked for", log_in(1)),
        (
            "Enrol a phone",
            post(
                "/mfa/associate",
                bearer,
                r#""authenticator_types":["oob"],"oob_channels":["sms"],"phone_number":"+34666666111""#,
            ),
        ),
        ("Confirm it", post("/oauth/token", "", &grant("mfa-oob", r#""oob_code":"OOB_CODE","binding_code":"CODE""#))),
        (
            "Challenge it, after another log-in",
            post("/mfa/challenge", "", &format!(r#""mfa_token":"MFA_TOKEN","challenge_type":"oob",{client}"#)),
        ),
        ("Log in where a password is enough", log_in(0)),
    ]
}
