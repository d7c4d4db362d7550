//! Exact arithmetic on decimals as they are written, for quantities that are rounded once, at the end.

/// A number from 0 on: `digits` / 10^`scale`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decimal {
    digits: u128,
    scale: u32,
}

impl Decimal {
    /// Most digits accepted, so that a product with 11 more still fits 128 bits.
    const MAX_DIGITS: usize = 27;

    /// Reads `12`, `12.50` or `.5`; `None` for anything else, such as signs, separators and exponents.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = whole.len() + fraction.len();
        if digits == 0 || digits > Self::MAX_DIGITS {
            return None;
        }
        let mut value = 0;
        for digit in whole.bytes().chain(fraction.bytes()) {
            if !digit.is_ascii_digit() {
                return None;
            }
            value = value * 10 + u128::from(digit - b'0');
        }
        let scale = u32::try_from(fraction.len()).ok()?;
        Some(Self {
            digits: value,
            scale,
        })
    }

    /// This number times `factor` / 10^`scale`, rounded half up. `None` where it does not fit.
    pub fn times(self, factor: u64, scale: u32) -> Option<i64> {
        let product = self.digits.checked_mul(u128::from(factor))?;
        let divisor = 10_u128.checked_pow(self.scale.checked_add(scale)?)?;
        let rounded = product.checked_add(divisor / 2)? / divisor;
        i64::try_from(rounded).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn products_are_exact_and_rounded_half_up() {
        let times = |text, factor, scale| Decimal::parse(text).and_then(|d| d.times(factor, scale));
        assert_eq!(times("4.6", 37, 0), Some(170));
        assert_eq!(times("0.5", 1, 0), Some(1));
        assert_eq!(times("0.49999999999999999", 1, 0), Some(0));
        assert_eq!(times("19.8", 45_359_237, 5), Some(8981));
        assert_eq!(times(".5", 28_349_523_125, 9), Some(14));
        assert_eq!(times("99999999999999999999", 1, 0), None);
        for text in [
            "",
            ".",
            "-1",
            "+1",
            "1e3",
            "1,5",
            "½",
            "1.2.3",
            &"1".repeat(28),
        ] {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn whole_numbers_multiply_as_integers(number in 0..1_000_000_000_u64, factor in 0..1_000_000_u64) {
            let product = Decimal::parse(&number.to_string()).unwrap().times(factor, 0);
            prop_assert_eq!(product, i64::try_from(number * factor).ok());
        }
    }
}
