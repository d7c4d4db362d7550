//! What a writer says about a product: the shape every import format, the demo generator and, later,
//! the write API hand to the store.
//!
//! `None` means "not said": an existing product keeps what it has, a new one gets the default. An empty
//! string, list or map means "cleared". A price-only file therefore never wipes descriptions.

use serde_json::Value;

use super::attributes::Attributes;
use super::money::Currency;

/// Whether a product is on sale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Being prepared; not public.
    Draft,
    /// On sale, and public once it is published.
    Active,
    /// No longer sold; not public.
    Archived,
}

impl Status {
    /// The word used in documents, files and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Active => "active",
            Self::Archived => "archived",
        }
    }

    /// Reads the word, ignoring ASCII case and surrounding spaces.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Draft, Self::Active, Self::Archived]
            .into_iter()
            .find(|status| word.trim().eq_ignore_ascii_case(status.as_str()))
    }
}

/// What happens when stock runs out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InventoryPolicy {
    /// Selling stops at zero.
    Deny,
    /// Selling goes on (back-order).
    Continue,
}

impl InventoryPolicy {
    /// The word used in files and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deny => "deny",
            Self::Continue => "continue",
        }
    }
}

/// One product as a file describes it. See the module text for what `None` means.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ProductInput {
    /// Honoured only when the product is new; taken by another product it is an error.
    pub id: Option<i64>,
    /// The key of the upsert: lower-case words joined by hyphens, unique in the catalogue.
    pub handle: String,
    /// Required for a new product.
    pub title: Option<String>,
    /// HTML as it is shown.
    pub description_html: Option<String>,
    /// Brand or supplier.
    pub vendor: Option<String>,
    /// The shop's own kind of product.
    pub product_type: Option<String>,
    /// Path from the root, levels joined by ` > `: `Apparel > Shirts`.
    pub category: Option<String>,
    /// In the order given, without duplicates.
    pub tags: Option<Vec<String>>,
    /// A new product is `Active` unless said otherwise.
    pub status: Option<Status>,
    /// `Some(false)` hides an active product; a new product is published unless said otherwise.
    pub published: Option<bool>,
    /// When it was first published (RFC 3339, UTC, milliseconds); wins over `published`.
    pub published_at: Option<String>,
    /// Up to three, such as `Size` and `Colour`, with their values in order of appearance.
    pub options: Option<Vec<ProductOption>>,
    /// Title for search engines; empty clears it.
    pub seo_title: Option<String>,
    /// Description for search engines; empty clears it.
    pub seo_description: Option<String>,
    /// Anything else, by name; the whole map is replaced.
    pub attributes: Option<Attributes>,
    /// The whole list, in order.
    pub images: Option<Vec<ImageInput>>,
    /// The whole list, in order: variants not named are removed.
    pub variants: Option<Vec<VariantInput>>,
    /// The whole list, in order. Targets may come later in the same file.
    pub relations: Option<Vec<RelationInput>>,
    /// The whole list.
    pub reviews: Option<Vec<ReviewInput>>,
    /// Sum of stars and number of ratings; computed from `reviews` where absent.
    pub rating: Option<RatingInput>,
    /// Honoured only for a new product, so that an export restores what it saved.
    pub version: Option<i64>,
    /// Honoured only for a new product (RFC 3339, UTC, milliseconds).
    pub created_at: Option<String>,
    /// Honoured only for a new product (RFC 3339, UTC, milliseconds).
    pub updated_at: Option<String>,
}

impl ProductInput {
    /// The rating said, else the one that follows from the published reviews said.
    pub fn said_rating(&self) -> Option<RatingInput> {
        self.rating.or_else(|| {
            let reviews = self.reviews.as_ref()?.iter();
            let published = reviews.filter(|review| review.status == "published");
            Some(
                published.fold(RatingInput { sum: 0, count: 0 }, |sofar, review| {
                    RatingInput {
                        sum: sofar.sum + review.rating,
                        count: sofar.count + 1,
                    }
                }),
            )
        })
    }

