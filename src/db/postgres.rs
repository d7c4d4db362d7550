//! PostgreSQL: pools of connections on a runtime of their own, so that no HTTP worker parses what a database
//! sends.
//!
//! Every use says what it is for. [`Postgres::read`] may be answered by whoever has the data, as recent as it asks for;
//! [`Postgres::read_fresh`] is at the primary and sees every commit that finished before it; [`Postgres::write`]
//! changes something there.

mod connect;
mod connection;
mod copy;
mod error;
mod examine;
mod lag;
mod listener;
mod load;
mod migrations;
mod monitor;
mod pool;
mod routing;
mod tls;
mod transaction;
mod url;

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::{self, Handle};
use tokio::task::JoinHandle;

use super::{MigrationReport, SchemaState, ServerStanding};
use crate::limits::overload::{RetryBudget, context};
use crate::telemetry::traces;
use connect::Servers;
pub use connection::{Connection, Parameters};
pub use copy::{CopyRows, microseconds};
pub use error::PostgresError;
use error::describe;
pub use examine::{Facts, examine};
pub use listener::Listener;
use monitor::{look_once, watch_primary, watch_replica};
pub use routing::{ReadWork, Recency};
use routing::{Replica, Routing, Server};
pub use tokio_postgres::Row;
pub use tokio_postgres::error::SqlState;
pub use tokio_postgres::types::{ToSql, Type};
pub use transaction::{Transaction, is_unique_violation};
pub use url::{Url, parse_url};

/// The longest any statement outside a write may run. A read that nobody awaits any more is cancelled at once;
/// this is for the day the cancelling does not arrive.
/// In milliseconds.
const LONGEST_STATEMENT: u64 = 60_000;
/// Writes at once. More would wait for each other's locks and for the disk.
pub const WRITERS: usize = 4;

/// Where the database is and how it is used.
#[derive(Clone)]
pub struct Options {
    /// `postgres://user:password@host:port/database`, of several hosts the one that takes writes.
    pub url: String,
    /// The same for each server that may be read from: see [`Postgres::watch`].
    pub replicas: Vec<String>,
    /// How far a replica may be behind and still be read from.
    pub max_replica_lag: Duration,
    /// Connections for reading, to each server.
    pub pool_size: usize,
    /// Between here and the server stands PgBouncer in transaction mode: no statement is prepared for later, and
    /// nothing is asked of a session.
    pub pgbouncer: bool,
}

/// How a server stands, for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// It replays what another server writes.
    pub is_replica: bool,
    /// Bytes that it has received and not replayed.
    pub unreplayed: u64,
}

/// A handle to one database; clones share its connections.
#[derive(Clone)]
pub struct Postgres {
    shared: Arc<Shared>,
}

struct Shared {
    routing: Arc<Routing>,
    handle: Handle,
    /// `None` once it is being dropped.
    runtime: Option<runtime::Runtime>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        // The last clone may go on any thread, also one where blocking is forbidden.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Postgres {
    /// Makes no connection yet, and reads from the primary alone: see [`Postgres::watch`].
    pub fn open(options: &Options) -> Result<Self, PostgresError> {
        // Rows are read by key, where compiling a plan takes longer than running it, and from memory or a disk without
        // an arm, where a row here and there costs little more than the next one.
        let limit = LONGEST_STATEMENT;
        let session = format!("-c statement_timeout={limit} -c jit=off -c random_page_cost=1.1");
        let session = (!options.pgbouncer).then_some(session.as_str());
        let server = |url: &str| {
            let servers = Servers::new(parse_url(url)?, session)?;
            Server::new(servers, options.pool_size)
        };
        let replicas = options.replicas.iter();
        let replicas: Result<_, _> = replicas.map(|url| server(url).map(Replica::new)).collect();
        let routing = Routing::new(
            server(&options.url)?,
            WRITERS,
            replicas?,
            options.max_replica_lag,
            options.pgbouncer,
        )?;
        let runtime = runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("postgres")
            .enable_all()
            .build()?;
        Ok(Self {
            shared: Arc::new(Shared {
                routing: Arc::new(routing),
                handle: runtime.handle().clone(),
                runtime: Some(runtime),
            }),
        })
    }

