//! The rows of the table for what only operators are told, and for what asking again may mend.

use actix_web::http::StatusCode;

use super::{ApiError, OFF_SECONDS, RETRY_SECONDS, Row, why_off};
use crate::limits::overload::Refused;

impl ApiError {
    /// What only operators are told.
    pub(super) fn row_for_operators(&self) -> Row {
        let (status, code, title, detail) = match self {
            Self::InvalidPurge(detail) => (
                StatusCode::BAD_REQUEST,
                "invalid-purge",
                "Not a purge",
                format!(
                    "{detail}; send {{\"keys\":[456]}}, {{\"tag\":\"vendor-acme\"}} or {{\"all\":true}}"
                ),
            ),
            Self::InvalidWarmUp(detail) => (
                StatusCode::BAD_REQUEST,
                "invalid-warm-up",
                "Not a warm-up",
                format!("{detail}; send {{\"keys\":[456]}} or {{\"top\":1000}}"),
            ),
            Self::InvalidLimits(detail) => (
                StatusCode::BAD_REQUEST,
                "invalid-limits",
                "Not rate limits",
                format!("{detail}; send {{\"policies\":[…]}} as GET answers them"),
            ),
            Self::InvalidFlag(detail) => (
                StatusCode::BAD_REQUEST,
                "invalid-flag",
                "Not a word on a flag",
                format!("{detail}; send {{\"variant\":\"off\",\"reason\":\"…\",\"for\":\"2h\"}}"),
            ),
            Self::BudgetGone(key) => (
                StatusCode::CONFLICT,
                "budget-gone",
                "Too much goes wrong for a risky flag",
                format!(
                    "The flag {key:?} is risky, and an error budget is gone: see GET /admin/slo; it may be switched off, or \
                     changed with \"despite_budget\":true"
                ),
            ),
            Self::InvalidOrder(detail) => (
                StatusCode::BAD_REQUEST,
                "invalid-order",
                "Not an order to this node",
                format!("{detail}; send {{\"drain\":true,\"reason\":\"…\"}}"),
            ),
            Self::NoFlag(key) => (
                StatusCode::NOT_FOUND,
                "flag-not-found",
                "No such flag",
                format!("Nothing is said of a flag {key:?} there; see GET /admin/flags"),
            ),
            Self::NoJob(id) => (
                StatusCode::NOT_FOUND,
                "job-not-found",
                "No such job",
                format!("There is no job {id:?}, or what was remembered of it was removed"),
            ),
            Self::InvalidSelection(detail) => (
                StatusCode::BAD_REQUEST,
                "invalid-selection",
                "Not a choice of jobs",
                format!(
                    "{detail}; send {{\"ids\":[4711]}}, {{\"kind\":\"review.moderate\",\"state\":\"dead\"}} or \
                     {{\"all\":true}}"
                ),
            ),
            Self::InvalidDecision(detail) => (
                StatusCode::BAD_REQUEST,
                "invalid-decision",
                "Not a decision",
                format!(
                    "{detail}; send {{\"status\":\"published\"}} or {{\"status\":\"rejected\"}}"
                ),
            ),
            Self::FromAPage => (
                StatusCode::FORBIDDEN,
                "page-refused",
                "No page may do this",
                "The request bears an Origin; send it from a program, such as `doorbuster cache`, or log in to the console"
                    .to_owned(),
            ),
            later => return later.row_for_later(),
        };
        Row {
            status,
            code,
            title,
            detail,
        }
    }

    /// What asking again may mend.
    fn row_for_later(&self) -> Row {
        let (code, title, detail) = match self {
            Self::Busy => (
                "busy",
                "Too busy",
                format!(
                    "Others are being served and nothing was done; try again in {RETRY_SECONDS} s."
                ),
            ),
            Self::FeatureOff(feature) => (
                "feature-off",
                "Switched off for now",
                format!("{}; try again in {OFF_SECONDS} s", why_off(*feature)),
            ),
            Self::VersionNotReached { version } => (
                "version-not-reached",
                "The version is not there yet",
                format!(
                    "min_version is higher than {version}, the version there is; try again in \
                     {RETRY_SECONDS} s."
                ),
            ),
            Self::SearchBusy => (
                "search-busy",
                "Too many searches",
                format!("Too many searches at once; try again in {RETRY_SECONDS} s."),
            ),
            Self::Refused(Refused::Shed { .. }) => (
                "temporary-reduced-capacity",
                "More is asked than can be answered",
                format!(
                    "Others go first for now, and nothing was done; try again in {RETRY_SECONDS} s."
                ),
            ),
            Self::Refused(Refused::OutOfTime) => (
                "deadline-exceeded",
                "Not done in the time there was",
                "The time of X-Request-Timeout, or of this server where that is not sent, was over \
                 before there was an answer; give it more."
                    .to_owned(),
            ),
            Self::NotReady(why) => ("not-ready", "Not ready for traffic", (*why).to_owned()),
            _ => (
                "catalog-unavailable",
                "The catalogue gives no answer",
                format!("The product could not be read just now; try again in {RETRY_SECONDS} s."),
            ),
        };
        Row {
            status: StatusCode::SERVICE_UNAVAILABLE,
            code,
            title,
            detail,
        }
    }
}
