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
    }
}
