//! `POST /v1/verifications/{id}/resend`, `…/cancel` and `…/report`: each answers with the verification as it stands then.

use super::{
    Problem, ProblemObject,
    auth::Authenticated,
    extract::{Input, Segment},
    verifications::{VerificationObject, WireChannel},
};
use crate::Web;
use axum::{Json, extract::State};
use countersign_engine::{
    Caller, Command, Idempotency,
    commands::{CancelVerification, Decided, ReportOutcome, ResendCode, Target},
};
use countersign_model::{VerificationId, verification::Report};
use serde::Deserialize;
use utoipa::ToSchema;

/// How the code is sent again.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ResendRequest {
    /// The way; the one before if left out.
    channel: Option<WireChannel>,
}

/// Nothing more is needed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CancelRequest {}

/// How it ended elsewhere.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReportRequest {
    /// What became of it.
    outcome: WireOutcome,
}

/// How a verification ended elsewhere.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum WireOutcome {
    /// The person proved it in another way.
    Approved,
    /// The person did not.
    Denied,
}

/// Send the code again
#[utoipa::path(
    post, path = "/v1/verifications/{id}/resend", operation_id = "resend_verification", tag = "verifications", request_body(content = ResendRequest, description = "May be left out", example = json!({"channel": "voice"})),
    params(
        ("id" = String, Path, description = "The verification's id"),
    ),
    responses(
        (status = 200, description = "The message is on its way", body = VerificationObject),
        (status = 402, description = "The account has less than the message costs", body = ProblemObject, content_type = "application/problem+json"),
        (status = 404, description = "There is none of this id", body = ProblemObject, content_type = "application/problem+json"),
        (status = 409, description = "It has ended, or has sent all its messages", body = ProblemObject, content_type = "application/problem+json"),
        (status = 429, description = "A limit of this destination refuses it", body = ProblemObject, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn resend(
    State(web): State<Web>,
    Authenticated(caller): Authenticated,
    Segment(id): Segment<VerificationId>,
    input: Input<ResendRequest>,
) -> Result<Json<VerificationObject>, Problem> {
    let command = ResendCode { target: Target::Id(id), channel: input.value.channel.map(Into::into), text: None };
    answer(&web, &caller, input.idempotency, &command).await
}

/// End a verification
#[utoipa::path(
    post, path = "/v1/verifications/{id}/cancel", operation_id = "cancel_verification", tag = "verifications", request_body(content = CancelRequest, description = "May be left out"),
    params(
        ("id" = String, Path, description = "The verification's id"),
    ),
    responses(
        (status = 200, description = "It is cancelled", body = VerificationObject),
        (status = 404, description = "There is none of this id", body = ProblemObject, content_type = "application/problem+json"),
        (status = 409, description = "It has ended before", body = ProblemObject, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn cancel(
    State(web): State<Web>,
    Authenticated(caller): Authenticated,
    Segment(id): Segment<VerificationId>,
    input: Input<CancelRequest>,
) -> Result<Json<VerificationObject>, Problem> {
    let CancelRequest {} = input.value;
    answer(&web, &caller, input.idempotency, &CancelVerification { target: Target::Id(id) }).await
}

/// Report how a verification ended elsewhere
#[utoipa::path(
    post, path = "/v1/verifications/{id}/report", operation_id = "report_verification", tag = "verifications", request_body(content = ReportRequest, example = json!({"outcome": "approved"})),
    params(
        ("id" = String, Path, description = "The verification's id"),
    ),
    responses(
        (status = 200, description = "It has ended so", body = VerificationObject),
        (status = 404, description = "There is none of this id", body = ProblemObject, content_type = "application/problem+json"),
        (status = 409, description = "It has ended before", body = ProblemObject, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn report(
    State(web): State<Web>,
    Authenticated(caller): Authenticated,
    Segment(id): Segment<VerificationId>,
    input: Input<ReportRequest>,
) -> Result<Json<VerificationObject>, Problem> {
    let report = match input.value.outcome {
        WireOutcome::Approved => Report::Approved,
        WireOutcome::Denied => Report::Denied,
    };
    answer(&web, &caller, input.idempotency, &ReportOutcome { target: Target::Id(id), report }).await
}

async fn answer<C: Command<Outcome = Decided>>(
    web: &Web,
    caller: &Caller,
    idempotency: Option<Idempotency>,
    command: &C,
) -> Result<Json<VerificationObject>, Problem> {
    let decided = web.engine().run(caller, idempotency.as_ref(), command).await;
    let decided = decided.map_err(|error| Problem::of(&error, web.engine().now()))?;
    VerificationObject::of(web.engine(), decided).map(Json)
}
