//! TalkyLabs Reach "Authentix": codes by text message and mail under configurations that callers make for themselves, with reports.
//! Forms or JSON in, JSON out; the applet and its key come in two headers. What is the vendor's word and what is ours:
//! `docs/dialects/authentix.md`.
//!
//! All paths are below `/rest/authentix/v1`.
//!
//! | vendor path | file | state |
//! |---|---|---|
//! | `configurations`, `configurations/{id}` | `configurations.rs` | whole |
//! | `configurations/{id}/authentications`, `…/{id}` | `authentications.rs` (start: `start.rs`) | whole |
//! | `configurations/{id}/authentication-controls` | `authentication_controls.rs` | whole |
//! | `authenticationTrials`, `authenticationTrials/{id}` | `authentication_trials.rs` | whole |
//! | `authenticationTrialStats` | `authentication_trial_stats.rs` | whole |

mod accept;
mod auth;
mod authentication_controls;
mod authentication_trial_stats;
mod authentication_trials;
mod authentications;
mod call;
mod configurations;
mod error;
mod fields;
mod ids;
mod map;
mod page;
mod payment;
mod read_limit;
mod settings;
mod start;
mod template;
mod trial_filter;

pub use settings::Settings;

use super::Dialect;
use crate::Web;
use axum::{
    Router,
    routing::{any, get, post},
};
use countersign_engine::sandbox::Credentials;
use error::Refused;
use serde_json::{Value, json};

/// The dialect.
pub const DIALECT: Dialect = Dialect {
    name: "authentix",
    title: "TalkyLabs Reach Authentix",
    prefixes: &["/rest/authentix/"],
    routes,
    refuse: |refusal, _| Refused::before_the_dialect(refusal),
    reports: None,
    credentials,
    examples,
};

/// The version in every object.
const API_VERSION: &str = "1.0.0";
const ROOT: &str = "/rest/authentix/v1";

fn routes() -> Router<Web> {
    let calls = Router::new()
        .route("/configurations", get(configurations::list).post(configurations::create))
        .route(
            "/configurations/{configuration}",
            get(configurations::fetch).post(configurations::update).delete(configurations::delete),
        )
        .route("/configurations/{configuration}/authentications", get(authentications::list).post(start::start))
        .route(
            "/configurations/{configuration}/authentications/{authentication}",
            get(authentications::fetch).post(authentications::update),
        )
        .route("/configurations/{configuration}/authentication-controls", post(authentication_controls::check))
        .route("/authenticationTrials", get(authentication_trials::list))
        .route("/authenticationTrials/{trial}", get(authentication_trials::fetch))
        .route("/authenticationTrialStats", get(authentication_trial_stats::fetch))
        .method_not_allowed_fallback(call::unknown_method);
    // Another dialect may answer for all that nobody else serves below `/rest`; here it is this one.
    let none = ["/rest/authentix", "/rest/authentix/", "/rest/authentix/{*path}"];
    none.into_iter().fold(Router::new().nest(ROOT, calls), |router, path| router.route(path, any(call::unknown_path)))
}

fn credentials(credentials: &Credentials) -> Value {
    let tenant = &credentials.tenant;
    json!({
        "api_user": tenant,
        "api_key": *credentials.api_key,
        "smtp_setting_id": ids::sandbox(ids::SMTP_SETTING, tenant),
        "sms_template_id": ids::sandbox(ids::SMS_TEMPLATE, tenant),
        "email_template_id": ids::sandbox(ids::EMAIL_TEMPLATE, tenant),
    })
}

/// A configuration's name is taken once, so the first line brings the time along: it can be pasted again and again.
fn examples(credentials: &Credentials, base_url: &str) -> Vec<(&'static str, String)> {
    let (user, key) = (&credentials.tenant, credentials.api_key.as_str());
    let smtp = ids::sandbox(ids::SMTP_SETTING, user);
    let call = |path: &str, rest: &str| {
        format!("curl -s {base_url}{ROOT}/{path} -H 'ApiUser: {user}' -H 'ApiKey: {key}'{rest}")
    };
    let form = |fields: &[&str]| fields.iter().flat_map(|field| [" --data-urlencode ", field]).collect::<String>();
    vec![
        (
            "Create a configuration",
            call("configurations", &form(&[r#""serviceName=Shop $(date +%s)""#, &format!("smtpSettingId={smtp}")])),
        ),
        ("List configurations", call("configurations", "")),
        (
            "Send a code (put the configuration's id in place of CID)",
            call("configurations/CID/authentications", &form(&["dest=+237671234567", "channel=sms"])),
        ),
        ("Check it", call("configurations/CID/authentication-controls", &form(&["dest=+237671234567", "code=CODE"]))),
        ("Statistics", call("authenticationTrialStats", "")),
    ]
}
