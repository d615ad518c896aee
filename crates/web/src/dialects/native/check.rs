//! `POST /v1/verifications/{id}/check`. A wrong code is an answer (200, `valid: false`), not an error.

use super::{
    Problem, ProblemObject,
    auth::Authenticated,
    extract::{Input, Segment, object},
    verifications::WirePayment,
};
use crate::Web;
use axum::{Json, extract::State};
use countersign_engine::commands::{CheckCode, CodeChecked, Target};
use countersign_model::{Checked, Code, State as Standing, Typed, VerificationId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What the person typed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CheckRequest {
    /// The code. Blanks, dashes and small letters do no harm.
    #[schema(example = "123456")]
    code: String,
    /// The payment, if the verification was started with one: the same payee, an amount of the same value (`12.50` is `12.5`), the same
    /// currency. Other data kills the code.
    #[serde(default, deserialize_with = "object")]
    payment: Option<WirePayment>,
}

/// What became of a check.
#[derive(Serialize, ToSchema)]
pub(super) struct CheckObject {
    /// The verification.
    #[schema(example = "ver_01kb0c5m3f8e9r7t6y5u4i3o2p")]
    id: String,
    /// Where it stands now.
    #[schema(example = "approved")]
    status: &'static str,
    /// Whether this check was the one that approved it. True at most once for a verification.
    valid: bool,
    /// Why not: `wrong_code`, `payment_mismatch`, `checks_spent` (it takes no more codes and waits for its end), or the state it was in; null if valid.
    #[schema(example = "wrong_code")]
    reason: Option<&'static str>,
    /// How many more wrong codes it survives; null means any number.
    attempts_left: Option<u32>,
}

impl CheckObject {
    fn of(outcome: &CodeChecked) -> Self {
        let reason = match outcome.checked {
            Checked::Approved => None,
            Checked::Wrong { .. } | Checked::Exhausted => Some("wrong_code"),
            Checked::Held => Some("checks_spent"),
            Checked::PaymentMismatch => Some("payment_mismatch"),
            Checked::NotPending(Standing::Approved) => Some("already_approved"),
            Checked::NotPending(state) => Some(state.name()),
        };
        Self {
            id: outcome.verification.id.to_string(),
            status: outcome.verification.state_at(outcome.at).name(),
            valid: outcome.checked == Checked::Approved,
            reason,
            attempts_left: outcome.verification.attempts_left(),
        }
    }
}

/// Far more than any code has, with blanks and dashes.
const LONGEST_CODE: usize = 64;

/// Check a code
#[utoipa::path(
    post, path = "/v1/verifications/{id}/check", operation_id = "check_verification", tag = "verifications", request_body(content = CheckRequest, example = json!({"code": "123456"})),
    params(
        ("id" = String, Path, description = "The verification's id"),
    ),
    responses(
        (status = 200, description = "Right or wrong", body = CheckObject),
        (status = 401, description = "No key that works", body = ProblemObject, content_type = "application/problem+json"),
        (status = 404, description = "There is none of this id", body = ProblemObject, content_type = "application/problem+json"),
        (status = 409, description = "It is proved by pictures, not by a code", body = ProblemObject, content_type = "application/problem+json"),
        (status = 422, description = "A field is wrong; no attempt was spent", body = ProblemObject, content_type = "application/problem+json"),
        (status = 429, description = "Too many wrong codes for this destination, or it is blocked", body = ProblemObject, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn check(
    State(web): State<Web>,
    Authenticated(caller): Authenticated,
    Segment(id): Segment<VerificationId>,
    input: Input<CheckRequest>,
) -> Result<Json<CheckObject>, Problem> {
    let code = Code::typed(&input.value.code);
    if code.expose().is_empty() || input.value.code.len() > LONGEST_CODE {
        return Err(Problem::field("/code", "must be the code that the person typed, of 1 to 64 characters"));
    }
    let payment = input.value.payment.as_ref().map(WirePayment::parse).transpose()?;
    let command = CheckCode { target: Target::Id(id), code: Typed::Text(code), payment };
    let outcome = web.engine().run(&caller, input.idempotency.as_ref(), &command).await;
    let outcome = outcome.map_err(|error| Problem::of(&error, web.engine().now()))?;
    Ok(Json(CheckObject::of(&outcome)))
}
