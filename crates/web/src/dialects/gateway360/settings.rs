//! What an operator can set for this dialect, as the section `[dialects.gateway360]`.

use super::text::around_pin;
use countersign_engine::commands::OwnText;
use countersign_model::{CodeShape, Timestamp};
use jiff::{
    Timestamp as Instant,
    civil::DateTime,
    tz::{Disambiguation, TimeZone},
};
use serde::{Deserialize, Deserializer, de::Error as _};

/// What can be set.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a section")]
pub struct Settings {
    /// The zone of all dates: they come and go as `YYYY-MM-DD HH:MM:SS` without one.
    #[serde(deserialize_with = "zone")]
    pub time_zone: TimeZone,
    /// What a PIN's message says when the caller does not; `{PIN}` stands for the PIN.
    #[serde(deserialize_with = "text")]
    pub default_text: OwnText,
}

const FORM: &str = "%Y-%m-%d %H:%M:%S";

impl Settings {
    /// A date of this API → the moment. Where the clocks go back it is the first of the two; where they go forward and skip it,
    /// the moment as far behind the gap as it lies in it.
    pub(super) fn moment(&self, text: &str) -> Option<Timestamp> {
        let civil = DateTime::strptime(FORM, text).ok()?;
        let instant = self.time_zone.to_ambiguous_timestamp(civil).disambiguate(Disambiguation::Compatible).ok()?;
        Some(Timestamp::from_ms(instant.as_millisecond()))
    }

    /// The moment → a date of this API.
    pub(super) fn date(&self, moment: Timestamp) -> String {
        let instant = Instant::from_millisecond(moment.as_ms()).unwrap_or_default();
        instant.to_zoned(self.time_zone.clone()).strftime(FORM).to_string()
    }
}

fn text<'de, D: Deserializer<'de>>(from: D) -> Result<OwnText, D::Error> {
    let text = String::deserialize(from)?;
    around_pin(&text, CodeShape::MAX_LENGTH)
        .map_err(|_| D::Error::custom("must have {PIN} exactly once, and fit one message with a PIN of 16 characters"))
}

fn zone<'de, D: Deserializer<'de>>(from: D) -> Result<TimeZone, D::Error> {
    let name = String::deserialize(from)?;
    TimeZone::get(&name)
        .map_err(|_| D::Error::custom(format!("`{name}` is not a time zone, such as Europe/Madrid or UTC")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn madrid() -> Settings {
        serde_json::from_str(r#"{"time_zone":"Europe/Madrid","default_text":"{PIN} is it"}"#).unwrap()
    }

    #[test]
    fn dates_are_in_the_zone_in_both_directions() {
        for (date, utc_ms) in [
            // Winter: an hour ahead of UTC. Summer: two.
            ("2026-01-01 01:00:00", 1_767_225_600_000),
            ("2026-07-01 02:00:00", 1_782_864_000_000),
        ] {
            assert_eq!(madrid().moment(date), Some(Timestamp::from_ms(utc_ms)), "{date}");
            assert_eq!(madrid().date(Timestamp::from_ms(utc_ms)), date);
        }
    }

    #[test]
    fn hours_that_come_twice_or_not_at_all_have_a_moment_too() {
        // The clocks go from 2 to 3 on 2026-03-29, and from 3 to 2 on 2026-10-25.
        let shown = |date| madrid().date(madrid().moment(date).unwrap());
        assert_eq!(shown("2026-03-29 02:30:00"), "2026-03-29 03:30:00");
        let first = madrid().moment("2026-10-25 02:30:00").unwrap();
        assert_eq!(first.as_ms(), 1_792_888_200_000, "00:30 UTC, not 01:30");
    }

    #[test]
    fn what_is_no_date_is_none() {
        for bad in ["", "now", "2026-01-01", "2026-13-01 00:00:00", "2026-01-01T00:00:00", "2026-01-01 00:00:00 UTC"] {
            assert_eq!(madrid().moment(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_cannot_be_used_is_refused_with_a_reason() {
        let error = serde_json::from_str::<Settings>(r#"{"time_zone":"Europe/Madird"}"#).unwrap_err();
        assert!(error.to_string().starts_with("`Europe/Madird` is not a time zone"), "{error}");
        let error = serde_json::from_str::<Settings>(r#"{"default_text":"no PIN"}"#).unwrap_err();
        assert!(error.to_string().starts_with("must have {PIN} exactly once"), "{error}");
    }
}
