//! What holds for every product of the demo shop.

mod catalogue;
mod contents;
mod documents;
mod vocabulary;

use super::products;
use crate::products::input::{InventoryPolicy, ProductInput, VariantInput};

/// The catalogue that `serve --demo` fills in.
fn demo() -> Vec<ProductInput> {
    products(1000).collect()
}

fn variants(product: &ProductInput) -> &[VariantInput] {
    product.variants.as_deref().unwrap()
}

fn title(product: &ProductInput) -> &str {
    product.title.as_deref().unwrap()
}

/// The word of the public document, by the rules that the store applies.
fn availability(variant: &VariantInput) -> &'static str {
    let available = variant.on_hand.unwrap_or(0) - variant.reserved.unwrap_or(0);
    let sells_on = variant.inventory_tracked == Some(false)
        || (available <= 0 && variant.inventory_policy == Some(InventoryPolicy::Continue));
    match available {
        _ if sells_on => "in_stock",
        ..=0 => "out_of_stock",
        _ if available <= variant.low_stock_at.unwrap_or(5) => "low_stock",
        _ => "in_stock",
    }
}
