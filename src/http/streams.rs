//! How many long transfers run at once. Each holds some memory for as long as its client likes.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::problem::ApiError;

/// Exports at once: an encoder each, and a page.
const EXPORTS: usize = 16;
/// Bulk writes at once. They share one writer, so that more are no faster.
const BULK_WRITES: usize = 4;

/// Places for long transfers, each taken until its permit is dropped.
pub(super) struct Streams {
    exports: Arc<Semaphore>,
    bulk_writes: Arc<Semaphore>,
}

impl Default for Streams {
    fn default() -> Self {
        Self {
            exports: Arc::new(Semaphore::new(EXPORTS)),
            bulk_writes: Arc::new(Semaphore::new(BULK_WRITES)),
        }
    }
}

impl Streams {
    pub(super) fn admit_export(&self) -> Result<OwnedSemaphorePermit, ApiError> {
        admit(&self.exports)
    }

    pub(super) fn admit_bulk_write(&self) -> Result<OwnedSemaphorePermit, ApiError> {
        admit(&self.bulk_writes)
    }
}

fn admit(places: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, ApiError> {
    let permit = Arc::clone(places).try_acquire_owned();
    permit.map_err(|_| ApiError::Busy)
}
