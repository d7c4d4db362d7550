//! The listeners: the public one on worker threads, the admin one on a thread of its own.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::num::NonZeroUsize;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::{App, HttpServer, web};
use ipnet::IpNet;

use super::admin::Views;
use super::connections::Departures;
use super::cors::Cors;
use super::deadline::RequestTimeout;
use super::edge::{EdgeHeaders, EdgeWindows};
use super::imports::ImportLimits;
use super::later::Routes;
use super::public_server::{PublicServer, Transport, listen};
use super::rate::RateGate;
use super::request_id::{Failures, Listener};
use super::streams::Streams;
use super::tls::Tls;
use super::writes::{InFlight, WriteLimits};
use super::{
    BindError, Readiness, admin, availability, back_in_stock, bulk, categories, demo, docs, export,
    health, imports, lists, ofrep, products, recommendations, request_id, reviews, search, stock,
    submissions, tls,
};
use crate::config::CorsOrigin;
use crate::flags::{FlagStore, Flags};
use crate::limits::RateLimits;
use crate::limits::overload::Overload;
use crate::products::catalog::Catalog;
use crate::tokens::Tokens;

/// Any port of it.
const LOOPBACK: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// How to serve.
#[derive(Debug, Clone)]
pub struct Options {
    /// Public addresses, unless sockets were handed over.
    pub listen: Vec<SocketAddr>,
    /// Address for operators, unless a socket was handed over.
    pub admin_listen: SocketAddr,
    /// Sockets that were handed over.
    pub inherited: Inherited,
    /// What is spoken there.
    pub protocols: Protocols,
    /// Whether to listen at an address of the loopback, too, which nobody else is told of.
    pub watchdog: bool,
    /// Threads of the public listeners.
    pub workers: usize,
    /// Open public connections, all workers together.
    pub max_connections: NonZeroUsize,
    /// How long a client may take to send the head of a request.
    pub header_timeout: Duration,
    /// How long a connection may stay open without a request.
    pub keep_alive: Duration,
    /// How long requests in flight may take after a stop, at least.
    pub drain: Duration,
    /// What a shared cache in front may do; `None` leaves it to ask each time.
    pub edge: Option<EdgeWindows>,
    /// Whose pages may read what the public listeners answer.
    pub cors_origins: Vec<CorsOrigin>,
    /// Networks of proxies that are believed about whom they were asked by.
    pub trusted_proxies: Vec<IpNet>,
    /// What a write may take.
    pub writes: WriteLimits,
    /// What may be imported.
    pub imports: ImportLimits,
    /// How long a client waits that does not say.
    pub request_timeout: Duration,
    /// What is limited behind the caches, and who measures the workers.
    pub overload: Overload,
    /// Whether each request is logged.
    pub access_log: bool,
    /// Whether the demo shop's page is there.
    pub demo_page: bool,
}

/// What is spoken at the public addresses.
#[derive(Debug, Clone)]
pub enum Protocols {
    /// HTTP/1.1 without TLS.
    Plain,
    /// That, or HTTP/2 with clients that begin with it.
    PlainOrHttp2,
    /// TLS, with what the listeners prove themselves with.
    Encrypted(Tls),
}

/// Sockets that listen already.
#[derive(Debug, Clone, Default)]
pub struct Inherited {
    /// For the public.
    pub public: Vec<Arc<TcpListener>>,
    /// For operators.
    pub admin: Option<Arc<TcpListener>>,
}

/// What is switched, and how it is.
#[derive(Debug, Clone)]
pub struct FlagAccess {
    /// What is in force.
    pub flags: Flags,
    /// Where the words of operators are kept.
    pub store: FlagStore,
    /// Counts answers that failed.
    pub failures: Failures,
}

/// Bound listeners. They answer once their servers are awaited.
pub struct Bound {
    /// The public server.
    pub public: Server,
    /// How its connections are brought to an end.
    pub departures: Departures,
    /// The public ones that no other process has.
    pub own: Vec<TcpListener>,
    /// Where it listens.
    pub addresses: Vec<SocketAddr>,
    /// Where it listens besides, for a watchdog.
    pub watchdog: Option<SocketAddr>,
    /// The server for operators.
    pub admin: Server,
    /// Where that listens.
    pub admin_address: Option<SocketAddr>,
}

