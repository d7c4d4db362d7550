//! What is done about reviews behind the requests.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};

use super::moderation::{Rules, Verdict};
use super::store::{ReviewStatus, Submission};
use crate::jobs::{Failure, Handler, Job, Kind, Limits, NewJob, Registered};
use crate::products::catalog::Catalog;
use crate::products::store::{CatalogTransaction, Decision, StoreError};

/// Decides on a review that was sent.
pub const MODERATE: Kind = Kind {
    name: "review.moderate",
    max_attempts: 20,
    keeps_done: true,
};

/// Adds published reviews to the rating of their product.
pub const REFRESH_RATING: Kind = Kind {
    name: "rating.refresh",
    max_attempts: 20,
    keeps_done: true,
};

/// The rating of a product changes at most so often, whatever is written about it: each time is a new version.
const REFRESH_EVERY: Duration = Duration::from_secs(10);

/// How long a job waits for its turn to write.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Serialize, Deserialize)]
struct OfSubmission {
    submission: i64,
}

#[derive(Serialize, Deserialize)]
struct OfProduct {
    product: i64,
}

/// To be enqueued by the transaction that keeps the review.
pub(in crate::products) fn moderate(
    submission: i64,
    trace: Option<String>,
) -> Result<NewJob, StoreError> {
    let job = NewJob::new(&MODERATE, &OfSubmission { submission });
    Ok(job
        .map_err(|error| StoreError::new(error.to_string()))?
        .traced(trace))
}

/// To be enqueued by the transaction that publishes a review. Within ten seconds there is one for each product.
fn refresh_rating(product: i64) -> Result<NewJob, StoreError> {
    let job = NewJob::new(&REFRESH_RATING, &OfProduct { product });
    let job = job.map_err(|error| StoreError::new(error.to_string()))?;
    Ok(job.unique(product.to_string()).after(REFRESH_EVERY))
}

/// Decides, and has the rating follow.
pub(in crate::products) fn decide(
    transaction: &mut dyn CatalogTransaction,
    submission: &Submission,
    status: ReviewStatus,
    reason: Option<&str>,
) -> Result<(), StoreError> {
    transaction.decide_review(submission, status, reason)?;
    if status == ReviewStatus::Published {
        transaction.enqueue(&[refresh_rating(submission.product_id)?])?;
    }
    Ok(())
}

struct Moderate {
    catalog: Catalog,
    rules: Arc<Rules>,
}

impl Handler for Moderate {
    fn run<'a>(&'a self, job: &'a Job) -> BoxFuture<'a, Result<(), Failure>> {
        async move {
            let OfSubmission { submission: id } = job.read().map_err(Failure::lasting)?;
            let rules = Arc::clone(&self.rules);
            let work = move |transaction: &mut dyn CatalogTransaction| {
                let submission = transaction.submission(id)?;
                // Decided before: the word of that was lost, or a person was quicker.
                let Some(submission) = submission.filter(|it| it.status == ReviewStatus::Pending)
                else {
                    return Ok((Decision::Rollback, None));
                };
                let verdict = rules.decide(&submission);
                let (status, reason) = match verdict {
                    Verdict::Publish => (ReviewStatus::Published, None),
                    Verdict::Hold(reason) => (ReviewStatus::Held, Some(reason)),
                    Verdict::Reject(reason) => (ReviewStatus::Rejected, Some(reason)),
                };
                decide(transaction, &submission, status, reason)?;
                Ok((Decision::Commit, Some(verdict)))
            };
            let decided = self.catalog.write(Instant::now() + PATIENCE, work).await;
            if let Some(verdict) = decided.map_err(Failure::passing)? {
                tracing::info!(submission = id, "decided on a review: {verdict:?}");
            }
            Ok(())
        }
        .boxed()
    }
}

struct RefreshRating {
    catalog: Catalog,
}

impl Handler for RefreshRating {
    fn run<'a>(&'a self, job: &'a Job) -> BoxFuture<'a, Result<(), Failure>> {
        async move {
            let OfProduct { product } = job.read().map_err(Failure::lasting)?;
            let work = move |transaction: &mut dyn CatalogTransaction| {
                let decision = if transaction.count_ratings(product)? {
                    Decision::Commit
                } else {
                    Decision::Rollback
                };
                Ok((decision, ()))
            };
            let counted = self.catalog.write(Instant::now() + PATIENCE, work).await;
            counted.map_err(Failure::passing)
        }
        .boxed()
    }
}

/// Who does these jobs.
pub fn registered(catalog: &Catalog, rules: Rules) -> Vec<Registered> {
    let moderate = Moderate {
        catalog: catalog.clone(),
        rules: Arc::new(rules),
    };
    let refresh = RefreshRating {
        catalog: catalog.clone(),
    };
    vec![
        Registered::new(MODERATE, Limits::default(), moderate),
        Registered::new(REFRESH_RATING, Limits::default(), refresh),
    ]
}
