//! Telling of exact stock, beside versions, which a sale seldom makes. Triggers note whose stock is another, whoever wrote
//! it; one job takes that out and enqueues, in the same transaction, one for each receiver and product, which tells how the
//! stock is when it is told.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::event::Event;
use super::jobs::{Delivery, Sender, deliveries};
use crate::jobs::{Failure, Handler, Job, Kind, NewJob};
use crate::products::behind::{commit, new_job};
use crate::products::catalog::Catalog;
use crate::products::store::{CatalogStore, CatalogTransaction, OutboxMark, StoreError};

/// Takes out what was noted, and enqueues a [`DELIVER`] for each product.
pub(super) const COLLECT: Kind = Kind {
    name: "webhook.collect_stock",
    max_attempts: 10_000,
    keeps_done: false,
};

/// Tells a receiver of the exact stock of a product.
pub(super) const DELIVER: Kind = Kind {
    name: "webhook.stock",
    max_attempts: 10,
    keeps_done: true,
};

/// While there is such a follower, triggers note changes.
const FOLLOWER: &str = "stock";
/// Changes that are taken out at once.
const AT_ONCE: usize = 500;

/// To be enqueued when exact stock may be another; one waits at most.
pub fn collect() -> Result<NewJob, StoreError> {
    Ok(new_job(&COLLECT, &())?.unique("all"))
}

pub(super) struct Collect {
    sender: Arc<Sender>,
    urls: Arc<[String]>,
}

impl Collect {
    pub(super) fn new(sender: Arc<Sender>, urls: Vec<String>) -> Self {
        Self {
            sender,
            urls: urls.into(),
        }
    }

    /// Has changes be noted from now on.
    async fn begin(&self) -> Result<(), Failure> {
        let followed = self.sender.store.followed(FOLLOWER).await;
        if followed.map_err(Failure::passing)?.is_some() {
            return Ok(());
        }
        let work = |transaction: &mut dyn CatalogTransaction| {
            // Another one may have been quicker.
            let mark = OutboxMark("noted".to_owned());
            transaction.follow(FOLLOWER, None, &mark).map(|_| ())
        };
        commit(&self.sender.catalog, work).await
    }
}

impl Handler for Collect {
    fn run<'a>(&'a self, _: &'a Job) -> BoxFuture<'a, Result<(), Failure>> {
        async move {
            self.begin().await?;
            loop {
                let urls = Arc::clone(&self.urls);
                let work = move |transaction: &mut dyn CatalogTransaction| {
                    let mut products = transaction.take_stock(AT_ONCE)?;
                    let taken = products.len();
                    products.sort_unstable();
                    products.dedup();
                    transaction.enqueue(&deliveries(&DELIVER, &urls, &products)?)?;
                    Ok(taken)
                };
                if commit(&self.sender.catalog, work).await? < AT_ONCE {
                    return Ok(());
                }
            }
        }
        .boxed()
    }
}

pub(super) struct Deliver(pub(super) Arc<Sender>);

impl Handler for Deliver {
    fn run<'a>(&'a self, job: &'a Job) -> BoxFuture<'a, Result<(), Failure>> {
        async move {
            let Delivery { url, product } = job.read().map_err(Failure::lasting)?;
            let Self(sender) = self;
            if sender.is_disabled(&url).await? {
                return Ok(());
            }
            let ids = [product];
            let stocks = sender.store.stocks(&ids).await.map_err(Failure::passing)?;
            // Not public: that it is so is told as a version.
            let Some(stock) = stocks.into_iter().next().flatten() else {
                return Ok(());
            };
            let event = |at: &str| Event::of_stock(product, job.lease.id, &stock, at);
            sender.send(job, &url, event).await.map(|_| ())
        }
        .boxed()
    }
}

/// Has nothing noted any more where nobody is told.
pub async fn end(catalog: &Catalog, store: &dyn CatalogStore) -> Result<(), Failure> {
    let followed = store.followed(FOLLOWER).await;
    if followed.map_err(Failure::passing)?.is_none() {
        return Ok(());
    }
    commit(catalog, |transaction: &mut dyn CatalogTransaction| {
        transaction.end_stock()
    })
    .await
}
