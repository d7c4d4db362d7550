//! Following the stream of versions: what was committed is passed on in the transaction that notes how far that has come, so
//! nothing is left out, and nothing is passed on twice.

use std::sync::Arc;
use std::time::Instant;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::behind::PATIENCE;
use super::catalog::Catalog;
use super::store::{CatalogStore, CatalogTransaction, Decision, StoreError};
use crate::jobs::{Failure, Handler, Job};

/// Versions that are read at once.
pub(super) const AT_ONCE: usize = 500;

/// What is done about products that changed.
pub(super) trait Follow: Send + Sync + 'static {
    /// Does it, inside the transaction.
    fn pass_on(
        &self,
        transaction: &mut dyn CatalogTransaction,
        products: &[i64],
    ) -> Result<(), StoreError>;
}

/// A job that follows the stream, from where it was when it was first done.
pub(super) struct Follower<F> {
    catalog: Catalog,
    store: Arc<dyn CatalogStore>,
    /// What its place is kept under.
    name: &'static str,
    follow: Arc<F>,
}

impl<F: Follow> Follower<F> {
    pub(super) fn new(
        catalog: &Catalog,
        store: &Arc<dyn CatalogStore>,
        name: &'static str,
        follow: F,
    ) -> Self {
        Self {
            catalog: catalog.clone(),
            store: Arc::clone(store),
            name,
            follow: Arc::new(follow),
        }
    }

    /// Passes on a stretch of the stream; true where there may be more.
    async fn step(&self) -> Result<bool, StoreError> {
        let name = self.name;
        let before = self.store.followed(name).await?;
        let (changes, after) = match &before {
            Some(mark) => {
                if let Some(page) = self.store.outbox_after(mark.clone(), AT_ONCE).await? {
                    (page.changes, page.mark)
                } else {
                    tracing::warn!("changes were lost before {name} followed them");
                    (Vec::new(), self.store.outbox_end().await?)
                }
            }
            // From now on.
            None => (Vec::new(), self.store.outbox_end().await?),
        };
        if before.as_ref() == Some(&after) {
            return Ok(false);
        }
        let is_full = changes.len() == AT_ONCE;
        let follow = Arc::clone(&self.follow);
        let work = move |transaction: &mut dyn CatalogTransaction| {
            // Another one may have been quicker: then it has passed them on.
            if !transaction.follow(name, before.as_ref(), &after)? {
                return Ok((Decision::Rollback, ()));
            }
            let products: Vec<_> = changes.iter().map(|change| change.product_id).collect();
            follow.pass_on(transaction, &products)?;
            Ok((Decision::Commit, ()))
        };
        let written = self.catalog.write(Instant::now() + PATIENCE, work).await;
        written.map_err(|error| StoreError::new(error.to_string()))?;
        Ok(is_full)
    }
}

impl<F: Follow> Handler for Follower<F> {
    fn run<'a>(&'a self, _: &'a Job) -> BoxFuture<'a, Result<(), Failure>> {
        async move {
            while self.step().await.map_err(Failure::passing)? {}
            Ok(())
        }
        .boxed()
    }
}
