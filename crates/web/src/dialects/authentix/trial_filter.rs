//! Which trials a query means. All filters hold together; one that nothing can match is no error.

use super::{call::Call, error::Refused, fields::Fields, ids, start::address};
use countersign_engine::queries::TrialFilter;
use countersign_model::{Address, Channel, Timestamp};
use jiff::{civil::Date, tz::TimeZone};

/// What is looked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    /// What the rows must be like.
    pub filter: TrialFilter,
    /// Where they went.
    pub to: Option<Address>,
}

const DAY_MS: i64 = 86_400_000;
const NANOS_A_MS: i128 = 1_000_000;

impl Wanted {
    /// Of a query. None: what is asked for cannot exist.
    ///
    /// # Errors
    /// When a value makes no sense.
    pub(super) fn of(call: &Call) -> Result<Option<Self>, Refused> {
        Self::read(&call.query)
    }

    fn read(query: &Fields) -> Result<Option<Self>, Refused> {
        let successful = match query.filled("trialStatus")?.as_deref() {
            None => None,
            Some("successful") => Some(true),
            Some("unsuccessful") => Some(false),
            Some(_) => return Err(Refused::bad("trialStatus", "be successful or unsuccessful")),
        };
        let channel = match query.filled("channel")?.as_deref() {
            None => None,
            Some("sms") => Some(Channel::Sms),
            Some("email") => Some(Channel::Email),
            Some(_) => return Err(Refused::bad("channel", "be sms or email")),
        };
        let (country, span) = (country(query)?, Span::of(query)?);
        let [dest, service, verification] =
            ["dest", "configurationId", "authenticationId"].map(|name| query.filled(name));
        let (dest, service, verification) = (dest?, service?, verification?);
        let keys = || {
            let verification = known(verification.as_deref(), ids::read_authentication)?;
            Some((known(dest.as_deref(), address)?, known(service.as_deref(), ids::read_configuration)?, verification))
        };
        let Some((Known(to), Known(service), Known(verification))) = keys() else { return Ok(None) };
        let filter = TrialFilter {
            service,
            verification,
            to: None,
            channel,
            country,
            successful,
            from: span.from,
            until: span.until,
        };
        Ok(Some(Self { filter, to }))
    }
}

/// A key to look for, if one is wanted.
struct Known<T>(Option<T>);

/// None if what is wanted is something that nothing here has.
fn known<T>(wanted: Option<&str>, read: impl FnOnce(&str) -> Option<T>) -> Option<Known<T>> {
    match wanted {
        None => Some(Known(None)),
        Some(text) => read(text.trim()).map(|key| Known(Some(key))),
    }
}

fn country(query: &Fields) -> Result<Option<String>, Refused> {
    let Some(country) = query.filled("country")? else { return Ok(None) };
    let country = country.trim().to_ascii_uppercase();
    let is_alpha_2 = country.len() == 2 && country.bytes().all(|byte| byte.is_ascii_uppercase());
    if is_alpha_2 { Ok(Some(country)) } else { Err(Refused::bad("country", "be an ISO 3166-1 alpha-2 code")) }
}

/// From this moment on, and before that one.
#[derive(Debug, Default, PartialEq, Eq)]
struct Span {
    from: Option<Timestamp>,
    until: Option<Timestamp>,
}

impl Span {
    /// `sentAt` is the whole day (UTC) of its moment; `sentAfter` and `sentBefore` leave their own moment out.
    fn of(query: &Fields) -> Result<Self, Refused> {
        let mut span = Self::default();
        if let Some(nanos) = moment(query, "sentAt")? {
            let ms = i64::try_from(nanos.div_euclid(NANOS_A_MS)).unwrap_or(i64::MAX);
            let day = ms.div_euclid(DAY_MS).saturating_mul(DAY_MS);
            span = Self {
                from: Some(Timestamp::from_ms(day)),
                until: Some(Timestamp::from_ms(day.saturating_add(DAY_MS))),
            };
        }
        if let Some(nanos) = moment(query, "sentAfter")? {
            let first = Timestamp::from_ms(i64::try_from(nanos.div_euclid(NANOS_A_MS) + 1).unwrap_or(i64::MAX));
            span.from = Some(span.from.map_or(first, |from| from.max(first)));
        }
        if let Some(nanos) = moment(query, "sentBefore")? {
            let end = (nanos + NANOS_A_MS - 1).div_euclid(NANOS_A_MS);
            let end = Timestamp::from_ms(i64::try_from(end).unwrap_or(i64::MAX));
            span.until = Some(span.until.map_or(end, |until| until.min(end)));
        }
        Ok(span)
    }
}

