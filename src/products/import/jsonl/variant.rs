//! A variant inside a product's document.

#![expect(
    clippy::option_option,
    reason = "said or not, and if so with a value or none"
)]

use indexmap::IndexSet;
use serde_json::{Map, Value};

use super::values::Reader;
use crate::products::input::{InventoryPolicy, Price, ProductOption, VariantInput};
use crate::products::money::Currency;

const KEYS: &[&str] = &[
    "id",
    "sku",
    "barcode",
    "mpn",
    "condition",
    "options",
    "price",
    "compare_at_price",
    "cost",
    "availability",
    "weight_g",
    "requires_shipping",
    "taxable",
    "tax_code",
    "inventory",
    "image",
];

/// A variant whose options wait for the product's.
pub(super) struct Draft {
    variant: VariantInput,
    options: Option<Map<String, Value>>,
    /// Also where it cannot be read.
    has_price: bool,
    compare_at: Option<Option<Price>>,
    cost: Option<Option<Price>>,
}

pub(super) fn draft(reader: &mut Reader<'_>, value: Value) -> Draft {
    let mut variant = VariantInput::default();
    let mut has_price = false;
    let (mut options, mut compare_at, mut cost) = (None, None, None);
    reader.object(value, KEYS, |reader, key, value| {
        match key {
            "id" => variant.id = reader.integer(&value),
            "sku" | "image" if value.is_null() => {}
            "sku" => variant.sku = reader.text(value),
            "barcode" => variant.barcode = reader.clearable(value),
            "mpn" => variant.mpn = reader.clearable(value),
            "condition" => variant.condition = reader.clearable(value),
            "options" if value.is_null() => options = Some(Map::new()),
            "options" => options = reader.map(value),
            "price" => {
                has_price = true;
                variant.price = price(reader, value);
            }
            "compare_at_price" => compare_at = nullable_price(reader, value),
            "cost" => cost = nullable_price(reader, value),
            "availability" => {}
            "weight_g" => variant.weight_g = reader.nullable_integer(&value),
            "requires_shipping" => variant.requires_shipping = reader.boolean(&value),
            "taxable" => variant.taxable = reader.boolean(&value),
            "tax_code" => variant.tax_code = reader.clearable(value),
            "inventory" => inventory(reader, value, &mut variant),
            "image" => variant.image = index(reader, &value),
            _ => return false,
        }
        true
    });
    Draft {
        variant,
        options,
        has_price,
        compare_at,
        cost,
    }
}

/// The options that the variants themselves name, in the order of the first one, where the document has
/// no list of them.
pub(super) fn options_of(drafts: &[Draft]) -> Option<Vec<ProductOption>> {
    let first = drafts.iter().find_map(|draft| draft.options.as_ref())?;
    let values_of = |name: &String| {
        let values: IndexSet<&str> = drafts
            .iter()
            .filter_map(|draft| draft.options.as_ref()?.get(name)?.as_str())
            .collect();
        values.into_iter().map(str::to_owned).collect()
    };
    let option = |name: &String| ProductOption {
        name: name.clone(),
        values: values_of(name),
    };
    Some(first.keys().map(option).collect())
}

impl Draft {
    /// Puts the option values into the order of the product's options, where these are known, and the
    /// amounts into the currency of the price.
    pub(super) fn finish(
        self,
        reader: &mut Reader<'_>,
        options: Option<&[ProductOption]>,
    ) -> VariantInput {
        let mut variant = self.variant;
        if let Some(options) = options {
            variant.option_values =
                option_values(&mut reader.under("options"), self.options, options);
        }
        let currency = variant.price.map(|price| price.currency);
        let mut in_currency = |key: &str, amount: Option<Option<Price>>| {
            let Some(Some(amount)) = amount else {
                return amount.map(|_| None);
            };
            let reason = match currency {
                Some(currency) if currency == amount.currency => return Some(Some(amount.minor)),
                Some(currency) => format!("must be in {currency}, the currency of `price`"),
                None if self.has_price => return None,
                None => "needs a `price` beside it, in the same currency".to_owned(),
            };
            let given = Value::from(amount.currency.code());
            reader.under(key).under("currency").refuse(&given, reason);
            None
        };
        variant.compare_at_minor = in_currency("compare_at_price", self.compare_at);
        variant.cost_minor = in_currency("cost", self.cost);
        variant
    }
}

fn option_values(
    reader: &mut Reader<'_>,
    given: Option<Map<String, Value>>,
    options: &[ProductOption],
) -> Vec<String> {
    let mut given = given.unwrap_or_default();
    let mut values = Vec::with_capacity(options.len());
    for option in options {
        let value = given.shift_remove(&option.name);
        let reason = "a variant has a value for each option";
        let value = reader.require(&option.name, value, reason);
        let value = value.and_then(|value| reader.under(&option.name).text(value));
        values.push(value.unwrap_or_default());
    }
    for (name, value) in given {
        let reason = "the product has no such option; add it to its `options`";
        reader.under(&name).refuse(&value, reason);
    }
    values
}

fn nullable_price(reader: &mut Reader<'_>, value: Value) -> Option<Option<Price>> {
    if value.is_null() {
        Some(None)
    } else {
        price(reader, value).map(Some)
    }
}

fn price(reader: &mut Reader<'_>, value: Value) -> Option<Price> {
    let (mut minor, mut currency) = (None, None);
    let keys = ["amount_minor", "currency"];
    reader.object(value, &keys, |reader, key, value| {
        match key {
            "amount_minor" => minor = Some(reader.amount(&value)),
            "currency" => currency = Some(iso_4217(reader, value)),
            _ => return false,
        }
        true
    });
    let minor = reader.require("amount_minor", minor, "a price needs one");
    let currency = reader.require("currency", currency, "write it like USD");
    Some(Price {
        minor: minor??,
        currency: currency??,
    })
}

fn iso_4217(reader: &mut Reader<'_>, value: Value) -> Option<Currency> {
    let code = reader.text(value)?;
    match Currency::parse(&code) {
        Ok(currency) => Some(currency),
        Err(error) => {
            reader.refuse(&Value::String(code), error.to_string());
            None
        }
    }
}

fn index(reader: &mut Reader<'_>, value: &Value) -> Option<usize> {
    let index = value.as_u64().and_then(|index| usize::try_from(index).ok());
    if index.is_none() {
        reader.refuse(value, "must be the number of one of `images`, from 0");
    }
    index
}

fn inventory(reader: &mut Reader<'_>, value: Value, variant: &mut VariantInput) {
    const KEYS: &[&str] = &["tracked", "policy", "on_hand", "reserved", "low_stock_at"];
    reader.object(value, KEYS, |reader, key, value| {
        match key {
            "tracked" => variant.inventory_tracked = reader.boolean(&value),
            "policy" => variant.inventory_policy = policy(reader, value),
            "on_hand" => variant.on_hand = reader.integer(&value),
            "reserved" => variant.reserved = reader.integer(&value),
            "low_stock_at" => variant.low_stock_at = reader.integer(&value),
            _ => return false,
        }
        true
    });
}

fn policy(reader: &mut Reader<'_>, value: Value) -> Option<InventoryPolicy> {
    let word = reader.text(value)?;
    let policy = [InventoryPolicy::Deny, InventoryPolicy::Continue]
        .into_iter()
        .find(|policy| policy.as_str() == word);
    if policy.is_none() {
        reader.refuse(&Value::String(word), "must be `deny` or `continue`");
    }
    policy
}
