//! A transaction for code that blocks.

use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio_postgres::Row;

use super::connection::{Connection, Parameters};
use super::copy::CopyRows;
use super::{PostgresError, SqlState};

/// A transaction. Rolled back unless [`Transaction::commit`] is called. Its calls block, so it is not for a thread
/// of a runtime.
pub struct Transaction {
    handle: Handle,
    /// `None` once it has ended.
    connection: Option<Connection>,
    in_the_way: bool,
}

impl Transaction {
    pub(super) fn begin(
        handle: Handle,
        connection: Connection,
        deadline: Option<Instant>,
    ) -> Result<Self, PostgresError> {
        let limits = match deadline {
            // Imports take their time, and so may their statements.
            None => "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '30s'".to_owned(),
            Some(deadline) => {
                let left = deadline.saturating_duration_since(Instant::now());
                let left = left.max(Duration::from_millis(1)).as_millis();
                format!("SET LOCAL statement_timeout = {left}; SET LOCAL lock_timeout = {left}")
            }
        };
        let mut transaction = Self {
            handle,
            connection: Some(connection),
            in_the_way: false,
        };
        transaction.batch(&format!("BEGIN; {limits}"))?;
        Ok(transaction)
    }

    /// Does something with the connection, inside the transaction.
    pub fn on<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut Connection) -> Result<T, PostgresError>,
    ) -> Result<T, PostgresError> {
        let connection = self.connection.as_mut().ok_or(PostgresError::Closed)?;
        let outcome = self.handle.block_on(work(connection));
        if let Err(error) = &outcome {
            self.in_the_way |= error.is_conflict() || is_unique_violation(error);
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
        let Some(mut connection) = self.connection.take() else {
            return;
        };
        // A connection on which that fails is of no use to the next one.
        if self.handle.block_on(connection.batch("ROLLBACK")).is_err() {
            let _entered = self.handle.enter();
            connection.discard();
        }
    }
}

/// True for a row that breaks a rule of uniqueness.
pub fn is_unique_violation(error: &PostgresError) -> bool {
    error.state() == Some(&SqlState::UNIQUE_VIOLATION)
}
