//! Why a write was not done, as a client sees it.

use actix_web::http::StatusCode;
use actix_web::http::header::{ACCEPT, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};

use super::body::MediaType;
use crate::http::problem::{ApiError, RETRY_SECONDS, Row};
use crate::products::edit::EditError;
use crate::products::stock::StockRefusal;
use crate::products::validate::{Invalid, MAX_QUANTITY};

/// RFC 5789 §3.1.
const ACCEPT_PATCH: HeaderName = HeaderName::from_static("accept-patch");

/// Why a write was not done. Nothing was changed.
#[derive(Debug)]
pub(in crate::http) enum WriteProblem {
    /// The body is not of the kind it has to be.
    MediaType { given: String, expected: MediaType },
    /// The body is compressed.
    Coding(String),
    /// The body is longer than this many bytes.
    TooLarge { limit: usize },
    /// The body ended before its end.
    Cut,
    /// The body is no JSON: where and why.
    NoJson(String),
    /// `Idempotency-Key` is none.
    InvalidKey,
    /// The key was used for another request.
    KeyReused,
    /// The first request with this key is not done yet.
    KeyInFlight,
    /// Too many other writes.
    Busy,
    /// The document is not one of a stock: everything that is wrong with it.
    InvalidStock(Vec<Invalid>),
    /// The document is no review: everything that is wrong with it.
    InvalidReview(Vec<Invalid>),
    /// The document is no sign-up for a product: everything that is wrong with it.
    InvalidSignUp(Vec<Invalid>),
    /// Nothing to import: what the body is.
    InvalidImport(&'static str),
    /// The customer has sent a review of this product before.
    ReviewSentBefore,
    /// The stock of the variant with this sku does not allow it.
    Stock { sku: String, refusal: StockRefusal },
    /// The product, or the catalogue, does not allow it.
    Refused(EditError),
}

impl From<WriteProblem> for ApiError {
    fn from(problem: WriteProblem) -> Self {
        Self::Write(problem)
    }
}

impl WriteProblem {
    /// Its row in the table of problems.
    pub(in crate::http) fn row(&self) -> Row {
        let (status, code, title, detail) = match self {
            Self::MediaType { given, expected } => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported-media-type",
                "Not a kind of body for this",
                format!(
                    "Content-Type is {given:?}; send {} and say so",
                    expected.as_str()
                ),
            ),
            Self::Coding(coding) => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported-coding",
                "The body is compressed",
                format!("Content-Encoding is {coding:?}; send the body as it is"),
            ),
            Self::TooLarge { limit } => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "body-too-large",
                "The body is too large",
                format!("The body has more than {limit} bytes; send less, or raise limits.body"),
            ),
            Self::Cut => (
                StatusCode::BAD_REQUEST,
                "body-cut",
                "The body is not whole",
                "The body ended before its end; send it again".to_owned(),
            ),
            Self::NoJson(why) => (
                StatusCode::BAD_REQUEST,
                "invalid-json",
                "The body is no JSON",
                why.clone(),
            ),
            Self::InvalidKey => (
                StatusCode::BAD_REQUEST,
                "invalid-idempotency-key",
                "Not an idempotency key",
                "Idempotency-Key has to be one word of 1 to 255 ASCII characters, such as a UUID"
                    .to_owned(),
            ),
            Self::KeyReused => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "idempotency-key-reused",
                "The idempotency key was used before",
                "Idempotency-Key was used for another request within a day; use a new one for \
                 each request"
                    .to_owned(),
            ),
            Self::KeyInFlight => (
                StatusCode::CONFLICT,
                "request-in-flight",
                "The first request is not done yet",
                format!(
                    "A request with this Idempotency-Key is being done; try again in {RETRY_SECONDS} s."
                ),
            ),
            Self::Busy => (
                StatusCode::SERVICE_UNAVAILABLE,
                "catalog-busy",
                "The catalogue is busy with other writes",
                format!("Nothing was written; try again in {RETRY_SECONDS} s."),
            ),
            Self::InvalidStock(errors) => return invalid("invalid-stock", "Not a valid change of stock", errors),
            Self::InvalidReview(errors) => return invalid("invalid-review", "Not a valid review", errors),
            Self::InvalidSignUp(errors) => return invalid("invalid-sign-up", "Not a valid sign-up", errors),
            Self::InvalidImport(what) => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "invalid-import",
                "Nothing to import",
                format!(
                    "The body {what}; send a file, or {{\"url\":\"https://…\"}} as application/json"
                ),
            ),
            Self::ReviewSentBefore => (
                StatusCode::CONFLICT,
                "review-sent-before",
                "The customer has sent one before",
                "There is one review for each customer and product; one that was rejected may be sent anew."
                    .to_owned(),
            ),
            Self::Stock { sku, refusal } => return stock(sku, *refusal),
            Self::Refused(error) => return refused(error),
        };
        Row {
            status,
            code,
            title,
            detail,
        }
    }

    /// Adds what a client needs to do better.
    pub(in crate::http) fn add_headers(&self, headers: &mut HeaderMap) {
        match self {
            Self::MediaType { expected, .. } => {
                let name = match expected {
                    MediaType::Json => ACCEPT,
                    MediaType::MergePatch => ACCEPT_PATCH,
                };
                headers.insert(name, HeaderValue::from_static(expected.as_str()));
            }
            Self::Busy | Self::KeyInFlight => {
                headers.insert(RETRY_AFTER, HeaderValue::from(RETRY_SECONDS));
            }
            _ => {}
        }
    }

    /// What is wrong with the document, each with its place.
    pub(in crate::http) fn errors(&self) -> &[Invalid] {
        match self {
            Self::Refused(EditError::Invalid(errors) | EditError::Conflict(errors))
            | Self::InvalidStock(errors)
            | Self::InvalidReview(errors)
            | Self::InvalidSignUp(errors) => errors,
            _ => &[],
        }
    }

    /// The units that can be sold, where it were too few.
    pub(in crate::http) fn available(&self) -> Option<i64> {
        match self {
            Self::Stock {
                refusal: StockRefusal::Insufficient { available },
                ..
            } => Some(*available),
            _ => None,
        }
    }
}

