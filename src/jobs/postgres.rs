//! Jobs in PostgreSQL.

mod begin;
mod end;
mod history;
mod operate;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::Mutex;

use super::history::{Outcomes, Recent};
use super::job::{End, JobId, JobRecord, KindStats, Lease, NewJob, Selection};
use super::store::{Extended, Fetch, Fetched, JobStore, JobStoreError, Looked, Retention, Upkeep};
use crate::db::postgres::{Connection, Listener, Postgres, PostgresError, Type};
pub use end::end_in;

/// Where other processes are told that something was enqueued.
const CHANNEL: &str = "doorbuster_jobs";

/// Numbers are drawn first, so that each row that was put is known from those that gave way to a live one. Those that were
/// drawn, in order, and those of rows that were put.
const ENQUEUE: &str = "
    WITH given AS MATERIALIZED (
        SELECT nextval((SELECT pg_get_serial_sequence('job', 'id')::regclass)) AS id, job_now() AS now, *
        FROM unnest($1, $2, $3, $4, $5, $6, $7) WITH ORDINALITY
            AS g (kind, priority, delay, max_attempts, unique_key, payload, trace, place)
    ), put AS (
        INSERT INTO job (id, kind, state, priority, run_at, max_attempts, unique_key, payload, trace, created_at)
        SELECT id, kind, CASE WHEN delay > 0 THEN 'scheduled' ELSE 'ready' END, priority, now + delay, max_attempts,
            unique_key, payload, trace, now
        FROM given ORDER BY place
        ON CONFLICT (kind, unique_key) WHERE unique_key IS NOT NULL DO UPDATE
            SET again_at = least(job.again_at, excluded.run_at) WHERE job.state = 'running'
        RETURNING id
    )
    SELECT ARRAY(SELECT id FROM given ORDER BY place), ARRAY(SELECT id FROM put)";

/// The jobs of a catalogue in PostgreSQL. The schema must be current.
#[derive(Clone)]
pub struct PostgresJobs {
    database: Postgres,
    listener: Arc<Mutex<Listener>>,
}

impl PostgresJobs {
    /// Those beside the catalogue in this database. With a handle of their own they take no connection from readers.
    pub fn new(database: Postgres) -> Self {
        Self {
            listener: Arc::new(Mutex::new(database.listen(CHANNEL))),
            database,
        }
    }

    /// Does something of one statement. What was begun is done even where nobody awaits it any more.
    fn with<T: Send + 'static>(
        &self,
        work: impl AsyncWork<T>,
    ) -> BoxFuture<'_, Result<T, JobStoreError>> {
        let database = self.database.clone();
        let task = async move {
            let mut connection = database.read_fresh().await?;
            work(&mut connection).await
        };
        let (answer, answered) = tokio::sync::oneshot::channel();
        self.database.spawn(async move {
            let _ = answer.send(task.await);
        });
        let answered = async move { Ok(answered.await.unwrap_or(Err(PostgresError::Closed))?) };
        answered.boxed()
    }
}

/// Something to do on a connection.
trait AsyncWork<T>:
    for<'c> FnOnce(&'c mut Connection) -> BoxFuture<'c, Result<T, PostgresError>> + Send + 'static
{
}

impl<T, F> AsyncWork<T> for F where
    F: for<'c> FnOnce(&'c mut Connection) -> BoxFuture<'c, Result<T, PostgresError>>
        + Send
        + 'static
{
}

