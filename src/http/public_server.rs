//! The server of the public listeners: what `actix_web::HttpServer` puts together, and around each stream a guard
//! that bounds how long a client may keep it waiting.

use std::cell::Cell;
use std::future::ready;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use actix_http::error::DispatchError;
use actix_http::{HttpService, Protocol, Request, Response};
use actix_server::{Server, ServerBuilder};
use actix_service::{
    IntoServiceFactory, Service, ServiceFactory, ServiceFactoryExt, fn_service, map_config,
};
use actix_web::Error;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::AppConfig;
use actix_web::rt::net::TcpStream;
use socket2::{Domain, Socket, Type};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::Options;
use super::connections::{
    Connections, Departures, Guarded, Limits, Parting, raise_limit, share_of_a_worker,
};
use super::tls::HTTP_2;
use crate::limits::overload::Workers;

/// How long the closing of a connection may take. What a client sends meanwhile is taken and dropped.
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 1024;

pub(super) struct PublicServer {
    builder: ServerBuilder,
    addresses: Vec<SocketAddr>,
    limits: Limits,
    departures: Departures,
    keep_alive: Duration,
    workers: Workers,
}

impl PublicServer {
    pub(super) fn new(options: &Options) -> Self {
        raise_limit();
        let share = share_of_a_worker(options.max_connections, options.workers);
        let limits = Limits {
            connections: share.connections,
            head: options.header_timeout,
        };
        let builder = ServerBuilder::new()
            .workers(options.workers)
            .max_concurrent_connections(share.connections + share.closing)
            .disable_signals();
        Self {
            builder,
            addresses: Vec::new(),
            limits,
            departures: Departures::new(options.overload.workers().clone()),
            keep_alive: options.keep_alive,
            workers: options.overload.workers().clone(),
        }
    }

    /// How its connections are brought to an end: the framework would cut off requests that it has not read.
    pub(super) fn departures(&self) -> &Departures {
        &self.departures
    }

    /// Where it listens.
    pub(super) fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Accepts connections from a listener, too. Each worker makes an application of its own.
    pub(super) fn listen<A, I, S, B>(mut self, listener: TcpListener, app: A) -> io::Result<Self>
    where
        A: Fn() -> I + Send + Clone + 'static,
        I: IntoServiceFactory<S, Request>,
        S: ServiceFactory<Request, Config = AppConfig, Error = Error> + 'static,
        S::InitError: std::fmt::Debug,
        S::Response: Into<Response<B>> + 'static,
        B: MessageBody + 'static,
    {
        self.addresses.push(listener.local_addr()?);
        let (limits, keep_alive) = (self.limits, self.keep_alive);
        let (workers, departures) = (self.workers.clone(), self.departures.clone());
        let serve = move || {
            watch_once(&workers);
            let connections = Connections::of_this_worker(limits, &departures);
            let app = app().into_factory().map_err(Response::<BoxBody>::from);
            let http = HttpService::build()
                .keep_alive(keep_alive)
                .client_request_timeout(limits.head)
                .client_disconnect_timeout(DISCONNECT_TIMEOUT)
                .on_connect_ext(|stream: &Parting<Guarded<TcpStream>>, data| {
                    data.insert(stream.connection().clone());
                })
                .h1(map_config(app, |()| AppConfig::default()));
            fn_service(move |stream: TcpStream| {
                // Else the last part of an answer longer than a segment waits for the client's
                // acknowledgement, which clients put off for 40 ms. Fails where the client has left.
                let _ = stream.set_nodelay(true);
                let peer = stream.peer_addr().ok();
                let stream = Parting::plain(connections.admit(stream));
                ready(Ok::<_, DispatchError>((stream, peer)))
            })
            .and_then(http)
        };
        self.builder = self.builder.listen("public", listener, serve)?;
        Ok(self)
    }

    /// The same under TLS. Clients choose the protocol by ALPN among those of the acceptor.
    pub(super) fn listen_tls<A, I, S, B>(
        mut self,
        listener: TcpListener,
        app: A,
        acceptor: TlsAcceptor,
    ) -> io::Result<Self>
    where
        A: Fn() -> I + Send + Clone + 'static,
        I: IntoServiceFactory<S, Request>,
        S: ServiceFactory<Request, Config = AppConfig, Error = Error> + 'static,
        S::InitError: std::fmt::Debug,
        S::Response: Into<Response<B>> + 'static,
        <S::Service as Service<Request>>::Future: 'static,
        B: MessageBody + 'static,
    {
        self.addresses.push(listener.local_addr()?);
        let (limits, keep_alive) = (self.limits, self.keep_alive);
        let (workers, departures) = (self.workers.clone(), self.departures.clone());
        let serve = move || {
            watch_once(&workers);
            let connections = Connections::of_this_worker(limits, &departures);
            let acceptor = acceptor.clone();
            let app = app().into_factory().map_err(Response::<BoxBody>::from);
            let http = HttpService::build()
                .keep_alive(keep_alive)
                .client_request_timeout(limits.head)
                .client_disconnect_timeout(DISCONNECT_TIMEOUT)
                .secure()
                .on_connect_ext(|stream: &Parting<TlsStream<Guarded<TcpStream>>>, data| {
                    data.insert(stream.connection().clone());
                })
                .finish(map_config(app, |()| AppConfig::default()));
            fn_service(move |stream: TcpStream| {
                let _ = stream.set_nodelay(true);
                let peer = stream.peer_addr().ok();
                // The handshake counts as the first head: it has no longer than that.
                let handshake = acceptor.accept(connections.admit(stream));
                async move {
                    let stream = handshake.await.map_err(DispatchError::Io)?;
                    let is_http2 = stream.get_ref().1.alpn_protocol() == Some(HTTP_2);
                    let stream = Parting::encrypted(stream, is_http2);
                    let protocol = if is_http2 {
                        Protocol::Http2
                    } else {
                        Protocol::Http1
                    };
                    Ok::<_, DispatchError>((stream, protocol, peer))
                }
            })
            .and_then(http)
        };
        self.builder = self.builder.listen("public", listener, serve)?;
        Ok(self)
    }

    /// Answers once this is awaited.
    pub(super) fn run(self) -> Server {
        self.builder.run()
    }
}

/// Has this thread measured, be it that of several listeners.
fn watch_once(workers: &Workers) {
    thread_local! {
        static IS_WATCHED: Cell<bool> = const { Cell::new(false) };
    }
    if !IS_WATCHED.replace(true) {
        let workers = workers.clone();
        actix_web::rt::spawn(async move { workers.watch().await });
    }
}

pub(super) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(socket2::Protocol::TCP),
    )?;
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}
