//! Addresses in feeds.

use std::fmt::Write;

use super::Shop;
use crate::products::input::{ProductInput, VariantInput};

/// The page of a product or, where it has several variants, the page with this one chosen.
pub(super) fn page(
    shop: &Shop,
    product: &ProductInput,
    variant: &VariantInput,
    several: bool,
) -> String {
    let mut link = format!(
        "{}/products/{}",
        shop.url.trim_end_matches('/'),
        escape(&product.handle)
    );
    let chosen = match variant.id {
        Some(id) => Some(id.to_string()),
        None => variant.sku.as_deref().map(escape),
    };
    if let (true, Some(chosen)) = (several, chosen) {
        link.push_str("?variant=");
        link.push_str(&chosen);
    }
    link
}

/// An image's address, made absolute. Commas are escaped, since they separate addresses in a cell.
pub(super) fn image(shop: &Shop, url: &str) -> String {
    let url = url.replace(',', "%2C");
    if url.starts_with("https://") || url.starts_with("http://") {
        return url;
    }
    format!(
        "{}/{}",
        shop.url.trim_end_matches('/'),
        url.trim_start_matches('/')
    )
}

/// Percent-encodes all but RFC 3986's unreserved characters.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_absolute_and_escaped() {
        let shop = Shop {
            title: String::new(),
            url: "https://shop.example/".to_owned(),
        };
        let product = ProductInput {
            handle: "抹茶-set".to_owned(),
            ..ProductInput::default()
        };
        let variant = VariantInput {
            sku: Some("A/1".to_owned()),
            ..VariantInput::default()
        };
        assert_eq!(
            page(&shop, &product, &variant, true),
            "https://shop.example/products/%E6%8A%B9%E8%8C%B6-set?variant=A%2F1"
        );
        assert_eq!(
            page(&shop, &product, &variant, false),
            "https://shop.example/products/%E6%8A%B9%E8%8C%B6-set"
        );
        assert_eq!(
            image(&shop, "/demo/1.svg"),
            "https://shop.example/demo/1.svg"
        );
        assert_eq!(
            image(&shop, "https://cdn.example.com/a,b.jpg"),
            "https://cdn.example.com/a%2Cb.jpg"
        );
    }
}
