//! What a product must be like, whoever writes it: an import, the demo data or the write API.

mod attributes;
mod report;
mod variants;

use std::collections::HashSet;

use super::import::timestamps;
use super::input::{
    ImageInput, ProductInput, ProductOption, RatingInput, RelationInput, ReviewInput,
};
pub use report::Invalid;
use report::{At, Report};
pub use variants::MAX_QUANTITY;

/// Most options of a product.
pub const MAX_OPTIONS: usize = 3;
/// Most variants of a product.
pub const MAX_VARIANTS: usize = 2_048;
/// Most tags of a product.
pub const MAX_TAGS: usize = 250;
/// Most images of a product.
pub const MAX_IMAGES: usize = 250;
/// Most relations of a product.
pub const MAX_RELATIONS: usize = 250;
/// Longest handle, in bytes.
pub const MAX_HANDLE_BYTES: usize = 255;
/// Longest name, title, tag or code, in characters.
pub const MAX_NAME: usize = 255;
/// Longest category path, image text or description for search engines, in characters.
pub const MAX_SENTENCE: usize = 1_024;
/// Longest URL, in characters.
pub const MAX_URL: usize = 2_048;
/// Longest description, review or attribute, in bytes.
pub const MAX_TEXT_BYTES: usize = 1024 * 1024;

/// Highest version a new product may come with: one that JSON readers hold exactly, with room for more.
pub const MAX_VERSION: i64 = (1 << 53) - 1;

const REVIEW_STATUSES: [&str; 3] = ["pending", "published", "rejected"];

/// Checks everything that can be told from the product alone, and returns all that is wrong with it.
pub fn validate(product: &ProductInput) -> Vec<Invalid> {
    let mut report = Report::default();
    let root = At::ROOT;
    report.positive(root.key("id"), product.id);
    report.positive(root.key("version"), product.version);
    if let Some(version) = product.version.filter(|version| *version > MAX_VERSION) {
        let reason = format!("larger than {MAX_VERSION}; leave it out");
        report.add(root.key("version"), version, reason);
    }
    handle(&mut report, root.key("handle"), &product.handle);
    if let Some(title) = &product.title {
        report.name(root.key("title"), title);
    }
    if let Some(description) = &product.description_html {
        report.long_text(root.key("description_html"), description);
    }
    let seo = root.key("seo");
    for (at, text, longest) in [
        (root.key("vendor"), &product.vendor, MAX_NAME),
        (root.key("product_type"), &product.product_type, MAX_NAME),
        (root.key("category"), &product.category, MAX_SENTENCE),
        (seo.key("title"), &product.seo_title, MAX_NAME),
        (
            seo.key("description"),
            &product.seo_description,
            MAX_SENTENCE,
        ),
    ] {
        report.text(at, text.as_deref().unwrap_or_default(), longest);
    }
    category(
        &mut report,
        root.key("category"),
        product.category.as_deref(),
    );
    for (key, time) in [
        ("published_at", &product.published_at),
        ("created_at", &product.created_at),
        ("updated_at", &product.updated_at),
    ] {
        timestamp(&mut report, root.key(key), time.as_deref());
    }
    tags(
        &mut report,
        root.key("tags"),
        product.tags.as_deref().unwrap_or_default(),
    );
    options(
        &mut report,
        root.key("options"),
        product.options.as_deref().unwrap_or_default(),
    );
    images(
        &mut report,
        root.key("images"),
        product.images.as_deref().unwrap_or_default(),
    );
    variants::check(&mut report, root.key("variants"), product);
    if let Some(attributes) = &product.attributes {
        attributes::check(&mut report, root.key("attributes"), attributes);
    }
    relations(
        &mut report,
        root.key("relations"),
        product.relations.as_deref().unwrap_or_default(),
    );
    for (index, review) in product.reviews.iter().flatten().enumerate() {
        check_review(&mut report, root.key("reviews").index(index), review);
    }
    if let Some(stars) = product.rating {
        rating(&mut report, root.key("rating"), stars);
    }
    report.found
}

/// A handle is one segment of a URL: lower-case letters and digits of any script, with `-`, `_` and `.`
/// between them.
fn handle(report: &mut Report, at: At<'_>, handle: &str) {
    let inner = |c: char| matches!(c, '-' | '_' | '.');
    let lower = |c: char| c.is_alphanumeric() && c.to_lowercase().eq([c]);
    let reason = if handle.is_empty() {
        "is missing; write it like `blue-shirt`".to_owned()
    } else if handle.len() > MAX_HANDLE_BYTES {
        format!(
            "has {} bytes; the limit is {MAX_HANDLE_BYTES}",
            handle.len()
        )
    } else if let Some(c) = handle.chars().find(|c| !inner(*c) && !lower(*c)) {
        format!("must not contain {c:?}; use lower-case letters, digits, `-`, `_` and `.`")
    } else if handle.starts_with(inner) || handle.ends_with(inner) {
        "must begin and end with a letter or digit".to_owned()
    } else {
        return;
    };
    report.add(at, handle, reason);
}