fn count_of(errors: &[Invalid]) -> String {
    match errors.len() {
        1 => "One thing is wrong with the document; see errors.".to_owned(),
        count => format!("{count} things are wrong with the document; see errors."),
    }
}

/// A document with so many errors.
fn invalid(code: &'static str, title: &'static str, errors: &[Invalid]) -> Row {
    Row {
        status: StatusCode::UNPROCESSABLE_ENTITY,
        code,
        title,
        detail: count_of(errors),
    }
}

fn stock(sku: &str, refusal: StockRefusal) -> Row {
    let (status, code, title, detail) = match refusal {
        StockRefusal::NoVariant => (
            StatusCode::NOT_FOUND,
            "variant-not-found",
            "No such variant",
            format!("There is no variant with sku {sku:?}."),
        ),
        StockRefusal::NotTracked => (
            StatusCode::CONFLICT,
            "stock-not-tracked",
            "The stock is not tracked",
            format!(
                "The stock of {sku:?} is not tracked, so it has no number; set inventory.tracked of \
                 the variant first."
            ),
        ),
        StockRefusal::Insufficient { available } => (
            StatusCode::CONFLICT,
            "insufficient-stock",
            "Not enough in stock",
            format!("Of {sku:?} {available} can be sold; ask for fewer, or wait for a delivery."),
        ),
        StockRefusal::OutOfRange { on_hand } => (
            StatusCode::CONFLICT,
            "stock-out-of-range",
            "No such number of units",
            format!(
                "Of {sku:?} there are {on_hand}; the sum may not be beyond {MAX_QUANTITY}, below or \
                 above zero."
            ),
        ),
    };
    Row {
        status,
        code,
        title,
        detail,
    }
}

fn refused(error: &EditError) -> Row {
    let (status, code, title, detail) = match error {
        EditError::NotFound => (
            StatusCode::NOT_FOUND,
            "product-not-found",
            "No such product",
            "There is no product with this id; POST /products makes one.".to_owned(),
        ),
        EditError::Deleted => (
            StatusCode::GONE,
            "product-deleted",
            "The product was deleted",
            "The product was deleted; POST /products with its handle brings it back.".to_owned(),
        ),
        EditError::Precondition { version } => (
            StatusCode::PRECONDITION_FAILED,
            "precondition-failed",
            "The product has changed",
            format!(
                "If-Match names another version than {version}, which the product has now; read \
                 it again and decide anew."
            ),
        ),
        EditError::Invalid(errors) => {
            return invalid("invalid-product", "Not a valid product", errors);
        }
        EditError::Conflict(_) => (
            StatusCode::CONFLICT,
            "product-conflict",
            "Another product is in the way",
            "The document claims what belongs to another product; see errors.".to_owned(),
        ),
        // Became `ApiError::Unavailable` on its way.
        EditError::Store(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "catalog-unavailable",
            "The catalogue gives no answer",
            "Nothing was written.".to_owned(),
        ),
    };
    Row {
        status,
        code,
        title,
        detail,
    }
}
