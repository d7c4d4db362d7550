//! The server of the public listeners: what `actix_web::HttpServer` puts together, and around each stream a guard
//! that bounds how long a client may keep it waiting.

use std::cell::Cell;
use std::fmt::Debug;
use std::future::ready;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::time::Duration;

use actix_http::error::DispatchError;
use actix_http::{HttpServiceBuilder, Protocol, Request, Response};
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

/// What is spoken at a listener.
pub(super) enum Transport {
    /// HTTP/1.1.
    Plain,
    /// HTTP/1.1, or HTTP/2 with clients that begin with it.
    PlainOrHttp2,
    /// TLS, behind which clients choose by ALPN among the protocols of the acceptor.
    Tls(TlsAcceptor),
}

pub(super) struct PublicServer {
    builder: ServerBuilder,
    addresses: Vec<SocketAddr>,
    outfit: Outfit,
}

/// What each worker needs for each listener.
#[derive(Clone)]
struct Outfit {
    limits: Limits,
    keep_alive: Duration,
    workers: Workers,
    departures: Departures,
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
        let workers = options.overload.workers().clone();
        Self {
            builder,
            addresses: Vec::new(),
            outfit: Outfit {
                limits,
                keep_alive: options.keep_alive,
                departures: Departures::new(workers.clone()),
                workers,
            },
        }
    }

    /// How its connections are brought to an end: the framework would cut off requests that it has not read.
    pub(super) fn departures(&self) -> &Departures {
        &self.outfit.departures
    }

    /// Where it listens.
    pub(super) fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Accepts connections from a listener, too. Each worker makes an application of its own.
    pub(super) fn listen<A, I, S, B>(
        mut self,
        listener: TcpListener,
        app: A,
        transport: Transport,
    ) -> io::Result<Self>
    where
        A: Fn() -> I + Send + Clone + 'static,
        I: IntoServiceFactory<S, Request>,
        S: ServiceFactory<Request, Config = AppConfig, Error = Error> + 'static,
        S::InitError: Debug,
        S::Response: Into<Response<B>> + 'static,
        <S::Service as Service<Request>>::Future: 'static,
        B: MessageBody + 'static,
    {
        self.addresses.push(listener.local_addr()?);
        let outfit = self.outfit.clone();
        let app = move || {
            let app = app().into_factory().map_err(Response::<BoxBody>::from);
            map_config(app, |()| AppConfig::default())
        };
        self.builder = match transport {
            Transport::Tls(acceptor) => {
                let serve = move || {
                    let connections = outfit.connections();
                    let acceptor = acceptor.clone();
                    fn_service(move |stream| {
                        let (stream, peer) = admit(&connections, stream);
                        // The handshake counts as the first head: it has no longer than that.
                        let handshake = acceptor.accept(stream);
                        async move {
                            let stream = handshake.await.map_err(DispatchError::Io)?;
                            let is_http2 = stream.get_ref().1.alpn_protocol() == Some(HTTP_2);
                            let stream = Parting::encrypted(stream, is_http2);
                            Ok::<_, DispatchError>((stream, protocol(is_http2), peer))
                        }
                    })
                    .and_then(outfit.http().secure().finish(app()))
                };
                self.builder.listen("public", listener, serve)?
            }
            Transport::PlainOrHttp2 => {
                let serve = move || {
                    let connections = outfit.connections();
                    fn_service(move |stream| {
                        let (stream, peer) = admit(&connections, stream);
                        async move {
                            let opened = Parting::either(stream).await;
                            let (stream, is_http2) = opened.map_err(DispatchError::Io)?;
                            Ok::<_, DispatchError>((stream, protocol(is_http2), peer))
                        }
                    })
                    .and_then(outfit.http().finish(app()))
                };
                self.builder.listen("public", listener, serve)?
            }
            Transport::Plain => {
                let serve = move || {
                    let connections = outfit.connections();
                    fn_service(move |stream| {
                        let (stream, peer) = admit(&connections, stream);
                        ready(Ok::<_, DispatchError>((Parting::plain(stream), peer)))
                    })
                    .and_then(outfit.http().h1(app()))
                };
                self.builder.listen("public", listener, serve)?
            }
        };
        Ok(self)
    }

    /// Answers once this is awaited.
    pub(super) fn run(self) -> Server {
        self.builder.run()
    }
}

impl Outfit {
    /// Those of the calling worker, which is measured from now on.
    fn connections(&self) -> Rc<Connections> {
        watch_once(&self.workers);
        Connections::of_this_worker(self.limits, &self.departures)
    }

    /// What speaks HTTP over a stream.
    fn http<T, S>(&self) -> HttpServiceBuilder<Parting<T>, S>
    where
        T: 'static,
        S: ServiceFactory<Request, Config = ()>,
        S::Error: Into<Response<BoxBody>> + 'static,
        S::InitError: Debug,
        <S::Service as Service<Request>>::Future: 'static,
    {
        HttpServiceBuilder::default()
            .keep_alive(self.keep_alive)
            .client_request_timeout(self.limits.head)
            .client_disconnect_timeout(DISCONNECT_TIMEOUT)
            .on_connect_ext(|stream: &Parting<T>, data| {
                data.insert(stream.connection().clone());
            })
    }
}

fn protocol(is_http2: bool) -> Protocol {
    if is_http2 {
        Protocol::Http2
    } else {
        Protocol::Http1
    }
}

/// Takes a connection in; returns it with its client's address.
fn admit(
    connections: &Rc<Connections>,
    stream: TcpStream,
) -> (Guarded<TcpStream>, Option<SocketAddr>) {
    // Else the last part of an answer longer than a segment waits for the client's acknowledgement, which clients put off
    // for 40 ms. Fails where the client has left.
    let _ = stream.set_nodelay(true);
    let peer = stream.peer_addr().ok();
    (connections.admit(stream), peer)
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