    /// Has all servers watched from here on. The replicas are read from as soon as they are known to be near the
    /// primary. To be called once. Blocks until each was looked at or gave no answer, which takes a second at most.
    pub fn watch(&self) {
        let Shared {
            routing, handle, ..
        } = &*self.shared;
        handle.spawn(watch_primary(Arc::clone(routing)));
        for index in 0..routing.replicas.len() {
            handle.spawn(watch_replica(Arc::clone(routing), index));
        }
        handle.block_on(async {
            routing.primary.is_looked_at().await;
            for replica in &routing.replicas {
                replica.server.is_looked_at().await;
            }
        });
    }

    /// How the server of a URL stands. Blocks.
    pub fn standing(url: &str) -> Result<Standing, PostgresError> {
        let servers = Servers::new(parse_url(url)?, None)?;
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let sight = runtime.block_on(look_once(&servers))?;
        Ok(Standing {
            is_replica: sight.is_replica,
            unreplayed: sight.known.saturating_sub(sight.position),
        })
    }

    /// Runs pending migrations under a lock that other processes respect.
    pub fn migrate(&self) -> Result<MigrationReport, PostgresError> {
        self.block_on(migrations::run(self.primary()))
    }

    /// Compares the schema of the database with the one this program has, changing nothing.
    pub fn schema_state(&self) -> Result<SchemaState, PostgresError> {
        self.block_on(migrations::state(self.primary()))
    }

    /// The same of the first replica that answers, for when the primary does not; `None` where there is none.
    pub fn schema_state_of_a_replica(&self) -> Option<SchemaState> {
        let replicas = &self.shared.routing.replicas;
        replicas.iter().find_map(|replica| {
            let state = self.block_on(migrations::state(&replica.server.servers));
            let refused = |error: &PostgresError| {
                let replica = replica.server.servers.names();
                tracing::warn!(%replica, %error, "no schema to be seen on a replica");
            };
            state.inspect_err(refused).ok()
        })
    }

    /// Whether any migration was ever applied.
    pub fn has_schema(&self) -> Result<bool, PostgresError> {
        self.block_on(migrations::has_history(self.primary()))
    }

    fn primary(&self) -> &Servers {
        &self.shared.routing.primary.servers
    }

