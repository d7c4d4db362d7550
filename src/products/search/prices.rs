//! The price ranges that products are counted in: the same for every search, so that they can be filtered by
//! whatever else is asked.

use std::fmt;

use super::document::Money;
use crate::products::money::Currency;

/// A range of prices that a filter by `price_min` and `price_max` selects.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PriceRange {
    pub(super) currency: String,
    /// Minor units.
    pub(super) from: i64,
    /// Minor units, still within.
    pub(super) to: i64,
}

impl PriceRange {
    /// The range of a price: up to one unit of the currency, then in steps of 1, 2, 5, 10, 20, 50, …
    pub(super) fn of(price: &Money) -> Self {
        let exponent = Currency::parse(&price.currency).map_or(2, Currency::exponent);
        let (mut from, mut to) = (0, 10_i64.pow(u32::from(exponent)));
        let mut steps = [2, 5, 10].into_iter().cycle();
        let mut decade = to;
        while price.amount_minor >= to {
            let step = steps.next().unwrap_or(10);
            from = to;
            to = decade.saturating_mul(step);
            if step == 10 {
                decade = to;
            }
        }
        Self {
            currency: price.currency.clone(),
            from,
            to: to.saturating_sub(1),
        }
    }

    /// Reads what [`fmt::Display`] wrote.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(' ');
        let range = Self {
            currency: parts.next()?.to_owned(),
            from: parts.next()?.parse().ok()?,
            to: parts.next()?.parse().ok()?,
        };
        parts.next().is_none().then_some(range)
    }
}

impl fmt::Display for PriceRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.currency, self.from, self.to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::products::money::MAX_MINOR;
    use proptest::prelude::*;

    fn range(amount_minor: i64, currency: &str) -> String {
        let currency = currency.to_owned();
        PriceRange::of(&Money {
            amount_minor,
            currency,
        })
        .to_string()
    }

    #[test]
    fn ranges_go_in_steps_of_1_2_5() {
        for (amount, expected) in [
            (0, "USD 0 99"),
            (99, "USD 0 99"),
            (100, "USD 100 199"),
            (499, "USD 200 499"),
            (500, "USD 500 999"),
            (1999, "USD 1000 1999"),
            (2000, "USD 2000 4999"),
            (123_456, "USD 100000 199999"),
        ] {
            assert_eq!(range(amount, "USD"), expected, "{amount}");
        }
        assert_eq!(range(1500, "JPY"), "JPY 1000 1999");
        assert_eq!(range(1500, "KWD"), "KWD 1000 1999");
    }

    proptest! {
        #[test]
        fn every_price_has_one_range(amount in 0..=MAX_MINOR, currency in "USD|JPY|KWD") {
            let text = range(amount, &currency);
            let parsed = PriceRange::parse(&text).unwrap();
            prop_assert!(parsed.from <= amount && amount <= parsed.to);
            prop_assert_eq!(range(parsed.from, &currency), text.clone());
            prop_assert_eq!(range(parsed.to, &currency), text.clone());
            prop_assert_ne!(range(parsed.to + 1, &currency), text);
        }
    }
}
