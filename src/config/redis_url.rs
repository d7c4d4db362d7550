//! Where a Redis is: `redis.url`.

use std::borrow::Cow;
use std::fmt;

use redis::{ConnectionInfo, IntoConnectionInfo};

use super::secret::mask_password;
use super::value::Value;

/// The URL of a Redis. `Display` and `Debug` mask passwords.
#[derive(Clone)]
pub struct RedisUrl {
    text: String,
    topology: RedisTopology,
}

/// What stands behind the URL.
#[derive(Debug, Clone)]
pub enum RedisTopology {
    /// `redis://[user:password@]host[:port][/database]`, `rediss://…` with TLS.
    Single(ConnectionInfo),
    /// `redis+sentinel://[user:password@]host[:port],…/service[/database]`, `rediss+sentinel://…`. The credentials
    /// are those of the servers; the Sentinels' come as `?sentinel_user=…&sentinel_password=…`.
    Sentinel {
        /// Where the Sentinels are.
        sentinels: Vec<ConnectionInfo>,
        /// The name they have for the service.
        service: String,
        /// Credentials, database and encryption of the server; its address means nothing.
        data: ConnectionInfo,
    },
    /// `redis+cluster://[user:password@]host[:port],…`, `rediss+cluster://…`: some of the nodes.
    Cluster(Vec<ConnectionInfo>),
}

const FORM: &str = "write redis://HOST:PORT, rediss://HOST:PORT, redis+sentinel://HOST,HOST/SERVICE or \
                    redis+cluster://HOST,HOST";
const PORT: u16 = 6_379;
const SENTINEL_PORT: u16 = 26_379;

impl RedisUrl {
    /// What stands behind it.
    pub fn topology(&self) -> &RedisTopology {
        &self.topology
    }
}

/// The parts of a URL, undecoded.
struct Parts<'t> {
    /// `redis` or `rediss`.
    scheme: &'t str,
    user_info: &'t str,
    hosts: Vec<&'t str>,
    path: &'t str,
    query: &'t str,
}

impl<'t> Parts<'t> {
    fn of(scheme: &'t str, rest: &'t str) -> Self {
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        // A password may have a slash, as long as an @ follows.
        let from = rest.rfind('@').map_or(0, |at| at + 1);
        let (hosts, path) = match rest[from..].find('/') {
            Some(slash) => (&rest[from..from + slash], &rest[from + slash + 1..]),
            None => (&rest[from..], ""),
        };
        Self {
            scheme,
            user_info: &rest[..from],
            hosts: hosts.split(',').map(str::trim).collect(),
            path,
            query,
        }
    }

    fn nodes(
        &self,
        scheme: &str,
        user_info: &str,
        port: u16,
        database: &str,
    ) -> Result<Vec<ConnectionInfo>, String> {
        let node = |host: &&str| {
            let has_port = host
                .rsplit_once(':')
                .is_some_and(|(_, end)| !end.ends_with(']'));
            let port = if has_port {
                String::new()
            } else {
                format!(":{port}")
            };
            node(&format!("{scheme}://{user_info}{host}{port}/{database}"))
        };
        self.hosts.iter().map(node).collect()
    }
}

fn node(url: &str) -> Result<ConnectionInfo, String> {
    // What the library says may repeat the text, and with it a password.
    url.into_connection_info()
        .map_err(|_| format!("not a Redis URL; {FORM}"))
}

fn topology(text: &str) -> Result<RedisTopology, String> {
    let (scheme, rest) = text
        .split_once("://")
        .ok_or_else(|| format!("not a Redis URL; {FORM}"))?;
    let (scheme, kind) = scheme.split_once('+').unwrap_or((scheme, "single"));
    if !["redis", "rediss"].contains(&scheme) {
        return Err(format!("an unknown kind of Redis; {FORM}"));
    }
    let parts = Parts::of(scheme, rest);
    if kind != "sentinel" && !parts.query.is_empty() {
        return Err(format!("takes no parameters; {FORM}"));
    }
    let nodes = |database| parts.nodes(scheme, parts.user_info, PORT, database);
    match kind {
        "single" => match <[_; 1]>::try_from(nodes(parts.path)?) {
            Ok([server]) => Ok(RedisTopology::Single(server)),
            Err(_) => Err(format!("names several servers; {FORM}")),
        },
        "cluster" if parts.path.is_empty() => Ok(RedisTopology::Cluster(nodes("")?)),
        "cluster" => Err("a Cluster has one database; leave the path out".to_owned()),
        "sentinel" => sentinel(&parts),
        _ => Err(format!("an unknown kind of Redis; {FORM}")),
    }
}

fn sentinel(parts: &Parts<'_>) -> Result<RedisTopology, String> {
    let (service, database) = parts.path.split_once('/').unwrap_or((parts.path, ""));
    if service.is_empty() {
        return Err(format!("names no service; {FORM}"));
    }
    let (mut user, mut password) = ("", None);
    for parameter in parts.query.split('&').filter(|it| !it.is_empty()) {
        match parameter.split_once('=') {
            Some(("sentinel_user", value)) => user = value,
            Some(("sentinel_password", value)) => password = Some(value),
            _ => {
                return Err(
                    "takes the parameters sentinel_user and sentinel_password alone".to_owned(),
                );
            }
        }
    }
    let user_info = password.map_or(String::new(), |password| format!("{user}:{password}@"));
    Ok(RedisTopology::Sentinel {
        sentinels: parts.nodes(parts.scheme, &user_info, SENTINEL_PORT, "")?,
        service: service.to_owned(),
        data: node(&format!(
            "{}://{}service/{database}",
            parts.scheme, parts.user_info
        ))?,
    })
}

