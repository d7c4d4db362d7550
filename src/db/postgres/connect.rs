//! Connecting to the server that is meant, of those that a URL names.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::time::{sleep, timeout};
use tokio_postgres::config::Host;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Client, Config, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::error::{PostgresError, describe};
use super::tls;
use super::url::Url;

/// How long one server is waited for before the next one is tried as well (RFC 8305 §5). One that is gone without a
/// word, or hangs, costs no more than this.
const HEAD_START: Duration = Duration::from_millis(250);

/// A session, from its making to its end; it has to be polled.
pub(super) type Session =
    tokio_postgres::Connection<Socket, <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream>;

/// The servers of a URL. Clones share nothing but their beginnings.
pub(super) struct Servers {
    hosts: Vec<Config>,
    pub(super) tls: MakeRustlsConnect,
    /// Who answered last.
    preferred: AtomicUsize,
}

impl Servers {
    /// Reads the certificates that are to be trusted. `options` are those of the server, for each session.
    pub(super) fn new(url: Url, options: Option<&str>) -> Result<Self, PostgresError> {
        let tls = tls::connector(&url.security)?;
        let mut hosts = url.hosts;
        if let Some(options) = options {
            for host in &mut hosts {
                let own = host.get_options().unwrap_or_default();
                let both = format!("{options} {own}");
                host.options(both.trim_end());
            }
        }
        Ok(Self {
            hosts,
            tls,
            preferred: AtomicUsize::new(0),
        })
    }

    /// A new session with the first server that is as the URL wants it, the last one that was being asked first.
    pub(super) async fn connect(&self) -> Result<(Client, Session), PostgresError> {
        let first = self.preferred.load(Ordering::Relaxed);
        let mut order = (0..self.hosts.len()).map(|at| (first + at) % self.hosts.len());
        let mut attempts = FuturesUnordered::new();
        let mut reasons = Vec::new();
        loop {
            attempts.extend(order.next().map(|host| self.attempt(host)));
            let others_wait = order.len() > 0;
            tokio::select! {
                attempt = attempts.next() => match attempt {
                    Some((host, Ok(connected))) => {
                        self.preferred.store(host, Ordering::Relaxed);
                        return Ok(connected);
                    }
                    Some((host, Err(reason))) => {
                        reasons.push(format!("{}: {reason}", name(&self.hosts[host])));
                    }
                    None => return Err(PostgresError::Connect(reasons.join("; "))),
                },
                () = sleep(HEAD_START), if others_wait => {}
            }
        }
    }

    async fn attempt(&self, host: usize) -> (usize, Result<(Client, Session), String>) {
        let config = &self.hosts[host];
        let limit = config.get_connect_timeout().copied().unwrap_or_default();
        let outcome = match timeout(limit, config.connect(self.tls.clone())).await {
            Ok(connected) => connected.map_err(|error| describe(&error)),
            Err(_) => Err(format!("no answer within {limit:?}")),
        };
        (host, outcome)
    }

    /// Connects, and has the session run in the background.
    pub(super) async fn open(&self) -> Result<Client, PostgresError> {
        let (client, session) = self.connect().await?;
        tokio::spawn(session);
        Ok(client)
    }

    /// `host:port`, for people.
    pub(super) fn names(&self) -> String {
        let names: Vec<_> = self.hosts.iter().map(name).collect();
        names.join(",")
    }
}

fn name(config: &Config) -> String {
    let host = match config.get_hosts().first() {
        Some(Host::Tcp(name)) => name.clone(),
        #[cfg(unix)]
        Some(Host::Unix(path)) => path.display().to_string(),
        None => config
            .get_hostaddrs()
            .first()
            .map_or_else(String::new, ToString::to_string),
    };
    match config.get_ports().first() {
        Some(port) => format!("{host}:{port}"),
        None => host,
    }
}

impl fmt::Debug for Servers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Servers({})", self.names())
    }
}
