//! What an input says about rows of their own, as the database keeps it.

use crate::db::postgres::{ToSql, Type};
use crate::products::input::{InventoryPolicy, ProductInput, Status, VariantInput};

/// What an input says about the product's own row.
pub(super) struct SaidOfProduct<'a> {
    product: &'a ProductInput,
    now: &'a str,
    status: Option<&'static str>,
    options: Option<String>,
    attributes: Option<String>,
    rating_sum: Option<i64>,
    rating_count: Option<i64>,
}

impl<'a> SaidOfProduct<'a> {
    pub(super) fn new(product: &'a ProductInput, now: &'a str) -> Self {
        let rating = product.said_rating();
        let attributes = product.attributes.as_ref();
        Self {
            product,
            now,
            status: product.status.map(Status::as_str),
            options: product.said_options(),
            attributes: attributes.and_then(|map| serde_json::to_string(map).ok()),
            rating_sum: rating.map(|rating| rating.sum),
            rating_count: rating.map(|rating| rating.count),
        }
    }

    /// The parameters that inserting and updating share: `$1` to `$16`.
    pub(super) fn parameters(&self) -> Vec<(&(dyn ToSql + Sync), Type)> {
        let product = self.product;
        vec![
            (&product.title, Type::TEXT),
            (&product.description_html, Type::TEXT),
            (&product.vendor, Type::TEXT),
            (&product.product_type, Type::TEXT),
            (&product.category, Type::TEXT),
            (&product.tags, Type::TEXT_ARRAY),
            (&self.status, Type::TEXT),
            (&product.published, Type::BOOL),
            (&product.published_at, Type::TEXT),
            (&self.options, Type::TEXT),
            (&product.seo_title, Type::TEXT),
            (&product.seo_description, Type::TEXT),
            (&self.attributes, Type::TEXT),
            (&self.rating_sum, Type::INT8),
            (&self.rating_count, Type::INT8),
            (&self.now, Type::TEXT),
        ]
    }
}

/// What an input says about a variant's own row.
pub(super) struct SaidOfVariant<'a> {
    variant: &'a VariantInput,
    position: i64,
    options: [Option<&'a str>; 3],
    price_minor: Option<i64>,
    currency: Option<&'a str>,
    compare_at_minor: Option<i64>,
    cost_minor: Option<i64>,
    weight_g: Option<i64>,
    inventory_policy: Option<&'static str>,
    image_id: Option<i64>,
}

impl<'a> SaidOfVariant<'a> {
    pub(super) fn new(variant: &'a VariantInput, position: usize, image_id: Option<i64>) -> Self {
        let option = |index: usize| variant.option_values.get(index).map(String::as_str);
        Self {
            variant,
            position: i64::try_from(position).unwrap_or(i64::MAX),
            options: [option(0), option(1), option(2)],
            price_minor: variant.price.map(|price| price.minor),
            currency: variant.price.as_ref().map(|price| price.currency.code()),
            compare_at_minor: variant.compare_at_minor.flatten(),
            cost_minor: variant.cost_minor.flatten(),
            weight_g: variant.weight_g.flatten(),
            inventory_policy: variant.inventory_policy.map(InventoryPolicy::as_str),
            image_id,
        }
    }

    /// The parameters that inserting and updating share: `$1` to `$19`.
    pub(super) fn parameters(&self) -> Vec<(&(dyn ToSql + Sync), Type)> {
        let variant = self.variant;
        vec![
            (&self.position, Type::INT8),
            (&variant.sku, Type::TEXT),
            (&variant.barcode, Type::TEXT),
            (&variant.mpn, Type::TEXT),
            (&variant.condition, Type::TEXT),
            (&self.options[0], Type::TEXT),
            (&self.options[1], Type::TEXT),
            (&self.options[2], Type::TEXT),
            (&self.price_minor, Type::INT8),
            (&self.compare_at_minor, Type::INT8),
            (&self.cost_minor, Type::INT8),
            (&self.currency, Type::TEXT),
            (&self.weight_g, Type::INT8),
            (&variant.requires_shipping, Type::BOOL),
            (&variant.taxable, Type::BOOL),
            (&variant.tax_code, Type::TEXT),
            (&variant.inventory_tracked, Type::BOOL),
            (&self.inventory_policy, Type::TEXT),
            (&self.image_id, Type::INT8),
        ]
    }
}