    /// The tags said, as a compact JSON array.
    pub fn said_tags(&self) -> Option<String> {
        let tags = self.tags.clone()?;
        Some(Value::from(tags).to_string())
    }

    /// The options said, as the stores keep them: compact JSON.
    pub fn said_options(&self) -> Option<String> {
        let options = self.options.as_ref()?.iter();
        let options = options
            .map(|option| serde_json::json!({ "name": option.name, "values": option.values }));
        Some(options.collect::<Value>().to_string())
    }
}

/// An option of a product, such as `Size` with `S`, `M` and `L`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductOption {
    /// Shown to the customer.
    pub name: String,
    /// In order of appearance, without duplicates.
    pub values: Vec<String>,
}

/// A picture of the product.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImageInput {
    /// Absolute, or relative to the shop's media root.
    pub url: String,
    /// Text for those who do not see the picture; empty where unknown.
    pub alt: String,
    /// Pixels, where known.
    pub width: Option<i64>,
    /// Pixels, where known.
    pub height: Option<i64>,
}

/// One thing that can be bought: a combination of option values with a price and a stock.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VariantInput {
    /// Honoured only when the variant is new.
    pub id: Option<i64>,
    /// Unique in the catalogue where present. Variants without one are matched by option values.
    pub sku: Option<String>,
    /// GTIN, EAN, UPC or ISBN; empty clears it.
    pub barcode: Option<String>,
    /// Manufacturer's part number; empty clears it.
    pub mpn: Option<String>,
    /// `new`, `refurbished` or `used`; empty clears it.
    pub condition: Option<String>,
    /// One value for each of the product's options, in their order.
    pub option_values: Vec<String>,
    /// Required for a new variant.
    pub price: Option<Price>,
    /// `Some(None)` clears it. In the currency of `price`.
    pub compare_at_minor: Option<Option<i64>>,
    /// Never public. `Some(None)` clears it. In the currency of `price`.
    pub cost_minor: Option<Option<i64>>,
    /// Grams; `Some(None)` clears it.
    pub weight_g: Option<Option<i64>>,
    /// True for a new variant unless said otherwise.
    pub requires_shipping: Option<bool>,
    /// True for a new variant unless said otherwise.
    pub taxable: Option<bool>,
    /// Empty clears it.
    pub tax_code: Option<String>,
    /// False means always in stock. False for a new variant unless it comes with a quantity.
    pub inventory_tracked: Option<bool>,
    /// `Deny` for a new variant unless said otherwise.
    pub inventory_policy: Option<InventoryPolicy>,
    /// Units in the warehouse.
    pub on_hand: Option<i64>,
    /// Units promised to open orders.
    pub reserved: Option<i64>,
    /// Shown as low stock at this many available units and below; 5 for a new variant.
    pub low_stock_at: Option<i64>,
    /// Index into the product's `images`.
    pub image: Option<usize>,
}

/// An amount of money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Price {
    /// Minor units (cents, fils, yen), never negative.
    pub minor: i64,
    /// ISO 4217.
    pub currency: Currency,
}

/// "Goes with", by the other product's handle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelationInput {
    /// Handle of the related product.
    pub handle: String,
    /// Such as `related`, `accessory` or `upsell`.
    pub kind: String,
}

/// A customer's review.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReviewInput {
    /// 1 to 5.
    pub rating: i64,
    /// May be empty.
    pub title: String,
    /// Plain text; may be empty.
    pub body: String,
    /// As shown; may be empty.
    pub author: String,
    /// `pending`, `published` or `rejected`; only published ones count in the rating.
    pub status: String,
    /// RFC 3339, UTC, milliseconds; now where absent.
    pub created_at: Option<String>,
}

/// The stars of a product, as a sum so that nothing is lost in averages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RatingInput {
    /// Sum of all stars, at most 5 × `count`.
    pub sum: i64,
    /// Number of ratings.
    pub count: i64,
}
