//! From a record to a product.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::evaluate::{Fault, Read, Scope, Task};
use super::mapping::{
    AttributeRules, ImageRules, Mapping, RatingRules, RelationRules, ReviewRules,
};
use super::rule::Rule;
use super::variants;
use crate::products::import::decimal::Decimal;
use crate::products::import::images::Images;
use crate::products::import::key_path::{KeyPath, Step};
use crate::products::input::{
    ImageInput, ProductInput, RatingInput, RelationInput, ReviewInput, Status,
};
use crate::products::money::Currency;

/// Key under which the rows of one product stand beside the columns of the first of them.
pub(super) const ROWS: &str = "rows";

/// Runs a rule, if there is one.
pub(super) fn with<'a, T>(
    rule: Option<&'a Rule>,
    scope: Scope<'a>,
    field: &'a str,
    read: impl Fn(&Task<'a>) -> Read<Option<T>>,
) -> Read<Option<T>> {
    rule.map_or(Ok(None), |rule| read(&Task { rule, scope, field }))
}

/// Runs a rule whose field must have a value.
fn required<'a, T>(
    rule: &'a Rule,
    scope: Scope<'a>,
    field: &'a str,
    read: impl Fn(&Task<'a>) -> Read<Option<T>>,
) -> Read<T> {
    let task = Task { rule, scope, field };
    read(&task)?.ok_or_else(|| task.fault("", "has no value in the file, and needs one"))
}

/// The product that `record` describes.
pub(super) fn product(record: &Value, mapping: &Mapping, currency: Currency) -> Read<ProductInput> {
    let scope = Scope::of(record);
    let rules = &mapping.product;
    let text = |rule, field| with(rule, scope, field, Task::text);
    let time = |rule, field| with(rule, scope, field, Task::timestamp);
    let mut product = ProductInput {
        handle: required(&rules.handle, scope, "handle", Task::text)?,
        title: text(rules.title.as_ref(), "title")?,
        description_html: with(
            rules.description_html.as_ref(),
            scope,
            "description_html",
            Task::html,
        )?,
        vendor: text(rules.vendor.as_ref(), "vendor")?,
        product_type: text(rules.product_type.as_ref(), "product_type")?,
        category: with(rules.category.as_ref(), scope, "category", Task::list)?
            .map(|levels| levels.join(" > ")),
        tags: with(rules.tags.as_ref(), scope, "tags", Task::list)?,
        status: with(rules.status.as_ref(), scope, "status", |task| {
            task.parsed(|word| {
                let reason = "must be draft, active or archived; translate it with a `lookup`";
                Status::parse(word).ok_or_else(|| reason.to_owned())
            })
        })?,
        published: with(rules.published.as_ref(), scope, "published", Task::boolean)?,
        published_at: time(rules.published_at.as_ref(), "published_at")?,
        seo_title: text(rules.seo_title.as_ref(), "seo_title")?,
        seo_description: text(rules.seo_description.as_ref(), "seo_description")?,
        created_at: time(rules.created_at.as_ref(), "created_at")?,
        updated_at: time(rules.updated_at.as_ref(), "updated_at")?,
        ..ProductInput::default()
    };
    if let Some(rules) = &mapping.attributes {
        product.attributes = Some(attributes(scope, rules)?.into());
    }
    let mut images = match &mapping.images {
        Some(rules) => Some(Images::from_iter(each(
            scope,
            rules,
            |rules| rules.each.as_ref(),
            image,
        )?)),
        None => None,
    };
    if let Some(rules) = &mapping.relations {
        product.relations = Some(each(scope, rules, |rules| rules.each.as_ref(), relation)?);
    }
    if let Some(rules) = &mapping.reviews {
        product.reviews = Some(each(scope, rules, |rules| rules.each.as_ref(), review)?);
    }
    if let Some(rules) = &mapping.rating {
        product.rating = rating(scope, rules)?;
    }
    if let Some(rules) = &mapping.variants {
        variants::map(scope, rules, currency, &mut product, &mut images)?;
    }
    product.images = images.map(Images::into_inputs);
    Ok(product)
}

