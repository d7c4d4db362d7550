//! The document of a product.

use serde_json::Value;

use super::values::Reader;
use super::variant;
use crate::products::attributes::Attributes;
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

/// Reads a whole document. Where problems are noted, what is wrong is left out or empty.
pub(super) fn product(reader: &mut Reader<'_>, document: Value) -> ProductInput {
    let mut product = ProductInput::default();
    let mut handle = None;
    let mut variants = None;
    let mut options_are_wrong = false;
    reader.object(document, KEYS, |reader, key, value| {
        match key {
            "id" => product.id = reader.integer(&value),
            // One that is wrong is not missing.
            "handle" => handle = Some(reader.text(value).unwrap_or_default()),
            "title" => product.title = reader.text(value),
            "description_html" => product.description_html = reader.clearable(value),
            "vendor" => product.vendor = reader.clearable(value),
            "product_type" => product.product_type = reader.clearable(value),
            "category" => product.category = reader.clearable(value),
            "tags" => product.tags = reader.list(value, text),
            "status" => product.status = status(reader, value),
            "published_at" if value.is_null() => product.published = Some(false),
            "published_at" => product.published_at = reader.timestamp(value),
            "options" => {
                let before = reader.noted();
                product.options = reader.list(value, option);
                options_are_wrong = reader.noted() > before;
            }
            "price" | "availability" => {}
            "rating" => product.rating = rating(reader, value),
            "images" => product.images = reader.list(value, image),
            "variants" => variants = reader.list(value, variant::draft),
            "attributes" if value.is_null() => product.attributes = Some(Attributes::default()),
            "attributes" => product.attributes = reader.map(value).map(Into::into),
            "seo" => seo(reader, value, &mut product),
            "relations" => product.relations = reader.list(value, relation),
            "reviews" => product.reviews = reader.list(value, review),
            "version" => product.version = reader.integer(&value),
            "created_at" => product.created_at = reader.timestamp(value),
            "updated_at" => product.updated_at = reader.timestamp(value),
            _ => return false,
        }
        true
    });
    let handle = reader.require("handle", handle, "it says which product this is about");
    product.handle = handle.unwrap_or_default();
    if let Some(drafts) = variants {
        if options_are_wrong {
            // What the variants choose from is not known: nothing can be said about their choice.
            product.options = None;
        } else if product.options.is_none() {
            product.options = variant::options_of(&drafts);
        }
        let options = product.options.as_deref().unwrap_or_default();
        let options = (!options_are_wrong).then_some(options);
        let mut reader = reader.under("variants");
        let finished = drafts
            .into_iter()
            .enumerate()
            .map(|(index, draft)| draft.finish(&mut reader.element(index), options));
        product.variants = Some(finished.collect());
    }
    product
}

fn text(reader: &mut Reader<'_>, value: Value) -> String {
    reader.text(value).unwrap_or_default()
}

fn status(reader: &mut Reader<'_>, value: Value) -> Option<Status> {
    let word = reader.text(value)?;
    let status = Status::parse(&word);
    if status.is_none() {
        let reason = "must be `draft`, `active` or `archived`";
        reader.refuse(&Value::String(word), reason);
    }
    status
}

fn option(reader: &mut Reader<'_>, value: Value) -> ProductOption {
    let mut name = None;
    let mut values = None;
    reader.object(value, &["name", "values"], |reader, key, value| {
        match key {
            "name" => name = Some(text(reader, value)),
            "values" => values = Some(reader.list(value, text).unwrap_or_default()),
            _ => return false,
        }
        true
    });
    ProductOption {
        name: reader
            .require("name", name, "an option needs one")
            .unwrap_or_default(),
        values: reader
            .require("values", values, "an option needs a list of them")
            .unwrap_or_default(),
    }
}

fn rating(reader: &mut Reader<'_>, value: Value) -> Option<RatingInput> {
    if value.is_null() {
        return Some(RatingInput { sum: 0, count: 0 });
    }
    let (mut sum, mut average, mut count) = (None, None, None);
    let whole = value.clone();
    let before = reader.noted();
    reader.object(value, &["sum", "average", "count"], |reader, key, value| {
        match key {
            "sum" => sum = reader.integer(&value),
            "average" if value.is_null() => {}
            "average" => average = Some(value),
            "count" => count = reader.integer(&value),
            _ => return false,
        }
        true
    });
    if reader.noted() > before {
        return None;
    }
    let count = reader.require("count", count, "write how many ratings there are")?;
    let sum = match (sum, average) {
        (Some(sum), None) => sum,
        (None, Some(average)) => sum_of(&mut reader.under("average"), &average, count)?,
        (None, None) if count == 0 => 0,
        _ => {
            reader.refuse(&whole, "needs `sum` or `average`, and not both");
            return None;
        }
    };
    Some(RatingInput { sum, count })
}

fn sum_of(reader: &mut Reader<'_>, average: &Value, count: i64) -> Option<i64> {
    let decimal = average
        .as_number()
        .and_then(|number| Decimal::parse(&number.to_string()));
    let sum = decimal.and_then(|decimal| decimal.times(u64::try_from(count).ok()?, 0));
    if sum.is_none() {
        reader.refuse(average, "must be a number from 0 to 5");
    }
    sum
}

fn image(reader: &mut Reader<'_>, value: Value) -> ImageInput {
    let mut image = ImageInput::default();
    let mut url = None;
    reader.object(
        value,
        &["url", "alt", "width", "height"],
        |reader, key, value| {
            match key {
                "url" => url = Some(text(reader, value)),
                "alt" => image.alt = reader.clearable(value).unwrap_or_default(),
                "width" => image.width = reader.nullable_integer(&value).flatten(),
                "height" => image.height = reader.nullable_integer(&value).flatten(),
                _ => return false,
            }
            true
        },
    );
    image.url = reader
        .require("url", url, "an image needs one")
        .unwrap_or_default();
    image
}

fn seo(reader: &mut Reader<'_>, value: Value, product: &mut ProductInput) {
    if value.is_null() {
        product.seo_title = Some(String::new());
        product.seo_description = Some(String::new());
        return;
    }
    reader.object(value, &["title", "description"], |reader, key, value| {
        match key {
            "title" => product.seo_title = reader.clearable(value),
            "description" => product.seo_description = reader.clearable(value),
            _ => return false,
        }
        true
    });
}

fn relation(reader: &mut Reader<'_>, value: Value) -> RelationInput {
    let (mut handle, mut kind) = (None, None);
    reader.object(value, &["handle", "kind"], |reader, key, value| {
        match key {
            "handle" => handle = Some(text(reader, value)),
            "kind" => kind = Some(text(reader, value)),
            _ => return false,
        }
        true
    });
    RelationInput {
        handle: reader
            .require("handle", handle, "name the related product")
            .unwrap_or_default(),
        kind: reader
            .require("kind", kind, "write one such as `related`")
            .unwrap_or_default(),
    }
}

fn review(reader: &mut Reader<'_>, value: Value) -> ReviewInput {
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
    reader.object(value, KEYS, |reader, key, value| {
        match key {
            "rating" => rating = Some(reader.integer(&value).unwrap_or_default()),
            "title" => review.title = reader.clearable(value).unwrap_or_default(),
            "body" => review.body = reader.clearable(value).unwrap_or_default(),
            "author" => review.author = reader.clearable(value).unwrap_or_default(),
            "status" => review.status = text(reader, value),
            "created_at" => review.created_at = reader.timestamp(value),
            _ => return false,
        }
        true
    });
    review.rating = reader
        .require("rating", rating, "write 1 to 5 stars")
        .unwrap_or_default();
    review
}
