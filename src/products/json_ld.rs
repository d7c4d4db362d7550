//! A product as search engines read it: JSON-LD in the terms of schema.org, `ProductGroup` where there are
//! several variants and `Product` where there is one (<https://schema.org/ProductGroup>).
//!
//! What a shop has to say itself is left out: the addresses of its pages, shipping and returns.

mod plain_text;

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::{Map, Number, Value, json};

use super::money::Currency;
use plain_text::plain_text;

/// What of a document goes into it.
#[derive(Deserialize)]
struct Document<'d> {
    id: i64,
    #[serde(borrow)]
    title: Cow<'d, str>,
    #[serde(borrow)]
    description_html: Cow<'d, str>,
    #[serde(borrow)]
    vendor: Cow<'d, str>,
    #[serde(borrow)]
    category: Cow<'d, str>,
    options: Vec<ProductOption>,
    rating: Rating,
    images: Vec<Image>,
    variants: Vec<Variant>,
}

#[derive(Deserialize)]
struct ProductOption {
    name: String,
}

#[derive(Deserialize)]
struct Rating {
    /// As it is written in the document.
    average: Option<Number>,
    count: i64,
}

#[derive(Deserialize)]
struct Image {
    url: String,
}

#[derive(Deserialize)]
struct Variant {
    sku: Option<String>,
    barcode: Option<String>,
    options: Map<String, Value>,
    price: Money,
    availability: String,
}

#[derive(Deserialize)]
struct Money {
    amount_minor: i64,
    currency: String,
}

/// The JSON-LD of a document.
pub fn from_document(document: &str) -> serde_json::Result<String> {
    let document: Document<'_> = serde_json::from_str(document)?;
    let mut product = Map::new();
    put(&mut product, "@context", "https://schema.org");
    let is_group = document.variants.len() > 1;
    put(
        &mut product,
        "@type",
        if is_group { "ProductGroup" } else { "Product" },
    );
    if is_group {
        put(&mut product, "productGroupID", document.id.to_string());
    }
    put(&mut product, "name", &*document.title);
    put_text(
        &mut product,
        "description",
        &plain_text(&document.description_html),
    );
    put_text(&mut product, "category", &document.category);
    if !document.vendor.is_empty() {
        put(
            &mut product,
            "brand",
            json!({ "@type": "Brand", "name": document.vendor }),
        );
    }
    if !document.images.is_empty() {
        let urls: Vec<_> = document.images.iter().map(|image| &*image.url).collect();
        put(&mut product, "image", urls);
    }
    // Search engines take a rating of nobody for a lie.
    if let (Some(average), true) = (document.rating.average, document.rating.count > 0) {
        let rating = json!({
            "@type": "AggregateRating",
            "ratingValue": average,
            "ratingCount": document.rating.count,
            "bestRating": 5,
            "worstRating": 1,
        });
        put(&mut product, "aggregateRating", rating);
    }
    if is_group {
        let varies_by: Vec<_> = document
            .options
            .iter()
            .map(|option| axis(&option.name))
            .collect();
        if !varies_by.is_empty() {
            put(&mut product, "variesBy", varies_by);
        }
        let variants = document
            .variants
            .iter()
            .map(|variant| member(&document.title, variant));
        put(&mut product, "hasVariant", variants.collect::<Vec<_>>());
    } else if let Some(variant) = document.variants.first() {
        describe(&mut product, variant);
    }
    serde_json::to_string(&product)
}

/// A variant of a group.
fn member(title: &str, variant: &Variant) -> Value {
    let mut product = Map::new();
    put(&mut product, "@type", "Product");
    let values: Vec<_> = variant.options.values().filter_map(Value::as_str).collect();
    let name = if values.is_empty() {
        title.to_owned()
    } else {
        format!("{title} - {}", values.join(" / "))
    };
    put(&mut product, "name", name);
    describe(&mut product, variant);
    Value::Object(product)
}

/// What is true of the one variant that can be bought.
fn describe(product: &mut Map<String, Value>, variant: &Variant) {
    put_text(product, "sku", variant.sku.as_deref().unwrap_or_default());
    if let Some(code) = variant.barcode.as_deref().filter(|code| is_gtin(code)) {
        put(product, "gtin", code);
    }
    let mut others = Vec::new();
    for (name, value) in &variant.options {
        match property(name) {
            Some(property) => put(product, property, value.clone()),
            None => others.push(json!({ "@type": "PropertyValue", "name": name, "value": value })),
        }
    }
    if !others.is_empty() {
        put(product, "additionalProperty", others);
    }
    // Of a currency that is none nobody knows where the point belongs.
    if let Ok(currency) = Currency::parse(&variant.price.currency) {
        let offer = json!({
            "@type": "Offer",
            "price": currency.format_decimal(variant.price.amount_minor),
            "priceCurrency": currency.code(),
            "availability": availability(&variant.availability),
        });
        put(product, "offers", offer);
    }
}

fn availability(level: &str) -> &'static str {
    match level {
        "in_stock" => "https://schema.org/InStock",
        "low_stock" => "https://schema.org/LimitedAvailability",
        _ => "https://schema.org/OutOfStock",
    }
}

/// The property of schema.org that an option is about, where there is one.
fn property(option: &str) -> Option<&'static str> {
    let is = |name: &&str| option.eq_ignore_ascii_case(name);
    let properties = [
        ("color", &["color", "colour"][..]),
        ("size", &["size"]),
        ("material", &["material"]),
        ("pattern", &["pattern"]),
    ];
    let known = properties.iter().find(|(_, names)| names.iter().any(is));
    known.map(|(property, _)| *property)
}

/// What a group varies by: an IRI where schema.org has one.
fn axis(option: &str) -> String {
    match property(option) {
        Some(property) => format!("https://schema.org/{property}"),
        None => option.to_owned(),
    }
}

/// Whether a barcode is a GTIN of 8, 12, 13 or 14 digits, the last of which checks the others (GS1 General
/// Specifications §7.9).
fn is_gtin(code: &str) -> bool {
    let digits = code.bytes().all(|byte| byte.is_ascii_digit());
    if !digits || !matches!(code.len(), 8 | 12..=14) {
        return false;
    }
    let weighted = |(place, digit): (usize, u8)| {
        let weight = if place % 2 == 0 { 1 } else { 3 };
        u32::from(digit - b'0') * weight
    };
    code.bytes().rev().enumerate().map(weighted).sum::<u32>() % 10 == 0
}

fn put(object: &mut Map<String, Value>, name: &str, value: impl Into<Value>) {
    object.insert(name.to_owned(), value.into());
}

/// Nothing where there is no text.
fn put_text(object: &mut Map<String, Value>, name: &str, text: &str) {
    if !text.is_empty() {
        put(object, name, text);
    }
}

#[cfg(test)]
mod tests;
