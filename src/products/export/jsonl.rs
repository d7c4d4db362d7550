//! Our own JSON Lines, as [`import::jsonl`](crate::products::import::jsonl) reads them.

#![expect(
    clippy::option_option,
    reason = "said or not, and if so with a value or null"
)]

use std::io::{self, BufWriter, Write};

use serde::ser::{Error, Serialize, SerializeMap, Serializer};

use super::Exporter;
use crate::products::input::{
    ImageInput, Price, ProductInput, ProductOption, RelationInput, ReviewInput, VariantInput,
};

/// Writes one object a line, in the key order of the public document. Fields that are `None` are left out,
/// and so is `published` where it is true without a time: that is what a new product gets unsaid.
pub struct JsonlExporter<W: Write> {
    output: BufWriter<W>,
}

impl<W: Write> JsonlExporter<W> {
    /// Writes to `output`, buffered.
    pub fn new(output: W) -> Self {
        Self {
            output: BufWriter::new(output),
        }
    }
}

#[cfg(test)]
impl JsonlExporter<Vec<u8>> {
    /// What was written.
    pub(crate) fn into_text(self) -> String {
        String::from_utf8(self.output.into_inner().unwrap()).unwrap()
    }
}

impl<W: Write> Exporter for JsonlExporter<W> {
    fn product(&mut self, product: &ProductInput) -> io::Result<()> {
        serde_json::to_writer(&mut self.output, &Document(product))?;
        self.output.write_all(b"\n")
    }

    fn finish(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}

/// Writes the entry where there is a value.
fn entry<M: SerializeMap>(
    map: &mut M,
    key: &'static str,
    value: Option<impl Serialize>,
) -> Result<(), M::Error> {
    value.map_or(Ok(()), |value| map.serialize_entry(key, &value))
}

/// Empty texts are `null`, as in the public document.
fn nullable(text: Option<&String>) -> Option<Option<&String>> {
    text.map(|text| Some(text).filter(|text| !text.is_empty()))
}

/// A JSON object of the entries whose value is `Some`.
macro_rules! object {
    ($serializer:expr, { $($key:literal: $value:expr),+ $(,)? }) => {{
        let mut map = $serializer.serialize_map(None)?;
        $(entry(&mut map, $key, $value)?;)+
        map.end()
    }};
}

/// The object of one product, for whoever does not write lines. Fails only for a product that no line could
/// hold, such as one whose variants have more option values than it has options.
pub fn to_value(product: &ProductInput) -> serde_json::Result<serde_json::Value> {
    serde_json::to_value(Document(product))
}

struct Document<'a>(&'a ProductInput);

impl Serialize for Document<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let product = self.0;
        let options = product.options.as_deref();
        let published_at = match (&product.published_at, product.published) {
            (Some(time), _) => Some(Some(time)),
            (None, Some(false)) => Some(None),
            (None, _) => None,
        };
        let seo = Seo(product);
        let variants = product.variants.as_ref().map(|variants| {
            let variant = |variant| Variant { variant, options };
            variants.iter().map(variant).collect::<Vec<_>>()
        });
        object!(serializer, {
            "id": product.id,
            "handle": Some(&product.handle),
            "title": product.title.as_ref(),
            "description_html": product.description_html.as_ref(),
            "vendor": product.vendor.as_ref(),
            "product_type": product.product_type.as_ref(),
            "category": product.category.as_ref(),
            "tags": product.tags.as_ref(),
            "status": product.status.map(crate::products::input::Status::as_str),
            "published_at": published_at,
            "options": options.map(|options| each(options, Choice)),
            "rating": product.rating.map(Rating),
            "images": product.images.as_ref().map(|images| each(images, Image)),
            "variants": variants,
            "attributes": product.attributes.as_deref(),
            "seo": seo.is_said().then_some(seo),
            "relations": product.relations.as_ref().map(|relations| each(relations, Relation)),
            "reviews": product.reviews.as_ref().map(|reviews| each(reviews, Review)),
            "version": product.version,
            "created_at": product.created_at.as_ref(),
            "updated_at": product.updated_at.as_ref(),
        })
    }
}

fn each<'a, T, D>(items: &'a [T], document: impl Fn(&'a T) -> D) -> Vec<D> {
    items.iter().map(document).collect()
}

struct Seo<'a>(&'a ProductInput);

impl Seo<'_> {
    fn is_said(&self) -> bool {
        self.0.seo_title.is_some() || self.0.seo_description.is_some()
    }
}

