//! The running program: store, cache, outbox tail and listeners, built in one place for `serve` and for
//! tests.

mod copy;
mod drain;
mod jobs;
pub mod node;
mod notify;
mod open;
mod orders;
mod pressure;
pub mod prover;
mod rate_limits;
mod reload;
mod second_tier;
mod sockets;
mod vitals;
mod warm_up;
mod watchdog;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::rt::System;
use tokio::runtime::{Builder, Handle, Runtime};

use crate::cache::L1Options;
use crate::cache::prover::Findings;
use crate::config::{CacheConfig, Config, ConfigErrors, LimitsConfig};
use crate::flags::{FLAGS_NOTE, Flags, Follower, Keeper};
use crate::http::{
    self, BindError, CertificateInUse, EdgeWindows, Failures, FlagAccess, ImportLimits, Inherited,
    Options, Protocols, Readiness, Tls, TlsError, WriteLimits,
};
use crate::limits::overload::{Bounds, Overload};
use crate::products::catalog::{CacheOptions, Catalog};
use crate::products::popularity::{Flusher, ViewCounts};
use crate::products::search::Search;
use crate::products::store_gate::StoreGate;
use crate::products::tail::TailEvent;
use crate::telemetry::traces::Tracer;
use crate::tokens::Tokens;
pub use copy::{CopyCatalogError, copy_catalog};
use drain::Listeners;
use jobs::Jobs;
pub use jobs::{open_existing_jobs, work};
use open::Tail;
pub use open::{
    OpenCatalog, OpenError, migrate, open_catalog, open_catalog_to_serve, open_existing_catalog,
    open_jobs, open_sqlite, postgres_schema, replica_status,
};
pub use orders::Order;
use reload::Followers;
pub use second_tier::{connect as connect_redis, examine_redis, redis_status};
pub use sockets::SocketError;
use warm_up::WarmUp;

/// A fence outlives any load that began before it by this factor.
const FENCE_LIFETIMES: u32 = 4;
/// How much later than it happens it may be noticed that a replica is too far behind.
const LAG_MEASURING: Duration = Duration::from_secs(2);
/// How long the last counts of views may take to be written.
const LAST_FLUSH: Duration = Duration::from_secs(2);
/// The search index, in the data directory.
const SEARCH_FOLDER: &str = "search";

