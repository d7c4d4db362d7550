//! Errors with which operations are described: one of each kind.

use actix_web::http::Method;

use crate::cache::Status;
use crate::flags::Feature;
use crate::http::authorization::AuthorizationError;
use crate::http::problem::ApiError;
use crate::http::writes::{MediaType, WriteProblem};
use crate::limits::overload::{Priority, Refused};
use crate::limits::{Fields, Refusal};
use crate::products::edit::EditError;
use crate::products::stock::StockRefusal;
use crate::products::validate::Invalid;
use crate::tokens::Scope;

pub(in crate::http::openapi) fn bad_id() -> ApiError {
    ApiError::BadId("0456".to_owned())
}

pub(in crate::http::openapi) fn invalid_query() -> ApiError {
    let detail = "\"limt\" is not a query parameter here; did you mean limit?";
    ApiError::InvalidQuery(detail.to_owned())
}

/// Of a product that the cache was asked for.
pub(in crate::http::openapi) fn no_product(named: &str) -> ApiError {
    ApiError::NoProduct {
        named: named.to_owned(),
        is_gone: false,
        cache: Some(Status::Hit { ttl: 4_000 }),
    }
}

/// Of a product that no cache was asked for.
pub(in crate::http::openapi) fn no_product_anywhere() -> ApiError {
    ApiError::NoProduct {
        named: "id 99999".to_owned(),
        is_gone: false,
        cache: None,
    }
}

/// Of a product that was deleted.
pub(in crate::http::openapi) fn gone(named: &str) -> ApiError {
    ApiError::NoProduct {
        named: named.to_owned(),
        is_gone: true,
        cache: Some(Status::Hit { ttl: 4_000 }),
    }
}

pub(in crate::http::openapi) fn version_not_reached() -> ApiError {
    ApiError::VersionNotReached { version: 1 }
}

/// What a request without the right token is told.
pub(in crate::http::openapi) fn unauthorized(scope: Scope) -> Vec<ApiError> {
    let all = [
        AuthorizationError::Missing,
        AuthorizationError::Invalid("the token was revoked"),
        AuthorizationError::Insufficient(scope),
        AuthorizationError::Several,
    ];
    all.into_iter().map(ApiError::Authorization).collect()
}

/// What a write may be told, whatever is in it.
pub(in crate::http::openapi) fn of_writes(scope: Scope) -> Vec<ApiError> {
    let mut errors = unauthorized(scope);
    errors.extend([
        WriteProblem::InvalidKey.into(),
        WriteProblem::KeyInFlight.into(),
        WriteProblem::KeyReused.into(),
        WriteProblem::Busy.into(),
        feature_off(Feature::Writes),
        unavailable(),
    ]);
    errors
}

/// What a write may be told of its body, whatever it is about.
pub(in crate::http::openapi) fn of_bodies(expected: MediaType) -> Vec<ApiError> {
    let given = "text/plain".to_owned();
    let json = "line 1, column 9: expected `,` or `}`".to_owned();
    vec![
        WriteProblem::MediaType { given, expected }.into(),
        WriteProblem::Coding("gzip".to_owned()).into(),
        WriteProblem::TooLarge { limit: 4 << 20 }.into(),
        WriteProblem::Cut.into(),
        WriteProblem::NoJson(json).into(),
    ]
}

/// What a write may be told of the document of a product.
pub(in crate::http::openapi) fn of_documents() -> Vec<ApiError> {
    let invalid = at(
        "/variants/0/price/amount_minor",
        "-1",
        "a price cannot be negative",
    );
    let conflict = at("/variants/0/sku", "APP-00456-01", "belongs to product 456");
    vec![
        WriteProblem::Refused(EditError::Invalid(invalid)).into(),
        WriteProblem::Refused(EditError::Conflict(conflict)).into(),
    ]
}

fn at(pointer: &str, value: &str, reason: &str) -> Vec<Invalid> {
    vec![Invalid {
        pointer: pointer.to_owned(),
        value: value.to_owned(),
        reason: reason.to_owned(),
    }]
}

/// What a change of stock may be told.
pub(in crate::http::openapi) fn of_stock() -> Vec<ApiError> {
    let invalid = at("/delta", "0", "must not be 0: nothing would change");
    let mut errors = vec![bad_path(), WriteProblem::InvalidStock(invalid).into()];
    let refusals = [
        StockRefusal::NoVariant,
        StockRefusal::NotTracked,
        StockRefusal::Insufficient { available: 3 },
        StockRefusal::OutOfRange {
            on_hand: 999_999_999,
        },
    ];
    errors.extend(refusals.map(|refusal| {
        let sku = "APP-00456-01".to_owned();
        WriteProblem::Stock { sku, refusal }.into()
    }));
    errors
}

