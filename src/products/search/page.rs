//! Pages of what was found.

use serde::Serialize;

use super::document::{Image, Prices, Rating, SearchedDocument};
use super::facets::Facets;
use crate::search::highlight::{Highlight, Matcher, excerpt, whole};
use crate::search::plain_text::plain_text;

/// A page of what was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SearchPage {
    /// In the order asked.
    pub items: Vec<SearchItem>,
    /// How many there are on all pages.
    pub total: Total,
    /// The query as it was understood, where what was asked found little.
    pub corrected: Option<String>,
    /// Counts to filter by; `None` where they are not counted for now.
    pub facets: Option<Facets>,
    /// True while the index is built: there is more than this.
    pub incomplete: bool,
    /// Cursor of the next page; `None` at the end.
    pub next: Option<String>,
    /// What the page has to do without for now.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub degraded: Vec<&'static str>,
}

/// A number of products.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Total {
    /// How many.
    pub value: u64,
    /// False where it is an estimate, or there may be more.
    pub exact: bool,
}

/// A product that was found: what a page of results shows of its document.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SearchItem {
    /// The product.
    pub id: i64,
    /// Its handle.
    pub handle: String,
    /// Plain text, as all that follow.
    pub title: String,
    /// Empty where there is none.
    pub vendor: String,
    /// Empty where there is none.
    pub product_type: String,
    /// A path; empty where there is none.
    pub category: String,
    /// Lowest and highest; `None` where there is no variant.
    pub price: Option<Prices>,
    /// As in the document.
    pub availability: String,
    /// As in the document.
    pub rating: Rating,
    /// The first one.
    pub image: Option<Image>,
    /// Version of the document.
    pub version: u64,
    /// Where the words of the query stand.
    pub highlights: Vec<FieldHighlight>,
}

/// The words of the query in one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldHighlight {
    /// `title`, `vendor`, `product_type`, `category` or `description`.
    pub field: &'static str,
    /// The text, of a description an excerpt, and the ranges.
    #[serde(flatten)]
    pub highlight: Highlight,
}

/// Takes out of a document what is shown.
pub(super) fn item(document: SearchedDocument<'_>, matcher: &Matcher) -> SearchItem {
    SearchItem {
        highlights: highlights(&document, matcher),
        id: document.id,
        handle: document.handle.into_owned(),
        title: document.title.into_owned(),
        vendor: document.vendor.into_owned(),
        product_type: document.product_type.into_owned(),
        category: document.category.into_owned(),
        price: document.price,
        availability: document.availability.into_owned(),
        rating: document.rating,
        image: document.images.into_iter().next(),
        version: document.version,
    }
}

fn highlights(document: &SearchedDocument<'_>, matcher: &Matcher) -> Vec<FieldHighlight> {
    let short = [
        ("title", &document.title),
        ("vendor", &document.vendor),
        ("product_type", &document.product_type),
        ("category", &document.category),
    ];
    let short = short.map(|(field, text)| (field, whole(text, matcher)));
    let description = excerpt(&plain_text(&document.description_html), matcher);
    let all = short.into_iter().chain([("description", description)]);
    let field = |(field, found): (_, Option<Highlight>)| {
        found.map(|highlight| FieldHighlight { field, highlight })
    };
    all.filter_map(field).collect()
}
