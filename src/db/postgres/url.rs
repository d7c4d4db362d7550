//! The URL of a server, or of several of which one takes the writes.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};

use super::error::PostgresError;

/// How long one server may take to let us in, from the first packet to its being ready, unless the URL says.
const CONNECT: Duration = Duration::from_secs(5);
/// A connection on which nothing was acknowledged for so long is dead.
const SILENT: Duration = Duration::from_secs(10);
/// From the last packet to the first question whether the other side is still there, and between questions.
const KEEPALIVE: Duration = Duration::from_secs(5);
/// What the driver has where the URL says nothing.
const DRIVERS_KEEPALIVE: Duration = Duration::from_hours(2);

/// What is done about TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Security {
    pub(super) verify: Verify,
    /// A file of PEM certificates; without one those that the system trusts.
    pub(super) roots: Option<PathBuf>,
}

/// What is asked of the server's certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verify {
    Nothing,
    /// That an authority we trust has signed it.
    Chain,
    /// That, and that it is of the host we mean.
    Full,
}

/// A URL taken apart.
#[derive(Debug, Clone)]
pub struct Url {
    /// One configuration for each host.
    pub(super) hosts: Vec<Config>,
    pub(super) security: Security,
}

impl Url {
    /// Of how many servers it tells.
    pub fn servers(&self) -> usize {
        self.hosts.len()
    }
}

/// Reads a URL, and refuses what this program cannot do. Of several hosts, one that takes writes is meant.
pub fn parse_url(text: &str) -> Result<Url, PostgresError> {
    let (text, mode, security) = security(text)?;
    let mut config = Config::from_str(&text).map_err(|error| {
        let source = std::error::Error::source(&error).map(ToString::to_string);
        refused(source.unwrap_or_else(|| error.to_string()))
    })?;
    let count = config.get_hosts().len().max(config.get_hostaddrs().len());
    if count == 0 {
        return Err(refused("it names no host"));
    }
    if config.get_dbname().is_none() {
        return Err(refused("it names no database"));
    }
    let fits = |given: usize| given <= 1 || given == count;
    if !fits(config.get_ports().len())
        || ![0, count].contains(&config.get_hostaddrs().len())
        || ![0, count].contains(&config.get_hosts().len())
    {
        return Err(refused("its hosts, addresses and ports are not as many"));
    }
    if count > 1 {
        if config.get_target_session_attrs() == TargetSessionAttrs::ReadOnly {
            return Err(refused(
                "target_session_attrs=read-only finds no server to write to; name servers to read from as replicas",
            ));
        }
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
    }
    config.ssl_mode(mode);
    Ok(Url {
        hosts: (0..count).map(|index| one(&config, index)).collect(),
        security,
    })
}

fn refused(reason: impl Into<String>) -> PostgresError {
    PostgresError::Url(reason.into())
}

/// The URL without what the driver does not know, and what that says (libpq's `sslmode` and `sslrootcert`).
fn security(text: &str) -> Result<(String, SslMode, Security), PostgresError> {
    let (base, query) = text.split_once('?').unwrap_or((text, ""));
    let (mut mode, mut roots) = ("prefer".to_owned(), None);
    let mut others = Vec::new();
    for parameter in query.split('&').filter(|it| !it.is_empty()) {
        match parameter.split_once('=') {
            Some(("sslmode", value)) => value.clone_into(&mut mode),
            Some(("sslrootcert", value)) => roots = Some(decoded(value)),
            Some(("sslcert" | "sslkey" | "sslcrl", _)) => {
                return Err(refused(
                    "client certificates and revocation lists are not supported by this version",
                ));
            }
            _ => others.push(parameter),
        }
    }
    let roots = roots
        .filter(|path| !path.is_empty() && path != "system")
        .map(PathBuf::from);
    let (mode, verify) = match mode.as_str() {
        "disable" => (SslMode::Disable, Verify::Nothing),
        "prefer" => (SslMode::Prefer, Verify::Nothing),
        // With an authority at hand, libpq has it checked.
        "require" if roots.is_some() => (SslMode::Require, Verify::Chain),
        "require" => (SslMode::Require, Verify::Nothing),
        "verify-ca" => (SslMode::Require, Verify::Chain),
        "verify-full" => (SslMode::Require, Verify::Full),
        _ => {
            return Err(refused(
                "sslmode is one of disable, prefer, require, verify-ca, verify-full",
            ));
        }
    };
    let text = if others.is_empty() {
        base.to_owned()
    } else {
        format!("{base}?{}", others.join("&"))
    };
    Ok((text, mode, Security { verify, roots }))
}

/// Without percent-encoding; a plus is a plus.
fn decoded(value: &str) -> String {
    let value = value.replace('+', "%2B");
    let mut pairs = form_urlencoded::parse(value.as_bytes());
    pairs
        .next()
        .map(|(name, _)| name.into_owned())
        .unwrap_or_default()
}

