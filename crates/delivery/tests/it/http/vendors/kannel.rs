//! Kannel's smsbox, sendsms; the real one is in `kannel.rs` of the folder above.

use crate::http::{
    bench::secret,
    simulator::{Call, Reply, Report, Request, Sms, Vendor},
};
use axum::http::Method;
use std::collections::BTreeMap;

pub static SIMULATED: Kannel = Kannel;
pub struct Kannel;

/// What its `dlr-url` must end with for the settings to know a report's kind.
const REPORT: &str = "?status=%d";

impl Kannel {
    fn message(mut query: BTreeMap<String, String>) -> Option<Sms> {
        let unicode = match query.remove("coding")?.as_str() {
            "0" => false,
            "2" => true,
            _ => return None,
        };
        let link = query.remove("dlr-url");
        let (mask, charset) = (query.remove("dlr-mask"), query.remove("charset")?);
        let sms = Sms {
            to: query.remove("to").filter(|to| to.starts_with('+'))?,
            from: query.remove("from"),
            text: query.remove("text")?,
            unicode: Some(unicode),
            link: link.map(|link| link.strip_suffix(REPORT).unwrap().to_owned()),
        };
        let asks_for_final_reports = mask == sms.link.is_some().then(|| "19".to_owned());
        (query.is_empty() && charset == "UTF-8" && asks_for_final_reports).then_some(sms)
    }
}

impl Vendor for Kannel {
    fn name(&self) -> &'static str {
        "kannel"
    }

    fn read(&self, request: &Request) -> Result<Sms, Reply> {
        if request.method != Method::GET || request.path != "/cgi-bin/sendsms" {
            return Err(Reply::text(404, "Unknown request."));
        }
        let mut query = request.query.clone();
        let (username, password) = (query.remove("username"), query.remove("password"));
        if username.as_deref() != Some("countersign") || password != Some(secret("kannel")) {
            return Err(Reply::text(403, "Authorization failed for sendsms"));
        }
        Self::message(query).ok_or_else(|| Reply::text(400, "Missing receiver number, rejected"))
    }

    fn accepts(&self) -> Reply {
        Reply::text(202, "0: Accepted for delivery")
    }

    /// Its answer names no reference.
    fn reference(&self) -> Option<&'static str> {
        None
    }

    fn refuses(&self, to: &str) -> Reply {
        Reply::text(400, &format!("Number(s) has/have been denied by white- and/or black-lists. {to}"))
    }

    fn throttles(&self) -> Reply {
        Reply::text(503, "Temporal failure, try again later.")
    }

    fn reports(&self, link: &str, what: Report) -> Call {
        let url = format!("{link}?status={}", what.pick("1", "2", "8"));
        Call { method: Method::GET, url, headers: vec![], body: String::new(), by_link: true }
    }

    fn forges(&self, report: Call) -> Call {
        Call { by_link: false, ..report }
    }
}
