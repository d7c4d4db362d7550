//! Loading products into the caches of all nodes because somebody says so: what is about to be sold is in memory before the
//! first customer asks.
//!
//! What is to be loaded is cut into small jobs. Each is done by one server, which loads it as a reader would, so that Redis has
//! it for all, and has the other nodes do the same. A server that ends in the middle costs one small job.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};
use serde::{Deserialize, Serialize};
use tokio::task::spawn_blocking;

use crate::cache::warm_up::{Pace, Warmed};
use crate::jobs::{Backoff, Failure, Handler, Job, Kind, Limits, NewJob, Rate, Registered};
use crate::products::behind::new_job;
use crate::products::catalog::Catalog;
use crate::products::store::StoreError;

/// Loads products into the caches.
const WARM: Kind = Kind {
    name: "cache.warm",
    max_attempts: 5,
    keeps_done: true,
};

/// Products of one job: a quarter of a second.
const AT_ONCE: usize = 500;
/// How many jobs are begun in a second, by all servers together: two thousand products, however many servers there are.
const JOBS_A_SECOND: u32 = 4;
/// How long one node may take for a job. A store that has no room for what nobody waits for makes it slow.
pub const LONGEST: Duration = Duration::from_secs(30);
/// A sale does not wait: it is soon loaded, or readers load it.
const BACKOFF: Backoff = Backoff {
    first: Duration::from_secs(1),
    longest: Duration::from_secs(10),
};

/// Another node.
pub trait Peer: Send + Sync + 'static {
    /// What it is called, for people.
    fn name(&self) -> String;

    /// Has it load products into its own caches. Blocks for [`LONGEST`] or a little more. An error is why it did not.
    fn warm(&self, products: &[i64]) -> Result<Warmed, String>;
}

#[derive(Serialize, Deserialize)]
struct OfProducts {
    products: Vec<i64>,
}

/// The jobs that load these products, in this order, with the context of the request that wants it.
pub fn jobs(products: &[i64], trace: Option<&str>) -> Result<Vec<NewJob>, StoreError> {
    let job = |some: &[i64]| {
        let products = some.to_vec();
        let job = new_job(&WARM, &OfProducts { products })?;
        Ok(job.traced(trace.map(str::to_owned)))
    };
    products.chunks(AT_ONCE).map(job).collect()
}

struct Warm {
    catalog: Catalog,
    peers: Arc<[Arc<dyn Peer>]>,
}

impl Handler for Warm {
    fn run<'a>(&'a self, job: &'a Job) -> BoxFuture<'a, Result<(), Failure>> {
        async move {
            let OfProducts { products } = job.read().map_err(Failure::lasting)?;
            let products: Arc<[i64]> = products.into();
            let here = self.catalog.warm(&products, Pace::GENTLE, LONGEST).await;
            let mut troubles: Vec<_> = trouble("this node", here).into_iter().collect();
            // After it: with Redis they find there what this one has loaded.
            let elsewhere = self
                .peers
                .iter()
                .map(|peer| ask(Arc::clone(peer), Arc::clone(&products)));
            troubles.extend(join_all(elsewhere).await.into_iter().flatten());
            if troubles.is_empty() {
                tracing::info!(products = products.len(), "the caches have them");
                return Ok(());
            }
            Err(Failure::Passing(troubles.join("; ")))
        }
        .boxed()
    }
}

/// Has another node load them. `None` where it did.
async fn ask(peer: Arc<dyn Peer>, products: Arc<[i64]>) -> Option<String> {
    let asked = spawn_blocking(move || match peer.warm(&products) {
        Ok(warmed) => trouble(&peer.name(), warmed),
        Err(error) => Some(error),
    });
    asked.await.unwrap_or_else(|error| Some(error.to_string()))
}

/// What is missing.
fn trouble(node: &str, warmed: Warmed) -> Option<String> {
    let Warmed {
        loaded,
        failed,
        is_late,
    } = warmed;
    let late = if is_late { " and time was up" } else { "" };
    (failed > 0 || is_late)
        .then(|| format!("{node} has loaded {loaded}, {failed} could not be{late}"))
}

/// Who does these jobs: a server, since it has caches.
pub fn registered(catalog: &Catalog, peers: Vec<Arc<dyn Peer>>) -> Registered {
    let limits = Limits {
        concurrency: 1,
        rate: Some(Rate {
            jobs: JOBS_A_SECOND,
            per: Duration::from_secs(1),
            burst: 1,
        }),
        timeout: LONGEST * 3,
        backoff: BACKOFF,
    };
    let warm = Warm {
        catalog: catalog.clone(),
        peers: peers.into(),
    };
    Registered::new(WARM, limits, warm)
}
