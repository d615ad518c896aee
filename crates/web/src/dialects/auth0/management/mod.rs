//! `/api/v2/…`: administration by a client's own token, of what concerns factors. Whoever asks for anything else is told that it
//! is not there.
//!
//! | vendor path | file |
//! |---|---|
//! | `users/{id}/authentication-methods`, `…/{mid}` | `authentication_methods.rs` |
//! | `users/{id}/enrollments`, `…/multifactor/…`, `…/authenticators`, `…/recovery-code-regeneration` | `users.rs` |
//! | `guardian/enrollments/{id}`, `guardian/enrollments/ticket` | `enrollments.rs` |
//! | `guardian/factors…`, `guardian/policies` | `guardian.rs` |
//! | `logs`, `users/{id}/logs` | `logs.rs` |
//! | `keys/signing`, `keys/signing/rotate` | `signing_keys.rs` |

mod auth;
mod authentication_methods;
mod enrollments;
mod error;
mod guardian;
mod logs;
mod signing_keys;
mod users;

use crate::Web;
use axum::{
    Router,
    routing::{delete, get, post, put},
};

pub(super) fn routes() -> Router<Web> {
    Router::new()
        .route(
            "/users/{id}/authentication-methods",
            get(authentication_methods::list)
                .post(authentication_methods::create)
                .put(authentication_methods::replace)
                .delete(authentication_methods::delete_all),
        )
        .route(
            "/users/{id}/authentication-methods/{mid}",
            get(authentication_methods::show)
                .patch(authentication_methods::change)
                .delete(authentication_methods::delete_one),
        )
        .route("/logs", get(logs::list))
        .route("/users/{id}/logs", get(logs::of_user))
        .route("/users/{id}/enrollments", get(users::enrollments))
        .route("/users/{id}/authenticators", delete(users::delete_authenticators))
        .route("/users/{id}/multifactor/{provider}", delete(users::delete_provider))
        .route("/users/{id}/multifactor/actions/invalidate-remember-browser", post(users::forget_browsers))
        .route("/users/{id}/recovery-code-regeneration", post(users::regenerate_recovery_code))
        .route("/guardian/enrollments/ticket", post(enrollments::ticket))
        .route("/guardian/enrollments/{id}", get(enrollments::show).delete(enrollments::delete))
        .route("/guardian/factors", get(guardian::factors))
        .route("/guardian/factors/{name}", put(guardian::switch))
        .route("/guardian/factors/{sms}/templates", get(guardian::templates).put(guardian::put_templates))
        .route("/guardian/factors/phone/message-types", get(guardian::message_types).put(guardian::put_message_types))
        .route(
            "/guardian/factors/{sms}/selected-provider",
            get(guardian::selected_provider).put(guardian::put_selected_provider),
        )
        .route("/guardian/factors/{sms}/providers/twilio", get(guardian::twilio).put(guardian::put_twilio))
        .route("/guardian/policies", get(guardian::policies).put(guardian::put_policies))
        .route("/keys/signing", get(signing_keys::list))
        .route("/keys/signing/rotate", post(signing_keys::rotate))
        .fallback(error::unknown_path)
        .method_not_allowed_fallback(error::unknown_method)
}
