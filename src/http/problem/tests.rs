use super::*;
use crate::limits::Fields;
use crate::limits::overload::Priority;
use crate::tokens::Scope;
use actix_web::body::to_bytes;
use futures_util::FutureExt;
use serde_json::Value;

/// What only operators may read.
const INTERNAL: &str = "disk I/O error at /var/lib/secret";

/// One of each. The match makes the compiler ask for what is missing.
#[allow(clippy::too_many_lines, reason = "a list")]
fn all() -> Vec<ApiError> {
    let text = || "x".to_owned();
    let all = vec![
        ApiError::BadId(text()),
        ApiError::InvalidQuery(text()),
        ApiError::NoProduct {
            named: text(),
            is_gone: false,
            cache: None,
        },
        ApiError::NoProduct {
            named: text(),
            is_gone: true,
            cache: Some(Status::Hit { ttl: 4_000 }),
        },
        ApiError::NoRoute(text()),
        ApiError::BadPath(text()),
        ApiError::TargetTooLong,
        ApiError::read_only(&Method::POST),
        ApiError::NotAcceptable {
            header: "Accept-Encoding",
            offered: "br",
        },
        ApiError::ConditionFailed,
        ApiError::Authorization(AuthorizationError::Missing),
        ApiError::Authorization(AuthorizationError::Several),
        ApiError::Authorization(AuthorizationError::Invalid("it was revoked")),
        ApiError::Authorization(AuthorizationError::Insufficient(Scope::CatalogWrite)),
        WriteProblem::Coding(text()).into(),
        WriteProblem::TooLarge { limit: 1 }.into(),
        WriteProblem::Cut.into(),
        WriteProblem::NoJson(text()).into(),
        WriteProblem::InvalidKey.into(),
        WriteProblem::KeyReused.into(),
        WriteProblem::Busy.into(),
        ApiError::VersionNotReached { version: 1 },
        ApiError::Busy,
        ApiError::SearchBusy,
        ApiError::InvalidPurge(text()),
        ApiError::InvalidWarmUp(text()),
        ApiError::FeatureOff(Feature::Search),
        ApiError::InvalidFlag(text()),
        ApiError::NoFlag(text()),
        ApiError::BudgetGone(text()),
        ApiError::InvalidOrder(text()),
        ApiError::InvalidLimits(text()),
        ApiError::QuotaExceeded(Box::new(Refusal {
            violated: vec![text()],
            exceeded: text(),
            retry_after: 1,
            fields: Fields {
                policy: text().into(),
                limit: text(),
            },
        })),
        ApiError::FromAPage,
        ApiError::NoJob(text()),
        ApiError::InvalidSelection(text()),
        ApiError::InvalidDecision(text()),
        ApiError::NoReview(text()),
        ApiError::NoImport(text()),
        ApiError::NoLink,
        WriteProblem::ReviewSentBefore.into(),
        WriteProblem::InvalidImport("is empty").into(),
        ApiError::Unavailable(INTERNAL.to_owned()),
        ApiError::Refused(shed()),
        ApiError::Refused(Refused::OutOfTime),
        ApiError::Refused(Refused::Broken { dependency: "" }),
        ApiError::NotReady("The server is about to stop."),
    ];
    for error in &all {
        match error {
            ApiError::BadId(_)
            | ApiError::InvalidQuery(_)
            | ApiError::NoProduct { .. }
            | ApiError::NoRoute(_)
            | ApiError::BadPath(_)
            | ApiError::TargetTooLong
            | ApiError::MethodNotAllowed { .. }
            | ApiError::NotAcceptable { .. }
            | ApiError::ConditionFailed
            | ApiError::Authorization(_)
            | ApiError::Write(_)
            | ApiError::VersionNotReached { .. }
            | ApiError::Busy
            | ApiError::SearchBusy
            | ApiError::InvalidPurge(_)
            | ApiError::InvalidWarmUp(_)
            | ApiError::FeatureOff(_)
            | ApiError::InvalidFlag(_)
            | ApiError::NoFlag(_)
            | ApiError::InvalidLimits(_)
            | ApiError::BudgetGone(_)
            | ApiError::InvalidOrder(_)
            | ApiError::QuotaExceeded(_)
            | ApiError::FromAPage
            | ApiError::NoJob(_)
            | ApiError::InvalidSelection(_)
            | ApiError::InvalidDecision(_)
            | ApiError::NoReview(_)
            | ApiError::NoImport(_)
            | ApiError::NoLink
            | ApiError::Unavailable(_)
            | ApiError::Refused(_)
            | ApiError::NotReady(_) => {}
        }
    }
    all
}

fn shed() -> Refused {
    Refused::Shed {
        dependency: "store",
        priority: Priority::Background,
    }
}

/// The problem document of a response, which has to be fit to be sent.
fn document(response: HttpResponse) -> Value {
    let status = response.status();
    assert!(
        status.is_client_error() || status.is_server_error(),
        "{status}"
    );
    let header = |name| response.headers().get(name).cloned();
    // 404, 405, 410, 414 and 501 may be kept by a cache that is told nothing (RFC 9110 §15.1).
    assert_eq!(header(CACHE_CONTROL).unwrap(), "no-store", "{status}");
    assert_eq!(header(CONTENT_TYPE).unwrap(), "application/problem+json");
    assert_eq!(header(X_CONTENT_TYPE_OPTIONS).unwrap(), "nosniff");
    for name in [
        "etag",
        "last-modified",
        "cdn-cache-control",
        "expires",
        "age",
    ] {
        assert!(response.headers().get(name).is_none(), "{status} {name}");
    }
    let body = to_bytes(response.into_body())
        .now_or_never()
        .unwrap()
        .unwrap();
    let document: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(document["status"], status.as_u16());
    assert_eq!(document["request_id"], "id-1");
    for member in ["type", "title", "detail", "code"] {
        assert_ne!(document[member], "", "{document}");
    }
    document
}

#[test]
fn no_error_may_be_kept_or_taken_for_something_else() {
    for error in all() {
        let document = document(error.response("id-1"));
        assert_eq!(document["status"], error.status_code().as_u16());
        assert!(!document.to_string().contains("secret"), "{document}");
    }
    for status in 400..=599 {
        let status = StatusCode::from_u16(status).unwrap();
        document(foreign(status, "id-1"));
    }
}

#[test]
fn who_may_come_again_is_told_when() {
    for error in all() {
        let response = error.response("id-1");
        let may_come_again = [
            StatusCode::SERVICE_UNAVAILABLE,
            StatusCode::TOO_MANY_REQUESTS,
        ];
        assert_eq!(
            response.headers().contains_key(RETRY_AFTER),
            may_come_again.contains(&response.status())
        );
    }
}

#[test]
fn a_slash_too_many_is_pointed_at() {
    for (path, expected) in [
        ("/products/1/", "\"/products/1\" is another path"),
        ("//products", "\"/products\" is another path"),
        ("/", "try /products/456"),
        ("//", "try /products/456"),
        ("/nothing", "try /products/456"),
    ] {
        assert_eq!(nearest(path), expected);
    }
}