/// What sending a review may be told.
pub(in crate::http::openapi) fn of_reviews() -> Vec<ApiError> {
    let invalid = at("/rating", "6", "must be a whole number from 1 to 5");
    vec![
        WriteProblem::InvalidReview(invalid).into(),
        WriteProblem::ReviewSentBefore.into(),
        WriteProblem::Busy.into(),
    ]
}

/// What a sign-up for a product may be told.
pub(in crate::http::openapi) fn of_sign_ups() -> Vec<ApiError> {
    let invalid = at(
        "/email",
        "ada",
        "must be an address of e-mail, such as ada@example.com",
    );
    vec![
        WriteProblem::InvalidSignUp(invalid).into(),
        WriteProblem::Busy.into(),
    ]
}

/// What asking for an import may be told of what it names.
pub(in crate::http::openapi) fn of_imports() -> Vec<ApiError> {
    let what = "names an address that imports.urls does not allow";
    vec![WriteProblem::InvalidImport(what).into()]
}

pub(in crate::http::openapi) fn no_import() -> ApiError {
    ApiError::NoImport("99999".to_owned())
}

pub(in crate::http::openapi) fn no_review() -> ApiError {
    ApiError::NoReview("99999".to_owned())
}

/// What a write of a product may be told of the product that there is.
pub(in crate::http::openapi) fn of_the_product() -> Vec<ApiError> {
    let mut errors = vec![bad_id(), bad_path()];
    let refused = [
        EditError::NotFound,
        EditError::Deleted,
        EditError::Precondition { version: 2 },
    ];
    errors.extend(refused.map(|error| WriteProblem::Refused(error).into()));
    errors
}

pub(in crate::http::openapi) fn not_acceptable() -> ApiError {
    ApiError::NotAcceptable {
        header: "Accept-Encoding",
        offered: "br, zstd, gzip, identity",
    }
}

pub(in crate::http::openapi) fn bad_path() -> ApiError {
    ApiError::BadPath("/products/by-sku/100%".to_owned())
}

pub(in crate::http::openapi) fn reduced_capacity() -> ApiError {
    ApiError::Refused(Refused::Shed {
        dependency: "store",
        priority: Priority::Background,
    })
}

pub(in crate::http::openapi) fn deadline_exceeded() -> ApiError {
    ApiError::Refused(Refused::OutOfTime)
}

pub(in crate::http::openapi) fn unavailable() -> ApiError {
    ApiError::Unavailable(String::new())
}

/// Of a request for something that is switched off.
pub(in crate::http::openapi) fn feature_off(feature: Feature) -> ApiError {
    ApiError::FeatureOff(feature)
}

pub(in crate::http::openapi) fn not_ready() -> ApiError {
    ApiError::NotReady("The server is about to stop.")
}

/// What any request may be told where there are rate limits.
pub(in crate::http::openapi) fn quota_exceeded() -> ApiError {
    ApiError::QuotaExceeded(Box::new(Refusal {
        violated: vec!["burst".to_owned()],
        exceeded: "100 requests in 60 s".to_owned(),
        retry_after: 1,
        fields: Fields {
            policy: "\"burst\";q=100;w=60, \"daily\";q=10000;w=86400".into(),
            limit: "\"burst\";r=0;t=1".to_owned(),
        },
    }))
}

/// An error of each kind.
pub(super) fn every() -> Vec<ApiError> {
    let mut every = of_reads();
    every.extend(of_writes(Scope::CatalogWrite));
    every.extend(of_bodies(MediaType::Json));
    every.extend(of_documents());
    every.extend(of_stock());
    every.extend(of_reviews());
    every.extend(of_sign_ups());
    every.extend(of_imports());
    every.push(no_import());
    every.push(ApiError::NoLink);
    every.push(no_review());
    every
}

fn of_reads() -> Vec<ApiError> {
    vec![
        bad_id(),
        invalid_query(),
        no_product("id 99999"),
        gone("id 456"),
        ApiError::NoRoute("/product".to_owned()),
        bad_path(),
        ApiError::TargetTooLong,
        ApiError::read_only(&Method::DELETE),
        not_acceptable(),
        ApiError::ConditionFailed,
        ApiError::Busy,
        ApiError::SearchBusy,
        version_not_reached(),
        feature_off(Feature::Search),
        unavailable(),
        reduced_capacity(),
        deadline_exceeded(),
        not_ready(),
        quota_exceeded(),
    ]
}