/// Why the program did not start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The catalogue cannot be opened, migrated or followed.
    #[error(transparent)]
    Catalog(#[from] OpenError),
    /// An address cannot be listened on.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The certificate cannot be used.
    #[error("cannot serve by TLS: {0}")]
    Tls(#[from] TlsError),
    /// What was handed over cannot be listened on.
    #[error(transparent)]
    Sockets(#[from] SocketError),
    /// The system gave no threads.
    #[error("cannot start: {0}")]
    Start(#[from] io::Error),
}

/// What is decided where the program is started, beside its configuration.
#[derive(Debug, Clone, Copy)]
pub struct Start {
    /// Whether each request is logged.
    pub access_log: bool,
    /// Whether the demo shop's page is there.
    pub demo_page: bool,
}

/// Where a running program listens.
#[derive(Debug, Clone)]
pub struct Addresses {
    /// Public.
    pub public: Vec<SocketAddr>,
    /// Whether those take TLS alone.
    pub is_encrypted: bool,
    /// For operators.
    pub admin: Option<SocketAddr>,
}

/// Serves until it is told to stop, then drains until requests in flight are done, their time is up or it
/// is told again. `take_orders` makes a function each call of which waits for the next order; `read_again` reads the
/// configuration anew. Calls `started` once it accepts connections and orders.
#[allow(
    clippy::too_many_lines,
    reason = "the list of what the program is made of"
)]
pub fn serve<O: AsyncFnMut() -> Order>(
    config: &Config,
    store: OpenCatalog,
    start: Start,
    started: impl FnOnce(&Addresses),
    take_orders: impl FnOnce() -> io::Result<O>,
    read_again: &dyn Fn() -> Result<Config, ConfigErrors>,
) -> Result<(), AppError> {
    let background = background()?;
    let tracer = Tracer::start(&config.telemetry.traces, &node_name())?;
    let tokens = Tokens::new(store.tokens());
    let flags = FlagAccess {
        flags: Flags::default(),
        store: store.flags(),
        failures: Failures::default(),
    };
    // Before anything is served: what is off is off from the first request on.
    let keeper = Keeper::start(flags.flags.clone(), Some(config.flags.file.clone()))?;
    store.watch();
    let mut jobs = Jobs::open(config, &store, background.handle())?;
    let follower = Follower::start(&flags.store, flags.flags.clone())?;
    let opened = store.clone();
    let store = store.into_store();
    let overload = overload(&config.limits);
    let search = Search::start(
        Arc::clone(&store),
        config.server.data_dir.join(SEARCH_FOLDER),
        &overload,
        background.handle().clone(),
    )?;
    let lag = allowed_lag(config);
    let cache = cache_options(&config.cache, lag, config.redis.url.is_some());
    let l2 = second_tier::connect(config, background.handle().clone());
    let findings = Findings::default();
    let gate = StoreGate::new(&overload, store.reach(), cache.deadline);
    let handle = background.handle().clone();
    let catalog = Catalog::new(Arc::clone(&store), gate, cache, l2, handle)
        .with_search(search)
        .with_flags(&flags.flags)
        .with_prover(findings.clone())
        .with_jobs(jobs.queue.wake().clone())
        .with_stock_watch(jobs.on_stock(config, background.handle()));
    let (catalog, views_flusher) = count_views(config, catalog, background.handle());
    let on_change = jobs.on_change(config, &store, background.handle());
    let caught_up = vitals::CaughtUp::default();
    let tail = follow(&opened, lag, catalog.clone(), on_change, caught_up.clone())?;
    let wake = follower.waker();
    catalog.start_l2(move |note| {
        if note == FLAGS_NOTE {
            wake();
        }
    });
    prover::start_sampler(config, &catalog, store, findings, background.handle());
    let limits = rate_limits::start(config, background.handle());
    let readiness = Readiness::default();
    let views = vitals::start(
        config,
        &catalog,
        &limits,
        &flags,
        &jobs,
        &readiness,
        &overload,
        caught_up,
        tracer.as_ref(),
        background.handle(),
    );
    let exporter = vitals::export(config, &views.vitals)?;
    let warm_up = WarmUp::new(config, &catalog, &readiness);
    if let Some(warm_up) = &warm_up {
        warm_up.start(background.handle());
    }
    let watchdog_limit = watchdog::limit();
    let certificate = reload::tls_files(config).map(|files| files.read());
    let certificate = certificate.transpose()?.map(CertificateInUse::new);
    let is_encrypted = certificate.is_some();
    let mut options = Options {
        inherited: sockets::inherited(config.server.listen.len())?,
        watchdog: watchdog_limit.is_some(),
        ..options(config, start, overload)
    };
    if let Some(certificate) = &certificate {
        options.protocols = Protocols::Encrypted(Tls {
            certificate: certificate.clone(),
            http2: config.server.http2,
        });
    }
    let mut followers = Followers::new(
        config,
        flags.flags.clone(),
        keeper,
        limits.clone(),
        certificate,
        tracer.clone(),
    );
    let served = System::new().block_on(async {
        let mut orders = take_orders()?;
        let bound = http::bind(
            &options, &catalog, &tokens, &limits, &flags, &readiness, &views,
        )?;
        if config.jobs.serve {
            let store = opened.clone().into_store();
            jobs.start(
                config,
                &catalog,
                &store,
                background.handle(),
                tracer.clone(),
            )?;
        }
        // It has its own by now, so that a socket whose server has stopped is closed.
        drop(options.inherited);
        let listeners = Listeners {
            public: bound.public.handle(),
            departures: bound.departures,
            own: bound.own,
            admin: bound.admin.handle(),
        };
        let signs_of_life = watchdog_limit
            .zip(bound.watchdog)
            .map(|(limit, address)| watchdog::run(address, options.workers, limit));
        let status = format!("serving at {}", join(&bound.addresses));
        started(&Addresses {
            public: bound.addresses,
            is_encrypted,
            admin: bound.admin_address,
        });
        let following = async {
            let signs_of_life = signs_of_life.map(|it| background.spawn(it));
            let mut is_ready = false;
            let order = loop {
                let order = tokio::select! {
                    () = readiness.warmed(), if !is_ready => {
                        is_ready = true;
                        notify::ready(&status);
                        continue;
                    }
                    order = orders() => order,
                };
                let Order::Reload(name) = order else {
                    break order;
                };
                tracing::info!("{name}: reading the configuration again");
                notify::reloading();
                let outcome = followers.follow(read_again());
                notify::ready(&format!("{status}; {outcome}"));
            };
            if let Some(signs_of_life) = signs_of_life {
                signs_of_life.abort();
            }
            tokio::select! {
                () = listeners.end(order, &readiness, followers.times()) => {}
                name = again(&mut orders) => tracing::warn!("{name} again: ending at once"),
            }
        };
        // Whatever ends first ends the others: half a process helps nobody. So operators keep their view
        // until the public side is done, and a second order does not wait for the first one's drain. The servers come
        // first, so that they have begun when that is told.
        tokio::select! {
            biased;
            served = async { tokio::try_join!(bound.public, bound.admin) } => {
                served.map(|_| ()).map_err(AppError::Start)
            }
            () = following => Ok(()),
        }
    });
    notify::status("putting back jobs that are not done");
    jobs.drain();
    if let Some(flusher) = &views_flusher {
        background.block_on(flusher.finish(LAST_FLUSH));
    }
    drop(tail);
    views.vitals.observe();
    views.vitals.slo().save();
    if let Some(warm_up) = &warm_up {
        warm_up.finish();
    }
    background.shutdown_timeout(Duration::from_secs(1));
    if let Some(exporter) = exporter {
        exporter.finish();
    }
    if let Some(tracer) = &tracer {
        tracer.finish();
    }
    served
}

/// Tells this process from others, in traces.
fn node_name() -> String {
    let host = rustix::system::uname();
    format!(
        "{}:{}",
        host.nodename().to_string_lossy(),
        std::process::id()
    )
}

/// The same catalogue, which counts how often products are looked at, if that is wanted, and what writes that.
fn count_views(
    config: &Config,
    catalog: Catalog,
    background: &Handle,
) -> (Catalog, Option<Flusher>) {
    if !config.cache.count_views {
        return (catalog, None);
    }
    let counts = Arc::<ViewCounts>::default();
    let catalog = catalog.with_views(Arc::clone(&counts));
    let flusher = Flusher::new(&catalog, counts);
    flusher.start(config.cache.view_flush, background);
    (catalog, Some(flusher))
}

/// Awaits the next order to stop.
async fn again(orders: &mut impl AsyncFnMut() -> Order) -> &'static str {
    loop {
        match orders().await {
            Order::Reload(_) => {}
            order => return order.name(),
        }
    }
}

