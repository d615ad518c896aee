//! The body of a delivery report: an array of one object for each message, as `report_url` gets it.

use super::Settings;
use crate::dialects;
use countersign_engine::reports::{DeliveryReport, ReportFormat, ReportStatus};
use serde::Serialize;
use std::sync::Arc;

/// One report. The order of the members is the vendor's.
#[derive(Serialize)]
struct Report<'a> {
    sms_id: String,
    from: &'a str,
    to: &'a str,
    custom: &'a str,
    sms_date: String,
    status: &'static str,
    dlr_date: String,
}

/// How reports are written, with these settings.
pub(super) fn format(settings: &dialects::Settings) -> ReportFormat {
    let settings = settings.gateway360.clone();
    Arc::new(move |reports| {
        let reports: Vec<Report<'_>> = reports.iter().map(|report| Report::of(report, &settings)).collect();
        // Plain texts always become JSON.
        serde_json::to_vec(&reports).unwrap_or_default()
    })
}

impl<'a> Report<'a> {
    fn of(report: &'a DeliveryReport, settings: &Settings) -> Self {
        Self {
            sms_id: super::sms_id(report.message),
            from: report.from.as_deref().unwrap_or_default(),
            to: report.to.as_str().trim_start_matches('+'),
            custom: &report.custom,
            sms_date: settings.date(report.sent_at),
            status: status(report.status),
            dlr_date: settings.date(report.settled_at),
        }
    }
}

/// The vendor knows two more, `ACCEPTD` and `UNKNOWN`, for what is not settled yet; those are not reported.
const fn status(status: ReportStatus) -> &'static str {
    match status {
        ReportStatus::Delivered => "DELIVRD",
        ReportStatus::Undelivered => "UNDELIV",
        ReportStatus::Refused => "REJECTD",
        ReportStatus::Expired => "EXPIRED",
        ReportStatus::Deleted => "DELETED",
    }
}
