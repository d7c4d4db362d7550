//! `[server]`: where it listens and keeps its data.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use super::reader::Reader;

/// More workers than this are a typing error: each has an event loop and a database connection.
const MAX_WORKERS: usize = 1024;

/// How the process meets the outside.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// Public addresses, at least one. Port 0 lets the system choose.
    pub listen: Vec<SocketAddr>,
    /// Address for operators: health, metrics and later the console.
    pub admin_listen: SocketAddr,
    /// HTTP worker threads.
    pub workers: NonZeroUsize,
    /// How long requests in flight may take to finish after a stop signal.
    pub drain: Duration,
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
            drain: section.value(
                "drain",
                Duration::from_secs(10),
                "time for requests in flight to finish after SIGTERM",
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
