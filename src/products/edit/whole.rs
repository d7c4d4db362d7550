//! Reading a document as the whole of a product: what it does not say is as it would be for a new one.

use std::collections::HashSet;

use serde_json::Value;

use crate::products::attributes::Attributes;
use crate::products::import::{SHOWN, jsonl, shortened};
use crate::products::input::{ProductInput, Status, VariantInput};
use crate::products::validate::{Invalid, validate};

/// Reads the document and checks it, or tells everything that is wrong with it.
///
/// Stock, reviews and the rating are left unsaid where the document does not speak of them: customers and
/// tills write those, and whoever writes the document may not know them.
pub(in crate::products) fn whole(document: Value) -> Result<ProductInput, Vec<Invalid>> {
    let (product, unreadable) = read(document);
    let mut broken = missing(&product);
    let product = completed(product);
    broken.extend(validate(&product));
    let wrong = all(unreadable, broken);
    if wrong.is_empty() {
        Ok(product)
    } else {
        Err(wrong)
    }
}

/// What a document says, and what cannot be read of it.
pub(in crate::products) fn read(document: Value) -> (ProductInput, Vec<Invalid>) {
    let (product, problems) = jsonl::document(document);
    let unreadable = problems.into_iter().map(|problem| Invalid {
        pointer: problem.path.pointer(),
        value: shortened(&problem.value, SHOWN),
        reason: problem.reason,
    });
    (product, unreadable.collect())
}

/// What could not be read, and the rules that are broken elsewhere: a value that could not be read was taken
/// for empty, so that rules speak of it, and of what it is part of, for no reason of theirs.
pub(in crate::products) fn all(unreadable: Vec<Invalid>, broken: Vec<Invalid>) -> Vec<Invalid> {
    let pointers: HashSet<String> = unreadable.iter().map(|one| one.pointer.clone()).collect();
    let around: HashSet<String> = pointers
        .iter()
        .flat_map(|pointer| above(pointer).map(str::to_owned))
        .collect();
    let is_inside = |pointer: &str| above(pointer).any(|outer| pointers.contains(outer));
    let mut wrong: Vec<_> = unreadable
        .into_iter()
        .filter(|one| !is_inside(&one.pointer))
        .collect();
    wrong.extend(broken.into_iter().filter(|one| {
        let at = one.pointer.as_str();
        !is_inside(at) && !pointers.contains(at) && !around.contains(at)
    }));
    wrong
}

/// The pointers of everything that a value is part of, the nearest first, the document last.
fn above(pointer: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(parent(pointer), |inner| parent(inner))
}

fn parent(pointer: &str) -> Option<&str> {
    pointer.rfind('/').map(|end| &pointer[..end])
}

/// What no product can be without.
fn missing(product: &ProductInput) -> Vec<Invalid> {
    let missing = |pointer: String, reason: &str| Invalid {
        pointer,
        value: String::new(),
        reason: format!("is missing; {reason}"),
    };
    let title = product.title.is_none();
    let title = title.then(|| missing("/title".to_owned(), "a product needs one"));
    let variants = product.variants.iter().flatten().enumerate();
    let prices = variants
        .filter(|(_, variant)| variant.price.is_none())
        .map(|(index, _)| missing(format!("/variants/{index}/price"), "a variant needs one"));
    title.into_iter().chain(prices).collect()
}

fn completed(product: ProductInput) -> ProductInput {
    let empty = || Some(String::new());
    let variants = product.variants.into_iter().flatten();
    ProductInput {
        description_html: product.description_html.or_else(empty),
        vendor: product.vendor.or_else(empty),
        product_type: product.product_type.or_else(empty),
        category: product.category.or_else(empty),
        tags: product.tags.or(Some(Vec::new())),
        status: product.status.or(Some(Status::Active)),
        published: product.published.or(Some(true)),
        options: product.options.or(Some(Vec::new())),
        seo_title: product.seo_title.or_else(empty),
        seo_description: product.seo_description.or_else(empty),
        attributes: product.attributes.or(Some(Attributes::default())),
        images: product.images.or(Some(Vec::new())),
        variants: Some(variants.map(completed_variant).collect()),
        relations: product.relations.or(Some(Vec::new())),
        ..product
    }
}

fn completed_variant(variant: VariantInput) -> VariantInput {
    let empty = || Some(String::new());
    VariantInput {
        barcode: variant.barcode.or_else(empty),
        mpn: variant.mpn.or_else(empty),
        condition: variant.condition.or_else(empty),
        compare_at_minor: variant.compare_at_minor.or(Some(None)),
        cost_minor: variant.cost_minor.or(Some(None)),
        weight_g: variant.weight_g.or(Some(None)),
        requires_shipping: variant.requires_shipping.or(Some(true)),
        taxable: variant.taxable.or(Some(true)),
        tax_code: variant.tax_code.or_else(empty),
        ..variant
    }
}

#[cfg(test)]
mod tests;
