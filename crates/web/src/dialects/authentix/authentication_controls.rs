//! `POST configurations/{id}/authentication-controls`: is this the code? A wrong one is an answer, not an error.

use super::{
    API_VERSION,
    call::Call,
    error::{Code, Refused},
    fields::{Field, Fields},
    ids, payment,
    payment::PaymentObject,
    start::address,
};
use crate::{Web, time};
use axum::{
    Json,
    extract::State,
    response::{IntoResponse as _, Response},
};
use countersign_engine::{
    Error, Thing,
    commands::{CheckCode, Target},
    queries::VerificationRecord,
};
use countersign_model::{Checked, Code as SecretCode, Configuration, Payment, Typed};
use serde::Serialize;

/// What became of a control. The dates are the authentication's.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ControlObject {
    applet_id: String,
    api_version: &'static str,
    configuration_id: String,
    authentication_id: String,
    status: &'static str,
    dest: String,
    channel: &'static str,
    payment_info: Option<PaymentObject>,
    date_created: String,
    date_updated: String,
}

impl ControlObject {
    fn of(status: &'static str, record: &VerificationRecord) -> Self {
        let verification = &record.verification;
        Self {
            applet_id: ids::applet(verification.tenant),
            api_version: API_VERSION,
            configuration_id: ids::configuration(verification.service),
            authentication_id: ids::authentication(verification.id),
            status,
            dest: record.to.as_str().to_owned(),
            channel: verification.channel.name(),
            payment_info: PaymentObject::of(record.payment.as_ref()),
            date_created: time::text(verification.created_at),
            date_updated: time::text(verification.changed_at(record.at)),
        }
    }
}

pub(super) async fn check(State(web): State<Web>, call: Call) -> Result<Response, Refused> {
    let configuration = call.configuration().await?;
    let fields = call.required_fields()?;
    let asked = Control::of(&fields)?;
    let payment = configuration.rules.payments.then(|| payment::required(&fields)).transpose()?;
    let mut record = asked.find(&web, &call, &configuration, payment.as_ref()).await?;
    // What it was started with counts, whatever has become of the configuration.
    let payment = match (&record.payment, payment) {
        (None, _) => None,
        (Some(_), Some(given)) => Some(given),
        (Some(_), None) => Some(payment::required(&fields)?),
    };
    let command = CheckCode { target: Target::Id(record.verification.id), code: asked.code, payment };
    let outcome = web.engine().run(&call.applet.caller, None, &command).await.map_err(|error| call.refused(&error))?;
    (record.verification, record.at) = (outcome.verification, outcome.at);
    let status = match outcome.checked {
        Checked::Approved => "passed",
        Checked::Wrong { .. } | Checked::Exhausted | Checked::PaymentMismatch => "failed",
        Checked::Held => return Err(Refused::controls_spent(record.verification.expires_at(), record.at)),
        Checked::NotPending(_) => return Err(Code::NoMatchingAuthentication.refused()),
    };
    Ok(Json(ControlObject::of(status, &record)).into_response())
}

/// A code, and of which authentication it is.
struct Control {
    code: Typed,
    id: Option<String>,
    dest: Option<String>,
}

impl Control {
    fn of(fields: &Fields) -> Result<Self, Refused> {
        let missing = || Code::DataMissing.because("code is required, and dest or authenticationId.");
        let (id, dest) = (fields.filled("authenticationId")?, fields.filled("dest")?);
        let code = match fields.get("code") {
            // A number has lost its leading zeros on its way; the engine puts them back.
            Some(Field::Number(digits)) => {
                digits.parse().map_or_else(|_| Typed::Text(SecretCode::typed(digits)), Typed::Number)
            }
            _ => Typed::Text(SecretCode::typed(&fields.filled("code")?.ok_or_else(missing)?)),
        };
        if id.is_none() && dest.is_none() { Err(missing()) } else { Ok(Self { code, id, dest }) }
    }

    /// Which one is meant: that of the id, if the destination does not contradict it; or the one that the destination waits for.
    async fn find(
        &self,
        web: &Web,
        call: &Call,
        configuration: &Configuration,
        payment: Option<&Payment>,
    ) -> Result<VerificationRecord, Refused> {
        let (engine, caller) = (web.engine(), &call.applet.caller);
        let no_match = || Code::NoMatchingAuthentication.refused();
        let dest = self.dest.as_deref().map(|dest| address(dest.trim()).ok_or_else(no_match));
        if let Some(id) = &self.id {
            let id = ids::read_authentication(id.trim()).ok_or(Code::UnknownAuthentication.refused())?;
            let found = engine.verification_record(caller, configuration.id, id).await;
            let found = found.map_err(|error| call.refused(&error))?;
            let is_same = dest.transpose()?.is_none_or(|dest| dest.index_text() == found.to.index_text());
            return if is_same { Ok(found) } else { Err(no_match()) };
        }
        let dest = dest.transpose()?.ok_or_else(no_match)?;
        let found = engine.pending_record(caller, configuration.id, &dest, payment).await;
        found.map_err(|error| {
            if matches!(error, Error::NotFound(Thing::Verification)) { no_match() } else { call.refused(&error) }
        })
    }
}
