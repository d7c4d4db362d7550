//! The parts of a finished document that are searched and shown.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A product's document, as far as searches need it.
#[derive(Debug, Deserialize)]
pub(super) struct SearchedDocument<'d> {
    pub(super) id: i64,
    #[serde(borrow)]
    pub(super) handle: Cow<'d, str>,
    #[serde(borrow)]
    pub(super) title: Cow<'d, str>,
    #[serde(borrow)]
    pub(super) description_html: Cow<'d, str>,
    #[serde(borrow)]
    pub(super) vendor: Cow<'d, str>,
    #[serde(borrow)]
    pub(super) product_type: Cow<'d, str>,
    #[serde(borrow)]
    pub(super) category: Cow<'d, str>,
    /// Other programs may have put anything into the list.
    tags: Vec<Value>,
    #[serde(borrow)]
    pub(super) options: Vec<OptionValues<'d>>,
    pub(super) price: Option<Prices>,
    #[serde(borrow)]
    pub(super) availability: Cow<'d, str>,
    pub(super) rating: Rating,
    pub(super) images: Vec<Image>,
    pub(super) variants: Vec<Codes>,
    pub(super) attributes: Value,
    pub(super) version: u64,
}

impl SearchedDocument<'_> {
    pub(super) fn tags(&self) -> impl Iterator<Item = &str> {
        self.tags.iter().filter_map(Value::as_str)
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct OptionValues<'d> {
    #[serde(borrow)]
    pub(super) values: Vec<Cow<'d, str>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Codes {
    pub(super) sku: Option<String>,
    pub(super) barcode: Option<String>,
}

/// The lowest and the highest price of a product's variants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prices {
    /// Lowest.
    pub min: Money,
    /// Highest.
    pub max: Money,
}

/// An amount in a currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Money {
    /// Minor units.
    pub amount_minor: i64,
    /// ISO 4217 code.
    pub currency: String,
}

/// What customers thought of a product.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rating {
    /// Stars from 1 to 5, with one decimal; `None` without ratings.
    pub average: Option<f64>,
    /// Number of ratings.
    pub count: u64,
}

impl Rating {
    /// The average in tenths, 0 without ratings.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "from 10 to 50"
    )]
    pub(super) fn tenths(&self) -> u64 {
        self.average
            .map_or(0, |average| (average * 10.0).round() as u64)
    }
}

/// A picture of a product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// Where it is.
    pub url: String,
    /// What it shows, in words.
    pub alt: String,
    /// Pixels, where known.
    pub width: Option<i64>,
    /// Pixels, where known.
    pub height: Option<i64>,
}
