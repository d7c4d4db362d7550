//! What an input says about a product's own row.

use rusqlite::{ToSql, named_params};

use crate::products::attributes::Attributes;
use crate::products::input::{ProductInput, Status};

/// What an input says about the product's own row, as the database keeps it.
pub(super) struct SaidOfProduct<'a> {
    product: &'a ProductInput,
    now: &'a str,
    tags: Option<String>,
    status: Option<&'static str>,
    options: Option<String>,
    attributes: Option<&'a str>,
    rating_sum: Option<i64>,
    rating_count: Option<i64>,
}

impl<'a> SaidOfProduct<'a> {
    pub(super) fn new(product: &'a ProductInput, now: &'a str) -> Self {
        let rating = product.said_rating();
        Self {
            product,
            now,
            tags: product.said_tags(),
            status: product.status.map(Status::as_str),
            options: product.said_options(),
            attributes: product.attributes.as_ref().map(Attributes::json),
            rating_sum: rating.map(|rating| rating.sum),
            rating_count: rating.map(|rating| rating.count),
        }
    }

    /// The parameters of `update_product.sql` but for the id.
    pub(super) fn parameters(&self) -> Vec<(&'static str, &dyn ToSql)> {
        let product = self.product;
        Vec::from(named_params! {
            ":title": product.title,
            ":description_html": product.description_html,
            ":vendor": product.vendor,
            ":product_type": product.product_type,
            ":category": product.category,
            ":tags": self.tags,
            ":status": self.status,
            ":published": product.published,
            ":published_at": product.published_at,
            ":options": self.options,
            ":seo_title": product.seo_title,
            ":seo_description": product.seo_description,
            ":attributes": self.attributes,
            ":rating_sum": self.rating_sum,
            ":rating_count": self.rating_count,
            ":now": self.now,
        })
    }
}
