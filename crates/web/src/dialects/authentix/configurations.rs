//! `configurations`: make, list, fetch, change and remove them.

use super::{
    API_VERSION,
    call::Call,
    error::{Code, Refused},
    fields::Fields,
    ids,
    page::Paging,
};
use crate::{Web, time};
use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use countersign_engine::commands::{ChangeConfiguration, CreateConfiguration, DeleteConfiguration};
use countersign_model::{Configuration, ConfigurationChange};
use serde::Serialize;

/// A configuration, all fifteen fields.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ConfigurationObject {
    applet_id: String,
    api_version: &'static str,
    configuration_id: String,
    service_name: String,
    code_length: u8,
    allow_custom_code: bool,
    used_for_digital_payment: bool,
    default_expiry_time: u32,
    default_max_trials: u32,
    default_max_controls: u32,
    smtp_setting_id: Option<String>,
    email_template_id: Option<String>,
    sms_template_id: Option<String>,
    date_created: String,
    date_updated: String,
}

impl From<Configuration> for ConfigurationObject {
    fn from(configuration: Configuration) -> Self {
        let rules = configuration.rules;
        Self {
            applet_id: ids::applet(configuration.tenant),
            api_version: API_VERSION,
            configuration_id: ids::configuration(configuration.id),
            service_name: rules.name,
            code_length: rules.code_length,
            allow_custom_code: rules.own_codes,
            used_for_digital_payment: rules.payments,
            default_expiry_time: rules.life_minutes,
            default_max_trials: rules.max_sends,
            default_max_controls: rules.max_checks,
            smtp_setting_id: rules.relay,
            email_template_id: rules.email_template,
            sms_template_id: rules.sms_template,
            date_created: time::text(configuration.created_at),
            date_updated: time::text(configuration.updated_at),
        }
    }
}

pub(super) async fn create(State(web): State<Web>, call: Call) -> Result<Response, Refused> {
    let fields = call.required_fields()?;
    let rules = change(&web, &call, &fields)?;
    if rules.name.is_none() {
        return Err(Code::DataMissing.because("serviceName is required."));
    }
    let made = web.engine().run(&call.applet.caller, None, &CreateConfiguration { rules }).await;
    let made = made.map_err(|error| call.refused(&error))?;
    Ok((StatusCode::CREATED, Json(ConfigurationObject::from(made))).into_response())
}

pub(super) async fn list(State(web): State<Web>, call: Call) -> Result<Response, Refused> {
    let paging = Paging::of(&call.query)?;
    let found = web.engine().configurations(&call.applet.caller, paging.slice()).await;
    let found = found.map_err(|error| call.refused(&error))?;
    Ok(paging.answer(("totalConfigurations", "configurations"), found, ConfigurationObject::from))
}

pub(super) async fn fetch(call: Call) -> Result<Response, Refused> {
    Ok(Json(ConfigurationObject::from(call.configuration().await?)).into_response())
}

pub(super) async fn update(State(web): State<Web>, call: Call) -> Result<Response, Refused> {
    let id = call.configuration().await?.id;
    let change = change(&web, &call, &call.fields()?)?;
    let changed = web.engine().run(&call.applet.caller, None, &ChangeConfiguration { id, change }).await;
    Ok(Json(ConfigurationObject::from(changed.map_err(|error| call.refused(&error))?)).into_response())
}

pub(super) async fn delete(State(web): State<Web>, call: Call) -> Result<Response, Refused> {
    let id = call.configuration().await?.id;
    let deleted = web.engine().run(&call.applet.caller, None, &DeleteConfiguration { id }).await;
    deleted.map_err(|error| call.refused(&error))?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// The choices of a request, each refused with its own code. An id that is empty takes the setting away.
fn change(web: &Web, call: &Call, fields: &Fields) -> Result<ConfigurationChange, Refused> {
    let (settings, tenant) = (&web.dialects().authentix, call.applet.tenant.as_str());
    let id = |name: &str| {
        Ok::<_, Refused>(fields.text(name)?.map(|id| Some(id.trim().to_owned()).filter(|id| !id.is_empty())))
    };
    let known = |id: &Option<Option<String>>, is_known: &dyn Fn(&str) -> bool, unknown: Code| {
        let is_known = id.as_ref().and_then(Option::as_deref).is_none_or(is_known);
        if is_known { Ok(()) } else { Err(unknown.refused()) }
    };
    let change = ConfigurationChange {
        name: fields.text("serviceName")?,
        code_length: fields.number("codeLength", Code::BadCodeLength)?,
        own_codes: fields.flag("allowCustomCode")?,
        payments: fields.flag("usedForDigitalPayment")?,
        life_minutes: fields.number("defaultExpiryTime", Code::BadExpiryTime)?,
        max_sends: fields.number("defaultMaxTrials", Code::BadMaxTrials)?,
        max_checks: fields.number("defaultMaxControls", Code::BadMaxControls)?,
        relay: id("smtpSettingId")?,
        email_template: id("emailTemplateId")?,
        sms_template: id("smsTemplateId")?,
    };
    known(&change.relay, &|id| settings.smtp_setting(tenant, id).is_some(), Code::UnknownSmtpSetting)?;
    known(&change.email_template, &|id| settings.email_template(tenant, id).is_some(), Code::UnknownEmailTemplate)?;
    known(&change.sms_template, &|id| settings.sms_template(tenant, id).is_some(), Code::UnknownSmsTemplate)?;
    Ok(change)
}
