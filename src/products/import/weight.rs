//! Weights as whole grams, without floats.

/// Units by their names, and billionths of a gram in one (international avoirdupois, exact).
const UNITS: &[(&[&str], i128)] = &[
    (&["mg", "milligram", "milligrams"], 1_000_000),
    (&["g", "gram", "grams"], 1_000_000_000),
    (&["kg", "kilogram", "kilograms"], 1_000_000_000_000),
    (&["oz", "ounce", "ounces"], 28_349_523_125),
    (&["lb", "lbs", "pound", "pounds"], 453_592_370_000),
];

/// A million tonnes; beyond it a typing error is more likely than a product.
const MAX_GRAMS: i128 = 1_000_000_000_000;

/// Most decimal places read.
const MAX_PLACES: usize = 9;

/// What undoes both scales: places of the amount, billionths of the unit.
const DIVISOR: i128 = 1_000_000_000 * 1_000_000_000;

/// Why a weight was refused. The text says how to mend it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum WeightError {
    /// Signs, separators, exponents.
    #[error("not a weight; write a plain decimal such as 1.5, with at most 9 decimal places")]
    NotADecimal,
    /// Not one of [`UNITS`].
    #[error("not a unit of weight; use g, kg, oz or lb")]
    UnknownUnit,
    /// Beyond [`MAX_GRAMS`].
    #[error("larger than a million tonnes")]
    TooLarge,
}

/// Reads `1.5` of `unit` as grams, rounded half up.
pub(super) fn grams(amount: &str, unit: &str) -> Result<i64, WeightError> {
    let unit = unit.trim().to_ascii_lowercase();
    let (_, billionths) = UNITS
        .iter()
        .find(|(names, _)| names.contains(&unit.as_str()))
        .ok_or(WeightError::UnknownUnit)?;
    let amount = amount.trim();
    let (whole, fraction) = amount.split_once('.').unwrap_or((amount, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole)
        || !digits(fraction)
        || whole.is_empty() && fraction.is_empty()
        || fraction.len() > MAX_PLACES
    {
        return Err(WeightError::NotADecimal);
    }
    let padding = std::iter::repeat_n(b'0', MAX_PLACES - fraction.len());
    let mut scaled: i128 = 0;
    for digit in whole.bytes().chain(fraction.bytes()).chain(padding) {
        scaled = scaled * 10 + i128::from(digit - b'0');
        if scaled > MAX_GRAMS * 1_000_000_000_000 {
            return Err(WeightError::TooLarge);
        }
    }
    let grams = (scaled * billionths + DIVISOR / 2) / DIVISOR;
    i64::try_from(grams)
        .ok()
        .filter(|_| grams <= MAX_GRAMS)
        .ok_or(WeightError::TooLarge)
}

/// Reads `1.5 kg` or `1.5kg` as grams.
pub(super) fn parse(text: &str) -> Result<i64, WeightError> {
    let text = text.trim();
    let end = text
        .find(|character: char| character.is_ascii_alphabetic())
        .unwrap_or(text.len());
    let (amount, unit) = text.split_at(end);
    if amount.trim().is_empty() {
        return Err(WeightError::NotADecimal);
    }
    grams(amount, unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_converted_exactly_and_rounded_half_up() {
        assert_eq!(grams("180", "g"), Ok(180));
        assert_eq!(grams("180.5", "g"), Ok(181));
        assert_eq!(grams("180.499999999", "g"), Ok(180));
        assert_eq!(parse("1.5 kg"), Ok(1500));
        assert_eq!(parse("1.5KG"), Ok(1500));
        assert_eq!(parse("1 lb"), Ok(454));
        assert_eq!(parse("16 oz"), Ok(454));
        assert_eq!(parse("100000 lb"), Ok(45_359_237));
    }

    #[test]
    fn anything_else_is_refused_with_its_reason() {
        assert_eq!(parse("1,5 kg"), Err(WeightError::NotADecimal));
        assert_eq!(parse("-1 kg"), Err(WeightError::NotADecimal));
        assert_eq!(parse("1e3 g"), Err(WeightError::UnknownUnit));
        assert_eq!(parse("kg"), Err(WeightError::NotADecimal));
        assert_eq!(parse(""), Err(WeightError::NotADecimal));
        assert_eq!(parse("1.5"), Err(WeightError::UnknownUnit));
        assert_eq!(parse("1 stone"), Err(WeightError::UnknownUnit));
        assert_eq!(
            parse(&format!("{} g", "9".repeat(400))),
            Err(WeightError::TooLarge)
        );
    }
}