/// Keeps jobs in the caller's transaction: they are there if and when that is committed. For each its number; `None`
/// where one with its key is live. Workers are to be woken after that.
pub async fn enqueue(
    connection: &mut Connection,
    jobs: &[NewJob],
) -> Result<Vec<Option<JobId>>, PostgresError> {
    // One statement may not touch a row twice, and those of the same keys must take them in the same order.
    let mut order: Vec<usize> = (0..jobs.len()).collect();
    order.sort_by_key(|place| {
        let job = &jobs[*place];
        (job.unique_key.as_deref().map(|key| (job.kind, key)), *place)
    });
    order.dedup_by(|later, earlier| {
        let (later, earlier) = (&jobs[*later], &jobs[*earlier]);
        later.unique_key.is_some()
            && later.kind == earlier.kind
            && later.unique_key == earlier.unique_key
    });
    let each = || order.iter().map(|place| &jobs[*place]);
    let kinds: Vec<&str> = each().map(|job| job.kind).collect();
    let priorities: Vec<i32> = each().map(|job| job.priority).collect();
    let delays: Vec<i64> = each().map(|job| job.when.delay()).collect();
    let attempts: Vec<i32> = each().map(|job| job.max_attempts.into()).collect();
    let keys: Vec<Option<&str>> = each().map(|job| job.unique_key.as_deref()).collect();
    let payloads: Vec<&str> = each().map(|job| job.payload.as_str()).collect();
    let traces: Vec<Option<&str>> = each().map(|job| job.trace.as_deref()).collect();
    let rows = connection
        .query(
            ENQUEUE,
            &[
                (&kinds, Type::TEXT_ARRAY),
                (&priorities, Type::INT4_ARRAY),
                (&delays, Type::INT8_ARRAY),
                (&attempts, Type::INT4_ARRAY),
                (&keys, Type::TEXT_ARRAY),
                (&payloads, Type::TEXT_ARRAY),
                (&traces, Type::TEXT_ARRAY),
            ],
        )
        .await?;
    let mut ids = vec![None; jobs.len()];
    for row in &rows {
        let (drawn, put): (Vec<JobId>, Vec<JobId>) = (row.try_get(0)?, row.try_get(1)?);
        let put: HashSet<JobId> = put.into_iter().collect();
        for (place, id) in order.iter().zip(drawn) {
            ids[*place] = put.contains(&id).then_some(id);
        }
    }
    Ok(ids)
}

