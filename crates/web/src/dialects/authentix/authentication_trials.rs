//! `authenticationTrials`: the messages of all configurations, for reports.

use super::{
    API_VERSION,
    call::Call,
    error::{Code, Refused},
    ids,
    page::Paging,
    payment::PaymentObject,
    read_limit::count_read,
    trial_filter::Wanted,
};
use crate::{Web, time};
use axum::{
    Json,
    extract::State,
    response::{IntoResponse as _, Response},
};
use countersign_engine::queries::{Page, TrialRecord};
use serde::Serialize;

/// A trial. Where it went is not told, and its code even less.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TrialObject {
    applet_id: String,
    api_version: &'static str,
    configuration_id: String,
    authentication_id: String,
    trial_id: String,
    trial_status: &'static str,
    channel: &'static str,
    payment_info: Option<PaymentObject>,
    date_created: String,
    date_updated: String,
    price: f64,
    price_unit: String,
    channel_info: Delivery,
}

/// What became of the message.
#[derive(Serialize)]
struct Delivery {
    status: &'static str,
    attempts: u32,
}

impl From<TrialRecord> for TrialObject {
    fn from(record: TrialRecord) -> Self {
        let trial = record.trial;
        Self {
            applet_id: ids::applet(trial.tenant),
            api_version: API_VERSION,
            configuration_id: ids::configuration(trial.service),
            authentication_id: ids::authentication(trial.verification),
            trial_id: ids::trial(trial.id),
            trial_status: if trial.successful { "successful" } else { "unsuccessful" },
            channel: trial.channel.name(),
            payment_info: PaymentObject::of(record.payment.as_ref()),
            date_created: time::text(trial.made_at()),
            date_updated: time::text(record.changed_at),
            price: trial.price_e4 as f64 / 10_000.0,
            price_unit: trial.currency.to_lowercase(),
            channel_info: Delivery { status: record.state.name(), attempts: record.attempts },
        }
    }
}

pub(super) async fn list(State(web): State<Web>, call: Call) -> Result<Response, Refused> {
    count_read(&web, &call)?;
    let (paging, wanted) = (Paging::of(&call.query)?, Wanted::of(&call)?);
    let found = match wanted {
        None => Page::empty(),
        Some(Wanted { filter, to }) => {
            let found = web.engine().trials(&call.applet.caller, filter, to.as_ref(), paging.slice()).await;
            found.map_err(|error| call.refused(&error))?
        }
    };
    Ok(paging.answer(("totalAuthenticationTrials", "authenticationTrials"), found, TrialObject::from))
}

pub(super) async fn fetch(State(web): State<Web>, call: Call) -> Result<Response, Refused> {
    count_read(&web, &call)?;
    let id = ids::read_trial(call.segment("trial")).ok_or(Code::UnknownTrial.refused())?;
    let found = web.engine().trial(&call.applet.caller, id).await.map_err(|error| call.refused(&error))?;
    Ok(Json(TrialObject::from(found)).into_response())
}
