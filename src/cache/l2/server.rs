//! The Redis behind the second tier: one server, one that Sentinels know, or a Cluster.

use std::fmt::Write as _;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::cluster::{ClusterClient, ClusterClientBuilder};
use redis::cluster_async::ClusterConnection;
use redis::cluster_routing::{MultipleNodeRoutingInfo, RoutingInfo, SingleNodeRoutingInfo};
use redis::sentinel::{SentinelClient, SentinelNodeConnectionInfo, SentinelServerType};
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ConnectionInfo, ErrorKind, RedisError,
    RedisResult, TlsMode, Value, cmd,
};

/// Where it is, and how to get in.
#[derive(Debug, Clone)]
pub enum Server {
    /// One server.
    Single(ConnectionInfo),
    /// The one that Sentinels name.
    Sentinel {
        /// The Sentinels.
        sentinels: Vec<ConnectionInfo>,
        /// The name they have for it.
        service: String,
        /// Credentials, database and encryption of the server; its address is not used.
        data: ConnectionInfo,
    },
    /// Some nodes of a Cluster.
    Cluster(Vec<ConnectionInfo>),
}

impl Identity {
    /// Whether everything it has was written in one order, so that what it has of the end tells of all before it.
    pub(super) fn has_one_history(&self) -> bool {
        self.masters.is_empty()
    }
}

/// A connection for commands, shared by all. Clones are the same connection.
#[derive(Clone)]
pub(crate) enum Connection {
    Node(MultiplexedConnection),
    Cluster(ClusterConnection),
}

/// Who answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    /// Changes whenever another process has the data, and with it perhaps other data.
    pub(super) run_id: String,
    /// For people.
    pub(super) version: String,
    /// Host and port of each master of a Cluster; none otherwise.
    masters: Vec<(String, u16)>,
}

impl Server {
    /// Connects. Whoever awaits it decides how long that may take; dropping it is safe.
    pub(crate) async fn connect(&self, timeout: Duration) -> RedisResult<Connection> {
        let config = connection_config(timeout);
        match self {
            Self::Single(server) => {
                let client = Client::open(server.clone())?;
                let connection = client.get_multiplexed_async_connection_with_config(&config);
                Ok(Connection::Node(connection.await?))
            }
            Self::Sentinel { .. } => {
                let client = self.master().await?;
                let connection = client.get_multiplexed_async_connection_with_config(&config);
                Ok(Connection::Node(connection.await?))
            }
            Self::Cluster(nodes) => {
                let client = cluster(nodes, timeout)?;
                Ok(Connection::Cluster(client.get_async_connection().await?))
            }
        }
    }

    /// The servers that may be asked for messages, the best first. In a Cluster each node has all of them.
    pub(super) async fn publishers(&self) -> RedisResult<Vec<Client>> {
        match self {
            Self::Single(server) => Ok(vec![Client::open(server.clone())?]),
            Self::Sentinel { .. } => Ok(vec![self.master().await?]),
            Self::Cluster(nodes) => nodes.iter().cloned().map(Client::open).collect(),
        }
    }

    /// Whether others decide which server it is.
    pub(super) fn has_sentinels(&self) -> bool {
        matches!(self, Self::Sentinel { .. })
    }

    async fn master(&self) -> RedisResult<Client> {
        let Self::Sentinel {
            sentinels,
            service,
            data,
        } = self
        else {
            return Err((ErrorKind::InvalidClientConfig, "no Sentinels").into());
        };
        let mut node = SentinelNodeConnectionInfo::default()
            .set_redis_connection_info(data.redis_settings().clone());
        if let ConnectionAddr::TcpTls { insecure, .. } = data.addr() {
            node = node.set_tls_mode(if *insecure {
                TlsMode::Insecure
            } else {
                TlsMode::Secure
            });
        }
        let mut client = SentinelClient::build(
            sentinels.clone(),
            service.clone(),
            Some(node),
            SentinelServerType::Master,
        )?;
        client.async_get_client().await
    }
}

/// Commands have deadlines of their own, so the connection needs none.
fn connection_config(timeout: Duration) -> AsyncConnectionConfig {
    AsyncConnectionConfig::new()
        .set_connection_timeout(Some(timeout))
        .set_response_timeout(None)
}

fn cluster(nodes: &[ConnectionInfo], timeout: Duration) -> RedisResult<ClusterClient> {
    // Whoever asks has given up long before a second try.
    ClusterClientBuilder::new(nodes.to_vec())
        .retries(1)
        .connection_timeout(timeout)
        .response_timeout(timeout)
        .build()
}

impl Connection {
    /// Sends one command; many at a time share the way.
    pub(crate) async fn send(&self, command: &Cmd) -> RedisResult<Value> {
        match self {
            Self::Node(connection) => command.query_async(&mut connection.clone()).await,
            Self::Cluster(connection) => command.query_async(&mut connection.clone()).await,
        }
    }

    /// Has a script kept, and returns the hash that it is called by.
    pub(crate) async fn load_script(&self, text: &str) -> RedisResult<String> {
        let mut load = cmd("SCRIPT");
        load.arg("LOAD").arg(text);
        Ok(redis::from_redis_value(self.send(&load).await?)?)
    }

