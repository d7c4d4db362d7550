//! What things cost: one currency per product, prices that end as price tags do.

use super::identity::Identity;
use super::random::{Concern, Random};
use crate::products::input::Price;
use crate::products::money::Currency;

/// A currency the shop sells in.
struct Market {
    code: &'static str,
    /// Of 100 products.
    share: i64,
    /// Rounded rate of exchange.
    minor_units_per_dollar: i64,
}

const MARKETS: [Market; 4] = [
    Market {
        code: "USD",
        share: 82,
        minor_units_per_dollar: 100,
    },
    Market {
        code: "EUR",
        share: 10,
        minor_units_per_dollar: 92,
    },
    Market {
        code: "JPY",
        share: 5,
        minor_units_per_dollar: 150,
    },
    Market {
        code: "KWD",
        share: 3,
        minor_units_per_dollar: 307,
    },
];

/// How a product is priced.
pub(super) struct Pricing {
    pub(super) currency: Currency,
    /// Price at 100 per cent, before the tag's ending.
    base_minor: i64,
    ending: Ending,
    /// Former price in per cent of today's.
    markdown_percent: Option<i64>,
    cost_percent: i64,
}

/// How a vendor likes its tags to end, where the currency leaves the choice.
#[derive(Debug, Clone, Copy)]
enum Ending {
    NinetyNine,
    NinetyFive,
    Round,
}

/// What a variant costs.
pub(super) struct Tag {
    pub(super) price: Price,
    pub(super) compare_at_minor: Option<i64>,
    pub(super) cost_minor: i64,
}

impl Pricing {
    pub(super) fn of(identity: &Identity) -> Self {
        let mut random = Random::new(Concern::Pricing, identity.number);
        let market = market(random.between(0, 99));
        let (low, high) = identity.kind.price;
        let mut draw = || random.between(low * 100, high * 100);
        // The mean of two draws: the middle of the range is more common than its ends.
        let cents = i64::midpoint(draw(), draw());
        Self {
            currency: currency(market),
            base_minor: cents * market.minor_units_per_dollar / 100,
            ending: *random.pick(&[Ending::NinetyNine, Ending::NinetyFive, Ending::Round]),
            markdown_percent: random.chance(18).then(|| random.between(118, 155)),
            cost_percent: random.between(38, 62),
        }
    }

    /// Price in minor units at a percentage of the base price.
    pub(super) fn at(&self, percent: i64) -> i64 {
        self.ending(self.base_minor * percent / 100)
    }

    /// What a variant at this percentage of the base price costs.
    pub(super) fn tag(&self, percent: i64) -> Tag {
        let minor = self.at(percent);
        let former = |markdown| self.ending(self.base_minor * percent / 100 * markdown / 100);
        Tag {
            price: Price {
                minor,
                currency: self.currency,
            },
            compare_at_minor: self
                .markdown_percent
                .map(former)
                .filter(|former| *former > minor),
            cost_minor: minor * self.cost_percent / 100,
        }
    }

    /// Rounds to an amount that looks right on a tag.
    fn ending(&self, minor: i64) -> i64 {
        match self.currency.exponent() {
            // 270, 980, 1,480, 12,800
            0 if minor < 1_000 => nearest(minor, 10),
            0 if minor < 10_000 => nearest(minor, 100) - 20,
            0 => nearest(minor, 1_000) - 200,
            // 1.250, 7.500, 24.900
            3 if minor < 10_000 => nearest(minor, 250),
            3 => nearest(minor, 1_000) - 100,
            // 4.49, 19.99, 45.00, 249.00
            _ if minor >= 20_000 => nearest(minor, 1_000) - 100,
            _ => match self.ending {
                Ending::NinetyNine if minor < 1_000 => nearest(minor, 50) - 1,
                Ending::NinetyNine => nearest(minor, 100) - 1,
                Ending::NinetyFive => nearest(minor, 100) - 5,
                Ending::Round if minor < 2_000 => nearest(minor, 50),
                Ending::Round => nearest(minor, 100),
            },
        }
    }
}

fn market(draw: i64) -> &'static Market {
    let mut left = draw;
    MARKETS
        .iter()
        .find(|market| {
            left -= market.share;
            left < 0
        })
        .unwrap_or(&MARKETS[0])
}

#[expect(
    clippy::expect_used,
    reason = "the four codes are in the currency table, and a test meets them all"
)]
fn currency(market: &Market) -> Currency {
    Currency::parse(market.code).expect("the demo sells in known currencies")
}

/// The nearest multiple of `unit`, at least one.
fn nearest(minor: i64, unit: i64) -> i64 {
    ((minor + unit / 2) / unit).max(1) * unit
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endings(code: &str, ending: Ending, amounts: &[i64]) -> Vec<String> {
        let pricing = Pricing {
            currency: Currency::parse(code).unwrap(),
            base_minor: 0,
            ending,
            markdown_percent: None,
            cost_percent: 50,
        };
        let tag = |minor: &i64| pricing.currency.format_decimal(pricing.ending(*minor));
        amounts.iter().map(tag).collect()
    }

    #[test]
    fn tags_end_as_tags_do() {
        let amounts = [3, 441, 2_012, 4_530, 24_730];
        assert_eq!(
            endings("USD", Ending::NinetyNine, &amounts),
            ["0.49", "4.49", "19.99", "44.99", "249.00"]
        );
        assert_eq!(
            endings("EUR", Ending::Round, &amounts),
            ["0.50", "4.50", "20.00", "45.00", "249.00"]
        );
        assert_eq!(
            endings("JPY", Ending::Round, &[3, 268, 1_455, 12_900]),
            ["10", "270", "1480", "12800"]
        );
        assert_eq!(
            endings("KWD", Ending::Round, &[3, 1_300, 25_200]),
            ["0.250", "1.250", "24.900"]
        );
    }

    #[test]
    fn shares_add_up() {
        assert_eq!(MARKETS.iter().map(|market| market.share).sum::<i64>(), 100);
        assert_eq!(market(0).code, "USD");
        assert_eq!(market(99).code, "KWD");
    }
}
