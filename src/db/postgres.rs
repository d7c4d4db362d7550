//! PostgreSQL: pools of connections on a runtime of their own, so that no HTTP worker parses what a database
//! sends.
//!
//! Every use says what it is for. [`Postgres::read`] may be answered by whoever has the data,
//! [`Postgres::read_fresh`] sees every commit that finished before it, [`Postgres::write`] changes something. For
//! now the primary does all three.

mod connection;
mod copy;
mod listener;
mod migrations;
mod transaction;

use std::fmt;
use std::future::Future;
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use deadpool_postgres::{Manager, ManagerConfig, Pool, PoolError, RecyclingMethod, Runtime};
use tokio::runtime::{self, Handle};
use tokio::task::JoinHandle;
use tokio_postgres::config::SslMode;
use tokio_postgres::{Config, NoTls};

use super::{MigrationReport, SchemaState};
pub use connection::{Connection, Parameters};
pub use copy::{CopyRows, microseconds};
pub use listener::Listener;
pub use tokio_postgres::Row;
pub use tokio_postgres::error::SqlState;
pub use tokio_postgres::types::{ToSql, Type};
pub use transaction::{Transaction, is_unique_violation};

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(5);
/// How long a read waits for a connection. Callers have deadlines of their own; this one is for those without.
const WAIT: Duration = Duration::from_secs(5);
/// The longest any statement outside a write may run. A read that nobody awaits any more is cancelled at once;
/// this is for the day the cancelling does not arrive.
const LONGEST_READ: Duration = Duration::from_mins(1);
/// Writes at once. More would wait for each other's locks and for the disk.
const WRITERS: usize = 4;

/// Why PostgreSQL could not do something. Shows no password.
#[derive(Debug, thiserror::Error)]
pub enum PostgresError {
    /// The URL is none, or asks for what is not there.
    #[error("not a PostgreSQL URL: {0}")]
    Url(String),
    /// No connection could be made.
    #[error("cannot connect to PostgreSQL: {0}")]
    Connect(String),
    /// The schema is newer than this program, was edited, or a migration failed.
    #[error("cannot migrate the catalogue: {0}")]
    Migrate(String),
    /// A statement failed.
    #[error("catalogue query failed: {}", describe(.0))]
    Query(#[from] tokio_postgres::Error),
    /// Nothing could be begun in time, or another transaction was in the way. Nothing was written.
    #[error("the catalogue has more to do than it can in time")]
    Busy,
    /// What is stored cannot be what was written.
    #[error("damaged: {0}")]
    Damaged(String),
    /// The system gave no threads.
    #[error("cannot start: {0}")]
    Start(#[from] std::io::Error),
    /// The work ended without an answer.
    #[error("the catalogue is closed")]
    Closed,
}

impl PostgresError {
    /// What the server called the failure.
    pub fn state(&self) -> Option<&SqlState> {
        match self {
            Self::Query(error) => error.code(),
            _ => None,
        }
    }

    /// True where another transaction was in the way, or time was up while it was: the same work may well succeed the
    /// next time.
    pub fn is_conflict(&self) -> bool {
        let conflicts = [
            SqlState::QUERY_CANCELED,
            SqlState::T_R_SERIALIZATION_FAILURE,
            SqlState::T_R_DEADLOCK_DETECTED,
            SqlState::LOCK_NOT_AVAILABLE,
        ];
        matches!(self, Self::Busy) || self.state().is_some_and(|state| conflicts.contains(state))
    }
}

/// As the server words it; the driver's own text says "db error".
fn describe(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(error) => {
            let detail = error.detail().map(|detail| format!(" ({detail})"));
            let detail = detail.unwrap_or_default();
            format!(
                "{}{detail}, SQLSTATE {}",
                error.message(),
                error.code().code()
            )
        }
        None => match std::error::Error::source(error) {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        },
    }
}

impl From<PoolError> for PostgresError {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Backend(error) => Self::Connect(describe(&error)),
            PoolError::Timeout(deadpool_postgres::TimeoutType::Wait) => Self::Busy,
            PoolError::Timeout(_) => Self::Connect("it does not answer in time".to_owned()),
            PoolError::Closed => Self::Closed,
            error => Self::Connect(error.to_string()),
        }
    }
}

/// Where the database is and how it is used.
#[derive(Clone)]
pub struct Options {
    /// `postgres://user:password@host:port/database`.
    pub url: String,
    /// Connections for reading.
    pub pool_size: usize,
    /// Between here and the server stands PgBouncer in transaction mode: no statement is prepared for later, and
    /// nothing is asked of a session.
    pub pgbouncer: bool,
}

