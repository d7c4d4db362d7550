//! A transaction for code that blocks.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::time::{timeout, timeout_at};
use tokio_postgres::Row;

use super::connection::{Connection, Parameters};
use super::copy::CopyRows;
use super::routing::Routing;
use super::{PostgresError, SqlState};

/// How much longer than the server is told to take we wait for its answer. One that does not even say that time is up
/// hangs, or is gone.
const GRACE: Duration = Duration::from_millis(250);
/// How long a transaction may take to begin. Nothing holds that up but a server that hangs.
const BEGINNING: Duration = Duration::from_secs(1);
/// How long rolling back may take.
const ROLLBACK: Duration = Duration::from_secs(1);

/// A transaction. Rolled back unless [`Transaction::commit`] is called. Its calls block, so it is not for a thread
/// of a runtime.
pub struct Transaction {
    handle: Handle,
    routing: Arc<Routing>,
    /// `None` once it has ended.
    connection: Option<Connection>,
    deadline: Option<Instant>,
    /// How long the server may take for a statement.
    patience: Option<Duration>,
    in_the_way: bool,
    /// Nothing can be said over the connection any more.
    is_lost: bool,
}

impl Transaction {
    /// The first connection to be had may turn out to be dead. Nothing was asked of it yet, so another one is taken.
    pub(super) fn begin(
        handle: Handle,
        routing: Arc<Routing>,
        deadline: Option<Instant>,
    ) -> Result<Self, PostgresError> {
        let mut transaction = Self {
            handle,
            routing,
            connection: None,
            deadline,
            patience: None,
            in_the_way: false,
            is_lost: false,
        };
        match transaction.try_begin() {
            Err(error) if error.is_lost() && transaction.is_lost => transaction.try_begin()?,
            begun => begun?,
        }
        Ok(transaction)
    }

    fn try_begin(&mut self) -> Result<(), PostgresError> {
        self.roll_back();
        let connecting = async {
            let object = self.routing.writers.get();
            let object = match self.deadline {
                None => object.await?,
                Some(deadline) => timeout_at(deadline.into(), object)
                    .await
                    .map_err(|_| PostgresError::Busy)??,
            };
            Ok::<_, PostgresError>(Connection::new(object, self.routing.pgbouncer))
        };
        self.connection = Some(self.handle.block_on(connecting)?);
        self.is_lost = false;
        let left = |deadline: Instant| deadline.saturating_duration_since(Instant::now());
        self.patience = self.deadline.map(left);
        let statements = format!("BEGIN; {}", limits(self.patience));
        self.on(async |connection| {
            let begun = timeout(BEGINNING, connection.batch(&statements)).await;
            begun.unwrap_or(Err(PostgresError::NoAnswer("to the beginning of a write")))
        })
    }

    /// Ends what was begun. A connection on which that fails is of no use to the next one. Nothing is cancelled: COMMIT
    /// would stop waiting for a synchronous replica then, and be done without it.
    fn roll_back(&mut self) {
        let Some(mut connection) = self.connection.take() else {
            return;
        };
        let is_rolled_back = !self.is_lost
            && self.handle.block_on(async {
                let rollback = timeout(ROLLBACK, connection.batch("ROLLBACK"));
                matches!(rollback.await, Ok(Ok(())))
            });
        if !is_rolled_back {
            let _entered = self.handle.enter();
            connection.discard();
        }
    }

    /// Does something with the connection, inside the transaction.
    pub fn on<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut Connection) -> Result<T, PostgresError>,
    ) -> Result<T, PostgresError> {
        let connection = self.connection.as_mut().ok_or(PostgresError::Closed)?;
        let generation = connection.generation();
        let work = work(connection);
        let outcome = self.handle.block_on(async {
            match self.patience {
                None => work.await,
                Some(patience) => timeout(patience + GRACE, work)
                    .await
                    .unwrap_or(Err(PostgresError::NoAnswer("to a write"))),
            }
        });
        if let Err(error) = &outcome {
            self.in_the_way |= error.is_conflict() || is_unique_violation(error);
            self.is_lost |= error.is_lost();
            match error {
                // It may wait for a replica, or have too much to do. A look will tell.
                PostgresError::NoAnswer(_) => self.routing.primary.suspected.notify_one(),
                error if error.is_lost() || error.is_demoted() => {
                    self.routing.lose_primary(generation);
                }
                _ => {}
            }
        }
        outcome
    }

    /// Whether another transaction was in the way of a statement: the same work may well succeed the next time.
    /// A broken rule of uniqueness counts until it is [explained](Self::explained).
    pub fn was_in_the_way(&self) -> bool {
        self.in_the_way
    }

    /// The last failure was nobody's fault but the caller's.
    pub fn explained(&mut self) {
        self.in_the_way = false;
    }

    /// All rows of a statement.
    pub fn query(
        &mut self,
        sql: &str,
        parameters: Parameters<'_>,
    ) -> Result<Vec<Row>, PostgresError> {
        self.on(async |connection| connection.query(sql, parameters).await)
    }

    /// The row of a statement that has one at most.
    pub fn query_opt(
        &mut self,
        sql: &str,
        parameters: Parameters<'_>,
    ) -> Result<Option<Row>, PostgresError> {
        self.on(async |connection| connection.query_opt(sql, parameters).await)
    }

    /// The row of a statement that always has one.
    pub fn query_one(
        &mut self,
        sql: &str,
        parameters: Parameters<'_>,
    ) -> Result<Row, PostgresError> {
        self.on(async |connection| connection.query_one(sql, parameters).await)
    }

    /// Runs a statement; returns how many rows it touched.
    pub fn execute(&mut self, sql: &str, parameters: Parameters<'_>) -> Result<u64, PostgresError> {
        self.on(async |connection| connection.execute(sql, parameters).await)
    }

    /// Runs statements without parameters, one after another.
    pub fn batch(&mut self, sql: &str) -> Result<(), PostgresError> {
        self.on(async |connection| connection.batch(sql).await)
    }

    /// Sends the rows of a `COPY … FROM STDIN (FORMAT binary)`, if there are any.
    pub fn copy_in(&mut self, sql: &str, rows: CopyRows) -> Result<u64, PostgresError> {
        if rows.is_empty() {
            return Ok(0);
        }
        self.on(async |connection| connection.copy_in(sql, rows).await)
    }

    /// Has every statement planned for the values it is given from now on. For statements over many rows: a plan that
    /// was made while a table was small would be kept when it no longer is.
    pub fn plan_anew(&mut self) {
        if let Some(connection) = &mut self.connection {
            connection.plan_anew();
        }
    }

    /// Keeps everything. Where the answer to COMMIT is lost, so is the knowledge whether it was done.
    pub fn commit(mut self) -> Result<(), PostgresError> {
        self.batch("COMMIT")?;
        self.connection = None;
        Ok(())
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        self.roll_back();
    }
}

/// What holds for the statements of a transaction.
fn limits(patience: Option<Duration>) -> String {
    match patience {
        // Imports take their time, and so may their statements.
        None => "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '30s'".to_owned(),
        Some(patience) => {
            let left = patience.max(Duration::from_millis(1)).as_millis();
            format!("SET LOCAL statement_timeout = {left}; SET LOCAL lock_timeout = {left}")
        }
    }
}

/// True for a row that breaks a rule of uniqueness.
pub fn is_unique_violation(error: &PostgresError) -> bool {
    error.state() == Some(&SqlState::UNIQUE_VIOLATION)
}
