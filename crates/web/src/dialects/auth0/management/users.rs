//! What else an administrator does with a user's factors.

use super::{auth::Administrator, authentication_methods::delete_all_of, enrollments::enrollment, error::Refused};
use axum::{
    Json,
    extract::Path,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use countersign_engine::{
    UserRef,
    commands::{DeleteFactor, MakeRecoveryCodes, RECOVERY_ALPHABET, RECOVERY_LENGTH},
};
use countersign_model::{Factor, FactorKind};
use serde_json::{Value, json};

pub(super) async fn enrollments(asking: Administrator, Path(id): Path<String>) -> Result<Json<Vec<Value>>, Refused> {
    asking.must_have(&["read:users"])?;
    let user = asking.user(&id).await?;
    let factors = asking.factors(&user).await?;
    let primary = factors.iter().filter(|factor| factor.is_primary());
    Ok(Json(primary.map(|factor| enrollment(&asking.web, factor)).collect::<Result<_, _>>()?))
}

pub(super) async fn delete_authenticators(
    asking: Administrator,
    Path(id): Path<String>,
) -> Result<StatusCode, Refused> {
    asking.must_have(&["update:users"])?;
    delete_all_of(&asking, &id).await
}

/// Of the providers, `guardian` is what comes to a phone or a device, `google-authenticator` the app; `duo` is never there.
pub(super) async fn delete_provider(
    asking: Administrator,
    Path((id, provider)): Path<(String, String)>,
) -> Result<StatusCode, Refused> {
    asking.must_have(&["update:users"])?;
    let belongs: fn(&Factor) -> bool = match provider.as_str() {
        "guardian" => |factor| matches!(factor.kind, FactorKind::Phone { .. }) || factor.device().is_some(),
        "google-authenticator" => |factor| matches!(factor.kind, FactorKind::Totp { device: None, .. }),
        "duo" => |_| false,
        _ => return Err(Refused::bad("Path validation error: the provider is duo, google-authenticator or guardian.")),
    };
    let user = asking.user(&id).await?;
    for factor in asking.factors(&user).await?.into_iter().filter(belongs) {
        asking.web.engine().run(&asking.caller(), None, &DeleteFactor { factor: factor.id }).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// No browser is ever remembered here: there is nothing to forget.
pub(super) async fn forget_browsers(asking: Administrator, Path(id): Path<String>) -> Result<StatusCode, Refused> {
    asking.must_have(&["update:users"])?;
    asking.user(&id).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn regenerate_recovery_code(
    asking: Administrator,
    Path(id): Path<String>,
) -> Result<Response, Refused> {
    asking.must_have(&["update:users"])?;
    let user = asking.user(&id).await?;
    let command = MakeRecoveryCodes {
        user: UserRef::Id(user.id),
        count: 1,
        length: RECOVERY_LENGTH,
        alphabet: RECOVERY_ALPHABET,
    };
    let made = asking.web.engine().run(&asking.caller(), None, &command).await?;
    let body = json!({ "recovery_code": made.codes.first() });
    Ok((StatusCode::CREATED, Json(body)).into_response())
}
