//! The query of one product: `?fields=…&include=…`.

use actix_web::HttpRequest;

use crate::http::problem::ApiError;
use crate::http::query::{Query, invalid};
use crate::products::fields::Fields;
use crate::products::views::Include;

/// Every parameter of a product.
pub(in crate::http) const PARAMETERS: [&str; 3] = ["fields", "include", "min_version"];
/// What may be included.
pub(in crate::http) const PARTS: [&str; 2] = ["reviews", "recommendations"];

/// What is asked of a product. Without a query: its document.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::http) struct DetailQuery {
    /// Members of the document; all where `None`.
    pub(in crate::http) fields: Option<Fields>,
    /// Put at the end of it, whole, whatever the fields.
    pub(super) include: Include,
    /// No version of the product below it; 0 is any.
    pub(super) min_version: u64,
}

impl DetailQuery {
    pub(super) fn of(request: &HttpRequest) -> Result<Self, ApiError> {
        if request.query_string().is_empty() {
            return Ok(Self::default());
        }
        Self::parse(request.query_string())
    }

    pub(in crate::http) fn parse(text: &str) -> Result<Self, ApiError> {
        let query = Query::parse(text, &PARAMETERS)?;
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
            min_version: min_version(&query)?,
        })
    }

    /// Whether it is the plain document, in whatever version.
    pub(super) fn is_plain(&self) -> bool {
        self.fields.is_none() && self.include == Include::default()
    }
}

fn min_version(query: &Query<'_>) -> Result<u64, ApiError> {
    let Some(given) = query.one("min_version")? else {
        return Ok(0);
    };
    let digits = given.bytes().all(|byte| byte.is_ascii_digit());
    // The store counts in 64 bits with a sign: nobody should wait for a version beyond.
    let version = digits.then(|| given.parse::<i64>().ok()).flatten();
    version.map(i64::cast_unsigned).ok_or_else(|| {
        let reason = format!("{given:?} is not the version of a product; it is a whole number");
        invalid("min_version", reason)
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_a_whole_number() {
        for (text, version) in [
            ("", Some(0)),
            ("min_version=7", Some(7)),
            ("min_version=", None),
            ("min_version=-1", None),
            ("min_version=1.0", None),
            ("min_version=1&min_version=1", None),
            ("min_version=18446744073709551616", None),
        ] {
            let query = Query::parse(text, &["min_version"]).unwrap();
            assert_eq!(min_version(&query).ok(), version, "{text}");
        }
    }
}
