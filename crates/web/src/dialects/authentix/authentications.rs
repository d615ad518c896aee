//! `configurations/{id}/authentications`: list and fetch them, and the caller's own word on how one ended. To start one: `start.rs`.

use super::{
    API_VERSION,
    call::Call,
    error::{Code, Refused},
    ids,
    page::Paging,
    payment::PaymentObject,
};
use crate::{Web, time};
use axum::{
    Json,
    extract::State,
    response::{IntoResponse as _, Response},
};
use countersign_engine::{
    commands::{CancelVerification, ReportOutcome, Target},
    queries::{Sending, VerificationRecord},
};
use countersign_model::{Configuration, State as Standing, verification::Report};
use serde::Serialize;

/// An authentication. It never holds a code.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AuthenticationObject {
    applet_id: String,
    api_version: &'static str,
    configuration_id: String,
    authentication_id: String,
    status: &'static str,
    dest: String,
    channel: &'static str,
    expiry_time: u64,
    max_trials: u32,
    max_controls: u32,
    payment_info: Option<PaymentObject>,
    trials: Vec<TrialBrief>,
    date_created: String,
    date_updated: String,
}

/// A message of it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TrialBrief {
    date_created: String,
    trial_id: String,
    channel: &'static str,
}

impl From<Sending> for TrialBrief {
    fn from(sending: Sending) -> Self {
        Self { date_created: time::text(sending.at), trial_id: ids::trial(sending.id), channel: sending.channel.name() }
    }
}

impl From<VerificationRecord> for AuthenticationObject {
    fn from(record: VerificationRecord) -> Self {
        let VerificationRecord { verification, to, payment, sendings, at } = record;
        Self {
            applet_id: ids::applet(verification.tenant),
            api_version: API_VERSION,
            configuration_id: ids::configuration(verification.service),
            authentication_id: ids::authentication(verification.id),
            status: status(verification.state_at(at)),
            dest: to.as_str().to_owned(),
            channel: verification.channel.name(),
            expiry_time: verification.policy.life_seconds / 60,
            max_trials: verification.policy.max_sends,
            max_controls: verification.policy.max_checks,
            payment_info: PaymentObject::of(payment.as_ref()),
            trials: sendings.into_iter().map(TrialBrief::from).collect(),
            date_created: time::text(verification.created_at),
            date_updated: time::text(verification.changed_at(at)),
        }
    }
}

/// The vendor has four. That all controls are spent is none of them: it still waits, and takes nothing.
const fn status(state: Standing) -> &'static str {
    match state {
        Standing::Pending | Standing::Exhausted => "awaiting",
        Standing::Approved => "passed",
        Standing::Cancelled | Standing::Denied => "canceled",
        Standing::Expired => "expired",
    }
}

pub(super) async fn list(State(web): State<Web>, call: Call) -> Result<Response, Refused> {
    let configuration = call.configuration().await?;
    let paging = Paging::of(&call.query)?;
    let found = web.engine().checkable_records(&call.applet.caller, configuration.id, paging.slice()).await;
    let found = found.map_err(|error| call.refused(&error))?;
    Ok(paging.answer(("totalAuthentications", "authentications"), found, AuthenticationObject::from))
}

pub(super) async fn fetch(State(web): State<Web>, call: Call) -> Result<Response, Refused> {
    let configuration = call.configuration().await?;
    let found = authentication(&web, &call, &configuration).await?;
    Ok(Json(AuthenticationObject::from(found)).into_response())
}

/// For codes that the caller checks itself, and to make room for another code.
pub(super) async fn update(State(web): State<Web>, call: Call) -> Result<Response, Refused> {
    let configuration = call.configuration().await?;
    let mut record = authentication(&web, &call, &configuration).await?;
    let fields = call.required_fields()?;
    let status = fields.filled("status")?.ok_or_else(|| Code::DataMissing.because("status is required."))?;
    let target = Target::Id(record.verification.id);
    let caller = &call.applet.caller;
    let decided = match status.as_str() {
        "passed" => web.engine().run(caller, None, &ReportOutcome { target, report: Report::Approved }).await,
        "canceled" => web.engine().run(caller, None, &CancelVerification { target }).await,
        _ => return Err(Refused::bad("status", "be passed or canceled")),
    };
    let decided = decided.map_err(|error| call.refused(&error))?;
    (record.verification, record.at) = (decided.verification, decided.at);
    Ok(Json(AuthenticationObject::from(record)).into_response())
}

/// The one in the path.
async fn authentication(web: &Web, call: &Call, under: &Configuration) -> Result<VerificationRecord, Refused> {
    let id = ids::read_authentication(call.segment("authentication"));
    let id = id.ok_or(Code::UnknownAuthentication.refused())?;
    let found = web.engine().verification_record(&call.applet.caller, under.id, id).await;
    found.map_err(|error| call.refused(&error))
}
