//! A variant inside a product's document.

#![expect(
    clippy::option_option,
    reason = "said or not, and if so with a value or none"
)]

use indexmap::IndexSet;
use serde_json::{Map, Value};

use super::values::{
    Problem, Read, amount, boolean, clearable, integer, map, nullable_integer, object, text,
};
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
    compare_at: Option<Option<Price>>,
    cost: Option<Option<Price>>,
}

pub(super) fn draft(value: Value) -> Read<Draft> {
    let mut variant = VariantInput::default();
    let (mut options, mut compare_at, mut cost) = (None, None, None);
    object(value, KEYS, |key, value| {
        match key {
            "id" => variant.id = Some(integer(&value)?),
            "sku" | "image" if value.is_null() => {}
            "sku" => variant.sku = Some(text(value)?),
            "barcode" => variant.barcode = Some(clearable(value)?),
            "mpn" => variant.mpn = Some(clearable(value)?),
            "condition" => variant.condition = Some(clearable(value)?),
            "options" if value.is_null() => options = Some(Map::new()),
            "options" => options = Some(map(value)?),
            "price" => variant.price = Some(price(value)?),
            "compare_at_price" => compare_at = Some(nullable_price(value)?),
            "cost" => cost = Some(nullable_price(value)?),
            "availability" => {}
            "weight_g" => variant.weight_g = Some(nullable_integer(&value)?),
            "requires_shipping" => variant.requires_shipping = Some(boolean(&value)?),
            "taxable" => variant.taxable = Some(boolean(&value)?),
            "tax_code" => variant.tax_code = Some(clearable(value)?),
            "inventory" => inventory(value, &mut variant)?,
            "image" => variant.image = Some(index(&value)?),
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok(Draft {
        variant,
        options,
        compare_at,
        cost,
    })
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
    /// Puts the option values into the order of the product's options, and the amounts into the currency
    /// of the price.
    pub(super) fn finish(self, options: Option<&[ProductOption]>) -> Read<VariantInput> {
        let mut variant = self.variant;
        variant.option_values = option_values(self.options, options.unwrap_or_default())
            .map_err(|problem| problem.under("options"))?;
        let in_currency = |amount: Option<Option<Price>>, key: &str| {
            let Some(Some(amount)) = amount else {
                return Ok(amount.map(|_| None));
            };
            let currency = variant.price.map(|price| price.currency);
            if currency == Some(amount.currency) {
                return Ok(Some(Some(amount.minor)));
            }
            let reason = match currency {
                Some(currency) => format!("must be in {currency}, the currency of `price`"),
                None => "needs a `price` beside it, in the same currency".to_owned(),
            };
            let given = Value::from(amount.currency.code());
            Err(Problem::new(&given, reason).under("currency").under(key))
        };
        let compare_at = in_currency(self.compare_at, "compare_at_price")?;
        let cost = in_currency(self.cost, "cost")?;
        variant.compare_at_minor = compare_at;
        variant.cost_minor = cost;
        Ok(variant)
    }
}

fn option_values(
    given: Option<Map<String, Value>>,
    options: &[ProductOption],
) -> Read<Vec<String>> {
    let mut given = given.unwrap_or_default();
    let mut values = Vec::with_capacity(options.len());
    for option in options {
        let value = given.shift_remove(&option.name).ok_or_else(|| {
            Problem::missing(&option.name, "a variant has a value for each option")
        })?;
        values.push(text(value).map_err(|problem| problem.under(&option.name))?);
    }
    match given.into_iter().next() {
        Some((name, value)) => {
            let reason = "the product has no such option; add it to its `options`";
            Err(Problem::new(&value, reason).under(&name))
        }
        None => Ok(values),
    }
}

fn nullable_price(value: Value) -> Read<Option<Price>> {
    if value.is_null() {
        Ok(None)
    } else {
        price(value).map(Some)
    }
}

fn price(value: Value) -> Read<Price> {
    let (mut minor, mut currency) = (None, None);
    object(value, &["amount_minor", "currency"], |key, value| {
        match key {
            "amount_minor" => minor = Some(amount(&value)?),
            "currency" => currency = Some(iso_4217(value)?),
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok(Price {
        minor: minor.ok_or_else(|| Problem::missing("amount_minor", "a price needs one"))?,
        currency: currency.ok_or_else(|| Problem::missing("currency", "write it like USD"))?,
    })
}

fn iso_4217(value: Value) -> Read<Currency> {
    let code = text(value)?;
    Currency::parse(&code).map_err(|error| Problem::new(&Value::String(code), error.to_string()))
}

fn index(value: &Value) -> Read<usize> {
    let index = value.as_u64().and_then(|index| usize::try_from(index).ok());
    index.ok_or_else(|| Problem::new(value, "must be the number of one of `images`, from 0"))
}

fn inventory(value: Value, variant: &mut VariantInput) -> Read<()> {
    const KEYS: &[&str] = &["tracked", "policy", "on_hand", "reserved", "low_stock_at"];
    object(value, KEYS, |key, value| {
        match key {
            "tracked" => variant.inventory_tracked = Some(boolean(&value)?),
            "policy" => variant.inventory_policy = Some(policy(value)?),
            "on_hand" => variant.on_hand = Some(integer(&value)?),
            "reserved" => variant.reserved = Some(integer(&value)?),
            "low_stock_at" => variant.low_stock_at = Some(integer(&value)?),
            _ => return Ok(false),
        }
        Ok(true)
    })
}

fn policy(value: Value) -> Read<InventoryPolicy> {
    let word = text(value)?;
    [InventoryPolicy::Deny, InventoryPolicy::Continue]
        .into_iter()
        .find(|policy| policy.as_str() == word)
        .ok_or_else(|| Problem::new(&Value::String(word), "must be `deny` or `continue`"))
}
