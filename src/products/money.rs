//! Money as an integer of minor units with its ISO 4217 currency. Decimals are read with the currency's
//! own exponent and never pass through a float.

use std::fmt;

/// Largest amount accepted, in minor units: the largest integer every JSON reader holds exactly (2^53 − 1).
pub const MAX_MINOR: i64 = 9_007_199_254_740_991;

/// Active ISO 4217 codes whose exponent is not 2 (ISO 4217 list one, amendment 177).
const EXPONENT_0: &[&str] = &[
    "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND",
    "VUV", "XAF", "XOF", "XPF",
];
const EXPONENT_3: &[&str] = &["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"];
const EXPONENT_4: &[&str] = &["CLF", "UYW"];
const EXPONENT_2: &[&str] = &[
    "AED", "AFN", "ALL", "AMD", "AOA", "ARS", "AUD", "AWG", "AZN", "BAM", "BBD", "BDT", "BGN",
    "BMD", "BND", "BOB", "BOV", "BRL", "BSD", "BTN", "BWP", "BYN", "BZD", "CAD", "CDF", "CHE",
    "CHF", "CHW", "CNY", "COP", "COU", "CRC", "CUP", "CVE", "CZK", "DKK", "DOP", "DZD", "EGP",
    "ERN", "ETB", "EUR", "FJD", "FKP", "GBP", "GEL", "GHS", "GIP", "GMD", "GTQ", "GYD", "HKD",
    "HNL", "HTG", "HUF", "IDR", "ILS", "INR", "IRR", "JMD", "KES", "KGS", "KHR", "KPW", "KYD",
    "KZT", "LAK", "LBP", "LKR", "LRD", "LSL", "MAD", "MDL", "MGA", "MKD", "MMK", "MNT", "MOP",
    "MRU", "MUR", "MVR", "MWK", "MXN", "MXV", "MYR", "MZN", "NAD", "NGN", "NIO", "NOK", "NPR",
    "NZD", "PAB", "PEN", "PGK", "PHP", "PKR", "PLN", "QAR", "RON", "RSD", "RUB", "SAR", "SBD",
    "SCR", "SDG", "SEK", "SGD", "SHP", "SLE", "SOS", "SRD", "SSP", "STN", "SVC", "SYP", "SZL",
    "THB", "TJS", "TMT", "TOP", "TRY", "TTD", "TWD", "TZS", "UAH", "USD", "USN", "UYU", "UZS",
    "VED", "VES", "WST", "XCD", "XCG", "YER", "ZAR", "ZMW", "ZWG",
];

/// An active ISO 4217 currency that has minor units.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency {
    code: [u8; 3],
    exponent: u8,
}

/// Why an amount or a currency was refused. The text says how to mend it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Nothing there.
    #[error("a price is missing; write it like 19.99")]
    Empty,
    /// A minus sign.
    #[error("a price cannot be negative")]
    Negative,
    /// Separators, symbols, exponents.
    #[error("not a plain decimal; write it like 1299.00, without separators, signs or exponents")]
    NotADecimal,
    /// More digits after the point than the currency has.
    #[error("{currency} has {exponent} decimal places")]
    TooPrecise {
        /// ISO code.
        currency: String,
        /// Decimal places it has.
        exponent: u8,
    },
    /// Beyond [`MAX_MINOR`].
    #[error("larger than {MAX_MINOR} minor units")]
    TooLarge,
    /// Not an ISO 4217 code.
    #[error("not an ISO 4217 currency code in use; write it like USD")]
    UnknownCurrency,
    /// An amount without a currency, and none to assume.
    #[error("no currency; write it like `19.99 USD` or name a default currency")]
    NoCurrency,
}

impl Currency {
    /// US dollar, the default where a file can name none.
    pub const USD: Self = Self {
        code: *b"USD",
        exponent: 2,
    };

