//! Passing changes on to caches in front: one job reads the stream of versions, and others purge.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use tokio::task::spawn_blocking;

use super::edges::Edge;
use crate::jobs::{Backoff, Failure, Handler, Job, Kind, Limits, NewJob, Registered};
use crate::outbound::{Client, Reach};
use crate::products::behind::new_job;
use crate::products::catalog::Catalog;
use crate::products::follow::{Follow, Follower};
use crate::products::store::{CatalogStore, CatalogTransaction, StoreError};

/// Reads what was committed, and enqueues a [`PURGE`] for each cache.
const COLLECT: Kind = Kind {
    name: "edge.collect",
    max_attempts: 10_000,
    keeps_done: false,
};

/// Has a cache drop products.
const PURGE: Kind = Kind {
    name: "edge.purge",
    max_attempts: 12,
    keeps_done: false,
};

/// Who follows the stream.
const FOLLOWER: &str = "edge";
/// When it is told again: longer than any node takes to hear of a change.
const AGAIN: Duration = Duration::from_secs(2);
/// A cache is purged soon or not at all: what it keeps grows old by itself.
const BACKOFF: Backoff = Backoff {
    first: Duration::from_millis(500),
    longest: Duration::from_mins(1),
};

#[derive(Serialize, Deserialize)]
struct Purge {
    edge: String,
    products: Vec<i64>,
}

/// To be enqueued when something was committed; one waits at most.
pub fn collect() -> Result<NewJob, StoreError> {
    Ok(new_job(&COLLECT, &())?.unique("all"))
}

/// Enqueues what follows from changes.
struct Collect {
    edges: Arc<[Arc<dyn Edge>]>,
    /// See [`registered`].
    again: Duration,
}

impl Follow for Collect {
    fn pass_on(
        &self,
        transaction: &mut dyn CatalogTransaction,
        products: &[i64],
    ) -> Result<(), StoreError> {
        let mut products = products.to_vec();
        products.sort_unstable();
        products.dedup();
        let mut jobs = Vec::new();
        for edge in &*self.edges {
            for some in products.chunks(edge.at_once()) {
                let purge = Purge {
                    edge: edge.name(),
                    products: some.to_vec(),
                };
                jobs.push(new_job(&PURGE, &purge)?);
                jobs.push(new_job(&PURGE, &purge)?.after(self.again));
            }
        }
        transaction.enqueue(&jobs)
    }
}

struct Purger {
    edges: Arc<[Arc<dyn Edge>]>,
    client: Client,
}

impl Handler for Purger {
    fn run<'a>(&'a self, job: &'a Job) -> BoxFuture<'a, Result<(), Failure>> {
        async move {
            let Purge { edge, products } = job.read().map_err(Failure::lasting)?;
            // It may have been taken out of the configuration since.
            let Some(edge) = self.edges.iter().find(|known| known.name() == edge) else {
                return Ok(());
            };
            let reference = format!("doorbuster-{}", job.lease.id);
            let requests = edge.requests(&products, &reference, OffsetDateTime::now_utc());
            for request in requests {
                let client = self.client.clone();
                let sent = spawn_blocking(move || {
                    let body = request.body.as_bytes();
                    client.send(request.method, &request.url, &request.headers, body)
                });
                let answer = sent.await.map_err(Failure::passing)?;
                let status = answer.map_err(|error| Failure::passing(told(&**edge, &error)))?;
                if !edge.is_done(status) {
                    return Err(Failure::passing(told(
                        &**edge,
                        &format!("answered {status}"),
                    )));
                }
            }
            Ok(())
        }
        .boxed()
    }
}

fn told(edge: &dyn Edge, what: &dyn std::fmt::Display) -> String {
    format!("{}: {what}", edge.name())
}

/// Who does these jobs. `lag` is for how long a node may still answer what was before a change.
pub fn registered(
    catalog: &Catalog,
    store: &Arc<dyn CatalogStore>,
    edges: Vec<Arc<dyn Edge>>,
    lag: Duration,
) -> Vec<Registered> {
    let edges: Arc<[_]> = edges.into();
    let one = Limits {
        concurrency: 1,
        ..Limits::default()
    };
    let several = Limits {
        concurrency: 8,
        backoff: BACKOFF,
        ..Limits::default()
    };
    let collect = Collect {
        edges: Arc::clone(&edges),
        again: AGAIN + lag,
    };
    let collect = Follower::new(catalog, store, FOLLOWER, collect);
    let purger = Purger {
        edges,
        client: Client::new(Reach::Anywhere),
    };
    vec![
        Registered::new(COLLECT, one, collect),
        Registered::new(PURGE, several, purger),
    ]
}
