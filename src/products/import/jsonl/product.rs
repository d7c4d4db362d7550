//! The document of a product.

use serde_json::Value;

use super::values::{
    Problem, Read, clearable, integer, list, map, nullable_integer, object, text, timestamp,
};
use super::variant;
use crate::products::import::decimal::Decimal;
use crate::products::input::{
    ImageInput, ProductInput, ProductOption, RatingInput, RelationInput, ReviewInput, Status,
};

const KEYS: &[&str] = &[
    "id",
    "handle",
    "title",
    "description_html",
    "vendor",
    "product_type",
    "category",
    "tags",
    "status",
    "published_at",
    "options",
    "price",
    "availability",
    "rating",
    "images",
    "variants",
    "attributes",
    "seo",
    "relations",
    "reviews",
    "version",
    "created_at",
    "updated_at",
];

/// Reads a whole document.
pub(super) fn product(document: Value) -> Read<ProductInput> {
    let mut product = ProductInput::default();
    let mut handle = None;
    let mut variants = None;
    object(document, KEYS, |key, value| {
        match key {
            "id" => product.id = Some(integer(&value)?),
            "handle" => handle = Some(text(value)?),
            "title" => product.title = Some(text(value)?),
            "description_html" => product.description_html = Some(clearable(value)?),
            "vendor" => product.vendor = Some(clearable(value)?),
            "product_type" => product.product_type = Some(clearable(value)?),
            "category" => product.category = Some(clearable(value)?),
            "tags" => product.tags = Some(list(value, text)?),
            "status" => product.status = Some(status(value)?),
            "published_at" if value.is_null() => product.published = Some(false),
            "published_at" => product.published_at = Some(timestamp(value)?),
            "options" => product.options = Some(list(value, option)?),
            "price" | "availability" => {}
            "rating" => product.rating = Some(rating(value)?),
            "images" => product.images = Some(list(value, image)?),
            "variants" => variants = Some(list(value, variant::draft)?),
            "attributes" if value.is_null() => product.attributes = Some(serde_json::Map::new()),
            "attributes" => product.attributes = Some(map(value)?),
            "seo" => seo(value, &mut product)?,
            "relations" => product.relations = Some(list(value, relation)?),
            "reviews" => product.reviews = Some(list(value, review)?),
            "version" => product.version = Some(integer(&value)?),
            "created_at" => product.created_at = Some(timestamp(value)?),
            "updated_at" => product.updated_at = Some(timestamp(value)?),
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    product.handle = handle
        .ok_or_else(|| Problem::missing("handle", "it says which product the line is about"))?;
    if let Some(drafts) = variants {
        if product.options.is_none() {
            product.options = variant::options_of(&drafts);
        }
        let options = product.options.as_deref();
        let finished = drafts.into_iter().enumerate().map(|(index, draft)| {
            draft
                .finish(options)
                .map_err(|problem| problem.at(index).under("variants"))
        });
        product.variants = Some(finished.collect::<Read<_>>()?);
    }
    Ok(product)
}

fn status(value: Value) -> Read<Status> {
    let word = text(value)?;
    Status::parse(&word).ok_or_else(|| {
        Problem::new(
            &Value::String(word),
            "must be `draft`, `active` or `archived`",
        )
    })
}

fn option(value: Value) -> Read<ProductOption> {
    let mut name = None;
    let mut values = None;
    object(value, &["name", "values"], |key, value| {
        match key {
            "name" => name = Some(text(value)?),
            "values" => values = Some(list(value, text)?),
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok(ProductOption {
        name: name.ok_or_else(|| Problem::missing("name", "an option needs one"))?,
        values: values
            .ok_or_else(|| Problem::missing("values", "an option needs a list of them"))?,
    })
}

fn rating(value: Value) -> Read<RatingInput> {
    if value.is_null() {
        return Ok(RatingInput { sum: 0, count: 0 });
    }
    let (mut sum, mut average, mut count) = (None, None, None);
    let whole = value.clone();
    object(value, &["sum", "average", "count"], |key, value| {
        match key {
            "sum" => sum = Some(integer(&value)?),
            "average" if value.is_null() => {}
            "average" => average = Some(value),
            "count" => count = Some(integer(&value)?),
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    let count =
        count.ok_or_else(|| Problem::missing("count", "write how many ratings there are"))?;
    let sum = match (sum, average) {
        (Some(sum), None) => sum,
        (None, Some(average)) => sum_of(&average, count)?,
        (None, None) if count == 0 => 0,
        _ => {
            return Err(Problem::new(
                &whole,
                "needs `sum` or `average`, and not both",
            ));
        }
    };
    Ok(RatingInput { sum, count })
}

fn sum_of(average: &Value, count: i64) -> Read<i64> {
    let decimal = average
        .as_number()
        .and_then(|number| Decimal::parse(&number.to_string()));
    let sum = decimal.and_then(|decimal| decimal.times(u64::try_from(count).ok()?, 0));
    sum.ok_or_else(|| Problem::new(average, "must be a number from 0 to 5").under("average"))
}

fn image(value: Value) -> Read<ImageInput> {
    let mut image = ImageInput::default();
    let mut url = None;
    object(value, &["url", "alt", "width", "height"], |key, value| {
        match key {
            "url" => url = Some(text(value)?),
            "alt" => image.alt = clearable(value)?,
            "width" => image.width = nullable_integer(&value)?,
            "height" => image.height = nullable_integer(&value)?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    image.url = url.ok_or_else(|| Problem::missing("url", "an image needs one"))?;
    Ok(image)
}

fn seo(value: Value, product: &mut ProductInput) -> Read<()> {
    if value.is_null() {
        product.seo_title = Some(String::new());
        product.seo_description = Some(String::new());
        return Ok(());
    }
    object(value, &["title", "description"], |key, value| {
        match key {
            "title" => product.seo_title = Some(clearable(value)?),
            "description" => product.seo_description = Some(clearable(value)?),
            _ => return Ok(false),
        }
        Ok(true)
    })
}

fn relation(value: Value) -> Read<RelationInput> {
    let (mut handle, mut kind) = (None, None);
    object(value, &["handle", "kind"], |key, value| {
        match key {
            "handle" => handle = Some(text(value)?),
            "kind" => kind = Some(text(value)?),
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok(RelationInput {
        handle: handle.ok_or_else(|| Problem::missing("handle", "name the related product"))?,
        kind: kind.ok_or_else(|| Problem::missing("kind", "write one such as `related`"))?,
    })
}

fn review(value: Value) -> Read<ReviewInput> {
    const KEYS: &[&str] = &["rating", "title", "body", "author", "status", "created_at"];
    let mut review = ReviewInput {
        rating: 0,
        title: String::new(),
        body: String::new(),
        author: String::new(),
        status: "published".to_owned(),
        created_at: None,
    };
    let mut rating = None;
    object(value, KEYS, |key, value| {
        match key {
            "rating" => rating = Some(integer(&value)?),
            "title" => review.title = clearable(value)?,
            "body" => review.body = clearable(value)?,
            "author" => review.author = clearable(value)?,
            "status" => review.status = text(value)?,
            "created_at" => review.created_at = Some(timestamp(value)?),
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    review.rating = rating.ok_or_else(|| Problem::missing("rating", "write 1 to 5 stars"))?;
    Ok(review)
}
