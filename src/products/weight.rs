//! What a product weighs in memory.

use serde_json::Value;

use super::input::ProductInput;

/// A text or number with all that surrounds it: allocations, empty fields, an entry of a map.
const NODE: usize = 128;

/// A variant with its texts, all of which are short.
const VARIANT: usize = 1024;

/// Roughly the bytes that `product` takes.
pub(super) fn weight(product: &ProductInput) -> usize {
    let reviews = product.reviews.iter().flatten();
    let reviews = reviews.map(|review| 4 * NODE + review.body.len());
    let variants = product.variants.as_ref().map_or(0, Vec::len);
    let images = product.images.iter().flatten();
    let images = images.map(|image| 2 * NODE + image.url.len() + image.alt.len());
    let options = product.options.iter().flatten();
    let values = options.flat_map(|option| &option.values);
    let short = product.tags.iter().flatten().chain(values);
    let attributes = product.attributes.iter().flat_map(|said| said.iter());
    product.description_html.as_ref().map_or(0, String::len)
        + variants * VARIANT
        + images.sum::<usize>()
        + reviews.sum::<usize>()
        + short.map(|text| NODE + text.len()).sum::<usize>()
        + attributes
            .map(|(key, value)| entry(key, value))
            .sum::<usize>()
}

fn entry(key: &str, value: &Value) -> usize {
    NODE + key.len() + weight_of(value)
}

fn weight_of(value: &Value) -> usize {
    NODE + match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => text.len(),
        Value::Array(elements) => elements.iter().map(weight_of).sum(),
        Value::Object(map) => map.iter().map(|(key, value)| entry(key, value)).sum(),
    }
}
