//! Times of the queue, for people.

use std::time::Duration;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::config::format_duration;

/// Milliseconds since 1970 as RFC 3339 in UTC.
pub(super) fn shown(millis: i64) -> String {
    let time = OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000).ok();
    time.and_then(|time| time.format(&Rfc3339).ok())
        .unwrap_or_else(|| millis.to_string())
}

/// A time that may not have come.
pub(super) fn shown_or(millis: Option<i64>, word: &str) -> String {
    millis.map_or_else(|| word.to_owned(), shown)
}

/// A span, in its largest unit, rounded down.
pub(super) fn span(millis: u64) -> String {
    const UNITS: [u64; 4] = [86_400_000, 3_600_000, 60_000, 1_000];
    let unit = UNITS.into_iter().find(|unit| millis >= *unit).unwrap_or(1);
    format_duration(Duration::from_millis(millis - millis % unit))
}

/// A time that was measured, in one unit: the bounds of its buckets have two digits.
pub(super) fn brief(time: Duration) -> String {
    match time.as_micros() {
        micros @ 0..1_000 => format!("{micros}µs"),
        micros @ 1_000..1_000_000 if micros % 1_000 == 0 => format!("{}ms", micros / 1_000),
        micros @ 1_000..1_000_000 => format!("{}.{}ms", micros / 1_000, micros % 1_000 / 100),
        micros if micros % 1_000_000 == 0 => format!("{}s", micros / 1_000_000),
        micros => format!("{}.{}s", micros / 1_000_000, micros % 1_000_000 / 100_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_as_everywhere() {
        assert_eq!(shown(1_764_374_400_000), "2025-11-29T00:00:00Z");
        assert_eq!(shown_or(None, "-"), "-");
        for (millis, expected) in [(0, "0"), (999, "999ms"), (61_500, "1m"), (90_000_000, "1d")] {
            assert_eq!(span(millis), expected);
        }
        for (micros, expected) in [
            (150, "150µs"),
            (1_500, "1.5ms"),
            (70_000, "70ms"),
            (1_500_000, "1.5s"),
            (700_000_000, "700s"),
        ] {
            assert_eq!(brief(Duration::from_micros(micros)), expected);
        }
    }
}
