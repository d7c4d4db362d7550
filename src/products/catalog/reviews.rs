//! Reviews that customers send.

use std::time::Instant;

use super::Catalog;
use crate::products::reviews::{NewReview, ReviewStatus, Submission, Submitted, decide, moderate};
use crate::products::store::{CatalogTransaction, Decision, StoreError, WriteError};

impl Catalog {
    /// Keeps a review, and has it decided on. It is not seen by anybody before that.
    pub async fn submit_review(
        &self,
        deadline: Instant,
        product_id: i64,
        review: NewReview,
        trace: Option<String>,
    ) -> Result<Submitted, WriteError> {
        let customer = self
            .cursors
            .key()
            .await?
            .digest("customer", &review.customer);
        let work = move |transaction: &mut dyn CatalogTransaction| {
            let submitted = transaction.submit_review(product_id, &review, customer)?;
            let Submitted::Accepted(id) = submitted else {
                return Ok((Decision::Rollback, submitted));
            };
            transaction.enqueue(&[moderate(id, trace)?])?;
            Ok((Decision::Commit, submitted))
        };
        self.write(deadline, work).await
    }

    /// A review that was sent.
    pub async fn submission(&self, id: i64) -> Result<Option<Submission>, StoreError> {
        self.in_time(self.store.submission(id)).await
    }

    /// Reviews that wait for a person, the oldest first, at most `limit`.
    pub async fn held_reviews(&self, limit: usize) -> Result<Vec<Submission>, StoreError> {
        self.in_time(self.store.held_submissions(limit)).await
    }

    /// Publishes or rejects a review on which nobody has decided. What it is afterwards; `None` where there is none.
    pub async fn decide_review(
        &self,
        deadline: Instant,
        id: i64,
        is_published: bool,
    ) -> Result<Option<Submission>, WriteError> {
        let status = if is_published {
            ReviewStatus::Published
        } else {
            ReviewStatus::Rejected
        };
        let work = move |transaction: &mut dyn CatalogTransaction| {
            let Some(submission) = transaction.submission(id)? else {
                return Ok((Decision::Rollback, None));
            };
            let is_open = matches!(
                submission.status,
                ReviewStatus::Pending | ReviewStatus::Held
            );
            if !is_open {
                return Ok((Decision::Rollback, Some(submission)));
            }
            let reason = (!is_published).then_some("person");
            decide(transaction, &submission, status, reason)?;
            let decided = Submission {
                status,
                reason: reason.map(str::to_owned),
                ..submission
            };
            Ok((Decision::Commit, Some(decided)))
        };
        self.write(deadline, work).await
    }
}