    /// The codes of all that are accepted.
    pub fn codes() -> impl Iterator<Item = &'static str> {
        let all = [EXPONENT_2, EXPONENT_0, EXPONENT_3, EXPONENT_4];
        all.into_iter().flatten().copied()
    }

    /// Looks up a code, ignoring ASCII case and surrounding spaces.
    pub fn parse(text: &str) -> Result<Self, MoneyError> {
        let upper = text.trim().to_ascii_uppercase();
        let exponent = [
            (2, EXPONENT_2),
            (0, EXPONENT_0),
            (3, EXPONENT_3),
            (4, EXPONENT_4),
        ]
        .into_iter()
        .find(|(_, codes)| codes.contains(&upper.as_str()))
        .map(|(exponent, _)| exponent);
        match (exponent, upper.as_bytes()) {
            (Some(exponent), &[a, b, c]) => Ok(Self {
                code: [a, b, c],
                exponent,
            }),
            _ => Err(MoneyError::UnknownCurrency),
        }
    }

    /// The three-letter code.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.code).unwrap_or("???")
    }

    /// Digits after the decimal point.
    pub fn exponent(self) -> u8 {
        self.exponent
    }

    /// Reads `1299.00` as minor units. Zeros beyond the currency's exponent are accepted
    /// (`1200.00` JPY); any other digit there is an error, as are signs, separators and exponents.
    pub fn parse_decimal(self, text: &str) -> Result<i64, MoneyError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(MoneyError::Empty);
        }
        if let Some(rest) = text.strip_prefix('-') {
            let number = rest.bytes().all(|b| b.is_ascii_digit() || b == b'.') && !rest.is_empty();
            return Err(if number {
                MoneyError::Negative
            } else {
                MoneyError::NotADecimal
            });
        }
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !digits(fraction) || (whole.is_empty() && fraction.is_empty()) {
            return Err(MoneyError::NotADecimal);
        }
        let exponent = usize::from(self.exponent);
        let (kept, dropped) = fraction.split_at(fraction.len().min(exponent));
        if dropped.bytes().any(|b| b != b'0') {
            return Err(MoneyError::TooPrecise {
                currency: self.code().to_owned(),
                exponent: self.exponent,
            });
        }
        let padding = exponent - kept.len();
        whole
            .bytes()
            .chain(kept.bytes())
            .chain(std::iter::repeat_n(b'0', padding))
            .try_fold(0_i64, |sum, digit| {
                sum.checked_mul(10)?.checked_add(i64::from(digit - b'0'))
            })
            .filter(|minor| *minor <= MAX_MINOR)
            .ok_or(MoneyError::TooLarge)
    }

    /// Writes minor units as [`Self::parse_decimal`] reads them: `1299` USD is `12.99`.
    pub fn format_decimal(self, minor: i64) -> String {
        let exponent = usize::from(self.exponent);
        if exponent == 0 {
            return minor.to_string();
        }
        let digits = format!("{minor:0width$}", width = exponent + 1);
        let (whole, fraction) = digits.split_at(digits.len() - exponent);
        format!("{whole}.{fraction}")
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// Reads `12.50 USD` or, with a default currency, `12.50`. Returns minor units and the currency.
pub fn parse_price(text: &str, default: Option<Currency>) -> Result<(i64, Currency), MoneyError> {
    let text = text.trim();
    let (amount, currency) = match text.rsplit_once(char::is_whitespace) {
        Some((amount, code)) if code.bytes().all(|b| b.is_ascii_alphabetic()) => {
            (amount, Some(Currency::parse(code)?))
        }
        _ => (text, default),
    };
    let currency = currency.ok_or(MoneyError::NoCurrency)?;
    Ok((currency.parse_decimal(amount)?, currency))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn currency(code: &str) -> Currency {
        Currency::parse(code).unwrap()
    }

    #[test]
    fn decimals_use_the_exponent_of_their_currency() {
        assert_eq!(currency("USD").parse_decimal("19.99"), Ok(1999));
        assert_eq!(currency("usd").parse_decimal(" 5 "), Ok(500));
        assert_eq!(currency("USD").parse_decimal(".5"), Ok(50));
        assert_eq!(currency("JPY").parse_decimal("1200"), Ok(1200));
        assert_eq!(currency("JPY").parse_decimal("1200.00"), Ok(1200));
        assert_eq!(currency("KWD").parse_decimal("1.234"), Ok(1234));
        assert_eq!(currency("CLF").parse_decimal("1.2345"), Ok(12345));
    }

    #[test]
    fn anything_else_is_refused_with_its_reason() {
        let usd = currency("USD");
        assert_eq!(usd.parse_decimal("1,299.00"), Err(MoneyError::NotADecimal));
        assert_eq!(usd.parse_decimal("-5"), Err(MoneyError::Negative));
        assert_eq!(usd.parse_decimal("1e9"), Err(MoneyError::NotADecimal));
        assert_eq!(usd.parse_decimal("$5"), Err(MoneyError::NotADecimal));
        assert_eq!(usd.parse_decimal("."), Err(MoneyError::NotADecimal));
        assert_eq!(usd.parse_decimal("-"), Err(MoneyError::NotADecimal));
        assert_eq!(usd.parse_decimal("+5"), Err(MoneyError::NotADecimal));
        assert_eq!(usd.parse_decimal("NaN"), Err(MoneyError::NotADecimal));
        assert_eq!(usd.parse_decimal("١٢"), Err(MoneyError::NotADecimal));
        assert_eq!(usd.parse_decimal(""), Err(MoneyError::Empty));
        assert_eq!(
            usd.parse_decimal("90071992547409.92"),
            Err(MoneyError::TooLarge)
        );
        assert_eq!(
            usd.parse_decimal(&"9".repeat(400)),
            Err(MoneyError::TooLarge)
        );
        assert!(matches!(
            parse_price("12.345 USD", None),
            Err(MoneyError::TooPrecise { exponent: 2, .. })
        ));
    }

    #[test]
    fn a_price_may_carry_its_currency() {
        assert_eq!(
            parse_price("12.50 EUR", Some(Currency::USD)),
            Ok((1250, currency("EUR")))
        );
        assert_eq!(
            parse_price("12.50", Some(Currency::USD)),
            Ok((1250, Currency::USD))
        );
        assert_eq!(parse_price("12.50", None), Err(MoneyError::NoCurrency));
        assert_eq!(
            parse_price("12.50 ABC", None),
            Err(MoneyError::UnknownCurrency)
        );
        assert_eq!(
            parse_price("5 ZZ", Some(Currency::USD)),
            Err(MoneyError::UnknownCurrency)
        );
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(minor in 0..=MAX_MINOR, code in prop::sample::select(vec!["USD", "JPY", "KWD", "CLF"])) {
            let currency = currency(code);
            prop_assert_eq!(currency.parse_decimal(&currency.format_decimal(minor)), Ok(minor));
        }
    }
}