fn category(report: &mut Report, at: At<'_>, category: Option<&str>) {
    let Some(path) = category.filter(|path| !path.is_empty()) else {
        return;
    };
    if path.split('>').any(|level| level.trim().is_empty()) {
        report.add(
            at,
            path,
            "has an empty level; write it like `Apparel > Shirts`",
        );
    }
}

fn timestamp(report: &mut Report, at: At<'_>, time: Option<&str>) {
    let Some(time) = time else { return };
    if timestamps::normalize(time).as_deref() != Ok(time) {
        report.add(
            at,
            time,
            "must be in UTC with milliseconds, like 2026-11-24T16:40:32.000Z",
        );
    }
}

fn tags(report: &mut Report, at: At<'_>, tags: &[String]) {
    if !report.at_most(at, tags.len(), MAX_TAGS, "tags") {
        return;
    }
    let mut seen = HashSet::new();
    for (index, tag) in tags.iter().enumerate() {
        let at = at.index(index);
        report.name(at, tag);
        if !seen.insert(tag) {
            report.add(at, tag, "occurs twice");
        }
    }
}

fn options(report: &mut Report, at: At<'_>, options: &[ProductOption]) {
    if !report.at_most(at, options.len(), MAX_OPTIONS, "options") {
        return;
    }
    let mut names = HashSet::new();
    for (index, option) in options.iter().enumerate() {
        let at = at.index(index);
        report.name(at.key("name"), &option.name);
        if !names.insert(&option.name) {
            report.add(at.key("name"), &option.name, "two options have this name");
        }
        let at = at.key("values");
        if option.values.is_empty() {
            report.add(
                at,
                &option.name,
                "the option has no value; add one or remove the option",
            );
        }
        let mut values = HashSet::new();
        for (index, value) in option.values.iter().enumerate() {
            report.name(at.index(index), value);
            if !values.insert(value) {
                report.add(at.index(index), value, "occurs twice");
            }
        }
    }
}

fn images(report: &mut Report, at: At<'_>, images: &[ImageInput]) {
    if !report.at_most(at, images.len(), MAX_IMAGES, "images") {
        return;
    }
    for (index, image) in images.iter().enumerate() {
        let at = at.index(index);
        report.required(at.key("url"), &image.url, MAX_URL);
        report.text(at.key("alt"), &image.alt, MAX_SENTENCE);
        report.within(at.key("width"), image.width, 1..=MAX_PIXELS);
        report.within(at.key("height"), image.height, 1..=MAX_PIXELS);
    }
}

const MAX_PIXELS: i64 = 1_000_000;

fn relations(report: &mut Report, at: At<'_>, relations: &[RelationInput]) {
    if !report.at_most(at, relations.len(), MAX_RELATIONS, "relations") {
        return;
    }
    let mut seen = HashSet::new();
    for (index, relation) in relations.iter().enumerate() {
        let at = at.index(index);
        handle(report, at.key("handle"), &relation.handle);
        report.name(at.key("kind"), &relation.kind);
        if !seen.insert((&relation.handle, &relation.kind)) {
            report.add(at, &relation.handle, "the same relation occurs twice");
        }
    }
}

fn check_review(report: &mut Report, at: At<'_>, review: &ReviewInput) {
    report.within(at.key("rating"), Some(review.rating), 1..=5);
    report.text(at.key("title"), &review.title, MAX_NAME);
    report.long_text(at.key("body"), &review.body);
    report.text(at.key("author"), &review.author, MAX_NAME);
    report.one_of(at.key("status"), &review.status, &REVIEW_STATUSES);
    timestamp(report, at.key("created_at"), review.created_at.as_deref());
}

fn rating(report: &mut Report, at: At<'_>, rating: RatingInput) {
    const MAX_COUNT: i64 = 1_000_000_000;
    report.within(at.key("count"), Some(rating.count), 0..=MAX_COUNT);
    let least = rating.count.clamp(0, MAX_COUNT);
    report.within(at.key("sum"), Some(rating.sum), least..=5 * least);
}

#[cfg(test)]
mod tests;
