//! Pictures of the demo shop's products: drawn, not stored, and the same each time.

use std::collections::HashMap;
use std::sync::LazyLock;

use xxhash_rust::xxh3::xxh3_64;

use super::identity::Identity;

/// Products of the shop that `serve --demo` fills.
const PRODUCTS: usize = 1_000;
/// Most pictures that a product of the shop has.
const MOST_PICTURES: u64 = 12;

/// The path that the department of each handle is drawn by.
static SHAPES: LazyLock<HashMap<String, &'static str>> = LazyLock::new(|| {
    let identities = (1..=PRODUCTS).map(Identity::of);
    identities
        .map(|identity| (identity.handle, identity.department.shape.as_str()))
        .collect()
});

/// The picture `name`, which is `<handle>-<position>.svg`, as SVG; `None` where the shop has none of this
/// name.
pub fn picture(name: &str) -> Option<String> {
    let (handle, position) = name.strip_suffix(".svg")?.rsplit_once('-')?;
    let number: u64 = position.parse().ok()?;
    // One address for each picture: no sign, no leading zero.
    if !(1..=MOST_PICTURES).contains(&number) || position != number.to_string() {
        return None;
    }
    SHAPES.get(handle).map(|shape| draw(shape, handle, number))
}

fn draw(shape: &str, handle: &str, position: u64) -> String {
    let seed = xxh3_64(handle.as_bytes());
    let hue = seed % 360;
    let ground = (hue + 30 + position * 25) % 360;
    // From the front, turned, from near by, and so on.
    let (scale, turn) =
        [(4.2, 0), (3.6, -14), (8.5, 8)][usize::try_from((position - 1) % 3).unwrap_or(0)];
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 800 600" width="800" height="600">
<defs><linearGradient id="g" x2="0" y2="1"><stop stop-color="hsl({ground} 32% 93%)"/><stop offset="1" stop-color="hsl({ground} 28% 80%)"/></linearGradient>
<linearGradient id="s" x2="1" y2="1"><stop stop-color="hsl({hue} 45% 56%)"/><stop offset="1" stop-color="hsl({hue} 50% 36%)"/></linearGradient></defs>
<rect width="800" height="600" fill="url(#g)"/><ellipse cx="400" cy="515" rx="210" ry="22" fill="#000" opacity=".08"/>
<path transform="translate(400 300) rotate({turn}) scale({scale}) translate(-50 -52)" d="{shape}" fill="url(#s)"/>
</svg>
"##
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::products::demo;

    #[test]
    fn every_picture_that_a_product_names_is_there() {
        for product in demo::products(PRODUCTS) {
            for image in product.images.unwrap_or_default() {
                let name = image.url.strip_prefix("/demo/images/").unwrap();
                let drawn = picture(name).unwrap_or_else(|| panic!("no {name}"));
                assert!(drawn.starts_with("<svg "), "{drawn}");
            }
        }
    }

    #[test]
    fn other_names_have_none() {
        for name in [
            "",
            "ember-hemp-tee",
            "ember-hemp-tee-0.svg",
            "ember-hemp-tee-01.svg",
            "ember-hemp-tee-+1.svg",
            "ember-hemp-tee-13.svg",
            "ember-hemp-tee-1.png",
            "no-such-tee-1.svg",
            "../ember-hemp-tee-1.svg",
        ] {
            assert_eq!(picture(name), None, "{name}");
        }
        assert!(picture("ember-hemp-tee-1.svg").is_some());
    }

    #[test]
    fn pictures_of_a_product_differ() {
        let [one, other] = ["ember-hemp-tee-1.svg", "ember-hemp-tee-2.svg"].map(picture);
        assert_ne!(one, other);
    }
}