    /// Asks who answers. One that is no master is refused: what it has may be behind.
    pub(crate) async fn identify(&self) -> RedisResult<Identity> {
        let answers = match self {
            Self::Node(_) => {
                let (server, replication) =
                    futures_util::try_join!(self.info("server"), self.info("replication"))?;
                vec![(String::new(), server + &replication)]
            }
            Self::Cluster(_) => self.info_of_masters().await?,
        };
        let mut identity = Identity {
            run_id: String::new(),
            version: String::new(),
            masters: Vec::new(),
        };
        for (address, info) in answers {
            let field = |name: &str| field(&info, name).unwrap_or_default();
            if field("role") == "slave" {
                let what = "the server is a replica";
                return Err((ErrorKind::InvalidClientConfig, what).into());
            }
            let run_id = field("run_id");
            if run_id.is_empty() {
                let what = "the server does not tell its run_id in INFO";
                return Err((ErrorKind::UnexpectedReturnType, what).into());
            }
            let separator = if identity.run_id.is_empty() { "" } else { "+" };
            // Writing to a string cannot fail.
            let _ = write!(identity.run_id, "{separator}{run_id}");
            field("redis_version").clone_into(&mut identity.version);
            identity.masters.extend(host_and_port(&address));
        }
        Ok(identity)
    }

    pub(super) async fn info(&self, section: &str) -> RedisResult<String> {
        let info = self.send(cmd("INFO").arg(section)).await?;
        Ok(redis::from_redis_value(info)?)
    }

    async fn info_of_masters(&self) -> RedisResult<Vec<(String, String)>> {
        let Self::Cluster(connection) = self else {
            return Ok(Vec::new());
        };
        let mut connection = connection.clone();
        let mut command = cmd("INFO");
        command.arg("server");
        let masters = MultipleNodeRoutingInfo::AllMasters;
        let routing = RoutingInfo::MultiNode((masters, None));
        let answer = connection.route_command(command, routing).await?;
        let mut infos: Vec<(String, String)> = redis::from_redis_value(answer)?;
        infos.sort();
        Ok(infos)
    }

    /// Removes every key that matches a pattern. Other keys are looked at and left alone.
    pub(super) async fn remove_all(
        &self,
        pattern: &[u8],
        identity: &Identity,
    ) -> RedisResult<usize> {
        let mut removed = 0;
        let mut scan = self.scan(pattern, identity, 1_000);
        while let Some(keys) = scan.next().await? {
            if !keys.is_empty() {
                let unlinked = self.send(cmd("UNLINK").arg(&keys)).await?;
                removed += redis::from_redis_value::<usize>(unlinked)?;
            }
        }
        Ok(removed)
    }

    /// Goes through the names that match a pattern, having the server look at some `count` keys at a time.
    pub(super) fn scan<'c>(
        &'c self,
        pattern: &'c [u8],
        identity: &Identity,
        count: usize,
    ) -> Scan<'c> {
        Scan {
            connection: self,
            pattern,
            count,
            // Elsewhere than in a Cluster there is one server, which needs no address.
            masters: match self {
                Self::Node(_) => vec![None],
                Self::Cluster(_) => identity.masters.iter().cloned().map(Some).collect(),
            },
            cursor: 0,
        }
    }
}

/// A walk through the keys of all masters.
pub(super) struct Scan<'c> {
    connection: &'c Connection,
    pattern: &'c [u8],
    count: usize,
    /// Still to be gone through, the present one last.
    masters: Vec<Option<(String, u16)>>,
    cursor: u64,
}

impl Scan<'_> {
    /// Some more names, or none of those that were looked at; `None` at the end.
    pub(super) async fn next(&mut self) -> RedisResult<Option<Vec<Vec<u8>>>> {
        let Some(master) = self.masters.last() else {
            return Ok(None);
        };
        let mut scan = cmd("SCAN");
        scan.arg(self.cursor).arg("MATCH").arg(self.pattern);
        scan.arg("COUNT").arg(self.count);
        let page = match (self.connection, master) {
            (Connection::Cluster(connection), Some((host, port))) => {
                let (host, port) = (host.clone(), *port);
                let node = SingleNodeRoutingInfo::ByAddress { host, port };
                let mut connection = connection.clone();
                let routing = RoutingInfo::SingleNode(node);
                connection.route_command(scan, routing).await?
            }
            _ => self.connection.send(&scan).await?,
        };
        let (next, names): (u64, Vec<Vec<u8>>) = redis::from_redis_value(page)?;
        self.cursor = next;
        if next == 0 {
            self.masters.pop();
        }
        Ok(Some(names))
    }
}

/// True where nothing more can be expected of the connection.
pub(super) fn is_lost(error: &RedisError) -> bool {
    error.is_connection_dropped() || error.is_unrecoverable_error()
}

pub(super) fn field<'i>(info: &'i str, name: &str) -> Option<&'i str> {
    let lines = info.lines().filter_map(|line| line.split_once(':'));
    let mut values = lines.filter(|(key, _)| *key == name);
    values.next().map(|(_, value)| value.trim_end())
}

fn host_and_port(address: &str) -> Option<(String, u16)> {
    let (host, port) = address.rsplit_once(':')?;
    Some((host.to_owned(), port.parse().ok()?))
}
