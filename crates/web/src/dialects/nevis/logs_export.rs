//! `GET /api/v1/logs/export`: what was done to users and by them, as CSV, the newest first.

use super::{auth::Asker, error::Refused, params::Query};
use crate::{Web, time};
use axum::{
    extract::State,
    http::{Uri, header::CONTENT_TYPE},
    response::{IntoResponse as _, Response},
};
use countersign_engine::queries::{ActivityQuery, ActivityRecord};
use countersign_model::{Activity, ActivityKind, Actor, FactorPurpose, KeyId, Means, Timestamp, VerificationId};
use jiff::{Span, Timestamp as Instant, civil::Date, tz::TimeZone};

const COLUMNS: [&str; 11] = [
    "timestamp",
    "eventType",
    "status",
    "category",
    "channel",
    "actorType",
    "actorId",
    "userId",
    "username",
    "transactionId",
    "message",
];
const DEFAULT_TIMESPAN: &str = "P30D";
const SHORTEST_FILTER: usize = 2;

pub(super) async fn export(State(web): State<Web>, asker: Asker, uri: Uri) -> Result<Response, Refused> {
    let caller = asker.with_key()?;
    let (engine, now) = (web.engine(), web.engine().now());
    let wanted = Wanted::of(&Query::of(&uri)?, now)?;
    let query = ActivityQuery {
        from: wanted.from,
        until: wanted.until,
        kinds: wanted.kinds(),
        most: web.dialects().nevis.export_records,
    };
    let found = engine.activities(&caller, &query, |record| wanted.takes(&Line::of(record))).await;
    let found = found.map_err(|error| Refused::of(&error, now))?;
    let lines: Vec<Line> = found.iter().map(Line::of).collect();
    Ok(([(CONTENT_TYPE, "text/csv; charset=utf-8")], csv_of(&lines)?).into_response())
}

fn csv_of(lines: &[Line]) -> Result<Vec<u8>, Refused> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let written =
        writer.write_record(COLUMNS).and_then(|()| lines.iter().try_for_each(|line| writer.write_record(&line.0)));
    let failed = |error: String| {
        Refused::of(
            &countersign_engine::Error::Internal(format!("a log cannot be written: {error}")),
            Timestamp::from_ms(0),
        )
    };
    written.map_err(|error| failed(error.to_string()))?;
    writer.into_inner().map_err(|error| failed(error.to_string()))
}

/// One record, column by column.
struct Line([String; 11]);

impl Line {
    fn of(ActivityRecord { activity, name }: &ActivityRecord) -> Self {
        let (actor_type, actor_id) = match activity.actor {
            Actor::Application(key) => ("api", key.map(KeyId::to_uuid)),
            Actor::Operator => ("admin", None),
        };
        Self([
            time::to_the_second(activity.at),
            event_type(activity.kind).to_owned(),
            status(activity.kind).to_owned(),
            category(activity).to_owned(),
            channel(activity.means).to_owned(),
            actor_type.to_owned(),
            actor_id.unwrap_or_default(),
            activity.user.to_uuid(),
            name.clone().unwrap_or_default(),
            activity.verification.map(VerificationId::to_uuid).unwrap_or_default(),
            message(activity.kind).to_owned(),
        ])
    }

    fn column(&self, name: &str) -> &str {
        let place = COLUMNS.iter().position(|column| *column == name);
        place.and_then(|place| self.0.get(place)).map_or("", String::as_str)
    }
}

