//! Handles from links.

/// Parameters that choose a variant on its product's page.
const VARIANT: &[&str] = &[
    "variant", "sku", "color", "colour", "size", "material", "pattern",
];

/// Parameters that say where a visitor comes from or how the page is shown.
const TRACKING: &[&str] = &[
    "gclid", "srsltid", "ref", "source", "currency", "country", "lang", "locale",
];

/// The last segment of the link's path, if it is a handle and no parameter could choose another product.
/// `grouped` tells that parameters may choose a variant.
pub(super) fn from_link(link: &str, grouped: bool) -> Option<String> {
    let rest = link
        .strip_prefix("https://")
        .or_else(|| link.strip_prefix("http://"))?;
    let rest = rest.split_once('#').map_or(rest, |(before, _)| before);
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (_host, path) = path.split_once('/')?;
    let harmless = query
        .split('&')
        .map(|parameter| {
            parameter
                .split_once('=')
                .map_or(parameter, |(name, _)| name)
        })
        .all(|name| {
            name.is_empty()
                || name.starts_with("utm_")
                || TRACKING.contains(&name)
                || grouped && VARIANT.contains(&name)
        });
    let segment = path.trim_end_matches('/').rsplit('/').next()?;
    let segment = segment
        .strip_suffix(".html")
        .or_else(|| segment.strip_suffix(".htm"))
        .unwrap_or(segment);
    (harmless && is_handle(segment)).then(|| segment.to_owned())
}

/// Lower-case words of ASCII letters and digits joined by single hyphens, with at least one letter: a
/// bare number or `index.php` says too little.
fn is_handle(text: &str) -> bool {
    text.split('-').all(|word| {
        !word.is_empty()
            && word
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    }) && text.bytes().any(|byte| byte.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_with_a_telling_path_give_handles() {
        for (link, alone, grouped) in [
            (
                "https://shop.example/products/linen-shirt",
                Some("linen-shirt"),
                Some("linen-shirt"),
            ),
            (
                "https://shop.example/linen-shirt/?utm_source=feed#top",
                Some("linen-shirt"),
                Some("linen-shirt"),
            ),
            (
                "http://shop.example/linen-shirt.html",
                Some("linen-shirt"),
                Some("linen-shirt"),
            ),
            (
                "https://shop.example/linen-shirt?variant=7&size=M",
                None,
                Some("linen-shirt"),
            ),
            ("https://shop.example/product?id=7", None, None),
            ("https://shop.example/products/4711", None, None),
            ("https://shop.example/products/Linen_Shirt", None, None),
            ("https://shop.example/index.php", None, None),
            ("https://shop.example/", None, None),
            ("https://shop.example", None, None),
            ("linen-shirt", None, None),
        ] {
            assert_eq!(from_link(link, false).as_deref(), alone, "{link}");
            assert_eq!(from_link(link, true).as_deref(), grouped, "{link}");
        }
    }
}
