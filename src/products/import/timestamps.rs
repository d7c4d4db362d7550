//! Times as files give them, as the catalogue keeps them.

use time::format_description::BorrowedFormatItem;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, OffsetDateTime, UtcOffset};

const KEPT: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
const DATE: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]");

/// A time that is not one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a time; write it like 2026-11-24T16:40:32Z (RFC 3339)")]
pub struct TimestampError;

/// Reads an RFC 3339 time and writes it in UTC with milliseconds, `2026-11-24T16:40:32.000Z`. Finer
/// fractions are cut off.
pub fn normalize(text: &str) -> Result<String, TimestampError> {
    let time = OffsetDateTime::parse(text.trim(), &Rfc3339).map_err(|_| TimestampError)?;
    let utc = time
        .checked_to_offset(UtcOffset::UTC)
        .ok_or(TimestampError)?;
    if !(0..=9999).contains(&utc.year()) {
        return Err(TimestampError);
    }
    utc.format(KEPT).map_err(|_| TimestampError)
}

/// Like [`normalize`], and reads a date alone as its first moment in UTC.
pub fn normalize_lenient(text: &str) -> Result<String, TimestampError> {
    match Date::parse(text.trim(), DATE) {
        Ok(date) => date
            .midnight()
            .assume_utc()
            .format(KEPT)
            .map_err(|_| TimestampError),
        Err(_) => normalize(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_become_utc_with_milliseconds() {
        for (text, expected) in [
            ("2026-11-24T16:40:32Z", "2026-11-24T16:40:32.000Z"),
            (
                " 2026-11-24t17:40:32.1239+01:00 ",
                "2026-11-24T16:40:32.123Z",
            ),
            ("2024-02-29T00:00:00.5-00:30", "2024-02-29T00:30:00.500Z"),
        ] {
            assert_eq!(normalize(text).as_deref(), Ok(expected));
        }
        assert_eq!(
            normalize_lenient("2009-12-10").as_deref(),
            Ok("2009-12-10T00:00:00.000Z")
        );
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "yesterday",
            "2026-11-24",
            "2026-02-30T00:00:00Z",
            "2026-11-24T16:40:32",
            "2026-11-24 16:40",
            "9999-12-31T23:59:59-01:00",
            "0000-01-01T00:00:00+01:00",
            "1764002432",
        ] {
            assert_eq!(normalize(text), Err(TimestampError), "{text}");
        }
    }
}
