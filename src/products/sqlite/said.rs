//! What an input says about a product's own row.

use rusqlite::{ToSql, named_params};

use crate::products::input::{ProductInput, RatingInput, Status};

/// The rating said, else the one that follows from the published reviews said.
fn rating_of(product: &ProductInput) -> Option<RatingInput> {
    product.rating.or_else(|| {
        let published = product
            .reviews
            .as_ref()?
            .iter()
            .filter(|review| review.status == "published");
        Some(
            published.fold(RatingInput { sum: 0, count: 0 }, |sofar, review| {
                RatingInput {
                    sum: sofar.sum + review.rating,
                    count: sofar.count + 1,
                }
            }),
        )
    })
}

/// What an input says about the product's own row, as the database keeps it.
pub(super) struct SaidOfProduct<'a> {
    product: &'a ProductInput,
    now: &'a str,
    tags: Option<String>,
    status: Option<&'static str>,
    options: Option<String>,
    attributes: Option<String>,
    rating_sum: Option<i64>,
    rating_count: Option<i64>,
}

impl<'a> SaidOfProduct<'a> {
    pub(super) fn new(product: &'a ProductInput, now: &'a str) -> Self {
        let rating = rating_of(product);
        let tags = product.tags.as_ref();
        let options = product.options.as_ref().map(|options| {
            let options = options
                .iter()
                .map(|option| serde_json::json!({ "name": option.name, "values": option.values }));
            options.collect::<serde_json::Value>().to_string()
        });
        let attributes = product.attributes.as_ref();
        Self {
            product,
            now,
            tags: tags.map(|tags| serde_json::Value::from(tags.clone()).to_string()),
            status: product.status.map(Status::as_str),
            options,
            attributes: attributes.and_then(|map| serde_json::to_string(map).ok()),
            rating_sum: rating.map(|rating| rating.sum),
            rating_count: rating.map(|rating| rating.count),
        }
    }

    /// The parameters that inserting and updating share.
    pub(super) fn parameters(&self) -> Vec<(&'static str, &dyn ToSql)> {
        let product = self.product;
        Vec::from(named_params! {
            ":title": product.title,
            ":description_html": product.description_html,
            ":vendor": product.vendor,
            ":product_type": product.product_type,
            ":category": product.category,
            ":tags": self.tags,
            ":status": self.status,
            ":published": product.published,
            ":published_at": product.published_at,
            ":options": self.options,
            ":seo_title": product.seo_title,
            ":seo_description": product.seo_description,
            ":attributes": self.attributes,
            ":rating_sum": self.rating_sum,
            ":rating_count": self.rating_count,
            ":now": self.now,
        })
    }
}
