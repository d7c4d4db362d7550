//! A connection on loan from a pool.

use std::pin::pin;
use std::time::Duration;

use deadpool_postgres::ClientWrapper;
use futures_util::{SinkExt, TryStreamExt};
use tokio::runtime::Handle;
use tokio::time::timeout;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{CancelToken, Row};

use super::PostgresError;
use super::copy::CopyRows;
use super::pool::Object;

/// How long cancelling may take. A server that hangs does not hear of it.
const CANCELLING: Duration = Duration::from_secs(5);

/// Values and their types, in the order of `$1`, `$2`, …
pub type Parameters<'a> = &'a [(&'a (dyn ToSql + Sync), Type)];

/// A connection. What is dropped while a statement runs has that statement cancelled.
pub struct Connection {
    /// `None` once it is being dropped.
    object: Option<Object>,
    /// Whether statements are left unnamed: a pooler may run the next one on another session, and an unnamed one is
    /// planned for its values.
    unnamed: bool,
    cancel: CancelToken,
    in_flight: bool,
}

impl Connection {
    pub(super) fn new(object: Object, unnamed: bool) -> Self {
        Self {
            cancel: object.client.cancel_token(),
            object: Some(object),
            unnamed,
            in_flight: false,
        }
    }

    fn object(&self) -> Result<&ClientWrapper, PostgresError> {
        let object = self.object.as_ref().ok_or(PostgresError::Closed)?;
        Ok(&object.client)
    }

    /// In which time of its server it was made.
    pub(super) fn generation(&self) -> u64 {
        let object = self.object.as_ref();
        object.map_or(0, |object| object.generation)
    }

    /// All rows of a statement.
    pub async fn query(
        &mut self,
        sql: &str,
        parameters: Parameters<'_>,
    ) -> Result<Vec<Row>, PostgresError> {
        let mut rows = Vec::new();
        self.for_each(sql, parameters, |row| {
            rows.push(row);
            true
        })
        .await?;
        Ok(rows)
    }

    /// All rows of a statement whose best plan depends on its values: it is planned for them.
    pub async fn query_anew(
        &mut self,
        sql: &str,
        parameters: Parameters<'_>,
    ) -> Result<Vec<Row>, PostgresError> {
        let before = std::mem::replace(&mut self.unnamed, true);
        let rows = self.query(sql, parameters).await;
        self.unnamed = before;
        rows
    }

    /// Hands over one row after another, as they come, until `visit` returns false.
    pub async fn for_each(
        &mut self,
        sql: &str,
        parameters: Parameters<'_>,
        mut visit: impl FnMut(Row) -> bool,
    ) -> Result<(), PostgresError> {
        self.in_flight = true;
        let outcome = async {
            let object = self.object()?;
            let rows = if self.unnamed {
                object
                    .query_typed_raw(sql, parameters.iter().cloned())
                    .await?
            } else {
                let types: Vec<Type> = parameters.iter().map(|(_, of)| of.clone()).collect();
                let statement = object.prepare_typed_cached(sql, &types).await?;
                let values = parameters.iter().map(|(value, _)| *value);
                object.query_raw(&statement, values).await?
            };
            let mut rows = pin!(rows);
            while let Some(row) = rows.try_next().await? {
                if !visit(row) {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        .await;
        // What is not read to its end goes on: see `drop`.
        self.in_flight = matches!(outcome, Ok(false));
        outcome.map(|_| ())
    }

    /// The row of a statement that has one at most.
    pub async fn query_opt(
        &mut self,
        sql: &str,
        parameters: Parameters<'_>,
    ) -> Result<Option<Row>, PostgresError> {
        Ok(self.query(sql, parameters).await?.into_iter().next())
    }

    /// The row of a statement that always has one.
    pub async fn query_one(
        &mut self,
        sql: &str,
        parameters: Parameters<'_>,
    ) -> Result<Row, PostgresError> {
        let row = self.query_opt(sql, parameters).await?;
        row.ok_or(PostgresError::Closed)
    }

    /// Runs a statement; returns how many rows it touched.
    pub async fn execute(
        &mut self,
        sql: &str,
        parameters: Parameters<'_>,
    ) -> Result<u64, PostgresError> {
        self.in_flight = true;
        let outcome = async {
            let object = self.object()?;
            if self.unnamed {
                let rows = object
                    .query_typed_raw(sql, parameters.iter().cloned())
                    .await?;
                let mut rows = pin!(rows);
                while rows.try_next().await?.is_some() {}
                return Ok(rows.rows_affected().unwrap_or(0));
            }
            let types: Vec<Type> = parameters.iter().map(|(_, of)| of.clone()).collect();
            let statement = object.prepare_typed_cached(sql, &types).await?;
            let values = parameters.iter().map(|(value, _)| *value);
            Ok(object.execute_raw(&statement, values).await?)
        }
        .await;
        self.in_flight = false;
        outcome
    }

    /// Runs statements without parameters, one after another.
    pub async fn batch(&mut self, sql: &str) -> Result<(), PostgresError> {
        self.in_flight = true;
        let outcome = async { Ok(self.object()?.batch_execute(sql).await?) }.await;
        self.in_flight = false;
        outcome
    }

    /// Sends the rows of a `COPY … FROM STDIN (FORMAT binary)`.
    pub async fn copy_in(&mut self, sql: &str, rows: CopyRows) -> Result<u64, PostgresError> {
        self.in_flight = true;
        let outcome = async {
            let object = self.object()?;
            let sink = if self.unnamed {
                object.copy_in(sql).await?
            } else {
                let statement = object.prepare_cached(sql).await?;
                object.copy_in(&statement).await?
            };
            let mut sink = pin!(sink);
            sink.send(rows.finish()).await?;
            Ok(sink.finish().await?)
        }
        .await;
        self.in_flight = false;
        outcome
    }

    /// Has every statement planned for the values it is given from now on. For statements over many rows: a plan that
    /// was made while a table was small would be kept when it no longer is.
    pub(super) fn plan_anew(&mut self) {
        self.unnamed = true;
    }

    /// Has it closed instead of used again.
    pub(super) fn discard(mut self) {
        if let Some(object) = self.object.take() {
            drop(Object::take(object));
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if !self.in_flight {
            return;
        }
        let Some(object) = self.object.take() else {
            return;
        };
        // A cancellation that comes late would hit the next statement, so there is none on this connection.
        let pooled = Object::take(object);
        let cancel = self.cancel.clone();
        if let Ok(handle) = Handle::try_current() {
            handle.spawn(async move {
                let cancelling = cancel.cancel_query(pooled.servers.tls.clone());
                match timeout(CANCELLING, cancelling).await {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => {
                        tracing::debug!("a statement could not be cancelled: {error}");
                    }
                    Err(_) => tracing::debug!("a statement could not be cancelled in time"),
                }
                drop(pooled);
            });
        }
    }
}
