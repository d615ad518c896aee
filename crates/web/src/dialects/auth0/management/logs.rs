//! `logs` and `users/{id}/logs`: what was done by users and to them, under the vendor's event codes. What the vendor has no code
//! for is not in it.

use super::{auth::Administrator, error::Refused};
use crate::{dialects::auth0::names::name_of_user, time};
use axum::{
    Json,
    extract::{Path, Query, rejection::QueryRejection},
};
use countersign_engine::queries::{ActivityQuery, ActivityRecord};
use countersign_model::{Activity, ActivityKind, Means, Timestamp, UserId};
use serde::Deserialize;
use serde_json::{Value, json};

/// Which part of it is wanted. How it is to be sorted or cut is not asked: it is whole, the newest first.
#[derive(Deserialize)]
pub(super) struct Part {
    page: Option<u32>,
    per_page: Option<u32>,
    include_totals: Option<bool>,
    q: Option<String>,
}

const PER_PAGE: u32 = 50;
const MOST_PER_PAGE: u32 = 100;
/// The vendor shows no more either.
const MOST: u32 = 1000;

pub(super) async fn list(
    asking: Administrator,
    part: Result<Query<Part>, QueryRejection>,
) -> Result<Json<Value>, Refused> {
    asking.must_have(&["read:logs"])?;
    shown(&asking, None, part).await
}

pub(super) async fn of_user(
    asking: Administrator,
    Path(id): Path<String>,
    part: Result<Query<Part>, QueryRejection>,
) -> Result<Json<Value>, Refused> {
    asking.must_have(&["read:logs", "read:logs_users"])?;
    let user = asking.user(&id).await?;
    shown(&asking, Some(user.id), part).await
}

async fn shown(
    asking: &Administrator,
    of: Option<UserId>,
    part: Result<Query<Part>, QueryRejection>,
) -> Result<Json<Value>, Refused> {
    let Query(part) = part.map_err(|_| Refused::bad("Query validation error: page and per_page are numbers."))?;
    if part.q.is_some_and(|query| !query.is_empty()) {
        return Err(Refused::bad("The log cannot be searched: filter what it lists."));
    }
    let (page, per_page) = (part.page.unwrap_or(0), part.per_page.unwrap_or(PER_PAGE).min(MOST_PER_PAGE));
    let start = page.saturating_mul(per_page);
    let is_wanted = |record: &ActivityRecord| {
        code(&record.activity).is_some() && of.is_none_or(|user| record.activity.user == user)
    };
    let query = ActivityQuery {
        from: Timestamp::from_ms(0),
        until: asking.web.engine().now().plus_seconds(1),
        kinds: ActivityKind::ALL.to_vec(),
        most: if part.include_totals == Some(true) { MOST } else { start.saturating_add(per_page).min(MOST) },
    };
    let all = asking.web.engine().activities(&asking.caller(), &query, is_wanted).await?;
    let as_index = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    let logs: Vec<Value> = all.iter().skip(as_index(start)).take(as_index(per_page)).map(entry).collect();
    Ok(Json(if part.include_totals == Some(true) {
        json!({ "start": start, "limit": per_page, "length": logs.len(), "total": all.len(), "logs": logs })
    } else {
        logs.into()
    }))
}

fn entry(record: &ActivityRecord) -> Value {
    let activity = &record.activity;
    let id = activity.id.to_string();
    json!({
        "_id": id,
        "log_id": id,
        "date": time::text(activity.at),
        "type": code(activity),
        "user_id": name_of_user(activity.user),
        "user_name": record.name,
    })
}

/// The vendor's code; none: it has no word for it.
const fn code(activity: &Activity) -> Option<&'static str> {
    Some(match (activity.kind, activity.means) {
        (ActivityKind::EnrolmentStarted, _) => "gd_start_enroll",
        (ActivityKind::Enrolled, _) => "gd_enrollment_complete",
        (ActivityKind::FactorDeleted, _) => "gd_unenroll",
        (ActivityKind::ProofStarted, Some(Means::Sms)) => "gd_send_sms",
        (ActivityKind::ProofStarted, Some(Means::Voice)) => "gd_send_voice",
        (ActivityKind::ProofStarted, Some(Means::Email)) => "gd_send_email",
        (ActivityKind::ProofStarted, Some(Means::Push)) => "gd_send_pn",
        (
            ActivityKind::ProofStarted,
            Some(Means::Totp | Means::RecoveryCodes | Means::Whatsapp | Means::Telegram) | None,
        ) => "gd_start_auth",
        (ActivityKind::CodeNotSent, Some(Means::Sms)) => "gd_send_sms_failure",
        (ActivityKind::CodeNotSent, Some(Means::Voice)) => "gd_send_voice_failure",
        (ActivityKind::Proved, Some(Means::RecoveryCodes)) => "gd_recovery_succeed",
        (ActivityKind::Proved, _) => "gd_auth_succeed",
        (ActivityKind::CodeRejected, Some(Means::RecoveryCodes)) => "gd_recovery_failed",
        (ActivityKind::ProofFailed, Some(Means::Push)) => "gd_auth_rejected",
        (ActivityKind::CodeRejected | ActivityKind::ProofFailed | ActivityKind::EnrolmentFailed, _) => "gd_auth_failed",
        (ActivityKind::UserBlocked, Some(Means::RecoveryCodes)) => "gd_recovery_rate_limit_exceed",
        (ActivityKind::UserBlocked, _) => "gd_otp_rate_limit_exceed",
        (
            ActivityKind::UserCreated
            | ActivityKind::UserDeleted
            | ActivityKind::UserReleased
            | ActivityKind::RecoveryCodesMade
            | ActivityKind::FactorRenamed
            | ActivityKind::CodeNotSent,
            _,
        ) => return None,
    })
}
