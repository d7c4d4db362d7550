//! From the items of one group to a product.

use indexmap::{IndexMap, IndexSet};
use serde_json::{Map, Value};
use time::OffsetDateTime;

use super::super::grouped::Assemble;
use super::super::images::Images;
use super::super::seen::Seen;
use super::super::slug::slug;
use super::super::{Place, ReadOptions, RecordError, weight};
use super::item::{Item, Text};
use super::variation::Variation;
use super::{handle, html, sale, titles};
use crate::products::input::{InventoryPolicy, ProductInput, VariantInput};

/// Attributes that have a field of their own, and so are none of the product's attributes.
const FIELDS: &[&str] = &[
    "id",
    "item_group_id",
    "item_group_title",
    "title",
    "description",
    "link",
    "image_link",
    "additional_image_link",
    "availability",
    "price",
    "brand",
    "gtin",
    "mpn",
    "condition",
    "shipping_weight",
];

/// Makes products of items.
pub(super) struct Products {
    options: ReadOptions,
    now: OffsetDateTime,
    handles: Seen,
}

impl Products {
    pub(super) fn new(options: ReadOptions, now: OffsetDateTime) -> Self {
        Self {
            options,
            now,
            handles: Seen::default(),
        }
    }

    fn handle(&mut self, items: &[Item], first: &Item) -> Result<String, RecordError> {
        let group = first.filled("item_group_id")?;
        let id = first.required("id")?;
        let mut from_links = Vec::with_capacity(items.len());
        for item in items {
            let link = item.filled("link")?;
            from_links.push(link.and_then(|link| handle::from_link(link.value, group.is_some())));
        }
        let agree = from_links.windows(2).all(|pair| pair[0] == pair[1]);
        let identity = group.unwrap_or(id);
        let handle = from_links
            .into_iter()
            .next()
            .flatten()
            .filter(|_| agree)
            .unwrap_or_else(|| slug(identity.value));
        if handle.is_empty() {
            return Err(identity.error("no handle can be made from this; use letters or digits"));
        }
        match self.handles.insert(&handle, first.place.line) {
            None => Ok(handle),
            Some(line) => Err(identity.error(format_args!(
                "comes to the handle {handle:?}, as does the product on line {line}; give them different \
                 links, or the same item_group_id if they are one product"
            ))),
        }
    }

    fn variant(
        &self,
        item: &Item,
        option_values: Vec<String>,
        images: &mut Images,
    ) -> Result<VariantInput, RecordError> {
        let offer = sale::offer(item, self.options.default_currency, self.now)?;
        let text = |name| -> Result<_, RecordError> {
            Ok(item.text(name)?.map(|text| text.value.to_owned()))
        };
        let mut variant = VariantInput {
            sku: Some(item.required("id")?.value.to_owned()),
            barcode: text("gtin")?,
            mpn: text("mpn")?,
            condition: item.text("condition")?.map(condition).transpose()?,
            option_values,
            price: Some(offer.price),
            compare_at_minor: Some(offer.compare_at_minor),
            weight_g: match item.text("shipping_weight")? {
                None => None,
                Some(text) if text.value.is_empty() => Some(None),
                Some(text) => Some(Some(
                    weight::parse(text.value).map_err(|error| text.error(error))?,
                )),
            },
            image: add_images(item, images)?,
            ..VariantInput::default()
        };
        if let Some(word) = item.filled("availability")? {
            set_stock(word, &mut variant)?;
        }
        Ok(variant)
    }

    /// What has no field of its own: one value where all items agree, else all that differ.
    fn attributes(
        &self,
        items: &[Item],
        variation: &Variation,
    ) -> Result<Option<Map<String, Value>>, RecordError> {
        let mut found: IndexMap<&str, IndexSet<&Value>> = IndexMap::new();
        for item in items {
            let on_sale = sale::is_on_sale(item, self.now)?;
            for field in &item.fields {
                let name = field.name.as_str();
                let has_field = FIELDS.contains(&name)
                    || variation.contains(name)
                    || name == "sale_price" && on_sale
                    || name == "google_product_category" && category(&field.value).is_some()
                    || name == "product_type" && is_first(item, field);
                if has_field || field.value == "" {
                    continue;
                }
                found.entry(name).or_default().insert(&field.value);
            }
        }
        let attributes: Map<String, Value> = found
            .into_iter()
            .map(|(name, values)| {
                let mut values: Vec<Value> = values.into_iter().cloned().collect();
                let value = match values.len() {
                    1 => values.remove(0),
                    _ => Value::Array(values),
                };
                (name.to_owned(), value)
            })
            .collect();
        Ok((!attributes.is_empty()).then_some(attributes))
    }
}

