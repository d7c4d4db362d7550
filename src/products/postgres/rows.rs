//! New rows, with what is not said by default, as `COPY` takes them.

use crate::db::postgres::{CopyRows, PostgresError, Type, microseconds};
use crate::products::input::{
    ImageInput, InventoryPolicy, ProductInput, ReviewInput, Status, VariantInput,
};

pub(super) const COPY_PRODUCTS: &str = "
    COPY product (
        id, handle, title, description_html, vendor, product_type, category, tags, status, published_at, options,
        seo_title, seo_description, attributes, rating_sum, rating_count, version, created_at, updated_at)
    FROM STDIN (FORMAT binary)";
pub(super) const COPY_IMAGES: &str = "
    COPY image (id, product_id, position, url, alt, width, height) FROM STDIN (FORMAT binary)";
pub(super) const COPY_VARIANTS: &str = "
    COPY variant (
        id, product_id, position, sku, barcode, mpn, condition, option1, option2, option3, price_minor,
        compare_at_minor, cost_minor, currency, weight_g, requires_shipping, taxable, tax_code, inventory_tracked,
        inventory_policy, image_id)
    FROM STDIN (FORMAT binary)";
pub(super) const COPY_INVENTORY: &str = "
    COPY inventory (variant_id, on_hand, reserved, low_stock_at) FROM STDIN (FORMAT binary)";
pub(super) const COPY_REVIEWS: &str = "
    COPY review (product_id, rating, title, body, author, status, created_at) FROM STDIN (FORMAT binary)";

/// A time has the bytes of a number of microseconds, JSON those of text.
const TIME: Type = Type::INT8;
const JSON: Type = Type::TEXT;

const PRODUCT: &[Type] = &[
    Type::INT8,
    Type::TEXT,
    Type::TEXT,
    Type::TEXT,
    Type::TEXT,
    Type::TEXT,
    Type::TEXT,
    Type::TEXT_ARRAY,
    Type::TEXT,
    TIME,
    JSON,
    Type::TEXT,
    Type::TEXT,
    JSON,
    Type::INT8,
    Type::INT8,
    Type::INT8,
    TIME,
    TIME,
];
const IMAGE: &[Type] = &[
    Type::INT8,
    Type::INT8,
    Type::INT8,
    Type::TEXT,
    Type::TEXT,
    Type::INT8,
    Type::INT8,
];
const VARIANT: &[Type] = &[
    Type::INT8,
    Type::INT8,
    Type::INT8,
    Type::TEXT,
    Type::TEXT,
    Type::TEXT,
    Type::TEXT,
    Type::TEXT,
    Type::TEXT,
    Type::TEXT,
    Type::INT8,
    Type::INT8,
    Type::INT8,
    Type::TEXT,
    Type::INT8,
    Type::BOOL,
    Type::BOOL,
    Type::TEXT,
    Type::BOOL,
    Type::TEXT,
    Type::INT8,
];
const INVENTORY: &[Type] = &[Type::INT8, Type::INT8, Type::INT8, Type::INT8];
const REVIEW: &[Type] = &[
    Type::INT8,
    Type::INT8,
    Type::TEXT,
    Type::TEXT,
    Type::TEXT,
    Type::TEXT,
    TIME,
];

fn said_time(time: Option<&String>) -> Result<Option<i64>, PostgresError> {
    time.map(|time| microseconds(time)).transpose()
}

fn unless_empty(text: Option<&String>) -> Option<&str> {
    text.map(String::as_str).filter(|text| !text.is_empty())
}

/// The rows of new products and of what is new of others, in the making.
pub(super) struct NewRows {
    /// Microseconds since the year 2000.
    now: i64,
    pub(super) products: CopyRows,
    pub(super) images: CopyRows,
    pub(super) variants: CopyRows,
    pub(super) inventory: CopyRows,
    pub(super) reviews: CopyRows,
}