/// A moment in nanoseconds: RFC 3339 with any zone, or a bare date, which is its first moment in UTC.
fn moment(query: &Fields, name: &str) -> Result<Option<i128>, Refused> {
    let Some(text) = query.filled(name)? else { return Ok(None) };
    // A plus sign that nobody has encoded has become a blank.
    let text = text.trim().replace(' ', "+");
    let of_date = || Some(text.parse::<Date>().ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp());
    let is_bare_date = text.len() == "2026-01-01".len();
    let found = if is_bare_date { of_date() } else { text.parse::<jiff::Timestamp>().ok() };
    let found = found.ok_or_else(|| Refused::bad(name, "be a moment, such as 2026-01-01T00:00:00Z, or a date"))?;
    Ok(Some(found.as_nanosecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(query: &str) -> Result<Option<Wanted>, Refused> {
        Wanted::read(&Fields::of_form(query.as_bytes()))
    }

    fn span(query: &str) -> (Option<i64>, Option<i64>) {
        let filter = wanted(query).unwrap().unwrap().filter;
        (filter.from.map(Timestamp::as_ms), filter.until.map(Timestamp::as_ms))
    }

    #[test]
    fn moments_are_compared_as_such_whatever_their_zone() {
        let noon = 1_672_657_200_000;
        for text in [
            "2023-01-02T11:00:00Z",
            "2023-01-02T12:00:00%2B01:00",
            "2023-01-02T12:00:00+01:00",
            "2023-01-02T10:00:00.000-01:00",
        ] {
            assert_eq!(span(&format!("sentAfter={text}")), (Some(noon + 1), None), "{text}");
            assert_eq!(span(&format!("sentBefore={text}")), (None, Some(noon)), "{text}");
        }
        assert_eq!(span("sentAfter=2023-01-02T11:00:00.0005Z"), (Some(noon + 1), None));
        assert_eq!(span("sentBefore=2023-01-02T11:00:00.0005Z"), (None, Some(noon + 1)));
    }

    #[test]
    fn a_day_is_a_day_of_utc_and_the_narrower_border_counts() {
        let day = 1_672_617_600_000;
        for text in ["2023-01-02", "2023-01-02T23:59:59Z", "2023-01-03T00:30:00%2B01:00"] {
            assert_eq!(span(&format!("sentAt={text}")), (Some(day), Some(day + DAY_MS)), "{text}");
        }
        assert_eq!(span("sentAt=2023-01-02&sentAfter=2023-01-01&sentBefore=2023-01-02"), (Some(day), Some(day)));
        assert_eq!(span("sentAt=&sentAfter="), (None, None));
    }

    #[test]
    fn what_makes_no_sense_is_refused_and_what_nothing_matches_is_not() {
        for bad in [
            "sentAt=yesterday",
            "sentAfter=2023-13-01",
            "sentBefore=12",
            "trialStatus=passed",
            "channel=voice",
            "country=CMR",
            "country=1A",
        ] {
            assert!(wanted(bad).is_err(), "{bad}");
        }
        for nothing in ["configurationId=CIDnope", "authenticationId=x", "dest=0671234567"] {
            assert_eq!(wanted(nothing), Ok(None), "{nothing}");
        }
        let found = wanted("country=cm&channel=sms&trialStatus=successful&dest=%2B237671234567").unwrap().unwrap();
        assert_eq!((found.filter.country.as_deref(), found.filter.successful), (Some("CM"), Some(true)));
        assert_eq!(found.to.map(|to| to.as_str().to_owned()), Some("+237671234567".to_owned()));
    }
}
