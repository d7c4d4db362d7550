//! The variants of a product and the options they differ in.

use indexmap::IndexSet;

use super::evaluate::{Fault, Read, Scope, Task};
use super::mapping::{OptionRules, VariantRules};
use super::product::with;
use crate::products::import::images::Images;
use crate::products::input::{InventoryPolicy, Price, ProductInput, ProductOption, VariantInput};
use crate::products::money::Currency;

/// Fills the variants and, where the mapping says something about them, the options and images.
pub(super) fn map(
    scope: Scope<'_>,
    rules: &VariantRules,
    currency: Currency,
    product: &mut ProductInput,
    images: &mut Option<Images>,
) -> Read<()> {
    let mut items = scope.items(rules.each.as_ref());
    if let Some(path) = &rules.prefer_with
        && items.iter().any(|item| item.has(path))
    {
        items.retain(|item| item.has(path));
    }
    let mut variants = Vec::with_capacity(items.len());
    for item in &items {
        let mut variant = variant(*item, rules, currency)?;
        if let Some(url) = with(rules.image.as_ref(), *item, "variants.image", Task::text)? {
            variant.image = Some(images.get_or_insert_default().index(&url));
        }
        variants.push(variant);
    }
    if !rules.options.is_empty() {
        product.options = Some(options(&items, &rules.options, &mut variants)?);
    }
    product.variants = Some(variants);
    Ok(())
}

fn variant(item: Scope<'_>, rules: &VariantRules, default: Currency) -> Read<VariantInput> {
    let currency = with(rules.currency.as_ref(), item, "variants.currency", |task| {
        task.parsed(|code| Currency::parse(code).map_err(|error| error.to_string()))
    })?;
    let currency = currency.unwrap_or(default);
    let price = with(rules.price.as_ref(), item, "variants.price", |task| {
        task.amount(currency)
    })?;
    let price = price.map(|(minor, currency)| Price { minor, currency });
    let currency = price.map_or(currency, |price| price.currency);
    let beside = |task: &Task<'_>| {
        let amount = task.amount(currency)?;
        match amount {
            Some((_, other)) if other != currency => {
                let reason = format!("must be in {currency}, the currency of the price");
                Err(task.fault(other.code(), reason))
            }
            amount => Ok(amount.map(|(minor, _)| Some(minor))),
        }
    };
    let text = |rule, field| with(rule, item, field, Task::text);
    let flag = |rule, field| with(rule, item, field, Task::boolean);
    let count = |rule, field| with(rule, item, field, Task::integer);
    let compare_at = rules.compare_at_price.as_ref();
    let weight = with(
        rules.weight_g.as_ref(),
        item,
        "variants.weight_g",
        Task::grams,
    )?;
    let policy = with(
        rules.inventory_policy.as_ref(),
        item,
        "variants.inventory_policy",
        policy,
    )?;
    Ok(VariantInput {
        sku: text(rules.sku.as_ref(), "variants.sku")?,
        barcode: text(rules.barcode.as_ref(), "variants.barcode")?,
        mpn: text(rules.mpn.as_ref(), "variants.mpn")?,
        condition: text(rules.condition.as_ref(), "variants.condition")?,
        price,
        compare_at_minor: with(compare_at, item, "variants.compare_at_price", beside)?,
        cost_minor: with(rules.cost.as_ref(), item, "variants.cost", beside)?,
        weight_g: weight.map(Some),
        requires_shipping: flag(
            rules.requires_shipping.as_ref(),
            "variants.requires_shipping",
        )?,
        taxable: flag(rules.taxable.as_ref(), "variants.taxable")?,
        tax_code: text(rules.tax_code.as_ref(), "variants.tax_code")?,
        inventory_tracked: flag(
            rules.inventory_tracked.as_ref(),
            "variants.inventory_tracked",
        )?,
        inventory_policy: policy,
        on_hand: count(rules.on_hand.as_ref(), "variants.on_hand")?,
        reserved: count(rules.reserved.as_ref(), "variants.reserved")?,
        low_stock_at: count(rules.low_stock_at.as_ref(), "variants.low_stock_at")?,
        ..VariantInput::default()
    })
}

fn policy(task: &Task<'_>) -> Read<Option<InventoryPolicy>> {
    task.parsed(|word| {
        [InventoryPolicy::Deny, InventoryPolicy::Continue]
            .into_iter()
            .find(|policy| policy.as_str() == word)
            .ok_or_else(|| "must be deny or continue; translate it with a `lookup`".to_owned())
    })
}

/// Reads name and value of each option for each variant. An option that no variant has is left out.
fn options(
    items: &[Scope<'_>],
    rules: &[OptionRules],
    variants: &mut [VariantInput],
) -> Read<Vec<ProductOption>> {
    let mut options = Vec::new();
    for rule in rules {
        let mut option: Option<(String, IndexSet<String>)> = None;
        for (index, (item, variant)) in items.iter().zip(&mut *variants).enumerate() {
            let name = with(Some(&rule.name), *item, "options.name", Task::text)?;
            let value = with(Some(&rule.value), *item, "options.value", Task::text)?;
            let fault = |value: String, reason: String| {
                let task = Task {
                    rule: &rule.value,
                    scope: *item,
                    field: "options.value",
                };
                Err::<(), Fault>(task.fault(value, reason))
            };
            match (name.zip(value), &mut option) {
                (Some((name, value)), None) if index == 0 => {
                    option = Some((name, IndexSet::from([value.clone()])));
                    variant.option_values.push(value);
                }
                (Some((name, value)), Some((known, values))) if name == *known => {
                    values.insert(value.clone());
                    variant.option_values.push(value);
                }
                (Some((name, _)), known) => {
                    let known = known.as_ref().map_or("no such option", |(known, _)| known);
                    fault(
                        name,
                        format!("variant {index} has this option, those before it {known}"),
                    )?;
                }
                (None, Some((known, _))) => {
                    let reason = format!("variant {index} has no value for {known:?}");
                    fault(String::new(), reason)?;
                }
                (None, None) => {}
            }
        }
        options.extend(option.map(|(name, values)| ProductOption {
            name,
            values: values.into_iter().collect(),
        }));
    }
    Ok(options)
}
