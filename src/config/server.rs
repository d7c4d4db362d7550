//! `[server]`: where it listens and keeps its data.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use ipnet::IpNet;

use super::cors::CorsOrigin;
use super::reader::Reader;

/// More workers than this are a typing error: each has an event loop and a database connection.
const MAX_WORKERS: usize = 1024;

/// A connection takes some 20 KiB, so this is some 200 MiB at worst.
const DEFAULT_MAX_CONNECTIONS: NonZeroUsize = NonZeroUsize::new(10_000).unwrap();

/// Below this a timeout is a typing error.
const SHORTEST_TIMEOUT: Duration = Duration::from_millis(100);

/// How the process meets the outside.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// Public addresses, at least one. Port 0 lets the system choose.
    pub listen: Vec<SocketAddr>,
    /// Address for operators: health, metrics and later the console.
    pub admin_listen: SocketAddr,
    /// HTTP worker threads.
    pub workers: NonZeroUsize,
    /// Certificate and those that lead to its root, in PEM. With it the public addresses take TLS alone.
    pub tls_cert: Option<PathBuf>,
    /// Its key, in PEM.
    pub tls_key: Option<PathBuf>,
    /// Whether clients may choose HTTP/2 by ALPN.
    pub http2: bool,
    /// Whether clients without TLS may begin with HTTP/2.
    pub h2c: bool,
    /// How long, after a stop signal, it goes on serving while it says that it is not ready.
    pub drain_grace: Duration,
    /// How long requests in flight may take to finish after that.
    pub drain: Duration,
    /// Open public connections, all workers together. More take the place of those that do least.
    pub max_connections: NonZeroUsize,
    /// How long a client may take to send the head of a request.
    pub header_timeout: Duration,
    /// How long a connection may stay open without a request.
    pub keep_alive: Duration,
    /// Whose pages may read what the server answers.
    pub cors_origins: Vec<CorsOrigin>,
    /// Networks of proxies that are believed about whom they were asked by.
    pub trusted_proxies: Vec<IpNet>,
    /// Directory of everything the process writes.
    pub data_dir: PathBuf,
}

