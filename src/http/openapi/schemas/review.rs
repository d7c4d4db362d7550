//! A review that a customer sends.

use utoipa::ToSchema;
use utoipa::openapi::schema::ObjectBuilder;

use crate::http::openapi::parameters::{integer, string};
use crate::products::reviews::NewReview as Read;

/// A review that a customer sends.
#[derive(ToSchema)]
pub(in crate::http) struct NewReview {
    /// Stars.
    #[schema(schema_with = rating)]
    rating: i64,
    #[schema(schema_with = title, required = false)]
    title: String,
    /// What the customer says: plain text.
    #[schema(schema_with = body)]
    body: String,
    /// The name that is shown.
    #[schema(schema_with = author)]
    author: String,
    /// Whom it is from: an e-mail address, or a number of the shop's own. It is not kept, and not shown.
    #[schema(schema_with = customer)]
    customer: String,
}

fn rating() -> ObjectBuilder {
    integer(1, 5)
}

/// Not of blanks alone, and without control characters but breaks and tabs.
fn said(longest: usize) -> ObjectBuilder {
    string()
        .min_length(Some(1))
        .max_length(Some(longest))
        .pattern(Some(r"\S"))
}

fn title() -> ObjectBuilder {
    string().max_length(Some(Read::LONGEST[0]))
}

fn body() -> ObjectBuilder {
    said(Read::LONGEST[1])
}

fn author() -> ObjectBuilder {
    said(Read::LONGEST[2])
}

fn customer() -> ObjectBuilder {
    said(Read::LONGEST[3])
}
