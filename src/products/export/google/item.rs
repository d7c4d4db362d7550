//! From a product to the items of a feed.

use super::{Shop, link};
use crate::products::input::{InventoryPolicy, ProductInput, Status, VariantInput};

/// The attributes written, in this order.
pub(super) const NAMES: &[&str] = &[
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
    "sale_price",
    "brand",
    "gtin",
    "mpn",
    "condition",
    "google_product_category",
    "product_type",
    "color",
    "size",
    "material",
    "pattern",
    "shipping_weight",
    "gender",
    "age_group",
    "ads_grouping",
    "ads_labels",
    "custom_label_0",
    "custom_label_1",
    "custom_label_2",
    "custom_label_3",
    "custom_label_4",
];

/// Those that come from the product's own attributes, where it has them as text.
const ATTRIBUTES: &[&str] = &[
    "color",
    "size",
    "material",
    "pattern",
    "gender",
    "age_group",
    "ads_grouping",
    "ads_labels",
    "custom_label_0",
    "custom_label_1",
    "custom_label_2",
    "custom_label_3",
    "custom_label_4",
];

/// Google reads ten beside the first.
const MAX_ADDITIONAL_IMAGES: usize = 10;

/// One item: names and texts, in the order of [`NAMES`]; a name may be there more than once.
pub(super) struct Item {
    pub(super) fields: Vec<(&'static str, String)>,
}

/// The items of a product: one for each variant with a price; none unless it is public.
pub(super) fn items<'a>(
    product: &'a ProductInput,
    shop: &'a Shop,
) -> impl Iterator<Item = Item> + 'a {
    let public = product.status.is_none_or(|status| status == Status::Active)
        && (product.published_at.is_some() || product.published == Some(true));
    let variants = product.variants.as_deref().unwrap_or_default();
    variants
        .iter()
        .enumerate()
        .filter(move |(_, variant)| public && variant.price.is_some())
        .map(move |(index, variant)| item(product, variant, index, variants.len() > 1, shop))
}

fn item(
    product: &ProductInput,
    variant: &VariantInput,
    index: usize,
    several: bool,
    shop: &Shop,
) -> Item {
    let fields = NAMES
        .iter()
        .flat_map(|name| {
            match *name {
                "additional_image_link" => images(product, variant, shop).skip(1).collect(),
                "id" => vec![id(product, variant, index)],
                "item_group_id" if several => vec![product.handle.clone()],
                "item_group_title" if several => product.title.iter().cloned().collect(),
                "title" => vec![title(product, variant, several)],
                "link" => vec![link::page(shop, product, variant, several)],
                "image_link" => images(product, variant, shop).take(1).collect(),
                name => text(product, variant, name)
                    .filter(|text| !text.is_empty())
                    .into_iter()
                    .collect::<Vec<_>>(),
            }
            .into_iter()
            .map(move |text| (*name, text))
        })
        .collect();
    Item { fields }
}

fn text(product: &ProductInput, variant: &VariantInput, name: &str) -> Option<String> {
    let price = variant.price?;
    let money = |minor| {
        format!(
            "{} {}",
            price.currency.format_decimal(minor),
            price.currency
        )
    };
    let compare_at = variant
        .compare_at_minor
        .flatten()
        .filter(|compare_at| *compare_at > price.minor);
    match name {
        "description" => product.description_html.clone(),
        "availability" => Some(availability(variant).to_owned()),
        "price" => Some(money(compare_at.unwrap_or(price.minor))),
        "sale_price" => compare_at.map(|_| money(price.minor)),
        "brand" => product.vendor.clone(),
        "gtin" => variant.barcode.clone(),
        "mpn" => variant.mpn.clone(),
        "condition" => variant.condition.clone(),
        "google_product_category" => product
            .category
            .clone()
            .filter(|category| !category.is_empty())
            .or_else(|| attribute(product, name)),
        "product_type" => product.product_type.clone(),
        "shipping_weight" => variant.weight_g?.map(|grams| format!("{grams} g")),
        name if ATTRIBUTES.contains(&name) => {
            option(product, variant, name).or_else(|| attribute(product, name))
        }
        _ => None,
    }
}

fn id(product: &ProductInput, variant: &VariantInput, index: usize) -> String {
    variant
        .sku
        .clone()
        .unwrap_or_else(|| format!("{}-{}", product.handle, index + 1))
}

/// The product's title and, where there is a choice, what was chosen.
fn title(product: &ProductInput, variant: &VariantInput, several: bool) -> String {
    let title = product.title.as_deref().unwrap_or(&product.handle);
    if !several || variant.option_values.is_empty() {
        return title.to_owned();
    }
    format!("{title} - {}", variant.option_values.join(" / "))
}

/// The variant's own image, or the product's first; then the others.
fn images<'a>(
    product: &'a ProductInput,
    variant: &VariantInput,
    shop: &'a Shop,
) -> impl Iterator<Item = String> + use<'a> {
    let images = product.images.as_deref().unwrap_or_default();
    let own = variant
        .image
        .filter(|index| *index < images.len())
        .unwrap_or(0);
    let others = (0..images.len()).filter(move |index| *index != own);
    images
        .get(own)
        .into_iter()
        .chain(others.filter_map(|index| images.get(index)))
        .take(1 + MAX_ADDITIONAL_IMAGES)
        .map(|image| link::image(shop, &image.url))
}

fn availability(variant: &VariantInput) -> &'static str {
    let available = variant
        .on_hand
        .unwrap_or(0)
        .saturating_sub(variant.reserved.unwrap_or(0));
    if variant.inventory_tracked != Some(true) || available > 0 {
        "in_stock"
    } else if variant.inventory_policy == Some(InventoryPolicy::Continue) {
        "backorder"
    } else {
        "out_of_stock"
    }
}

/// The value of the option that is Google's attribute `name`.
fn option(product: &ProductInput, variant: &VariantInput, name: &str) -> Option<String> {
    let is = |option: &str| {
        option.eq_ignore_ascii_case(name)
            || name == "color" && option.eq_ignore_ascii_case("colour")
    };
    let index = product
        .options
        .as_ref()?
        .iter()
        .position(|option| is(&option.name))?;
    variant.option_values.get(index).cloned()
}

fn attribute(product: &ProductInput, name: &str) -> Option<String> {
    let value = product.attributes.as_ref()?.get(name)?;
    value.as_str().map(str::to_owned)
}