/// Which records are asked for.
struct Wanted {
    from: Timestamp,
    until: Timestamp,
    filter: Option<String>,
    columns: Vec<(&'static str, String)>,
}

impl Wanted {
    fn of(query: &Query, now: Timestamp) -> Result<Self, Refused> {
        let (from, until) = period(query, now)?;
        let filter = query.get("filter").map(str::to_lowercase);
        if filter.as_ref().is_some_and(|filter| filter.chars().count() < SHORTEST_FILTER) {
            return Err(Refused::query("filter", "have at least 2 characters"));
        }
        let known: [(&'static str, &[&str]); 4] = [
            ("status", &["succeeded", "failed"]),
            ("category", &["registration", "authentication", "management", "none"]),
            ("channel", &["app", "push", "fido2", "sms", "recovery", "unknown"]),
            ("actorType", &["api", "admin", "user", "app", "unknown"]),
        ];
        let mut columns = Vec::new();
        for (name, values) in known {
            let Some(value) = query.get(name) else { continue };
            if !values.contains(&value) {
                return Err(Refused::query(name, &format!("be one of {}", values.join(", "))));
            }
            columns.push((name, value.to_owned()));
        }
        Ok(Self { from, until, filter, columns })
    }

    /// The kinds of activity that can have the wanted status: the store leaves out the others.
    fn kinds(&self) -> Vec<ActivityKind> {
        let wanted = self.columns.iter().find(|(name, _)| *name == "status").map(|(_, value)| value.as_str());
        ActivityKind::ALL.into_iter().filter(|kind| wanted.is_none_or(|wanted| status(*kind) == wanted)).collect()
    }

    fn takes(&self, line: &Line) -> bool {
        let has = |filter: &String| line.0.iter().any(|column| column.to_lowercase().contains(filter));
        self.columns.iter().all(|(name, value)| line.column(name) == value) && self.filter.as_ref().is_none_or(has)
    }
}

/// From when on and until when, the end not included.
fn period(query: &Query, now: Timestamp) -> Result<(Timestamp, Timestamp), Refused> {
    let date = |name: &'static str| {
        let wrong = || Refused::query(name, "be a date of ISO 8601 in UTC, such as 2026-01-31T12:00:00Z");
        query.get(name).map(|text| moment(text).ok_or_else(wrong)).transpose()
    };
    let (from, until) = (date("fromDate")?, date("toDate")?);
    let after_now = now.plus_seconds(1);
    if from.is_none() && until.is_none() {
        let wrong = || Refused::query("timespan", "be a duration of ISO 8601, such as P30D");
        let span = query.get("timespan").unwrap_or(DEFAULT_TIMESPAN);
        return Ok((before(now, span).ok_or_else(wrong)?, after_now));
    }
    if query.get("timespan").is_some() {
        return Err(Refused::query("timespan", "not be given together with fromDate or toDate"));
    }
    let (from, until) = (from.unwrap_or(Timestamp::from_ms(0)), until.map_or(after_now, |until| until.plus_seconds(1)));
    if from >= until {
        return Err(Refused::query("fromDate", "not be after toDate"));
    }
    Ok((from, until))
}

/// A moment, or the beginning of a day, of UTC.
fn moment(text: &str) -> Option<Timestamp> {
    let day = || text.parse::<Date>().ok()?.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
    let is_moment = text.contains(['T', 't']);
    let instant = if is_moment { text.parse::<Instant>().ok() } else { day() };
    instant.map(|instant| Timestamp::from_ms(instant.as_millisecond()))
}

/// So long before a moment.
fn before(now: Timestamp, span: &str) -> Option<Timestamp> {
    let span: Span = span.parse().ok()?;
    let now = Instant::from_millisecond(now.as_ms()).ok()?.to_zoned(TimeZone::UTC);
    let then = now.checked_sub(span).ok()?;
    (span.is_positive()).then(|| Timestamp::from_ms(then.timestamp().as_millisecond()))
}

const fn status(kind: ActivityKind) -> &'static str {
    if kind.is_failure() { "failed" } else { "succeeded" }
}

fn category(activity: &Activity) -> &'static str {
    match activity.kind {
        ActivityKind::EnrolmentStarted
        | ActivityKind::Enrolled
        | ActivityKind::EnrolmentFailed
        | ActivityKind::RecoveryCodesMade => "registration",
        ActivityKind::ProofStarted | ActivityKind::Proved | ActivityKind::ProofFailed => "authentication",
        ActivityKind::CodeRejected | ActivityKind::CodeNotSent => match activity.purpose {
            Some(FactorPurpose::Enrol) => "registration",
            Some(FactorPurpose::Prove) | None => "authentication",
        },
        ActivityKind::UserCreated
        | ActivityKind::UserDeleted
        | ActivityKind::UserBlocked
        | ActivityKind::UserReleased
        | ActivityKind::FactorRenamed
        | ActivityKind::FactorDeleted => "management",
    }
}

