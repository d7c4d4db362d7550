//! Durations (`250ms`, `5s`, `10m`, `1h`, `7d`) and sizes (`512B`, `64KiB`, `256MiB`, `2GiB`): a whole
//! number and one unit. `0` needs none.

use std::fmt;
use std::time::Duration;

use super::value::Value;

/// The longest duration accepted. Longer ones are typing errors, and timers far above it overflow.
pub const MAX_DURATION: Duration = Duration::from_hours(365 * 24);

/// Smallest first, so that `format` finds the largest from the back.
const DURATION_UNITS: [(&str, u64); 5] = [
    ("ms", 1),
    ("s", 1_000),
    ("m", 60_000),
    ("h", 3_600_000),
    ("d", 86_400_000),
];

const SIZE_UNITS: [(&str, u64); 5] = [
    ("B", 1),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
];

/// A number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteSize(pub u64);

impl ByteSize {
    /// `count` × 1,048,576 bytes.
    pub const fn mib(count: u64) -> Self {
        Self(count << 20)
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&format_quantity(self.0, &SIZE_UNITS))
    }
}

impl Value for ByteSize {
    fn parse(text: &str) -> Result<Self, String> {
        match parse_quantity(text, &SIZE_UNITS) {
            Ok(bytes) => Ok(Self(bytes)),
            Err(fault) => Err(format!(
                "{fault}; write a whole number with B, KiB, MiB, GiB or TiB, such as 256MiB, or 0"
            )),
        }
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

/// Reads a duration of whole milliseconds, at most [`MAX_DURATION`].
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let fault = match parse_quantity(text, &DURATION_UNITS).map(Duration::from_millis) {
        Ok(duration) if duration <= MAX_DURATION => return Ok(duration),
        Ok(_) => "longer than 365d",
        Err(fault) => fault,
    };
    Err(format!(
        "{fault}; write a whole number with ms, s, m, h or d, such as 250ms or 5s, or 0"
    ))
}

/// Writes a duration in the largest unit that divides it. What is below a millisecond is dropped.
pub fn format_duration(duration: Duration) -> String {
    let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    format_quantity(millis, &DURATION_UNITS)
}

fn parse_quantity(text: &str, units: &[(&str, u64)]) -> Result<u64, &'static str> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    if number.is_empty() {
        return Err("does not begin with a whole number");
    }
    let factor = match units.iter().find(|(name, _)| *name == unit) {
        Some((_, factor)) => *factor,
        None if unit.is_empty() && number.bytes().all(|digit| digit == b'0') => 1,
        None if unit.is_empty() => return Err("without a unit"),
        None => return Err("has an unknown unit"),
    };
    number
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(factor))
        .ok_or("too large")
}

fn format_quantity(quantity: u64, units: &[(&str, u64)]) -> String {
    let largest = units
        .iter()
        .rev()
        .find(|(_, factor)| quantity.is_multiple_of(*factor));
    match largest {
        Some((unit, factor)) if quantity > 0 => format!("{}{unit}", quantity / factor),
        _ => "0".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_are_a_whole_number_and_a_unit() {
        for (text, millis) in [
            ("0", 0),
            ("0s", 0),
            ("250ms", 250),
            ("5s", 5_000),
            ("10m", 600_000),
            ("1h", 3_600_000),
            ("365d", 31_536_000_000),
        ] {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(millis)));
        }
    }

    #[test]
    fn a_wrong_duration_is_told_what_is_wrong_and_the_form() {
        for (text, fault) in [
            ("", "does not begin with a whole number"),
            ("soon", "does not begin with a whole number"),
            ("-5s", "does not begin with a whole number"),
            ("5", "without a unit"),
            ("5 s", "has an unknown unit"),
            ("1.5s", "has an unknown unit"),
            ("5min", "has an unknown unit"),
            ("366d", "longer than 365d"),
            ("99999999999999999999s", "too large"),
            ("18446744073709551615d", "too large"),
        ] {
            let error = parse_duration(text).unwrap_err();
            assert!(error.starts_with(fault), "{text}: {error}");
            assert!(error.contains("such as 250ms or 5s"), "{text}: {error}");
        }
    }

    #[test]
    fn sizes_are_binary() {
        assert_eq!(ByteSize::parse("256MiB"), Ok(ByteSize::mib(256)));
        assert_eq!(ByteSize::parse("64KiB"), Ok(ByteSize(65_536)));
        assert_eq!(ByteSize::parse("0"), Ok(ByteSize(0)));
        for text in ["256MB", "1024", "256mib", "17000000TiB"] {
            let error = ByteSize::parse(text).unwrap_err();
            assert!(error.contains("such as 256MiB"), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn a_shown_duration_reads_back(millis in 0..=MAX_DURATION.as_millis()) {
            let duration = Duration::from_millis(u64::try_from(millis).unwrap());
            prop_assert_eq!(parse_duration(&format_duration(duration)), Ok(duration));
        }

        #[test]
        fn a_shown_size_reads_back(bytes in any::<u64>(), zeros in 0..50_u32) {
            let size = ByteSize(bytes << zeros);
            prop_assert_eq!(ByteSize::parse(&size.show()), Ok(size));
        }

        #[test]
        fn no_text_panics(text in ".*") {
            let _ = parse_duration(&text);
            let _ = ByteSize::parse(&text);
        }
    }
}
