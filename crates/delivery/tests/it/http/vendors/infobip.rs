//! Infobip SMS API, version 3.

use crate::http::{
    bench::{message, secret},
    simulator::{Call, Fields, ID, Reply, Report, Request, Sms, Vendor},
};
use axum::http::Method;
use serde_json::{Value, json};

pub static SIMULATED: Infobip = Infobip;
pub struct Infobip;

fn error(status: u16, code: &str, description: &str) -> Reply {
    let body = json!({"errorCode": code, "description": description, "action": "Check the syntax.", "violations": [],
        "resources": []});
    Reply::json(status, &body)
}

fn only<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    let list = value.get(name)?.as_array()?;
    (list.len() == 1).then(|| list.first())?
}

impl Infobip {
    fn message(body: &Value) -> Option<Sms> {
        let mut all = Fields::of(body)?;
        all.take("messages")?;
        all.nothing_left()?;
        let mut fields = Fields::of(only(body, "messages")?)?;
        let destinations = fields.take("destinations")?;
        let mut destination = Fields::of(only(&json!({"all": destinations}), "all")?)?;
        destination.is("messageId", &message().id.to_string())?;
        let to = destination.text("to").filter(|to| to.bytes().all(|byte| byte.is_ascii_digit()))?;
        let mut content = Fields::of(&fields.take("content")?)?;
        let link = match fields.take("webhooks") {
            None => None,
            Some(webhooks) => Some(webhooks.pointer("/delivery/url")?.as_str()?.to_owned()),
        };
        let (from, text) = (fields.text("sender"), content.text("text")?);
        fields.nothing_left()?;
        Some(Sms { to: format!("+{to}"), from, text, unicode: None, link })
    }

    fn status(group: (u8, &str), name: &str) -> Value {
        json!({"groupId": group.0, "groupName": group.1, "id": 26, "name": name, "description": "…"})
    }
}

impl Vendor for Infobip {
    fn name(&self) -> &'static str {
        "infobip"
    }

    fn read(&self, request: &Request) -> Result<Sms, Reply> {
        if request.method != Method::POST || request.path != "/sms/3/messages" {
            return Err(error(404, "E404", "Requested URL not found"));
        }
        if request.header("authorization") != format!("App {}", secret("infobip")) {
            return Err(error(401, "E401", "The request lacks valid authentication credentials."));
        }
        let message = request.json().and_then(|body| Self::message(&body));
        message.ok_or_else(|| error(400, "E400", "Request cannot be processed."))
    }

    fn accepts(&self) -> Reply {
        let status = Self::status((1, "PENDING"), "PENDING_ACCEPTED");
        let message =
            json!({"messageId": ID, "status": status, "destination": "34666666111", "details": {"messageCount": 1}});
        Reply::json(200, &json!({"bulkId": "2034072219640523072", "messages": [message]}))
    }

    fn refuses(&self, to: &str) -> Reply {
        let status = Self::status((5, "REJECTED"), "REJECTED_DESTINATION");
        Reply::json(200, &json!({"messages": [{"messageId": ID, "status": status, "destination": to}]}))
    }

    fn throttles(&self) -> Reply {
        error(429, "E429", "Too many requests")
    }

    /// Two reports in one call are usual.
    fn reports(&self, link: &str, what: Report) -> Call {
        let group = what.pick((3, "DELIVERED"), (2, "UNDELIVERABLE"), (1, "PENDING"));
        let report = |group| {
            json!({"bulkId": "1", "messageId": ID, "to": "34666666111", "sentAt": "2026-01-01T12:00:00.000+0000",
            "status": Self::status(group, "…"), "error": {"groupId": 0, "name": "NO_ERROR", "permanent": false}})
        };
        let body = json!({"results": [report((1, "PENDING")), report(group)]});
        Call {
            method: Method::POST,
            url: link.to_owned(),
            headers: vec![("content-type", "application/json".to_owned())],
            body: body.to_string(),
            by_link: true,
        }
    }

    fn forges(&self, report: Call) -> Call {
        Call { by_link: false, ..report }
    }
}