/// A handle to one database; clones share its connections.
#[derive(Clone)]
pub struct Postgres {
    shared: Arc<Shared>,
}

struct Shared {
    config: Config,
    pgbouncer: bool,
    readers: Pool,
    writers: Pool,
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

/// Reads a URL, and refuses what this program cannot do.
pub fn parse_url(url: &str) -> Result<Config, PostgresError> {
    let config = Config::from_str(url).map_err(|error| {
        let source = std::error::Error::source(&error).map(ToString::to_string);
        PostgresError::Url(source.unwrap_or_else(|| error.to_string()))
    })?;
    if config.get_hosts().is_empty() {
        return Err(PostgresError::Url("it names no host".to_owned()));
    }
    if config.get_dbname().is_none() {
        return Err(PostgresError::Url("it names no database".to_owned()));
    }
    if config.get_ssl_mode() == SslMode::Require {
        let reason = "sslmode=require is not supported by this version";
        return Err(PostgresError::Url(reason.to_owned()));
    }
    Ok(config)
}

impl Postgres {
    /// Makes no connection yet.
    pub fn open(options: &Options) -> Result<Self, PostgresError> {
        let mut config = parse_url(&options.url)?;
        config
            .application_name("doorbuster")
            .connect_timeout(CONNECT);
        if !options.pgbouncer {
            // Rows are read by key, where compiling a plan takes longer than running it, and from memory or a disk
            // without an arm, where a row here and there costs little more than the next one.
            let limit = LONGEST_READ.as_millis();
            config.options(format!(
                "-c statement_timeout={limit} -c jit=off -c random_page_cost=1.1"
            ));
        }
        let runtime = runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("postgres")
            .enable_all()
            .build()?;
        Ok(Self {
            shared: Arc::new(Shared {
                readers: pool(&config, options.pool_size)?,
                writers: pool(&config, WRITERS)?,
                config,
                pgbouncer: options.pgbouncer,
                handle: runtime.handle().clone(),
                runtime: Some(runtime),
            }),
        })
    }

    /// Runs pending migrations under a lock that other processes respect.
    pub fn migrate(&self) -> Result<MigrationReport, PostgresError> {
        self.block_on(migrations::run(&self.shared.config))
    }

    /// Compares the schema of the database with the one this program has, changing nothing.
    pub fn schema_state(&self) -> Result<SchemaState, PostgresError> {
        self.block_on(migrations::state(&self.shared.config))
    }

    /// Whether any migration was ever applied.
    pub fn has_schema(&self) -> Result<bool, PostgresError> {
        self.block_on(migrations::has_history(&self.shared.config))
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

    /// A connection for a read that may miss what was committed a moment ago.
    pub async fn read(&self) -> Result<Connection, PostgresError> {
        self.read_fresh().await
    }

    /// A connection for a read that sees every commit that finished before it.
    pub async fn read_fresh(&self) -> Result<Connection, PostgresError> {
        let object = self.shared.readers.get().await?;
        Ok(Connection::new(object, self.shared.pgbouncer))
    }

    /// A transaction that writes. Blocks; not for a thread that serves requests. With a deadline it is
    /// [`PostgresError::Busy`] where none could be begun by then, and no statement of it waits for a lock, nor
    /// runs, beyond it.
    pub fn write(&self, deadline: Option<Instant>) -> Result<Transaction, PostgresError> {
        let begun = async {
            let object = self.shared.writers.get();
            let object = match deadline {
                None => object.await?,
                Some(deadline) => tokio::time::timeout_at(deadline.into(), object)
                    .await
                    .map_err(|_| PostgresError::Busy)??,
            };
            Ok::<_, PostgresError>(Connection::new(object, self.shared.pgbouncer))
        };
        let connection = self.block_on(begun)?;
        Transaction::begin(self.shared.handle.clone(), connection, deadline)
    }

    /// Hears what other sessions tell this channel. Behind PgBouncer it hears nothing.
    pub fn listen(&self, channel: &'static str) -> Listener {
        let config = (!self.shared.pgbouncer).then(|| self.shared.config.clone());
        Listener::new(config, channel)
    }
}

fn pool(config: &Config, size: usize) -> Result<Pool, PostgresError> {
    let recycling_method = RecyclingMethod::Fast;
    let manager = Manager::from_config(config.clone(), NoTls, ManagerConfig { recycling_method });
    Pool::builder(manager)
        .max_size(size)
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(WAIT))
        .create_timeout(Some(CONNECT))
        .build()
        .map_err(|error| PostgresError::Connect(error.to_string()))
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
        write!(f, "Postgres({:?})", self.shared.config.get_dbname())
    }
}