/// Binds all listeners, or none.
#[allow(
    clippy::too_many_arguments,
    clippy::too_many_lines,
    reason = "the list of what each listener is made of"
)]
pub fn bind(
    options: &Options,
    catalog: &Catalog,
    tokens: &Tokens,
    limits: &RateLimits,
    flags: &FlagAccess,
    readiness: &Readiness,
    views: &Views,
) -> Result<Bound, BindError> {
    let at = |address: SocketAddr| move |error: io::Error| BindError { address, error };
    let catalog = web::Data::new(catalog.clone());
    let tokens = web::Data::new(tokens.clone());
    let failures = web::Data::new(flags.failures.clone());
    let requests = views.requests.clone();
    let tracer = views.tracer.clone();
    let features = flags.flags.features();
    let flag_store = web::Data::new(flags.store.clone());
    let flags = web::Data::new(flags.flags.clone());
    let readiness = web::Data::new(readiness.clone());
    let streams = web::Data::new(Streams::default());
    let (edge, writes, timeout) = (options.edge, options.writes, options.request_timeout);
    let imports = web::Data::new(options.imports.clone());
    let in_flight = web::Data::new(InFlight::default());
    let (access_log, demo_page) = (options.access_log, options.demo_page);

    let (for_public, ready_public) = (catalog.clone(), readiness.clone());
    let (tokens_public, flags_public) = (tokens.clone(), flags.clone());
    let (rate_limits, for_admin) = (limits.clone(), web::Data::new(limits.clone()));
    let said = options.clone();
    let overload = web::Data::new(options.overload.clone());
    let app = move || {
        let routes = Routes::default();
        let listener = Listener::Public {
            cors: Cors::new(&said.cors_origins).map(Rc::new),
            rate: RateGate::new(
                rate_limits.clone(),
                tokens_public.as_ref().clone(),
                said.trusted_proxies.clone(),
            ),
            routes: routes.clone(),
            features: features.clone(),
            requests: Rc::new(requests.clone()),
            readiness: ready_public.as_ref().clone(),
            timeout,
            tracer: tracer.clone().map(Rc::new),
        };
        App::new()
            .app_data(for_public.clone())
            .app_data(tokens_public.clone())
            .app_data(flags_public.clone())
            .app_data(failures.clone())
            .app_data(streams.clone())
            .app_data(in_flight.clone())
            .app_data(imports.clone())
            .app_data(writes)
            .app_data(RequestTimeout(timeout))
            .app_data(ready_public.clone())
            .app_data(EdgeHeaders::new(edge))
            .configure(lists::routes)
            .configure(products::routes)
            // After the products: `/products/by-handle/reviews` names a product.
            .configure(availability::routes)
            .configure(reviews::routes)
            .configure(submissions::routes)
            .configure(back_in_stock::routes)
            .configure(recommendations::routes)
            .configure(export::routes)
            .configure(bulk::routes)
            .configure(imports::routes)
            .configure(docs::routes)
            .configure(stock::routes)
            .configure(search::routes)
            .configure(categories::routes)
            .configure(ofrep::routes)
            .configure(health::routes)
            .configure(move |config| {
                if demo_page {
                    demo::routes(config);
                }
            })
            .default_service(web::to(request_id::no_route))
            .wrap(routes)
            .wrap_fn(move |request, service| {
                request_id::wrap(request, service, access_log, &listener)
            })
    };
    let mut public = PublicServer::new(options);
    let mut own = Vec::new();
    for (address, listener) in public_listeners(options)? {
        if options.inherited.public.is_empty() {
            own.push(listener.try_clone().map_err(at(address))?);
        }
        let app = app.clone();
        let listening =
            transport(options).and_then(|transport| public.listen(listener, app, transport));
        public = listening.map_err(at(address))?;
    }
    let addresses = public.addresses().to_vec();
    let watchdog = options.watchdog.then(|| listen(LOOPBACK)).transpose();
    let watchdog = watchdog.map_err(at(LOOPBACK))?;
    if let Some(listener) = watchdog {
        let listening = public.listen(listener, app, Transport::Plain);
        public = listening.map_err(at(LOOPBACK))?;
    }
    let watchdog = public.addresses().get(addresses.len()).copied();

    let jobs = web::Data::new(views.jobs.clone());
    let vitals = web::Data::new(views.vitals.clone());
    let admin = HttpServer::new(move || {
        App::new()
            .app_data(catalog.clone())
            .app_data(for_admin.clone())
            .app_data(overload.clone())
            .app_data(tokens.clone())
            .app_data(flags.clone())
            .app_data(flag_store.clone())
            .app_data(readiness.clone())
            .app_data(jobs.clone())
            .app_data(vitals.clone())
            .app_data(web::Data::new(writes))
            .configure(health::routes)
            .configure(admin::routes)
            .default_service(web::to(request_id::no_route))
            .wrap_fn(move |request, service| {
                request_id::wrap(request, service, access_log, &Listener::Admin)
            })
    })
    .workers(1)
    .shutdown_timeout(options.drain.as_secs())
    .disable_signals();
    let admin = match &options.inherited.admin {
        Some(listener) => listener.try_clone().and_then(|it| admin.listen(it)),
        None => admin.bind(options.admin_listen),
    };
    let admin = admin.map_err(at(options.admin_listen))?;

    Ok(Bound {
        addresses,
        departures: public.departures().clone(),
        own,
        public: public.run(),
        watchdog,
        admin_address: admin.addrs().first().copied(),
        admin: admin.run(),
    })
}

fn transport(options: &Options) -> io::Result<Transport> {
    Ok(match &options.protocols {
        Protocols::Plain => Transport::Plain,
        Protocols::PlainOrHttp2 => Transport::PlainOrHttp2,
        Protocols::Encrypted(tls) => Transport::Tls(tls::acceptor(tls)?),
    })
}

/// Those that were handed over; else those of the configuration.
fn public_listeners(options: &Options) -> Result<Vec<(SocketAddr, TcpListener)>, BindError> {
    let inherited = &options.inherited.public;
    if inherited.is_empty() {
        let addresses = options.listen.iter();
        let bind = |address: &SocketAddr| {
            let listener = listen(*address).map_err(|error| BindError {
                address: *address,
                error,
            })?;
            Ok((*address, listener))
        };
        return addresses.map(bind).collect();
    }
    let take = |listener: &Arc<TcpListener>| {
        let address = listener.local_addr().unwrap_or(LOOPBACK);
        let listener = listener.try_clone();
        let listener = listener.map_err(|error| BindError { address, error })?;
        Ok((address, listener))
    };
    inherited.iter().map(take).collect()
}
