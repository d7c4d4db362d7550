//! Rules for variants, and for variants among themselves.

use std::collections::HashSet;

use super::report::{At, Report};
use super::{MAX_NAME, MAX_VARIANTS};
use crate::products::input::{ProductInput, ProductOption, VariantInput};
use crate::products::money::MAX_MINOR;

/// Longest barcode, in characters; a GTIN has 14.
const MAX_BARCODE: usize = 64;
/// Largest quantity in stock.
/// Most units of a stock, one way or the other.
pub const MAX_QUANTITY: i64 = 1_000_000_000;
/// Largest weight, 1,000 tonnes.
const MAX_WEIGHT_G: i64 = 1_000_000_000;
const CONDITIONS: [&str; 4] = ["new", "refurbished", "used", ""];

pub(super) fn check(report: &mut Report, at: At<'_>, product: &ProductInput) {
    let variants = product.variants.as_deref().unwrap_or_default();
    if !report.at_most(at, variants.len(), MAX_VARIANTS, "variants") {
        return;
    }
    let images = product.images.as_ref().map(Vec::len);
    for (index, variant) in variants.iter().enumerate() {
        let at = at.index(index);
        fields(report, at, variant);
        if let (Some(image), Some(images)) = (variant.image, images)
            && image >= images
        {
            let reason = format!("the product has {images} images, counted from 0");
            report.add(at.key("image"), image, reason);
        }
    }
    skus(report, at, variants);
    currencies(report, at, variants);
    if let Some(options) = &product.options {
        for (index, variant) in variants.iter().enumerate() {
            values(report, at.index(index), variant, options);
        }
    }
    combinations(report, at, variants, product.options.is_some());
}

fn fields(report: &mut Report, at: At<'_>, variant: &VariantInput) {
    report.positive(at.key("id"), variant.id);
    if let Some(sku) = &variant.sku {
        report.name(at.key("sku"), sku);
        if sku.trim().len() != sku.len() {
            report.add(at.key("sku"), sku, "has spaces around it; remove them");
        }
    }
    for (key, text, longest) in [
        ("barcode", &variant.barcode, MAX_BARCODE),
        ("mpn", &variant.mpn, MAX_NAME),
        ("tax_code", &variant.tax_code, MAX_NAME),
    ] {
        report.text(at.key(key), text.as_deref().unwrap_or_default(), longest);
    }
    if let Some(condition) = &variant.condition {
        report.one_of(at.key("condition"), condition, &CONDITIONS);
    }
    for (key, minor) in [
        ("price", variant.price.map(|price| price.minor)),
        ("compare_at_price", variant.compare_at_minor.flatten()),
        ("cost", variant.cost_minor.flatten()),
    ] {
        report.within(at.key(key).key("amount_minor"), minor, 0..=MAX_MINOR);
    }
    report.within(
        at.key("weight_g"),
        variant.weight_g.flatten(),
        0..=MAX_WEIGHT_G,
    );
    let inventory = at.key("inventory");
    // Selling on without stock takes the quantity below zero.
    report.within(
        inventory.key("on_hand"),
        variant.on_hand,
        -MAX_QUANTITY..=MAX_QUANTITY,
    );
    report.within(
        inventory.key("reserved"),
        variant.reserved,
        0..=MAX_QUANTITY,
    );
    report.within(
        inventory.key("low_stock_at"),
        variant.low_stock_at,
        0..=MAX_QUANTITY,
    );
}

fn skus(report: &mut Report, at: At<'_>, variants: &[VariantInput]) {
    let mut seen = HashSet::new();
    for (index, variant) in variants.iter().enumerate() {
        if let Some(sku) = &variant.sku
            && !seen.insert(sku)
        {
            report.add(
                at.index(index).key("sku"),
                sku,
                "two variants have this sku",
            );
        }
    }
}

fn currencies(report: &mut Report, at: At<'_>, variants: &[VariantInput]) {
    let prices = variants.iter().enumerate();
    let mut prices = prices.filter_map(|(index, variant)| Some((index, variant.price?.currency)));
    let Some((_, first)) = prices.next() else {
        return;
    };
    for (index, currency) in prices {
        if currency != first {
            let at = at.index(index);
            let reason =
                format!("all variants of a product are priced in one currency, here {first}");
            report.add(at.key("price").key("currency"), currency, reason);
        }
    }
}

fn values(report: &mut Report, at: At<'_>, variant: &VariantInput, options: &[ProductOption]) {
    let at = at.key("options");
    let given = variant.option_values.len();
    if given != options.len() {
        let reason = format!(
            "{given} option values for {} options; give one for each",
            options.len()
        );
        report.add(at, variant.option_values.join(" / "), reason);
        return;
    }
    for (option, value) in options.iter().zip(&variant.option_values) {
        if !option.values.contains(value) {
            let reason = format!(
                "not among the values of the option {:?}; add it",
                option.name
            );
            report.add(at.key(&option.name), value, reason);
        }
    }
}

/// Variants that say nothing about options (a file with skus and prices alone) are not compared.
fn combinations(report: &mut Report, at: At<'_>, variants: &[VariantInput], options_said: bool) {
    let mut seen = HashSet::new();
    for (index, variant) in variants.iter().enumerate() {
        let values = &variant.option_values;
        if (options_said || !values.is_empty()) && !seen.insert(values) {
            let reason = if values.is_empty() {
                "a product without options has one variant only; add an option"
            } else {
                "two variants have these option values"
            };
            report.add(at.index(index).key("options"), values.join(" / "), reason);
        }
    }
    for (index, variant) in variants.iter().enumerate() {
        let at = at.index(index);
        for value in &variant.option_values {
            report.name(at.key("options"), value);
        }
    }
}