    /// Waits for work of the runtime. Not for a thread that serves requests, nor for one of the runtime's.
    pub fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.shared.handle.block_on(work)
    }

    /// Runs work on the runtime of the connections. Dropping the future, which a deadline does, stops the work and
    /// cancels the statement it waits for.
    pub async fn run<T, E>(
        &self,
        work: impl Future<Output = Result<T, E>> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<PostgresError> + Send + 'static,
    {
        // Whoever waits, and until when, goes along.
        let work = context::scope(context::current(), work);
        let work = traces::scope(traces::current(), work);
        let mut task = Stopped(self.shared.handle.spawn(work));
        (&mut task.0)
            .await
            .unwrap_or_else(|_| Err(PostgresError::Closed.into()))
    }

    /// Runs work that blocks, on a thread for that. Dropping the future does not stop it.
    pub async fn run_blocking<T, E>(
        &self,
        work: impl FnOnce() -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<PostgresError> + Send + 'static,
    {
        let task = self.shared.handle.spawn_blocking(work);
        task.await
            .unwrap_or_else(|_| Err(PostgresError::Closed.into()))
    }

    /// Runs something on the runtime for which nobody waits.
    pub fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
        self.shared.handle.spawn(work)
    }

    /// Reads from whichever server will do, and again from another one where the first fails. The work may be done
    /// several times, on one connection each. Dropping the future cancels the statement it waits for.
    pub async fn read<T: Send + 'static>(
        &self,
        recency: Recency,
        work: impl ReadWork<T>,
    ) -> Result<T, PostgresError> {
        let routing = Arc::clone(&self.shared.routing);
        self.run(async move { routing.read(recency, &work).await })
            .await
    }

    /// Whether what [`Recency::Any`] finds may be behind.
    pub fn has_replicas(&self) -> bool {
        !self.shared.routing.replicas.is_empty()
    }

    /// How many reads may be tried again elsewhere.
    pub fn retries(&self) -> &RetryBudget {
        &self.shared.routing.retries
    }

    /// How many reads are worked on at once, all servers together that are read from where anything will do.
    pub fn parallel_reads(&self) -> usize {
        let routing = &self.shared.routing;
        let of = |server: &Server| server.readers.status().max_size;
        let replicas: usize = routing.replicas.iter().map(|it| of(&it.server)).sum();
        replicas.max(of(&routing.primary))
    }

    /// Whether the primary answers. It does as far as is known where nobody watches.
    pub fn primary_answers(&self) -> bool {
        self.shared.routing.primary_answers()
    }

    /// How many replicas are read from, and how many there are.
    pub fn replicas(&self) -> (usize, usize) {
        let routing = &self.shared.routing;
        (routing.replicas_in_use(), routing.replicas.len())
    }

    /// How each server stands, the primary first.
    pub fn servers(&self) -> Vec<ServerStanding> {
        let routing = &self.shared.routing;
        let standing = |server: &Server, is_primary, is_used, lag| {
            let (reads, in_flight) = server.load.counts();
            ServerStanding {
                name: server.servers.names(),
                is_primary,
                is_used,
                lag,
                reads,
                in_flight,
            }
        };
        let primary = standing(&routing.primary, true, routing.primary_answers(), None);
        let replicas = routing.replicas.iter().map(|replica| {
            let (is_used, lag) = replica.standing();
            standing(&replica.server, false, is_used, lag)
        });
        std::iter::once(primary).chain(replicas).collect()
    }

    /// A connection to the primary, for a read that sees every commit that finished before it.
    pub async fn read_fresh(&self) -> Result<Connection, PostgresError> {
        let routing = &self.shared.routing;
        let object = routing.primary.readers.get().await?;
        Ok(Connection::new(object, routing.pgbouncer))
    }

    /// A transaction that writes. Blocks; not for a thread that serves requests. With a deadline it is
    /// [`PostgresError::Busy`] where none could be begun by then, and no statement of it waits for a lock, nor
    /// runs, beyond it.
    pub fn write(&self, deadline: Option<Instant>) -> Result<Transaction, PostgresError> {
        let Shared {
            routing, handle, ..
        } = &*self.shared;
        Transaction::begin(handle.clone(), Arc::clone(routing), deadline)
    }

    /// Hears what other sessions tell this channel. Behind PgBouncer it hears nothing.
    pub fn listen(&self, channel: &'static str) -> Listener {
        let primary = &self.shared.routing.primary;
        let servers = (!self.shared.routing.pgbouncer).then(|| Arc::clone(&primary.servers));
        Listener::new(servers, primary.generation.clone(), channel)
    }

    /// Waits until the connections to the primary are given up that there are now.
    pub fn primary_lost(&self) -> impl Future<Output = ()> + Send + use<> {
        let generation = self.shared.routing.primary.generation.clone();
        let now = generation.now();
        async move { generation.ended(now).await }
    }

    /// Has replicas read from only if they have replayed up to this position, in bytes, of the log of this timeline.
    pub fn require_replayed(&self, timeline: u32, position: u64) {
        self.shared.routing.require(timeline, position);
    }
}

/// Stops its task when it is dropped.
struct Stopped<T>(JoinHandle<T>);

impl<T> Drop for Stopped<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Postgres({})", self.primary().names())
    }
}
