//! A connection on loan from a pool.

use std::pin::pin;
use std::time::Duration;

use deadpool_postgres::ClientWrapper;
use futures_util::future::join;
use futures_util::{SinkExt, TryStreamExt};
use tokio::runtime::Handle;
use tokio::time::timeout;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{CancelToken, Row};

use super::copy::CopyRows;
use super::pool::Object;
use super::{LONGEST_STATEMENT, PostgresError};
use crate::limits::overload::context;

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
    /// Whether what is said of the session holds for the next statement.
    has_session: bool,
    cancel: CancelToken,
    in_flight: bool,
}

impl Connection {
    pub(super) fn new(object: Object, unnamed: bool) -> Self {
        Self {
            cancel: object.client.cancel_token(),
            object: Some(object),
            unnamed,
            has_session: !unnamed,
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

    /// What has to be said before a statement so that it may run for as long as it is waited for, and no longer. `None`
    /// where that was said, or would not be heard.
    fn time_limit(&mut self) -> Option<String> {
        let object = self.object.as_mut().filter(|_| self.has_session)?;
        let wanted = context::current()
            .left()
            .map_or(LONGEST_STATEMENT, statement_timeout);
        let before = std::mem::replace(&mut object.statement_timeout, wanted);
        (before != wanted).then(|| format!("SET statement_timeout = {wanted}"))
    }

    /// Awaits what is said to the server before a statement and the answer to that; both are sent at once.
    async fn after<T>(
        limit: Option<impl Future<Output = Result<(), tokio_postgres::Error>>>,
        statement: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, PostgresError> {
        let Some(limit) = limit else {
            return Ok(statement.await?);
        };
        let (limited, answer) = join(limit, statement).await;
        limited?;
        Ok(answer?)
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
            let limit = self.time_limit();
            let object = self.object()?;
            let limit = limit.as_deref().map(|limit| object.batch_execute(limit));
            let statement = async {
                if self.unnamed {
                    return object
                        .query_typed_raw(sql, parameters.iter().cloned())
                        .await;
                }
                let types: Vec<Type> = parameters.iter().map(|(_, of)| of.clone()).collect();
                let statement = object.prepare_typed_cached(sql, &types).await?;
                let values = parameters.iter().map(|(value, _)| *value);
                object.query_raw(&statement, values).await
            };
            let mut rows = pin!(Self::after(limit, statement).await?);
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
        let outcome = async {
            let limit = self.time_limit();
            let object = self.object()?;
            let limit = limit.as_deref().map(|limit| object.batch_execute(limit));
            Self::after(limit, object.batch_execute(sql)).await
        }
        .await;
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

/// In milliseconds, of what is left. Rounded up, by an eighth at most, so that few connections have to be told anew.
fn statement_timeout(left: Duration) -> u64 {
    let millis = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
    let millis = millis.clamp(1, LONGEST_STATEMENT);
    let step = (millis.next_power_of_two() / 16).max(1);
    millis.next_multiple_of(step).min(LONGEST_STATEMENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_rounded_up_a_little_and_never_none() {
        let of = |millis| statement_timeout(Duration::from_millis(millis));
        assert_eq!(of(0), 1);
        assert_eq!((of(15), of(990), of(1_000)), (15, 1_024, 1_024));
        assert_eq!(of(3_600_000), LONGEST_STATEMENT);
        for millis in 1..60_000 {
            let limit = of(millis);
            assert!(
                limit >= millis && limit <= millis + millis / 8,
                "{millis} {limit}"
            );
        }
    }
}
