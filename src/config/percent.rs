//! Shares, written in percent: `99.95%` or `99.95`.

use std::fmt;

use super::value::Value;

/// A share of 100 %, in millionths: exact to a ten-thousandth of a percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Percent(pub u32);

/// Digits after the point.
const DIGITS: usize = 4;

impl Percent {
    /// All.
    pub const WHOLE: Self = Self(1_000_000);

    /// What is missing to the whole.
    #[must_use]
    pub const fn rest(self) -> Self {
        Self(Self::WHOLE.0.saturating_sub(self.0))
    }

    /// The number before the sign.
    pub fn percent(self) -> f64 {
        f64::from(self.0) / 10_000.0
    }

    /// As a share of 1.
    pub fn ratio(self) -> f64 {
        f64::from(self.0) / f64::from(Self::WHOLE.0)
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.percent())
    }
}

impl Value for Percent {
    fn parse(text: &str) -> Result<Self, String> {
        const FORM: &str =
            "write a number from 0 to 100 with up to four digits after the point, such as 99.95%";
        let number = text.strip_suffix('%').unwrap_or(text);
        let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
        let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
        if !is_digits(whole) || !is_digits(part) || part.len() > DIGITS {
            return Err(format!("is no percentage; {FORM}"));
        }
        let millionths = format!("{whole}{part:0<DIGITS$}").parse();
        match millionths.map(Self) {
            Ok(share) if share <= Self::WHOLE => Ok(share),
            _ => Err(format!("is more than all; {FORM}")),
        }
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_read_exactly_and_shown_as_they_are_written() {
        for (text, millionths, shown) in [
            ("99.95%", 999_500, "99.95%"),
            ("99.9", 999_000, "99.9%"),
            ("95", 950_000, "95%"),
            ("0.05%", 500, "0.05%"),
            ("100%", 1_000_000, "100%"),
            ("0", 0, "0%"),
        ] {
            let share = Percent::parse(text).unwrap();
            assert_eq!((share, share.show().as_str()), (Percent(millionths), shown));
        }
        assert!((Percent(999_500).rest().ratio() - 0.0005).abs() < f64::EPSILON);
    }

    #[test]
    fn what_is_no_share_is_told_the_form() {
        for text in [
            "",
            "%",
            "-1",
            "99,95",
            "100.1",
            "1e2",
            ".5",
            "5.",
            "1.00001",
            "9999999999",
        ] {
            let error = Percent::parse(text).unwrap_err();
            assert!(error.contains("such as 99.95%"), "{text}: {error}");
        }
    }
}
