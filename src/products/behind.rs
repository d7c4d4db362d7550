//! What jobs of the shop have in common: how they are made, and how they write.

use std::time::{Duration, Instant};

use serde::Serialize;

use super::catalog::Catalog;
use super::store::{CatalogTransaction, Decision, StoreError};
use crate::jobs::{Failure, Kind, NewJob};
use crate::telemetry::traces;

/// How long a job waits for its turn to write.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// A job of this kind, to be enqueued by a transaction.
pub(super) fn new_job(kind: &Kind, of: &impl Serialize) -> Result<NewJob, StoreError> {
    let job = NewJob::new(kind, of).map_err(|error| StoreError::new(error.to_string()))?;
    Ok(job.traced(traces::carried().map(|it| it.to_string())))
}

/// Does `work` in one transaction, and commits it. What fails is done again later.
pub(super) async fn commit<T: Send + 'static>(
    catalog: &Catalog,
    work: impl FnOnce(&mut dyn CatalogTransaction) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, Failure> {
    let work =
        move |transaction: &mut dyn CatalogTransaction| Ok((Decision::Commit, work(transaction)?));
    let written = catalog.write(Instant::now() + PATIENCE, work).await;
    written.map_err(Failure::passing)
}
