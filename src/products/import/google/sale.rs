//! What an item costs now.

use time::OffsetDateTime;
use time::format_description::well_known::Iso8601;

use super::super::RecordError;
use super::item::{Item, Text};
use crate::products::input::Price;
use crate::products::money::{Currency, MoneyError, parse_price};

/// The price of an item, and whether a sale is part of it.
pub(super) struct Offer {
    pub(super) price: Price,
    pub(super) compare_at_minor: Option<i64>,
}

/// Reads `price` and `sale_price`.
pub(super) fn offer(
    item: &Item,
    default: Currency,
    now: OffsetDateTime,
) -> Result<Offer, RecordError> {
    let price = price(item.required("price")?, default)?;
    let sale = match item.filled("sale_price")? {
        Some(text) => Some((text, self::price(text, default)?)),
        None => None,
    };
    let Some((text, sale)) = sale else {
        return Ok(Offer::regular(price));
    };
    if sale.currency != price.currency {
        return Err(text.error(format_args!(
            "not in {}, the currency of `price`",
            price.currency
        )));
    }
    if sale.minor > price.minor {
        return Err(text.error("higher than `price`; the regular price goes there"));
    }
    // Some shops write the regular price as the sale price while there is no sale.
    if sale.minor == price.minor || !is_on_sale(item, now)? {
        return Ok(Offer::regular(price));
    }
    Ok(Offer {
        price: sale,
        compare_at_minor: Some(price.minor),
    })
}

impl Offer {
    fn regular(price: Price) -> Self {
        Self {
            price,
            compare_at_minor: None,
        }
    }
}

/// Whether `now` lies in the item's `sale_price_effective_date`, if it has one.
pub(super) fn is_on_sale(item: &Item, now: OffsetDateTime) -> Result<bool, RecordError> {
    let Some(dates) = item.filled("sale_price_effective_date")? else {
        return Ok(true);
    };
    let wrong =
        || dates.error("write two times, such as 2026-11-27T00:00+0100/2026-11-30T23:59+0100");
    let (start, end) = dates.value.split_once('/').ok_or_else(wrong)?;
    let moment =
        |text: &str| OffsetDateTime::parse(text.trim(), &Iso8601::PARSING).map_err(|_| wrong());
    Ok((moment(start)?..=moment(end)?).contains(&now))
}

fn price(text: Text<'_>, default: Currency) -> Result<Price, RecordError> {
    parse_price(text.value, Some(default))
        .map(|(minor, currency)| Price { minor, currency })
        .map_err(|error| match error {
            MoneyError::NotADecimal => text
                .error("not a price; write it like `1299.00 EUR`, without separators and symbols"),
            error => text.error(error),
        })
}
