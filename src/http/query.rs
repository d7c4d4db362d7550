//! Query parameters. One that is not known is refused: a filter that silently does nothing shows a
//! customer the wrong products.

use std::borrow::Cow;

use actix_web::HttpRequest;

use super::problem::ApiError;
use crate::products::catalog::DEFAULT_LIMIT;

/// Similarity from which on a name is worth suggesting (Jaro-Winkler, 1 is equal).
const SIMILAR: f64 = 0.8;

/// Longest name that is compared with the known ones, in bytes. Comparing takes time by the length of both, or
/// worse, and a name much longer than any that is known is no slip of one.
const COMPARED: usize = 64;

/// Most items of a page.
pub(super) const MAX_LIMIT: usize = 100;

/// The parameters of a request, decoded, in order.
pub(super) struct Query<'r> {
    pairs: Vec<(Cow<'r, str>, Cow<'r, str>)>,
}

impl<'r> Query<'r> {
    /// Reads the parameters, all of which have to be `known`.
    pub(super) fn of(request: &'r HttpRequest, known: &[&str]) -> Result<Self, ApiError> {
        Self::parse(request.query_string(), known)
    }

    pub(super) fn parse(text: &'r str, known: &[&str]) -> Result<Self, ApiError> {
        let pairs: Vec<_> = form_urlencoded::parse(text.as_bytes()).collect();
        match pairs.iter().find(|(name, _)| !known.contains(&&**name)) {
            Some((name, _)) => Err(unknown(name, known)),
            None => Ok(Self { pairs }),
        }
    }

    /// The value of a parameter that may be given once.
    pub(super) fn one(&self, name: &str) -> Result<Option<&str>, ApiError> {
        let mut values = self.all(name);
        let value = values.next();
        match values.next() {
            Some(_) => Err(invalid(name, "is given more than once; give it once")),
            None => Ok(value),
        }
    }

    /// All names and values, in order.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(name, value)| (&**name, &**value))
    }

    /// The value of a parameter that may be given once and may not be empty.
    pub(super) fn text(&self, name: &str) -> Result<Option<&str>, ApiError> {
        match self.one(name)? {
            Some("") => Err(invalid(name, "is empty; leave it out")),
            value => Ok(value),
        }
    }

    /// The number of items asked for with `limit`.
    pub(super) fn limit(&self) -> Result<usize, ApiError> {
        let Some(given) = self.one("limit")? else {
            return Ok(DEFAULT_LIMIT);
        };
        let digits = given.bytes().all(|byte| byte.is_ascii_digit());
        let limit = digits.then(|| given.parse().ok()).flatten();
        limit
            .filter(|limit| (1..=MAX_LIMIT).contains(limit))
            .ok_or_else(|| {
                let reason = format!("{given:?} is not a whole number from 1 to {MAX_LIMIT}");
                invalid("limit", reason)
            })
    }

    /// The query as it was, with this cursor.
    pub(super) fn with_cursor(&self, cursor: &str) -> String {
        let others = self.pairs().filter(|(name, _)| *name != "cursor");
        form_urlencoded::Serializer::new(String::new())
            .extend_pairs(others)
            .append_pair("cursor", cursor)
            .finish()
    }

    /// The values of a parameter that may be repeated.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let pairs = self.pairs.iter().filter(move |(given, _)| given == name);
        pairs.map(|(_, value)| &**value)
    }
}

/// A parameter that cannot be as it is: its name, then what is wrong with it and the mend.
pub(super) fn invalid(name: &str, reason: impl AsRef<str>) -> ApiError {
    ApiError::InvalidQuery(format!("{name}: {}", reason.as_ref()))
}

fn unknown(name: &str, known: &[&str]) -> ApiError {
    let nearest = known
        .iter()
        .filter(|_| name.len() <= COMPARED)
        .map(|candidate| (strsim::jaro_winkler(name, candidate), candidate))
        .filter(|(similarity, _)| *similarity >= SIMILAR)
        .max_by(|(one, _), (other, _)| one.total_cmp(other));
    let mend = match nearest {
        Some((_, candidate)) => format!("did you mean {candidate}?"),
        None => format!("known here: {}", known.join(", ")),
    };
    ApiError::InvalidQuery(format!("{name:?} is not a query parameter here; {mend}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused<T>(result: Result<T, ApiError>) -> String {
        match result {
            Err(ApiError::InvalidQuery(detail)) => detail,
            Err(other) => panic!("{other:?}"),
            Ok(_) => panic!("not refused"),
        }
    }

    #[test]
    fn values_are_decoded_and_kept_in_order() {
        let query = Query::parse("tag=a+b&tag=%C3%A4%26&sort=", &["tag", "sort"]).unwrap();
        assert_eq!(query.all("tag").collect::<Vec<_>>(), ["a b", "ä&"]);
        assert_eq!(query.one("sort").unwrap(), Some(""));
        assert_eq!(query.one("limit").unwrap(), None);
        assert_eq!(
            refused(query.one("tag")),
            "tag: is given more than once; give it once"
        );
    }

    #[test]
    fn an_unknown_name_is_told_its_nearest() {
        let known = ["sort", "limit"];
        assert_eq!(
            refused(Query::parse("limt=1", &known)),
            "\"limt\" is not a query parameter here; did you mean limit?"
        );
        assert_eq!(
            refused(Query::parse("utm=1", &known)),
            "\"utm\" is not a query parameter here; known here: sort, limit"
        );
        // Not compared: similar enough if it were.
        let long = format!("product_type{}", "x".repeat(COMPARED));
        let refused = refused(Query::parse(&long, &["product_type"]));
        assert!(refused.ends_with("known here: product_type"), "{refused}");
    }
}