/// The results of several blocks of rules, each for all items of its list.
fn each<'a, R, T>(
    scope: Scope<'a>,
    blocks: &'a [R],
    list: impl Fn(&'a R) -> Option<&'a super::rule::SourcePath>,
    map: impl Fn(Scope<'a>, &'a R) -> Read<Option<T>>,
) -> Read<Vec<T>> {
    let mut mapped = Vec::new();
    for rules in blocks {
        for item in scope.items(list(rules)) {
            mapped.extend(map(item, rules)?);
        }
    }
    Ok(mapped)
}

fn attributes(scope: Scope<'_>, rules: &AttributeRules) -> Read<Map<String, Value>> {
    let mut attributes = Map::new();
    if let Value::Object(record) = scope.record
        && !rules.collect.is_empty()
    {
        for (key, value) in record {
            let name = rules
                .collect
                .iter()
                .find_map(|prefix| key.strip_prefix(prefix.as_str()));
            let blank =
                value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty());
            if let Some(name) = name.filter(|name| !name.is_empty() && !blank)
                && attributes.insert(name.to_owned(), value.clone()).is_some()
            {
                return Err(Fault {
                    field: format!("attributes.{name}"),
                    source: Some(KeyPath(vec![Step::Key(key.clone())])),
                    value: String::new(),
                    reason: "two fields become this attribute; collect one of the prefixes only"
                        .to_owned(),
                });
            }
        }
    }
    for (name, rule) in &rules.fields {
        let field = format!("attributes.{name}");
        if let Some(value) = with(Some(rule), scope, &field, Task::json)? {
            attributes.insert(name.clone(), value);
        }
    }
    Ok(attributes)
}

fn image<'a>(item: Scope<'a>, rules: &'a ImageRules) -> Read<Option<ImageInput>> {
    let Some(url) = with(Some(&rules.url), item, "images.url", Task::text)? else {
        return Ok(None);
    };
    Ok(Some(ImageInput {
        url,
        alt: with(rules.alt.as_ref(), item, "images.alt", Task::text)?.unwrap_or_default(),
        width: with(rules.width.as_ref(), item, "images.width", Task::integer)?,
        height: with(rules.height.as_ref(), item, "images.height", Task::integer)?,
    }))
}

fn relation<'a>(item: Scope<'a>, rules: &'a RelationRules) -> Read<Option<RelationInput>> {
    let Some(handle) = with(Some(&rules.handle), item, "relations.handle", Task::text)? else {
        return Ok(None);
    };
    let kind = required(&rules.kind, item, "relations.kind", Task::text)?;
    Ok(Some(RelationInput { handle, kind }))
}

fn review<'a>(item: Scope<'a>, rules: &'a ReviewRules) -> Read<Option<ReviewInput>> {
    let Some(rating) = with(Some(&rules.rating), item, "reviews.rating", Task::integer)? else {
        return Ok(None);
    };
    let text = |rule: &'a Option<Rule>, field| with(rule.as_ref(), item, field, Task::text);
    Ok(Some(ReviewInput {
        rating,
        title: text(&rules.title, "reviews.title")?.unwrap_or_default(),
        body: text(&rules.body, "reviews.body")?.unwrap_or_default(),
        author: text(&rules.author, "reviews.author")?.unwrap_or_default(),
        status: text(&rules.status, "reviews.status")?.unwrap_or_else(|| "published".to_owned()),
        created_at: with(
            rules.created_at.as_ref(),
            item,
            "reviews.created_at",
            Task::timestamp,
        )?,
    }))
}

fn rating(scope: Scope<'_>, rules: &RatingRules) -> Read<Option<RatingInput>> {
    let Some(count) = with(Some(&rules.count), scope, "rating.count", Task::integer)? else {
        return Ok(None);
    };
    let sum = with(rules.sum.as_ref(), scope, "rating.sum", Task::integer)?;
    let computed = with(rules.average.as_ref(), scope, "rating.average", |task| {
        task.parsed(|text| {
            let count = u64::try_from(count).unwrap_or_default();
            let sum = Decimal::parse(text).and_then(|average| average.times(count, 0));
            sum.ok_or_else(|| "must be a number from 0 to 5".to_owned())
        })
    })?;
    Ok(sum.or(computed).map(|sum| RatingInput { sum, count }))
}

/// A fault in the words of an error: field, source, value and reason.
pub(super) fn described(fault: &Fault) -> Cow<'_, str> {
    match &fault.source {
        None => Cow::Borrowed(&fault.field),
        Some(source) => Cow::Owned(format!("{} (from `{source}`)", fault.field)),
    }
}
