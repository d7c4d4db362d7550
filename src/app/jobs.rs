//! Jobs of the shop, and who does them.

use std::io;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::runtime::Handle;

use super::reload::follow_logs;
use super::{AppError, OpenCatalog, Order, notify, open_jobs};
use crate::config::{Config, ConfigErrors, JobsConfig, WebhooksConfig};
use crate::http::JobsView;
use crate::jobs::{Counters, Queue, Registered, Retention, Schedule, WorkerOptions, Workers};
use crate::products::catalog::{CacheOptions, Catalog};
use crate::products::reviews::{self, Rules};
use crate::products::store::CatalogStore;
use crate::products::store_gate::StoreGate;
use crate::products::webhooks::{self, Receivers, Secret};

/// The queue and, where this process does jobs, who does them.
pub(super) struct Jobs {
    pub(super) queue: Queue,
    workers: Option<Workers>,
    counters: Arc<OnceLock<Counters>>,
}

impl Jobs {
    /// Nothing is done before [`Jobs::start`].
    pub(super) fn open(
        config: &Config,
        store: &OpenCatalog,
        background: &Handle,
    ) -> Result<Self, AppError> {
        let store = open_jobs(config, store)?;
        Ok(Self {
            queue: Queue::new(store, background),
            workers: None,
            counters: Arc::default(),
        })
    }

    /// Begins to do jobs.
    pub(super) fn start(
        &mut self,
        config: &Config,
        catalog: &Catalog,
        store: &Arc<dyn CatalogStore>,
    ) -> Result<(), AppError> {
        let mut kinds = kinds(config, catalog);
        let mut schedules = Vec::new();
        if let Some(receivers) = receivers(&config.webhooks) {
            kinds.extend(webhooks::registered(catalog, store, receivers));
            schedules.push(collecting()?);
        }
        let workers = Workers::start(&self.queue, kinds, schedules, options(&config.jobs))?;
        // It is started once.
        let _ = self.counters.set(workers.counters().clone());
        self.workers = Some(workers);
        Ok(())
    }

    /// What is to be called when something was committed, by whomever.
    pub(super) fn on_change(&self, config: &Config, background: &Handle) -> impl Fn() + use<> {
        let is_wanted = receivers(&config.webhooks).is_some();
        let (queue, background) = (self.queue.clone(), background.clone());
        move || {
            let job = webhooks::collect();
            let (Ok(job), true) = (job, is_wanted) else {
                return;
            };
            let queue = queue.clone();
            background.spawn(async move {
                if let Err(error) = queue.enqueue(job).await {
                    // It is looked each minute.
                    tracing::debug!("webhooks are told of a change later: {error}");
                }
            });
        }
    }

    /// For operators.
    pub(super) fn view(&self) -> JobsView {
        JobsView {
            queue: self.queue.clone(),
            counters: Arc::clone(&self.counters),
        }
    }

    /// Gives what is being done its time, and back what is not done by then.
    pub(super) fn drain(self) {
        if let Some(workers) = self.workers {
            workers.drain();
        }
    }
}

/// Every kind of job of the shop.
fn kinds(config: &Config, catalog: &Catalog) -> Vec<Registered> {
    let of = &config.reviews;
    let count = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    let rules = Rules::new(of.hold, count(of.shortest), count(of.links), &of.words);
    reviews::registered(catalog, rules)
}

/// Who is told of changes, if anybody is.
fn receivers(config: &WebhooksConfig) -> Option<Receivers> {
    let secret = Secret::parse(config.secret.as_ref()?.reveal()).ok()?;
    (!config.urls.is_empty()).then(|| Receivers {
        urls: config.urls.iter().map(|url| url.0.clone()).collect(),
        secret,
        allow_private: config.allow_private,
    })
}

/// Looks at the stream of versions each minute. A server that sees something committed does not wait for that.
fn collecting() -> Result<Schedule, AppError> {
    let unfit =
        |error: &dyn std::fmt::Display| AppError::Start(io::Error::other(error.to_string()));
    let job = webhooks::collect().map_err(|error| unfit(&error))?;
    Schedule::new("webhooks", "* * * * *", job).map_err(|error| unfit(&error))
}

fn options(config: &JobsConfig) -> WorkerOptions {
    WorkerOptions {
        threads: config.threads.get(),
        lease: config.lease,
        poll: config.poll,
        drain: config.drain,
        retention: Retention {
            ended: config.keep,
            dead: config.keep_dead,
        },
    }
}

/// Does jobs, and nothing else, until it is told to stop. `take_orders` makes a function each call of which waits for
/// the next order. Of what is read again, what is logged comes into force.
pub fn work<O: AsyncFnMut() -> Order>(
    config: &Config,
    store: OpenCatalog,
    take_orders: impl FnOnce() -> io::Result<O>,
    read_again: &dyn Fn() -> Result<Config, ConfigErrors>,
) -> Result<(), AppError> {
    let background = super::background()?;
    let mut jobs = Jobs::open(config, &store, background.handle())?;
    // It keeps nothing: what it writes reaches the caches of others by the outbox.
    let nothing = CacheOptions {
        l1: None,
        views_bytes: 0,
        deadline: config.cache.hard_timeout,
        write_through: false,
    };
    store.watch();
    let store = store.into_store();
    let gate = StoreGate::open(store.reach(), nothing.deadline);
    let catalog = Catalog::new(
        Arc::clone(&store),
        gate,
        nothing,
        None,
        background.handle().clone(),
    )
    .with_jobs(jobs.queue.wake().clone());
    jobs.start(config, &catalog, &store)?;
    tracing::info!("doing jobs");
    background.block_on(async {
        let mut orders = take_orders()?;
        notify::ready("doing jobs");
        loop {
            match orders().await {
                Order::Reload(name) => {
                    tracing::info!("{name}: reading the configuration again");
                    notify::reloading();
                    notify::ready(&follow_logs(read_again()));
                }
                order => {
                    tracing::info!("{}: draining", order.name());
                    break;
                }
            }
        }
        notify::stopping("draining");
        Ok::<_, io::Error>(())
    })?;
    jobs.drain();
    background.shutdown_timeout(Duration::from_secs(1));
    Ok(())
}

/// For what is only asked: `None` where there is no catalogue.
pub fn open_existing_jobs(
    config: &Config,
) -> Result<Option<Arc<dyn crate::jobs::JobStore>>, super::OpenError> {
    let store = super::open_existing_catalog(config)?;
    store.map(|store| open_jobs(config, &store)).transpose()
}