impl ServerConfig {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let mut section = reader.section("server");
        let config = Self {
            listen: section.list(
                "listen",
                vec![SocketAddr::from(([127, 0, 0, 1], 8080))],
                "public addresses as IP:PORT; port 0 lets the system choose",
            ),
            admin_listen: section.value(
                "admin_listen",
                SocketAddr::from(([127, 0, 0, 1], 9090)),
                "address for operators; do not expose it",
            ),
            workers: section.value(
                "workers",
                thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
                "HTTP worker threads; unless set, one for each core",
            ),
            tls_cert: section.value(
                "tls_cert",
                None,
                "certificate and its chain in PEM; with it public addresses take TLS alone",
            ),
            tls_key: section.value("tls_key", None, "private key of the certificate in PEM"),
            http2: section.value(
                "http2",
                false,
                "HTTP/2 for clients that choose it by TLS; its library has RUSTSEC-2026-0258",
            ),
            h2c: section.value(
                "h2c",
                false,
                "HTTP/2 without TLS for proxies that begin with it; the same library",
            ),
            drain_grace: section.value(
                "drain_grace",
                Duration::from_secs(1),
                "time to go on serving after SIGTERM, unready, for load balancers and clients to leave",
            ),
            drain: section.value(
                "drain",
                Duration::from_secs(10),
                "time for requests in flight to finish after that",
            ),
            max_connections: section.value(
                "max_connections",
                DEFAULT_MAX_CONNECTIONS,
                "open public connections; beyond it the most idle one makes room",
            ),
            header_timeout: section.value(
                "header_timeout",
                Duration::from_secs(10),
                "time for a client to send the head of a request",
            ),
            keep_alive: section.value(
                "keep_alive",
                Duration::from_secs(75),
                "time a connection stays open without a request",
            ),
            cors_origins: section.list(
                "cors_origins",
                vec![CorsOrigin::None],
                "origins whose pages may read answers; * for any, none for no other",
            ),
            trusted_proxies: section.optional_list(
                "trusted_proxies",
                "networks whose X-Forwarded-For is believed, such as 10.0.0.0/8",
            ),
            data_dir: section.value(
                "data_dir",
                PathBuf::from("./doorbuster-data"),
                "directory of everything this process writes",
            ),
        };
        config.check(reader);
        config
    }

    fn check(&self, reader: &mut Reader<'_>) {
        let collides = self
            .listen
            .iter()
            .any(|address| collide(*address, self.admin_listen));
        reader.require_between(
            !collides,
            "server.admin_listen",
            "server.listen",
            "takes the same address as",
            "choose another port",
        );
        let repeats = self.listen.iter().enumerate().any(|(index, address)| {
            let mut before = self.listen[..index].iter();
            before.any(|other| collide(*address, *other))
        });
        reader.require(
            !repeats,
            "server.listen",
            "lists an address that another one covers; leave one of them out",
        );
        reader.require(
            self.workers.get() <= MAX_WORKERS,
            "server.workers",
            "more than 1024; one worker for each core is plenty",
        );
        reader.require(
            self.max_connections >= self.workers,
            "server.max_connections",
            "fewer than there are workers; allow each at least one",
        );
        for (setting, time) in [
            ("server.header_timeout", self.header_timeout),
            ("server.keep_alive", self.keep_alive),
        ] {
            reader.require(
                time >= SHORTEST_TIMEOUT,
                setting,
                "too short for a client that is far away; give it at least 100ms",
            );
        }
        let both =
            |one: &Option<PathBuf>, other: &Option<PathBuf>| one.is_none() || other.is_some();
        reader.require(
            both(&self.tls_key, &self.tls_cert),
            "server.tls_cert",
            "there is a key, and no certificate for it; name both files, or none",
        );
        reader.require(
            both(&self.tls_cert, &self.tls_key),
            "server.tls_key",
            "there is a certificate, and no key for it; name both files, or none",
        );
        reader.require(
            !self.http2 || self.tls_cert.is_some(),
            "server.http2",
            "clients choose it by TLS, and there is none; set server.tls_cert, too",
        );
        reader.require(
            !self.h2c || self.tls_cert.is_none(),
            "server.h2c",
            "public addresses take TLS alone, where clients choose HTTP/2 by server.http2; leave one of them out",
        );
        let is_word = |origin: &CorsOrigin| matches!(origin, CorsOrigin::None | CorsOrigin::Any);
        reader.require(
            self.cors_origins.len() == 1 || !self.cors_origins.iter().any(is_word),
            "server.cors_origins",
            "has * or none among other origins; write it alone",
        );
    }
}

/// Whether two sockets cannot both be bound: same port, and same address or one that covers it.
fn collide(one: SocketAddr, other: SocketAddr) -> bool {
    let covers = |wide: IpAddr, narrow: IpAddr| {
        // On Linux `[::]` takes IPv4 as well.
        wide.is_unspecified() && (wide.is_ipv6() || narrow.is_ipv4())
    };
    one.port() != 0
        && one.port() == other.port()
        && (one.ip() == other.ip() || covers(one.ip(), other.ip()) || covers(other.ip(), one.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_collide_where_one_covers_the_other() {
        for (one, other, expected) in [
            ("127.0.0.1:80", "127.0.0.1:80", true),
            ("127.0.0.1:80", "127.0.0.1:81", false),
            ("127.0.0.1:80", "127.0.0.2:80", false),
            ("127.0.0.1:0", "127.0.0.1:0", false),
            ("0.0.0.0:80", "127.0.0.1:80", true),
            ("0.0.0.0:80", "[::1]:80", false),
            ("[::]:80", "127.0.0.1:80", true),
            ("[::]:80", "[::1]:80", true),
        ] {
            let (left, right) = (one.parse().unwrap(), other.parse().unwrap());
            assert_eq!(collide(left, right), expected, "{one} {other}");
            assert_eq!(collide(right, left), expected, "{other} {one}");
        }
    }
}
