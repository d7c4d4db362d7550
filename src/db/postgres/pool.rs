//! Connections kept for use again.

use std::sync::Arc;
use std::time::Duration;

use deadpool::Runtime;
use deadpool::managed::{self, Metrics, RecycleError, RecycleResult};
use deadpool_postgres::ClientWrapper;
use tokio::sync::watch;

use super::LONGEST_STATEMENT;
use super::connect::Servers;
use super::error::PostgresError;

/// How long a connection may take to be made, whichever of several servers it is to.
const CONNECT: Duration = Duration::from_secs(5);
/// How long anybody waits for a connection. Callers have deadlines of their own; this one is for those without.
const WAIT: Duration = Duration::from_secs(5);

pub(super) type Pool = managed::Pool<Manager>;
pub(super) type Object = managed::Object<Manager>;

/// Counts how often the connections to a server were given up. Those of an earlier time are not used again.
#[derive(Debug, Clone)]
pub(super) struct Generation(watch::Sender<u64>);

impl Generation {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(0))
    }

    pub(super) fn now(&self) -> u64 {
        *self.0.borrow()
    }

    /// Gives up the connections there are. What is being done on them is not stopped by that.
    pub(super) fn end(&self) {
        self.0.send_modify(|generation| *generation += 1);
    }

    /// Waits until the connections of this generation are given up.
    pub(super) async fn ended(&self, generation: u64) {
        // An error says that there is nobody any more who could give up anything.
        let mut generations = self.0.subscribe();
        let is_over = generations
            .wait_for(|now| *now != generation)
            .await
            .is_err();
        if is_over {
            std::future::pending::<()>().await;
        }
    }
}

/// A connection and what it was made in.
pub(super) struct Pooled {
    pub(super) client: ClientWrapper,
    pub(super) generation: u64,
    /// Whom to ask for the cancelling of a statement.
    pub(super) servers: Arc<Servers>,
    /// How long a statement may run there, in milliseconds, as it was last told.
    pub(super) statement_timeout: u64,
}

/// Makes the connections of a pool.
#[derive(Debug)]
pub(super) struct Manager {
    servers: Arc<Servers>,
    generation: Generation,
}

impl managed::Manager for Manager {
    type Type = Pooled;
    type Error = PostgresError;

    async fn create(&self) -> Result<Pooled, PostgresError> {
        let generation = self.generation.now();
        let (client, session) = self.servers.connect().await?;
        let task = tokio::spawn(async move {
            if let Err(error) = session.await {
                tracing::debug!(%error, "a connection to PostgreSQL ended");
            }
        });
        Ok(Pooled {
            client: ClientWrapper::new(client, task),
            generation,
            servers: Arc::clone(&self.servers),
            statement_timeout: LONGEST_STATEMENT,
        })
    }

    async fn recycle(&self, pooled: &mut Pooled, _: &Metrics) -> RecycleResult<PostgresError> {
        if pooled.client.is_closed() || pooled.generation != self.generation.now() {
            return Err(RecycleError::message("its server is lost"));
        }
        Ok(())
    }
}

/// A pool of at most `size` connections.
pub(super) fn pool(
    servers: &Arc<Servers>,
    generation: &Generation,
    size: usize,
) -> Result<Pool, PostgresError> {
    let manager = Manager {
        servers: Arc::clone(servers),
        generation: generation.clone(),
    };
    Pool::builder(manager)
        .max_size(size)
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(WAIT))
        .create_timeout(Some(CONNECT))
        .build()
        .map_err(|error| PostgresError::Connect(error.to_string()))
}