impl Value for Option<RedisUrl> {
    fn parse(text: &str) -> Result<Self, String> {
        if text == "none" {
            return Ok(None);
        }
        Ok(Some(RedisUrl {
            topology: topology(text)?,
            text: text.to_owned(),
        }))
    }

    fn show(&self) -> String {
        self.as_ref()
            .map_or_else(|| "none".to_owned(), ToString::to_string)
    }

    fn mask(text: &str) -> Cow<'_, str> {
        Cow::Owned(mask_password(text))
    }
}

impl fmt::Display for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&mask_password(&self.text))
    }
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RedisUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use redis::ConnectionAddr;

    use super::*;

    fn parse(text: &str) -> RedisUrl {
        Option::<RedisUrl>::parse(text).unwrap().unwrap()
    }

    fn address(node: &ConnectionInfo) -> String {
        match node.addr() {
            ConnectionAddr::TcpTls { host, port, .. } => format!("tls {host} {port}"),
            ConnectionAddr::Tcp(host, port) => format!("tcp {host} {port}"),
            other => panic!("{other:?}"),
        }
    }

    fn addresses(nodes: &[ConnectionInfo]) -> Vec<String> {
        nodes.iter().map(address).collect()
    }

    #[test]
    fn one_server() {
        for (text, expected) in [
            ("redis://cache", "tcp cache 6379"),
            ("redis://cache:7000/2", "tcp cache 7000"),
            ("rediss://shop:secret@10.0.0.7", "tls 10.0.0.7 6379"),
            ("redis://[::1]:7000", "tcp ::1 7000"),
            ("redis://[::1]", "tcp ::1 6379"),
        ] {
            let RedisTopology::Single(server) = parse(text).topology else {
                panic!("{text}");
            };
            assert_eq!(address(&server), expected, "{text}");
        }
        let RedisTopology::Single(server) = parse("redis://shop:s%2Fx@cache/3").topology else {
            panic!();
        };
        let settings = server.redis_settings();
        assert_eq!(settings.username(), Some("shop"));
        assert_eq!(settings.password(), Some("s/x"));
        assert_eq!(settings.db(), 3);
    }

    #[test]
    fn sentinels_have_credentials_of_their_own() {
        let text = "redis+sentinel://shop:data@s1,s2:7000/main/1?sentinel_password=watch";
        let RedisTopology::Sentinel {
            sentinels,
            service,
            data,
        } = parse(text).topology
        else {
            panic!();
        };
        assert_eq!(addresses(&sentinels), ["tcp s1 26379", "tcp s2 7000"]);
        assert_eq!(sentinels[0].redis_settings().password(), Some("watch"));
        assert_eq!(service, "main");
        assert_eq!(data.redis_settings().password(), Some("data"));
        assert_eq!(data.redis_settings().db(), 1);
    }

    #[test]
    fn a_cluster_is_some_of_its_nodes() {
        let RedisTopology::Cluster(nodes) = parse("rediss+cluster://:pw@a:1,b,c").topology else {
            panic!();
        };
        assert_eq!(addresses(&nodes), ["tls a 1", "tls b 6379", "tls c 6379"]);
        assert_eq!(nodes[2].redis_settings().password(), Some("pw"));
    }

    #[test]
    fn none_is_none() {
        assert!(Option::<RedisUrl>::parse("none").unwrap().is_none());
    }

    #[test]
    fn what_is_no_redis_is_refused_with_the_form() {
        for (text, reason) in [
            ("cache:6379", "not a Redis URL"),
            ("http://cache", "unknown kind"),
            ("redis+ring://cache", "unknown kind"),
            ("redis://", "not a Redis URL"),
            ("redis://cache/x", "not a Redis URL"),
            ("redis://cache:port", "not a Redis URL"),
            ("redis://a,b", "several servers"),
            ("redis://cache?db=1", "no parameters"),
            ("redis+sentinel://a,b", "no service"),
            (
                "redis+sentinel://a/main?password=x",
                "sentinel_password alone",
            ),
            ("redis+cluster://a/1", "one database"),
            ("redis+cluster://a,,b", "not a Redis URL"),
        ] {
            let error = Option::<RedisUrl>::parse(text).unwrap_err();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }

    #[test]
    fn no_password_is_shown() {
        for text in [
            "redis://:hunter2@cache",
            "redis+sentinel://u:hunter2@a,b/main?sentinel_password=hunter3",
            "redis+cluster://u:hunter2@a,b",
        ] {
            let url = parse(text);
            for shown in [url.to_string(), format!("{url:?}"), Some(url).show()] {
                assert!(!shown.contains("hunter"), "{shown}");
                assert!(shown.contains("***"), "{shown}");
            }
            let error = Option::<RedisUrl>::parse(&format!("{text}/%")).unwrap_err();
            assert!(!error.contains("hunter"), "{error}");
        }
    }
}
