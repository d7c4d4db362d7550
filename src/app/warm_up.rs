//! Warming the cache before the process calls itself ready, and keeping the list of what to warm.

use std::path::PathBuf;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::{Instant, sleep};

use crate::cache::warm_up::{self, Pace, Warmed};
use crate::config::Config;
use crate::http::Readiness;
use crate::products::catalog::Catalog;

/// The list, in the data directory.
const FILE: &str = "hot-products";
/// How often it is written, beside once at the end.
const WRITE_EVERY: Duration = Duration::from_mins(1);

/// What is warmed, and kept for the next start.
pub(super) struct WarmUp {
    catalog: Catalog,
    path: PathBuf,
    most: usize,
    wait: Duration,
    /// How long Redis may take to be there: it spares the store most of it.
    redis_wait: Duration,
    readiness: Readiness,
}

impl WarmUp {
    /// `None` where the configuration wants none, or there is nothing to warm. Until it is [run](Self::start) the process
    /// is not ready.
    pub(super) fn new(config: &Config, catalog: &Catalog, readiness: &Readiness) -> Option<Self> {
        let most = usize::try_from(config.cache.warm_up).unwrap_or(0);
        if most == 0 || config.cache.l1_bytes.0 == 0 {
            return None;
        }
        Some(Self {
            catalog: catalog.clone(),
            path: config.server.data_dir.join(FILE),
            most,
            wait: config.cache.warm_up_wait,
            redis_wait: config.redis.connect_timeout,
            readiness: readiness.clone(),
        })
    }

    /// Warms in the background, then writes the list from time to time, for as long as the runtime lives. Blocks for as long
    /// as it takes to know what to warm. Not for a thread of a runtime.
    pub(super) fn start(&self, background: &Handle) {
        let list = self.list(background);
        if !list.is_empty() {
            self.readiness.warm(true);
        }
        let (catalog, readiness) = (self.catalog.clone(), self.readiness.clone());
        let (wait, redis_wait) = (self.wait, self.redis_wait);
        let (path, most) = (self.path.clone(), self.most);
        background.spawn(async move {
            if !list.is_empty() {
                let began = Instant::now();
                let limit = redis_wait.min(wait);
                while catalog.l2_trouble().is_some() && began.elapsed() < limit {
                    sleep(Duration::from_millis(5)).await;
                }
                let left = wait.saturating_sub(began.elapsed());
                let warmed = catalog.warm(&list, Pace::QUICK, left).await;
                tell(warmed, list.len(), began.elapsed());
                readiness.warm(false);
            }
            loop {
                sleep(WRITE_EVERY).await;
                let (catalog, path) = (catalog.clone(), path.clone());
                let writing = move || write(&catalog, &path, most);
                // Fails at the end of the program alone.
                let _ = tokio::task::spawn_blocking(writing).await;
            }
        });
    }

    /// What was read most here; where that is not known, what was looked at most anywhere.
    fn list(&self, background: &Handle) -> Vec<i64> {
        let list = match warm_up::read_list(&self.path, self.most) {
            Ok(list) => list,
            Err(error) => {
                let path = self.path.display();
                tracing::warn!(%path, %error, "the list of what was read most is of no use, and is written anew");
                Vec::new()
            }
        };
        if !list.is_empty() || self.wait.is_zero() {
            return list;
        }
        match background.block_on(self.catalog.most_viewed(self.most)) {
            Ok(viewed) => viewed,
            Err(error) => {
                tracing::warn!(%error, "no products are loaded before readiness: nobody knows which");
                Vec::new()
            }
        }
    }

    /// Writes the list a last time, unless the process ends before it was warm: then it knows less than the list.
    pub(super) fn finish(&self) {
        if !self.readiness.is_warming() {
            write(&self.catalog, &self.path, self.most);
        }
    }
}

fn tell(warmed: Warmed, listed: usize, took: Duration) {
    let Warmed {
        loaded,
        failed,
        is_late,
    } = warmed;
    let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    if failed > 0 || is_late {
        tracing::warn!(
            loaded,
            failed,
            listed,
            millis,
            "the cache is not as warm as it was"
        );
    } else {
        tracing::info!(loaded, millis, "the cache is warm");
    }
}

fn write(catalog: &Catalog, path: &std::path::Path, most: usize) {
    let list = catalog.hot_products(most);
    if list.is_empty() {
        return;
    }
    if let Err(error) = warm_up::write_list(path, &list) {
        let path = path.display();
        tracing::warn!(%path, %error, "cannot write which products are read most");
    }
}