/// The configuration for one of the hosts.
fn one(all: &Config, index: usize) -> Config {
    let mut one = Config::new();
    match all.get_hosts().get(index) {
        Some(Host::Tcp(name)) => {
            one.host(name);
        }
        #[cfg(unix)]
        Some(Host::Unix(path)) => {
            one.host_path(path);
        }
        None => {}
    }
    if let Some(address) = all.get_hostaddrs().get(index) {
        one.hostaddr(*address);
    }
    let ports = all.get_ports();
    if let Some(port) = ports.get(index).or_else(|| ports.first()) {
        one.port(*port);
    }
    if let Some(user) = all.get_user() {
        one.user(user);
    }
    if let Some(password) = all.get_password() {
        one.password(password);
    }
    if let Some(name) = all.get_dbname() {
        one.dbname(name);
    }
    if let Some(options) = all.get_options() {
        one.options(options);
    }
    one.application_name(all.get_application_name().unwrap_or("doorbuster"))
        .ssl_mode(all.get_ssl_mode())
        .ssl_negotiation(all.get_ssl_negotiation())
        .channel_binding(all.get_channel_binding())
        .target_session_attrs(all.get_target_session_attrs())
        .connect_timeout(all.get_connect_timeout().copied().unwrap_or(CONNECT))
        .tcp_user_timeout(all.get_tcp_user_timeout().copied().unwrap_or(SILENT))
        .keepalives(all.get_keepalives());
    let idle = Some(all.get_keepalives_idle()).filter(|idle| *idle != DRIVERS_KEEPALIVE);
    one.keepalives_idle(idle.unwrap_or(KEEPALIVE))
        .keepalives_interval(all.get_keepalives_interval().unwrap_or(KEEPALIVE))
        .keepalives_retries(all.get_keepalives_retries().unwrap_or(3));
    one
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Url {
        parse_url(text).unwrap()
    }

    #[test]
    fn several_hosts_are_taken_apart_and_asked_for_the_one_that_takes_writes() {
        let url = parse("postgres://shop:secret@a,b:6432,c/shop?keepalives_idle=7");
        let hosts: Vec<_> = url
            .hosts
            .iter()
            .map(|config| (config.get_hosts().to_vec(), config.get_ports().to_vec()))
            .collect();
        let host = |name: &str, port| (vec![Host::Tcp(name.to_owned())], vec![port]);
        assert_eq!(hosts, [host("a", 5432), host("b", 6432), host("c", 5432)]);
        for config in &url.hosts {
            assert_eq!(
                config.get_target_session_attrs(),
                TargetSessionAttrs::ReadWrite
            );
            assert_eq!(config.get_password(), Some(&b"secret"[..]));
            assert_eq!(config.get_keepalives_idle(), Duration::from_secs(7));
            assert_eq!(config.get_connect_timeout(), Some(&CONNECT));
        }
        // One that stands alone may be asked before it is promoted.
        let alone = &parse("postgres://shop@a/shop").hosts[0];
        assert_eq!(alone.get_target_session_attrs(), TargetSessionAttrs::Any);
        assert_eq!(alone.get_keepalives_idle(), KEEPALIVE);
    }

    #[test]
    fn the_mode_of_tls_is_libpqs() {
        for (query, mode, verify, roots) in [
            ("", SslMode::Prefer, Verify::Nothing, None),
            ("?sslmode=disable", SslMode::Disable, Verify::Nothing, None),
            ("?sslmode=require", SslMode::Require, Verify::Nothing, None),
            (
                "?sslmode=require&sslrootcert=/etc/our%20ca+1.pem",
                SslMode::Require,
                Verify::Chain,
                Some("/etc/our ca+1.pem"),
            ),
            (
                "?sslrootcert=ca.pem&connect_timeout=3&sslmode=verify-ca",
                SslMode::Require,
                Verify::Chain,
                Some("ca.pem"),
            ),
            (
                "?sslmode=verify-full&sslrootcert=system",
                SslMode::Require,
                Verify::Full,
                None,
            ),
        ] {
            let url = parse(&format!("postgres://shop@a/shop{query}"));
            assert_eq!(url.hosts[0].get_ssl_mode(), mode, "{query}");
            assert_eq!(url.security.verify, verify, "{query}");
            assert_eq!(url.security.roots, roots.map(PathBuf::from), "{query}");
        }
    }

    #[test]
    fn what_cannot_be_done_is_refused() {
        for (text, reason) in [
            ("postgres://a/shop?sslmode=allow", "one of disable"),
            ("postgres://a/shop?sslkey=key.pem", "client certificates"),
            (
                "postgres://a,b/shop?target_session_attrs=read-only",
                "as replicas",
            ),
            ("postgres://a,b/shop?hostaddr=127.0.0.1", "not as many"),
            ("postgres://a/shop?load=heavy", "unknown option"),
        ] {
            let error = parse_url(text).unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }
}
