//! The listeners: the public one on worker threads, the admin one on a thread of its own.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::{App, HttpServer, web};

use super::edge::{EdgeHeaders, EdgeWindows};
use super::{
    BindError, Readiness, availability, demo, health, lists, products, request_id, reviews,
};
use crate::products::catalog::Catalog;

/// How long a connection may stay open without a request.
const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// How to serve.
#[derive(Debug, Clone)]
pub struct Options {
    /// Public addresses.
    pub listen: Vec<SocketAddr>,
    /// Address for operators.
    pub admin_listen: SocketAddr,
    /// Threads of the public listeners.
    pub workers: usize,
    /// How long requests in flight may take after a stop, at least.
    pub drain: Duration,
    /// What a shared cache in front may do; `None` leaves it to ask each time.
    pub edge: Option<EdgeWindows>,
    /// Whether each request is logged.
    pub access_log: bool,
    /// Whether the demo shop's page is there.
    pub demo_page: bool,
}

/// Bound listeners. They answer once their servers are awaited.
pub struct Bound {
    /// The public server.
    pub public: Server,
    /// Where it listens.
    pub addresses: Vec<SocketAddr>,
    /// The server for operators.
    pub admin: Server,
    /// Where that listens.
    pub admin_address: Option<SocketAddr>,
}

/// Binds all listeners, or none.
pub fn bind(
    options: &Options,
    catalog: &Catalog,
    readiness: &Readiness,
) -> Result<Bound, BindError> {
    let at = |address: SocketAddr| move |error: io::Error| BindError { address, error };
    let catalog = web::Data::new(catalog.clone());
    let readiness = web::Data::new(readiness.clone());
    let access_log = options.access_log;
    let edge = options.edge;
    let demo_page = options.demo_page;

    let (for_public, ready_public) = (catalog.clone(), readiness.clone());
    let mut public = HttpServer::new(move || {
        App::new()
            .app_data(for_public.clone())
            .app_data(ready_public.clone())
            .app_data(EdgeHeaders::new(edge))
            .configure(lists::routes)
            .configure(products::routes)
            // After the products: `/products/by-handle/reviews` names a product.
            .configure(availability::routes)
            .configure(reviews::routes)
            .configure(health::routes)
            .configure(move |config| {
                if demo_page {
                    demo::routes(config);
                }
            })
            .default_service(web::to(request_id::no_route))
            .wrap_fn(move |request, service| request_id::wrap(request, service, access_log))
    })
    .workers(options.workers)
    .keep_alive(KEEP_ALIVE)
    // Else the last part of an answer longer than a segment waits for the client's acknowledgement, which
    // clients put off for 40 ms.
    .tcp_nodelay(true)
    // The caller keeps the exact time.
    .shutdown_timeout(options.drain.as_secs() + 1)
    .disable_signals();
    for address in &options.listen {
        public = public.bind(address).map_err(at(*address))?;
    }

    let admin = HttpServer::new(move || {
        App::new()
            .app_data(catalog.clone())
            .app_data(readiness.clone())
            .configure(health::routes)
            .default_service(web::to(request_id::no_route))
            .wrap_fn(move |request, service| request_id::wrap(request, service, access_log))
    })
    .workers(1)
    .shutdown_timeout(options.drain.as_secs())
    .disable_signals()
    .bind(options.admin_listen)
    .map_err(at(options.admin_listen))?;

    Ok(Bound {
        addresses: public.addrs(),
        public: public.run(),
        admin_address: admin.addrs().first().copied(),
        admin: admin.run(),
    })
}