fn join(addresses: &[SocketAddr]) -> String {
    let addresses: Vec<_> = addresses.iter().map(ToString::to_string).collect();
    addresses.join(", ")
}

fn options(config: &Config, start: Start, overload: Overload) -> Options {
    Options {
        inherited: Inherited::default(),
        protocols: if config.server.h2c {
            Protocols::PlainOrHttp2
        } else {
            Protocols::Plain
        },
        watchdog: false,
        listen: config.server.listen.clone(),
        admin_listen: config.server.admin_listen,
        workers: config.server.workers.get(),
        max_connections: config.server.max_connections,
        header_timeout: config.server.header_timeout,
        keep_alive: config.server.keep_alive,
        drain: config.server.drain,
        edge: edge_windows(&config.cache),
        cors_origins: config.server.cors_origins.clone(),
        trusted_proxies: config.server.trusted_proxies.clone(),
        writes: WriteLimits {
            body: usize::try_from(config.limits.body.0).unwrap_or(usize::MAX),
            patience: config.limits.write_wait,
        },
        imports: ImportLimits {
            max_bytes: config.imports.max_bytes.0,
            urls: config.imports.urls.clone(),
        },
        request_timeout: config.limits.request_timeout,
        overload,
        access_log: start.access_log,
        demo_page: start.demo_page,
    }
}

fn overload(limits: &LimitsConfig) -> Overload {
    Overload::new(limits.overload.then_some(Bounds {
        queue_wait: limits.queue_wait,
    }))
}

/// Runs everything that must not hold up an HTTP worker.
fn background() -> io::Result<Runtime> {
    Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("background")
        .enable_all()
        .build()
}

/// Feeds what was committed, here or by another process, to the cache.
fn follow(
    store: &OpenCatalog,
    lag: Duration,
    catalog: Catalog,
    on_change: impl Fn() + Send + Sync + 'static,
    caught_up: vitals::CaughtUp,
) -> Result<Tail, OpenError> {
    store.follow(lag, move |event| match event {
        TailEvent::Changes(changes) => {
            catalog.follow(&changes);
            on_change();
        }
        TailEvent::CaughtUp => caught_up.now(),
        TailEvent::Gap => {
            tracing::warn!("the outbox has a gap: every cached product is loaded again");
            catalog.doubt_everything();
        }
    })
}

/// An edge may keep what this process would. Where it keeps nothing, neither may an edge.
fn edge_windows(config: &CacheConfig) -> Option<EdgeWindows> {
    (config.l1_bytes.0 > 0).then_some(EdgeWindows {
        fresh: config.fresh,
        stale: config.stale,
    })
}

/// For how long what a copy of the store answers may have been replaced; zero where there is none.
fn allowed_lag(config: &Config) -> Duration {
    if config.catalog.replicas.is_empty() {
        Duration::ZERO
    } else {
        config.catalog.max_replica_lag + LAG_MEASURING
    }
}

/// Where Redis or a replica answers some loads and the store others, what was let in is a fence: see [`L1Options`]. A
/// load that is older than a fence began before it, by as much as it may take, and saw what was there before that, by as
/// much as a copy may be behind.
fn cache_options(config: &CacheConfig, lag: Duration, has_redis: bool) -> CacheOptions {
    let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let l1 = L1Options {
        bytes: config.l1_bytes.0,
        negative_bytes: config.negative_bytes.0,
        fresh: millis(config.fresh),
        stale: millis(config.stale),
        negative: millis(config.negative),
        fence_lifetime: millis(config.hard_timeout * FENCE_LIFETIMES + lag),
        fences_fills: has_redis || !lag.is_zero(),
    };
    CacheOptions {
        l1: (config.l1_bytes.0 > 0).then_some(l1),
        views_bytes: config.views_bytes.0,
        deadline: config.hard_timeout,
        write_through: config.write_through,
    }
}
