//! The query of one product: `?fields=…&include=…`.

use actix_web::HttpRequest;

use crate::http::problem::ApiError;
use crate::http::query::{Query, invalid};
use crate::products::fields::Fields;
use crate::products::views::Include;

/// Every parameter of a product.
pub(in crate::http) const PARAMETERS: [&str; 2] = ["fields", "include"];
/// What may be included.
pub(in crate::http) const PARTS: [&str; 2] = ["reviews", "recommendations"];

/// What is asked of a product. Without a query: its document.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct DetailQuery {
    /// Members of the document; all where `None`.
    pub(super) fields: Option<Fields>,
    /// Put at the end of it, whole, whatever the fields.
    pub(super) include: Include,
}

impl DetailQuery {
    pub(super) fn of(request: &HttpRequest) -> Result<Self, ApiError> {
        if request.query_string().is_empty() {
            return Ok(Self::default());
        }
        let query = Query::of(request, &PARAMETERS)?;
        Ok(Self {
            fields: match query.one("fields")? {
                Some(names) => {
                    let fields = Fields::parse(names);
                    Some(fields.map_err(|error| invalid("fields", error.to_string()))?)
                }
                None => None,
            },
            include: match query.one("include")? {
                Some(parts) => include(parts)?,
                None => Include::default(),
            },
        })
    }

    /// Whether it is the plain document.
    pub(super) fn is_plain(&self) -> bool {
        *self == Self::default()
    }
}

fn include(parts: &str) -> Result<Include, ApiError> {
    let mut include = Include::default();
    for part in parts.split(',') {
        let [reviews, recommendations] = PARTS;
        if part == reviews {
            include.reviews = true;
        } else if part == recommendations {
            include.recommendations = true;
        } else {
            let known = PARTS.join(", ");
            let reason = format!("{part:?} is no part of a product; known are {known}");
            return Err(invalid("include", reason));
        }
    }
    Ok(include)
}
