//! By what a shared cache in front can drop a product together with others: its vendor, and each category that it is
//! in.
//!
//! Most products have these in common with many, so the text is made once for each combination and kept for as long
//! as the program runs. Reference counts would be shared by all workers, and every hit would change them.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{LazyLock, PoisonError, RwLock};

use memchr::memmem::Finder;

/// What every document has before its vendor. Within a string there would be a backslash before each quote.
const VENDOR: &str = ",\"vendor\":\"";
const PRODUCT_TYPE: &str = "\",\"product_type\":\"";
const CATEGORY: &str = "\",\"category\":\"";
/// Between a category and one in it.
const LEVEL: &str = " > ";
/// Bytes of text kept. A catalogue beyond that has its keys made for each answer.
const MAX_KEPT: usize = 16 << 20;
/// Bytes of one key: caches in front cut or refuse long ones.
const MAX_KEY: usize = 200;

static VENDORS: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(VENDOR));
static KNOWN: LazyLock<RwLock<Known>> = LazyLock::new(RwLock::default);

/// The keys by the part of the document that they are made of.
#[derive(Default)]
struct Known {
    keys: HashMap<Box<[u8]>, &'static str>,
    bytes: usize,
}

/// Keys of a product document, each with a space before it, such as ` vendor-acme category-home
/// category-home/lamps`; empty where it has none. `None` where as many combinations are known as are kept.
pub(super) fn kept_keys(document: &[u8]) -> Option<&'static str> {
    let Some(part) = part(document) else {
        return Some("");
    };
    let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
    if let Some(keys) = known.keys.get(part) {
        return Some(keys);
    }
    drop(known);
    let keys = keys_of(part);
    let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
    if let Some(keys) = known.keys.get(part) {
        return Some(keys);
    }
    known.bytes += part.len() + keys.len();
    if known.bytes > MAX_KEPT {
        known.bytes = MAX_KEPT;
        return None;
    }
    let keys: &'static str = Box::leak(keys.into_boxed_str());
    known.keys.insert(part.into(), keys);
    Some(keys)
}

/// The same, made anew.
pub(super) fn make_keys(document: &[u8]) -> String {
    part(document).map(keys_of).unwrap_or_default()
}

/// From the vendor to the end of the category, in one piece as the settlement writes it.
fn part(document: &[u8]) -> Option<&[u8]> {
    let start = VENDORS.find(document)? + VENDOR.len();
    let rest = &document[start..];
    let mut end = string_end(rest)?;
    for name in [PRODUCT_TYPE, CATEGORY] {
        let value = rest[end..].strip_prefix(name.as_bytes())?;
        end += name.len() + string_end(value)?;
    }
    Some(&rest[..end])
}

/// Up to the quote that ends the string.
fn string_end(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += memchr::memchr2(b'"', b'\\', text.get(at..)?)?;
        if text[at] == b'"' {
            return Some(at);
        }
        at += 2;
    }
}

fn keys_of(part: &[u8]) -> String {
    let mut keys = String::new();
    let Some((vendor, category)) = names(part) else {
        return keys;
    };
    add(&mut keys, "vendor", [vendor.as_ref()]);
    let levels: Vec<_> = category.split(LEVEL).collect();
    for depth in 1..=levels.len() {
        add(&mut keys, "category", levels[..depth].iter().copied());
    }
    keys
}

fn names(part: &[u8]) -> Option<(Cow<'_, str>, Cow<'_, str>)> {
    let part = std::str::from_utf8(part).ok()?;
    let (vendor, rest) = part.split_once(PRODUCT_TYPE)?;
    let (_, category) = rest.rsplit_once(CATEGORY)?;
    Some((plain(vendor)?, plain(category)?))
}

/// Without quotes and escapes.
fn plain(text: &str) -> Option<Cow<'_, str>> {
    if text.contains('\\') {
        return serde_json::from_str(&format!("\"{text}\""))
            .ok()
            .map(Cow::Owned);
    }
    Some(Cow::Borrowed(text))
}

fn add<'t>(keys: &mut String, kind: &str, levels: impl IntoIterator<Item = &'t str>) {
    let levels: Vec<_> = levels.into_iter().map(slug).collect();
    if levels.iter().any(String::is_empty) {
        return;
    }
    let key = levels.join("/");
    if key.len() <= MAX_KEY {
        // Writing to a string cannot fail.
        let _ = write!(keys, " {kind}-{key}");
    }
}

/// In small letters, with a hyphen for whatever separates words and `%` escapes for letters beyond ASCII. Two names
/// that become one are dropped together, which costs a load and shows nothing old.
fn slug(name: &str) -> String {
    let mut slug = String::new();
    for character in name.chars().flat_map(char::to_lowercase) {
        if character.is_ascii_alphanumeric() {
            slug.push(character);
        } else if character.is_alphanumeric() {
            for byte in character.encode_utf8(&mut [0; 4]).bytes() {
                let _ = write!(slug, "%{byte:02x}");
            }
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.truncate(slug.trim_end_matches('-').len());
    slug
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn document(description: &str, vendor: &str, category: &str) -> Vec<u8> {
        let text = |text: &str| serde_json::Value::from(text);
        format!(
            "{{\"id\":1,\"title\":\"Lamp\",\"description_html\":{},\"vendor\":{},\"product_type\":{},\
             \"category\":{},\"tags\":[]}}",
            text(description),
            text(vendor),
            text("\",\"category\":\""),
            text(category),
        )
        .into_bytes()
    }

    fn keys(description: &str, vendor: &str, category: &str) -> &'static str {
        kept_keys(&document(description, vendor, category)).unwrap()
    }

    #[test]
    fn a_product_goes_with_its_vendor_and_with_each_category_above_it() {
        assert_eq!(
            keys("", "Ébano & Co.", "Home > Lamps  > Desk \"lamps\""),
            " vendor-%c3%a9bano-co category-home category-home/lamps category-home/lamps/desk-lamps"
        );
        assert_eq!(keys("", "Acme", ""), " vendor-acme");
        assert_eq!(keys("", "!", "Home"), " category-home");
        assert_eq!(keys("", "", ""), "");
        assert_eq!(keys("", &"a".repeat(201), "Home"), " category-home");
    }

    #[test]
    fn what_a_description_says_of_vendors_is_not_heeded() {
        let trap = "x\",\"vendor\":\"evil\",\"product_type\":\"\",\"category\":\"evil\"";
        assert_eq!(keys(trap, "Acme", "Home"), " vendor-acme category-home");
    }

    #[test]
    fn a_combination_is_kept_once() {
        let first = keys("one", "Once", "Home");
        assert!(std::ptr::eq(first, keys("two", "Once", "Home")));
    }

    proptest! {
        /// Whatever the names, there is one header of keys without spaces, kept or made.
        #[test]
        fn keys_are_fit_for_a_header(description: String, vendor: String, category: String) {
            let document = document(&description, &vendor, &category);
            let made = make_keys(&document);
            prop_assert_eq!(kept_keys(&document), Some(&*made));
            for key in made.split(' ').skip(1) {
                prop_assert!(key.starts_with("vendor-") || key.starts_with("category-"));
                prop_assert!(key.bytes().all(|byte| byte.is_ascii_graphic()), "{}", key);
            }
        }

        #[test]
        fn what_is_no_document_has_no_keys_and_does_no_harm(mut bytes: Vec<u8>) {
            prop_assert_eq!(kept_keys(&bytes), Some(""));
            bytes.splice(0..0, VENDOR.bytes());
            let _ = make_keys(&bytes);
        }
    }
}