const fn channel(means: Option<Means>) -> &'static str {
    match means {
        Some(Means::Sms) => "sms",
        Some(Means::RecoveryCodes) => "recovery",
        Some(Means::Voice | Means::Email | Means::Whatsapp | Means::Telegram | Means::Totp | Means::Push) | None => {
            "unknown"
        }
    }
}

const fn event_type(kind: ActivityKind) -> &'static str {
    match kind {
        ActivityKind::UserCreated => "user_created",
        ActivityKind::UserDeleted => "user_deleted",
        ActivityKind::UserBlocked => "user_blocked",
        ActivityKind::UserReleased => "user_unblocked",
        ActivityKind::EnrolmentStarted => "enrollment_started",
        ActivityKind::Enrolled => "enrollment_succeeded",
        ActivityKind::EnrolmentFailed => "enrollment_failed",
        ActivityKind::ProofStarted => "approval_started",
        ActivityKind::Proved => "approval_succeeded",
        ActivityKind::ProofFailed => "approval_failed",
        ActivityKind::CodeRejected => "code_rejected",
        ActivityKind::CodeNotSent => "sms_delivery_failed",
        ActivityKind::RecoveryCodesMade => "recovery_codes_created",
        ActivityKind::FactorRenamed => "authenticator_renamed",
        ActivityKind::FactorDeleted => "authenticator_deleted",
    }
}

const fn message(kind: ActivityKind) -> &'static str {
    match kind {
        ActivityKind::UserCreated => "The user was created.",
        ActivityKind::UserDeleted => "The user was deleted, with its authenticators.",
        ActivityKind::UserBlocked => "The user was blocked by rate limiting.",
        ActivityKind::UserReleased => "The user was unblocked.",
        ActivityKind::EnrolmentStarted => "A code was sent to enrol an authenticator.",
        ActivityKind::Enrolled => "The authenticator was enrolled.",
        ActivityKind::EnrolmentFailed => "The authenticator was not enrolled: too many wrong codes.",
        ActivityKind::ProofStarted => "A code was sent to approve.",
        ActivityKind::Proved => "The user has approved.",
        ActivityKind::ProofFailed => "The user has not approved: too many wrong codes, or one that came too late.",
        ActivityKind::CodeRejected => "A wrong code was entered.",
        ActivityKind::CodeNotSent => "The SMS gateway did not take the message.",
        ActivityKind::RecoveryCodesMade => "Recovery codes were created.",
        ActivityKind::FactorRenamed => "The authenticator was renamed.",
        ActivityKind::FactorDeleted => "The authenticator was deleted.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        moment(text).unwrap()
    }

    #[test]
    fn moments_and_days_are_of_utc() {
        assert_eq!(at("2026-01-01"), Timestamp::from_ms(1_767_225_600_000));
        assert_eq!(at("2026-01-01T01:00:00+01:00"), at("2026-01-01T00:00:00Z"));
        for bad in ["", "now", "2026-13-01", "2026-01-01T00:00:00", "01.01.2026", "P30D"] {
            assert_eq!(moment(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_timespan_goes_back_from_now() {
        let now = at("2026-03-31T12:00:00Z");
        assert_eq!(before(now, "P30D"), Some(at("2026-03-01T12:00:00Z")));
        assert_eq!(before(now, "PT1H30M"), Some(at("2026-03-31T10:30:00Z")));
        assert_eq!(before(now, "P1M"), Some(at("2026-02-28T12:00:00Z")));
        for bad in ["", "30D", "-P1D", "PT0S", "P99999Y", "x"] {
            assert_eq!(before(now, bad), None, "{bad}");
        }
    }
}
