//! Jobs of the shop, and who does them.

use std::io;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::runtime::Handle;

use super::node::peers;
use super::reload::follow_telemetry;
use super::{AppError, OpenCatalog, Order, notify, open_jobs};
use crate::config::{Config, ConfigErrors, JobsConfig, MailConfig, MailUrl, WebhooksConfig};
use crate::http::JobsView;
use crate::jobs::{
    Counters, NewJob, Queue, Registered, Retention, Schedule, WorkerOptions, Workers,
};
use crate::mail::{MailError, Mailer};
use crate::products::back_in_stock;
use crate::products::cache_warm;
use crate::products::catalog::{CacheOptions, Catalog};
use crate::products::edge_purge;
use crate::products::import_runs::{self, Sources};
use crate::products::reviews::{self, Rules};
use crate::products::store::CatalogStore;
use crate::products::store_gate::StoreGate;
use crate::products::webhooks::{self, Receivers, Secret};
use crate::telemetry::traces::Tracer;

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
        background: &Handle,
        tracer: Option<Tracer>,
    ) -> Result<(), AppError> {
        let mut kinds = kinds(config, catalog);
        let mailer = mailer(&config.mail).map_err(|error| unfit(&error))?;
        let (links, rate) = (&config.mail.links, config.mail.rate);
        kinds.extend(back_in_stock::registered(
            catalog, store, mailer, links, rate,
        ));
        let sources = Sources {
            max_bytes: config.imports.max_bytes.0,
            allow_private: config.imports.allow_private,
        };
        kinds.push(import_runs::registered(catalog, store, &sources));
        let watch = back_in_stock::watch().map_err(|error| unfit(&error))?;
        let mut schedules = vec![each_minute("back-in-stock", watch)?];
        if let Some(receivers) = receivers(&config.webhooks) {
            kinds.extend(webhooks::registered(catalog, store, receivers));
            let collect = webhooks::collect().map_err(|error| unfit(&error))?;
            schedules.push(each_minute("webhooks", collect)?);
        }
        if tells_of_stock(&config.webhooks) {
            let collect = webhooks::collect_stock().map_err(|error| unfit(&error))?;
            schedules.push(each_minute("webhooks-stock", collect)?);
        } else {
            let (catalog, store) = (catalog.clone(), Arc::clone(store));
            background.spawn(async move {
                if let Err(error) = webhooks::end_stock(&catalog, &*store).await {
                    tracing::warn!("changes of stock are still noted for nobody: {error:?}");
                }
            });
        }
        if catalog.keeps_products() {
            kinds.push(cache_warm::registered(catalog, peers(&config.cache.peers)));
        }
        if !config.edge.purge.is_empty() {
            let (edges, lag) = (config.edge.purge.clone(), super::allowed_lag(config));
            kinds.extend(edge_purge::registered(catalog, store, edges, lag));
            let collect = edge_purge::collect().map_err(|error| unfit(&error))?;
            schedules.push(each_minute("edge", collect)?);
        }
        let workers = Workers::start(&self.queue, kinds, schedules, options(&config.jobs, tracer))?;
        // It is started once.
        let _ = self.counters.set(workers.counters().clone());
        self.workers = Some(workers);
        Ok(())
    }

    /// What is to be called when something was committed, by whomever.
    pub(super) fn on_change(
        &self,
        config: &Config,
        store: &Arc<dyn CatalogStore>,
        background: &Handle,
    ) -> impl Fn() + use<> {
        let has_receivers = receivers(&config.webhooks).is_some();
        let has_stock = tells_of_stock(&config.webhooks);
        let has_edges = !config.edge.purge.is_empty();
        let (queue, store) = (self.queue.clone(), Arc::clone(store));
        let background = background.clone();
        move || {
            let (queue, store) = (queue.clone(), Arc::clone(&store));
            background.spawn(async move {
                let mut jobs = Vec::new();
                if has_receivers {
                    jobs.extend(webhooks::collect().ok());
                }
                if has_stock {
                    jobs.extend(webhooks::collect_stock().ok());
                }
                if has_edges {
                    jobs.extend(edge_purge::collect().ok());
                }
                if store.does_anybody_wait().await.unwrap_or(false) {
                    jobs.extend(back_in_stock::watch().ok());
                }
                for job in jobs {
                    if let Err(error) = queue.enqueue(job).await {
                        // It is looked each minute.
                        tracing::debug!("a change is passed on later: {error}");
                    }
                }
            });
        }
    }

    /// What is to be called when exact stock may be another, by a write of this process.
    pub(super) fn on_stock(
        &self,
        config: &Config,
        background: &Handle,
    ) -> impl Fn() + Send + Sync + use<> {
        let has_stock = tells_of_stock(&config.webhooks);
        let (queue, background) = (self.queue.clone(), background.clone());
        move || {
            let job = has_stock.then(webhooks::collect_stock);
            let Some(Ok(job)) = job else {
                return;
            };
            let queue = queue.clone();
            background.spawn(async move {
                if let Err(error) = queue.enqueue(job).await {
                    // It is looked each minute.
                    tracing::debug!("a change of stock is passed on later: {error}");
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

/// Whether anybody is told of exact stock.
fn tells_of_stock(config: &WebhooksConfig) -> bool {
    config.stock && receivers(config).is_some()
}

/// Looks at the stream of versions each minute. A server that sees something committed does not wait for that.
fn each_minute(name: &'static str, job: NewJob) -> Result<Schedule, AppError> {
    Schedule::new(name, "* * * * *", job).map_err(|error| unfit(&error))
}

fn unfit(error: &dyn std::fmt::Display) -> AppError {
    AppError::Start(io::Error::other(error.to_string()))
}

fn mailer(config: &MailConfig) -> Result<Mailer, MailError> {
    match &config.url {
        MailUrl::Server(url) => Mailer::to_server(url, &config.from.0),
        MailUrl::Folder(folder) => Mailer::to_folder(folder.clone(), &config.from.0),
    }
}

fn options(config: &JobsConfig, tracer: Option<Tracer>) -> WorkerOptions {
    WorkerOptions {
        threads: config.threads.get(),
        lease: config.lease,
        poll: config.poll,
        drain: config.drain,
        retention: Retention {
            ended: config.keep,
            dead: config.keep_dead,
        },
        tracer,
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
    let tracer = Tracer::start(&config.telemetry.traces, &super::node_name())?;
    jobs.start(
        config,
        &catalog,
        &store,
        background.handle(),
        tracer.clone(),
    )?;
    tracing::info!("doing jobs");
    background.block_on(async {
        let mut orders = take_orders()?;
        notify::ready("doing jobs");
        loop {
            match orders().await {
                Order::Reload(name) => {
                    tracing::info!("{name}: reading the configuration again");
                    notify::reloading();
                    notify::ready(&follow_telemetry(read_again(), tracer.as_ref()));
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
    if let Some(tracer) = tracer {
        tracer.finish();
    }
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