impl Assemble for Products {
    type Part = Item;

    fn assemble(&mut self, items: Vec<Item>) -> Result<ProductInput, RecordError> {
        let Some(first) = items.first() else {
            return Ok(ProductInput::default());
        };
        let handle = self.handle(&items, first)?;
        let variation = Variation::of(&items)?;
        let mut images = Images::default();
        let mut variants = Vec::with_capacity(items.len());
        for (item, values) in items.iter().zip(&variation.values) {
            variants.push(self.variant(item, values.clone(), &mut images)?);
        }
        let says_images = items
            .iter()
            .flat_map(|item| &item.fields)
            .any(|field| matches!(field.name.as_str(), "image_link" | "additional_image_link"));
        Ok(ProductInput {
            handle,
            title: title(&items)?,
            description_html: first
                .text("description")?
                .map(|text| html::from_description(text.value)),
            vendor: first.text("brand")?.map(|text| text.value.to_owned()),
            product_type: first
                .texts("product_type")?
                .first()
                .map(|text| text.value.to_owned()),
            category: first
                .text("google_product_category")?
                .and_then(|text| path(text.value)),
            attributes: self.attributes(&items, &variation)?.map(Into::into),
            options: Some(variation.options),
            images: says_images.then(|| images.into_inputs()),
            variants: Some(variants),
            ..ProductInput::default()
        })
    }

    fn repeated(&self, key: &str, place: Place, first: u64) -> RecordError {
        let (name, value) = key.split_once('=').unwrap_or(("id", key));
        let mend = match name {
            "id" => "give each item an id of its own",
            _ => "the items of a group must stand together",
        };
        let reason = format_args!("used before on line {first}; {mend}");
        RecordError::new(place, name, value, reason)
    }
}

/// `item_group_title`, or the words with which the titles of all items begin.
fn title(items: &[Item]) -> Result<Option<String>, RecordError> {
    if let Some(first) = items.first()
        && let Some(title) = first.filled("item_group_title")?
    {
        return Ok(Some(title.value.to_owned()));
    }
    let mut titles = Vec::with_capacity(items.len());
    for item in items {
        titles.extend(item.filled("title")?.map(|text| text.value));
    }
    let Some(first) = titles.first() else {
        return Ok(None);
    };
    let title = match titles::shared(&titles) {
        "" => first,
        shared => shared,
    };
    Ok(Some(title.to_owned()))
}

/// A category path with its levels joined by ` > `; `None` for one of Google's numbers.
fn path(text: &str) -> Option<String> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let levels: Vec<_> = text.split('>').map(str::trim).collect();
    Some(levels.join(" > "))
}

fn category(value: &Value) -> Option<String> {
    value.as_str().and_then(|text| path(text.trim()))
}

fn is_first(item: &Item, field: &super::item::Field) -> bool {
    item.fields
        .iter()
        .find(|other| other.name == field.name)
        .is_some_and(|first| std::ptr::eq(first, field))
}

/// Adds the images of an item to those of the product. Returns the index of its own.
fn add_images(item: &Item, images: &mut Images) -> Result<Option<usize>, RecordError> {
    let own = item
        .filled("image_link")?
        .map(|text| images.index(text.value));
    for text in item.texts("additional_image_link")? {
        if !text.value.is_empty() {
            images.index(text.value);
        }
    }
    Ok(own)
}

fn condition(text: Text<'_>) -> Result<String, RecordError> {
    let word = text.value.to_ascii_lowercase();
    match word.as_str() {
        "" | "new" | "refurbished" | "used" => Ok(word),
        _ => Err(text.error("write new, refurbished or used")),
    }
}

fn set_stock(availability: Text<'_>, variant: &mut VariantInput) -> Result<(), RecordError> {
    let word = availability.value.to_ascii_lowercase().replace(' ', "_");
    let policy = match word.as_str() {
        "in_stock" => {
            variant.inventory_tracked = Some(false);
            return Ok(());
        }
        "out_of_stock" => InventoryPolicy::Deny,
        "preorder" | "backorder" => InventoryPolicy::Continue,
        _ => {
            return Err(availability.error("write in_stock, out_of_stock, preorder or backorder"));
        }
    };
    variant.inventory_tracked = Some(true);
    variant.inventory_policy = Some(policy);
    variant.on_hand = Some(0);
    Ok(())
}