impl NewRows {
    pub(super) fn new(now: i64) -> Self {
        Self {
            now,
            products: CopyRows::new(PRODUCT),
            images: CopyRows::new(IMAGE),
            variants: CopyRows::new(VARIANT),
            inventory: CopyRows::new(INVENTORY),
            reviews: CopyRows::new(REVIEW),
        }
    }

    pub(super) fn product(&mut self, id: i64, product: &ProductInput) -> Result<(), PostgresError> {
        let created_at = said_time(product.created_at.as_ref())?;
        let updated_at = said_time(product.updated_at.as_ref())?;
        let published_at = said_time(product.published_at.as_ref())?.or(created_at);
        let published_at =
            (product.published != Some(false)).then(|| published_at.unwrap_or(self.now));
        let rating = product.said_rating();
        let options = product.said_options();
        self.products.push(&[
            &id,
            &product.handle,
            &product.title,
            &product.description_html.as_deref().unwrap_or_default(),
            &product.vendor.as_deref().unwrap_or_default(),
            &product.product_type.as_deref().unwrap_or_default(),
            &product.category.as_deref().unwrap_or_default(),
            &product.tags.as_deref().unwrap_or_default(),
            &product.status.unwrap_or(Status::Active).as_str(),
            &published_at,
            &options.as_deref().unwrap_or("[]"),
            &unless_empty(product.seo_title.as_ref()),
            &unless_empty(product.seo_description.as_ref()),
            &product.attributes.as_ref().map_or("{}", |said| said.json()),
            &rating.map_or(0, |rating| rating.sum),
            &rating.map_or(0, |rating| rating.count),
            &product.version.unwrap_or(1),
            &created_at.or(updated_at).unwrap_or(self.now),
            &updated_at.unwrap_or(self.now),
        ])
    }

    pub(super) fn image(
        &mut self,
        id: i64,
        product_id: i64,
        position: i64,
        image: &ImageInput,
    ) -> Result<(), PostgresError> {
        self.images.push(&[
            &id,
            &product_id,
            &position,
            &image.url,
            &image.alt,
            &image.width,
            &image.height,
        ])
    }

    pub(super) fn variant(
        &mut self,
        id: i64,
        product_id: i64,
        position: i64,
        image_id: Option<i64>,
        variant: &VariantInput,
    ) -> Result<(), PostgresError> {
        let option = |index: usize| variant.option_values.get(index).map(String::as_str);
        let policy = variant.inventory_policy.unwrap_or(InventoryPolicy::Deny);
        let currency = variant.price.as_ref().map(|price| price.currency.code());
        self.variants.push(&[
            &id,
            &product_id,
            &position,
            &variant.sku,
            &unless_empty(variant.barcode.as_ref()),
            &unless_empty(variant.mpn.as_ref()),
            &unless_empty(variant.condition.as_ref()),
            &option(0),
            &option(1),
            &option(2),
            &variant.price.map(|price| price.minor),
            &variant.compare_at_minor.flatten(),
            &variant.cost_minor.flatten(),
            &currency,
            &variant.weight_g.flatten(),
            &variant.requires_shipping.unwrap_or(true),
            &variant.taxable.unwrap_or(true),
            &unless_empty(variant.tax_code.as_ref()),
            &variant
                .inventory_tracked
                .unwrap_or(variant.on_hand.is_some()),
            &policy.as_str(),
            &image_id,
        ])?;
        self.inventory.push(&[
            &id,
            &variant.on_hand.unwrap_or(0),
            &variant.reserved.unwrap_or(0),
            &variant.low_stock_at.unwrap_or(5),
        ])
    }

    pub(super) fn review(
        &mut self,
        product_id: i64,
        review: &ReviewInput,
    ) -> Result<(), PostgresError> {
        self.reviews.push(&[
            &product_id,
            &review.rating,
            &review.title,
            &review.body,
            &review.author,
            &review.status,
            &said_time(review.created_at.as_ref())?.unwrap_or(self.now),
        ])
    }
}
