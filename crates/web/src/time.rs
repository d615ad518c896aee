//! Moments as text: RFC 3339 in UTC with three fractional digits, such as `2026-01-01T00:00:00.000Z`.

use countersign_model::Timestamp;

/// The moment as text. One that no calendar holds becomes the epoch: none can come out of our clock.
pub(crate) fn text(moment: Timestamp) -> String {
    let moment = jiff::Timestamp::from_millisecond(moment.as_ms()).unwrap_or_default();
    format!("{moment:.3}")
}

/// The same without fractional digits: `2026-01-01T00:00:00Z`.
pub(crate) fn to_the_second(moment: Timestamp) -> String {
    let moment = jiff::Timestamp::from_millisecond(moment.as_ms()).unwrap_or_default();
    let whole = jiff::Timestamp::from_second(moment.as_millisecond().div_euclid(1000)).unwrap_or_default();
    format!("{whole:.0}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_has_three_fractional_digits_and_a_z() {
        assert_eq!(text(Timestamp::from_ms(1_767_225_600_000)), "2026-01-01T00:00:00.000Z");
        assert_eq!(text(Timestamp::from_ms(1_767_225_600_120)), "2026-01-01T00:00:00.120Z");
    }

    #[test]
    fn where_fractions_are_not_wanted_they_are_cut_off() {
        assert_eq!(to_the_second(Timestamp::from_ms(1_767_225_600_999)), "2026-01-01T00:00:00Z");
    }
}