impl Serialize for Seo<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        object!(serializer, {
            "title": nullable(self.0.seo_title.as_ref()),
            "description": nullable(self.0.seo_description.as_ref()),
        })
    }
}

struct Choice<'a>(&'a ProductOption);

impl Serialize for Choice<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        object!(serializer, { "name": Some(&self.0.name), "values": Some(&self.0.values) })
    }
}

struct Rating(crate::products::input::RatingInput);

impl Serialize for Rating {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        object!(serializer, { "sum": Some(self.0.sum), "count": Some(self.0.count) })
    }
}

struct Image<'a>(&'a ImageInput);

impl Serialize for Image<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        object!(serializer, {
            "url": Some(&self.0.url),
            "alt": nullable(Some(&self.0.alt)),
            "width": Some(self.0.width),
            "height": Some(self.0.height),
        })
    }
}

struct Relation<'a>(&'a RelationInput);

impl Serialize for Relation<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        object!(serializer, { "handle": Some(&self.0.handle), "kind": Some(&self.0.kind) })
    }
}

struct Review<'a>(&'a ReviewInput);

impl Serialize for Review<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        object!(serializer, {
            "rating": Some(self.0.rating),
            "title": Some(&self.0.title),
            "body": Some(&self.0.body),
            "author": Some(&self.0.author),
            "status": Some(&self.0.status),
            "created_at": self.0.created_at.as_ref(),
        })
    }
}

struct Money(Price);

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        object!(serializer, {
            "amount_minor": Some(self.0.minor),
            "currency": Some(self.0.currency.code()),
        })
    }
}

struct Variant<'a> {
    variant: &'a VariantInput,
    options: Option<&'a [ProductOption]>,
}

impl Serialize for Variant<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let variant = self.variant;
        let options = self.options.unwrap_or_default();
        if options.len() != variant.option_values.len() {
            return Err(S::Error::custom(format!(
                "a variant with {} option values cannot be written for a product with {} options",
                variant.option_values.len(),
                options.len(),
            )));
        }
        let chosen = self.options.map(|options| Chosen {
            options,
            values: &variant.option_values,
        });
        let inventory = Inventory(variant);
        object!(serializer, {
            "id": variant.id,
            "sku": variant.sku.as_ref(),
            "barcode": nullable(variant.barcode.as_ref()),
            "mpn": nullable(variant.mpn.as_ref()),
            "condition": nullable(variant.condition.as_ref()),
            "options": chosen,
            "price": variant.price.map(Money),
            "compare_at_price": self.in_currency(variant.compare_at_minor)?,
            "cost": self.in_currency(variant.cost_minor)?,
            "weight_g": variant.weight_g,
            "requires_shipping": variant.requires_shipping,
            "taxable": variant.taxable,
            "tax_code": nullable(variant.tax_code.as_ref()),
            "inventory": inventory.is_said().then_some(inventory),
            "image": variant.image,
        })
    }
}

impl Variant<'_> {
    fn in_currency<E: Error>(
        &self,
        minor: Option<Option<i64>>,
    ) -> Result<Option<Option<Money>>, E> {
        let Some(Some(minor)) = minor else {
            return Ok(minor.map(|_| None));
        };
        let price = self.variant.price;
        let price = price.ok_or_else(|| E::custom("an amount beside no price has no currency"))?;
        Ok(Some(Some(Money(Price { minor, ..price }))))
    }
}

struct Chosen<'a> {
    options: &'a [ProductOption],
    values: &'a [String],
}

impl Serialize for Chosen<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let names = self.options.iter().map(|option| &option.name);
        serializer.collect_map(names.zip(self.values))
    }
}

struct Inventory<'a>(&'a VariantInput);

impl Inventory<'_> {
    fn is_said(&self) -> bool {
        let variant = self.0;
        variant.inventory_tracked.is_some()
            || variant.inventory_policy.is_some()
            || variant.on_hand.is_some()
            || variant.reserved.is_some()
            || variant.low_stock_at.is_some()
    }
}

impl Serialize for Inventory<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        object!(serializer, {
            "tracked": self.0.inventory_tracked,
            "policy": self.0.inventory_policy.map(crate::products::input::InventoryPolicy::as_str),
            "on_hand": self.0.on_hand,
            "reserved": self.0.reserved,
            "low_stock_at": self.0.low_stock_at,
        })
    }
}

#[cfg(test)]
mod tests;