impl JobStore for PostgresJobs {
    fn enqueue(
        &self,
        jobs: Vec<NewJob>,
    ) -> BoxFuture<'_, Result<Vec<Option<JobId>>, JobStoreError>> {
        self.with(move |connection| async move { enqueue(connection, &jobs).await }.boxed())
    }

    fn fetch(&self, fetch: Fetch) -> BoxFuture<'_, Result<Fetched, JobStoreError>> {
        if fetch.rate.is_none() {
            return self.with(move |connection| {
                async move { begin::fetch(connection, &fetch).await }.boxed()
            });
        }
        let database = self.database.clone();
        async move {
            let work = move || begin::fetch_at_a_rate(database.write(None)?, &fetch);
            Ok(self.database.run_blocking(work).await?)
        }
        .boxed()
    }

    fn extend(
        &self,
        leases: Vec<Lease>,
        lease: Duration,
    ) -> BoxFuture<'_, Result<Vec<Extended>, JobStoreError>> {
        self.with(move |connection| {
            async move { begin::extend(connection, &leases, lease).await }.boxed()
        })
    }

    fn end(&self, ends: Vec<End>) -> BoxFuture<'_, Result<Vec<JobId>, JobStoreError>> {
        self.with(move |connection| async move { end::end(connection, &ends).await }.boxed())
    }

    fn look(&self, upkeep: Upkeep) -> BoxFuture<'_, Result<Looked, JobStoreError>> {
        self.with(move |connection| {
            async move { begin::look(connection, upkeep.lease).await }.boxed()
        })
    }

    fn heard(&self, longest: Duration) -> BoxFuture<'_, ()> {
        async move { self.listener.lock().await.wait(longest, longest).await }.boxed()
    }

    fn announce(&self) -> BoxFuture<'_, Result<(), JobStoreError>> {
        self.with(|connection| {
            async move {
                let announce = format!("NOTIFY {CHANNEL}");
                connection.batch(&announce).await
            }
            .boxed()
        })
    }

    fn enqueue_turn(
        &self,
        schedule: &'static str,
        turn: i64,
        job: NewJob,
    ) -> BoxFuture<'_, Result<bool, JobStoreError>> {
        let database = self.database.clone();
        let work = move || {
            let mut transaction = database.write(None)?;
            let rows = transaction.execute(
                "INSERT INTO job_schedule (name, last_at) VALUES ($1, $2)
                 ON CONFLICT (name) DO UPDATE SET last_at = excluded.last_at
                     WHERE job_schedule.last_at < excluded.last_at",
                &[(&schedule, Type::TEXT), (&turn, Type::INT8)],
            )?;
            if rows > 0 {
                transaction.on(async |connection| enqueue(connection, &[job]).await)?;
            }
            transaction.commit()?;
            Ok::<_, PostgresError>(rows > 0)
        };
        async move { Ok(self.database.run_blocking(work).await?) }.boxed()
    }

    fn now(&self) -> BoxFuture<'_, Result<i64, JobStoreError>> {
        self.with(|connection| {
            async move {
                Ok(connection
                    .query_one("SELECT job_now()", &[])
                    .await?
                    .try_get(0)?)
            }
            .boxed()
        })
    }

    fn forget(&self, retention: Retention) -> BoxFuture<'_, Result<bool, JobStoreError>> {
        self.with(move |connection| async move { end::forget(connection, retention).await }.boxed())
    }

    fn find(&self, id: JobId) -> BoxFuture<'_, Result<Option<JobRecord>, JobStoreError>> {
        let found =
            self.with(move |connection| async move { operate::find(connection, id).await }.boxed());
        async move { found.await?.as_ref().map(operate::record).transpose() }.boxed()
    }

    fn list(
        &self,
        selection: Selection,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<JobRecord>, JobStoreError>> {
        let rows = self.with(move |connection| {
            async move { operate::list(connection, &selection, limit).await }.boxed()
        });
        async move { rows.await?.iter().map(operate::record).collect() }.boxed()
    }

    fn stats(&self) -> BoxFuture<'_, Result<Vec<KindStats>, JobStoreError>> {
        self.with(|connection| operate::stats(connection).boxed())
    }

    fn tell(
        &self,
        kind: &'static str,
        outcomes: Outcomes,
    ) -> BoxFuture<'_, Result<(), JobStoreError>> {
        self.with(move |connection| {
            async move { history::tell(connection, kind, &outcomes).await }.boxed()
        })
    }

    fn recent(&self) -> BoxFuture<'_, Result<BTreeMap<String, Recent>, JobStoreError>> {
        self.with(|connection| history::recent(connection).boxed())
    }

    fn retry(&self, selection: Selection) -> BoxFuture<'_, Result<u64, JobStoreError>> {
        self.with(move |connection| {
            async move { operate::retry(connection, &selection).await }.boxed()
        })
    }

    fn cancel(&self, selection: Selection) -> BoxFuture<'_, Result<u64, JobStoreError>> {
        self.with(move |connection| {
            async move { operate::cancel(connection, &selection).await }.boxed()
        })
    }

    fn purge(&self, selection: Selection) -> BoxFuture<'_, Result<u64, JobStoreError>> {
        self.with(move |connection| {
            async move { operate::purge(connection, &selection).await }.boxed()
        })
    }

    fn pause(&self, kind: String, is_paused: bool) -> BoxFuture<'_, Result<(), JobStoreError>> {
        self.with(move |connection| {
            async move {
                connection
                    .execute(
                        "INSERT INTO job_kind (kind, is_paused) VALUES ($1, $2)
                         ON CONFLICT (kind) DO UPDATE SET is_paused = excluded.is_paused",
                        &[(&kind, Type::TEXT), (&is_paused, Type::BOOL)],
                    )
                    .await?;
                Ok(())
            }
            .boxed()
        })
    }
}

impl From<Postgres> for PostgresJobs {
    fn from(database: Postgres) -> Self {
        Self::new(database)
    }
}
