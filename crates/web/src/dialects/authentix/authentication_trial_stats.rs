//! `authenticationTrialStats`: how many trials there were, and how many led somewhere.

use super::{API_VERSION, call::Call, error::Refused, read_limit::count_read, trial_filter::Wanted};
use crate::Web;
use axum::{
    Json,
    extract::State,
    response::{IntoResponse as _, Response},
};
use countersign_engine::queries::TrialTotals;
use serde::Serialize;

/// The sums. The rate is a fraction.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TrialStatObject {
    applet_id: String,
    api_version: &'static str,
    total_trials: u64,
    num_successful_trials: u64,
    num_unsuccessful_trials: u64,
    success_rate: f64,
}

pub(super) async fn fetch(State(web): State<Web>, call: Call) -> Result<Response, Refused> {
    count_read(&web, &call)?;
    let totals = match Wanted::of(&call)? {
        None => TrialTotals::default(),
        Some(Wanted { filter, to }) => {
            let found = web.engine().trial_totals(&call.applet.caller, filter, to.as_ref()).await;
            found.map_err(|error| call.refused(&error))?
        }
    };
    let all = totals.all();
    let success_rate = if all == 0 { 0.0 } else { totals.successful as f64 / all as f64 };
    let object = TrialStatObject {
        applet_id: call.applet.id,
        api_version: API_VERSION,
        total_trials: all,
        num_successful_trials: totals.successful,
        num_unsuccessful_trials: totals.unsuccessful,
        success_rate,
    };
    Ok(Json(object).into_response())
}
