//! Hours of the day and days of the week, in a time zone.

use crate::Timestamp;
use jiff::{Zoned, civil::Weekday, tz};
use serde::{Deserialize, Deserializer, de::Error as _};
use std::{fmt, str::FromStr};

/// A part of the day: `08:00-22:00`, or `22:00-08:00` for the night. Its end is no longer part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hours {
    from_minute: u16,
    until_minute: u16,
}

impl Hours {
    /// Whether a minute of the day, counted from midnight, is in it.
    const fn contains(self, minute: u16) -> bool {
        if self.from_minute < self.until_minute {
            self.from_minute <= minute && minute < self.until_minute
        } else {
            self.from_minute <= minute || minute < self.until_minute
        }
    }
}

impl FromStr for Hours {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = text.split_once('-').and_then(|(from, until)| Some((minute(from)?, minute(until)?)));
        match parsed {
            Some((from_minute, until_minute)) if from_minute != until_minute => Ok(Self { from_minute, until_minute }),
            Some(_) | None => Err(format!("`{text}` is no part of a day, such as 08:00-22:00 or 22:00-08:00")),
        }
    }
}

/// `08:30` is 510; `24:00` is the end of the day.
fn minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.trim().split_once(':')?;
    let number = |text: &str| if text.len() == 2 { text.parse::<u16>().ok() } else { None };
    let (hour, minute) = (number(hour)?, number(minute)?);
    (hour < 24 && minute < 60 || hour == 24 && minute == 0).then_some((hour * 60 + minute) % (24 * 60))
}

impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (from, until) = (self.from_minute, self.until_minute);
        write!(f, "{:02}:{:02}-{:02}:{:02}", from / 60, from % 60, until / 60, until % 60)
    }
}

impl<'de> Deserialize<'de> for Hours {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Day {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

impl Day {
    const fn of(weekday: Weekday) -> Self {
        match weekday {
            Weekday::Monday => Self::Mon,
            Weekday::Tuesday => Self::Tue,
            Weekday::Wednesday => Self::Wed,
            Weekday::Thursday => Self::Thu,
            Weekday::Friday => Self::Fri,
            Weekday::Saturday => Self::Sat,
            Weekday::Sunday => Self::Sun,
        }
    }
}

/// A time zone by its name in the IANA database: `Europe/Madrid`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeZone(tz::TimeZone);

impl Default for TimeZone {
    fn default() -> Self {
        Self(tz::TimeZone::UTC)
    }
}

impl TimeZone {
    fn local(&self, moment: Timestamp) -> Zoned {
        jiff::Timestamp::from_millisecond(moment.as_ms()).unwrap_or_default().to_zoned(self.0.clone())
    }

    /// A moment there, for people: `Mon 14:05 in Europe/Madrid`.
    #[must_use]
    pub fn shown(&self, moment: Timestamp) -> String {
        let name = self.0.iana_name().unwrap_or("UTC");
        format!("{} in {name}", self.local(moment).strftime("%a %H:%M"))
    }
}

impl<'de> Deserialize<'de> for TimeZone {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let name = String::deserialize(from)?;
        let unknown = |_| D::Error::custom(format!("`{name}` is not a time zone, such as Europe/Madrid or UTC"));
        tz::TimeZone::get(&name).map(Self).map_err(unknown)
    }
}

/// Whether a moment is within these hours and on one of these days, there. None and an empty list mean: always.
#[must_use]
pub fn is_within(hours: Option<Hours>, days: &[Day], zone: &TimeZone, moment: Timestamp) -> bool {
    if hours.is_none() && days.is_empty() {
        return true;
    }
    let local = zone.local(moment);
    let minute = u16::try_from(i32::from(local.hour()) * 60 + i32::from(local.minute())).unwrap_or(0);
    hours.is_none_or(|hours| hours.contains(minute)) && (days.is_empty() || days.contains(&Day::of(local.weekday())))
}

/// A moment in UTC, for people: `2026-01-01T00:00:00Z`.
#[must_use]
pub fn utc(moment: Timestamp) -> String {
    let moment = jiff::Timestamp::from_millisecond(moment.as_ms()).unwrap_or_default();
    jiff::Timestamp::from_second(moment.as_second()).unwrap_or_default().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Thursday, 2026-01-01T00:00:00Z, and so many hours more.
    fn hour(hours: i64) -> Timestamp {
        Timestamp::from_ms(1_767_225_600_000 + hours * 3_600_000)
    }

    fn within(hours: &str, zone: &TimeZone, moment: Timestamp) -> bool {
        is_within(Some(hours.parse().unwrap()), &[], zone, moment)
    }

    fn madrid() -> TimeZone {
        TimeZone(tz::TimeZone::get("Europe/Madrid").unwrap())
    }

    #[test]
    fn a_day_and_a_night_share_no_minute() {
        for minute in 0..24 * 60 {
            let inside = |text: &str| text.parse::<Hours>().unwrap().contains(minute);
            assert_ne!(inside("08:00-22:00"), inside("22:00-08:00"), "{minute}");
        }
    }

    #[test]
    fn hours_are_those_of_the_zone_and_so_are_days() {
        assert!(within("01:00-02:00", &madrid(), hour(0)), "it is one o'clock in Madrid");
        assert!(!within("01:00-02:00", &TimeZone::default(), hour(0)));
        assert!(is_within(None, &[Day::Fri], &madrid(), hour(23)), "Friday has begun there");
        assert!(!is_within(None, &[Day::Fri], &TimeZone::default(), hour(23)));
        assert_eq!(madrid().shown(hour(23)), "Fri 00:00 in Europe/Madrid");
    }

    #[test]
    fn the_end_of_the_day_can_be_written_and_nonsense_cannot() {
        assert!(within("20:00-24:00", &TimeZone::default(), hour(23)));
        assert!(!within("20:00-24:00", &TimeZone::default(), hour(24)));
        for bad in ["", "8-22", "08:00", "08:00-08:00", "25:00-26:00", "08:60-09:00", "08:00–22:00"] {
            assert!(bad.parse::<Hours>().is_err(), "{bad}");
        }
    }
}
