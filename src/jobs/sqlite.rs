//! Jobs in the embedded store.

mod begin;
mod end;
mod history;
mod operate;

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use rusqlite::{Connection, OptionalExtension, params};
use tokio::time::timeout;

use super::history::{Outcomes, Recent};
use super::job::{End, JobId, JobRecord, KindStats, Lease, NewJob, Selection};
use super::store::{Extended, Fetch, Fetched, JobStore, JobStoreError, Looked, Retention, Upkeep};
use crate::db::sqlite::Sqlite;
pub use end::end_in;

const INSERT: &str = "
    INSERT INTO job (kind, state, priority, run_at, max_attempts, unique_key, payload, trace, created_at)
    VALUES (?1, CASE WHEN ?3 > 0 THEN 'scheduled' ELSE 'ready' END, ?2, ?8 + ?3, ?4, ?5, ?6, ?7, ?8)
    ON CONFLICT (kind, unique_key) WHERE unique_key IS NOT NULL DO UPDATE
        SET again_at = min(coalesce(again_at, excluded.run_at), excluded.run_at)
        WHERE state = 'running'
    RETURNING id, state <> 'running'";

/// The jobs of a catalogue in the embedded store. The schema must be current.
#[derive(Debug, Clone)]
pub struct SqliteJobs {
    database: Sqlite,
}

impl SqliteJobs {
    /// Those beside the catalogue in this database.
    pub fn new(database: Sqlite) -> Self {
        Self { database }
    }

    /// Does something in a transaction, in turn with all other writes.
    fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> BoxFuture<'_, Result<T, JobStoreError>> {
        let written = self.database.write(move |connection| Ok(work(connection)?));
        async move { Ok(written.await?) }.boxed()
    }

    fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> BoxFuture<'_, Result<T, JobStoreError>> {
        let read = self.database.read(move |connection| Ok(work(connection)?));
        async move { Ok(read.await?) }.boxed()
    }
}

/// Milliseconds since 1970.
fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    super::job::millis(now.unwrap_or_default())
}

/// Keeps jobs in the caller's transaction: they are there if and when that is committed. For each its number; `None`
/// where one with its key is live. Workers of this process are to be woken after that.
pub fn enqueue(connection: &Connection, jobs: &[NewJob]) -> rusqlite::Result<Vec<Option<JobId>>> {
    let now = now();
    let mut statement = connection.prepare_cached(INSERT)?;
    let mut ids = Vec::with_capacity(jobs.len());
    for job in jobs {
        let put = statement
            .query_row(
                params![
                    job.kind,
                    job.priority,
                    job.when.delay(),
                    job.max_attempts,
                    job.unique_key,
                    job.payload,
                    job.trace,
                    now
                ],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .optional()?;
        // One that is running was there before, and was asked for again.
        ids.push(put.and_then(|(id, is_new)| bool::then_some(is_new, id)));
    }
    Ok(ids)
}

impl JobStore for SqliteJobs {
    fn enqueue(
        &self,
        jobs: Vec<NewJob>,
    ) -> BoxFuture<'_, Result<Vec<Option<JobId>>, JobStoreError>> {
        self.write(move |connection| enqueue(connection, &jobs))
    }

    fn fetch(&self, fetch: Fetch) -> BoxFuture<'_, Result<Fetched, JobStoreError>> {
        self.write(move |connection| begin::fetch(connection, &fetch))
    }

    fn extend(
        &self,
        leases: Vec<Lease>,
        lease: Duration,
    ) -> BoxFuture<'_, Result<Vec<Extended>, JobStoreError>> {
        let asked = leases.clone();
        let extended = self.write(move |connection| begin::extend(connection, &asked, lease));
        async move {
            match timeout(lease / 6, extended).await {
                Ok(Ok(extended)) => Ok(extended),
                // Somebody writes for long, such as an import that is one of these jobs. To take a job needs the same
                // lock: whoever has it still goes on having it meanwhile, and extends the lease first thing after.
                _ => {
                    self.read(move |connection| begin::held(connection, &leases))
                        .await
                }
            }
        }
        .boxed()
    }

    fn end(&self, ends: Vec<End>) -> BoxFuture<'_, Result<Vec<JobId>, JobStoreError>> {
        self.write(move |connection| end::end(connection, &ends))
    }

    fn look(&self, upkeep: Upkeep) -> BoxFuture<'_, Result<Looked, JobStoreError>> {
        async move {
            let (is_due, ready) = self
                .read(move |connection| begin::look(connection, upkeep.lease))
                .await?;
            if !is_due {
                return Ok(Looked { ready, retaken: 0 });
            }
            // Written only where there is something to be written: a look is no reason to take the lock.
            self.write(move |connection| {
                let retaken = begin::retake(connection, upkeep.lease)?;
                begin::promote(connection)?;
                let (_, ready) = begin::look(connection, upkeep.lease)?;
                Ok(Looked { ready, retaken })
            })
            .await
        }
        .boxed()
    }

    fn heard(&self, longest: Duration) -> BoxFuture<'_, ()> {
        tokio::time::sleep(longest).boxed()
    }

    fn announce(&self) -> BoxFuture<'_, Result<(), JobStoreError>> {
        std::future::ready(Ok(())).boxed()
    }

    fn enqueue_turn(
        &self,
        schedule: &'static str,
        turn: i64,
        job: NewJob,
    ) -> BoxFuture<'_, Result<bool, JobStoreError>> {
        self.write(move |connection| {
            let rows = connection.execute(
                "INSERT INTO job_schedule (name, last_at) VALUES (?1, ?2)
                 ON CONFLICT (name) DO UPDATE SET last_at = excluded.last_at
                     WHERE last_at < excluded.last_at",
                params![schedule, turn],
            )?;
            if rows > 0 {
                enqueue(connection, &[job])?;
            }
            Ok(rows > 0)
        })
    }

    fn now(&self) -> BoxFuture<'_, Result<i64, JobStoreError>> {
        std::future::ready(Ok(now())).boxed()
    }

    fn forget(&self, retention: Retention) -> BoxFuture<'_, Result<bool, JobStoreError>> {
        self.write(move |connection| end::forget(connection, retention))
    }

    fn find(&self, id: JobId) -> BoxFuture<'_, Result<Option<JobRecord>, JobStoreError>> {
        self.read(move |connection| operate::find(connection, id))
    }

    fn list(
        &self,
        selection: Selection,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<JobRecord>, JobStoreError>> {
        self.read(move |connection| operate::list(connection, &selection, limit))
    }

    fn stats(&self) -> BoxFuture<'_, Result<Vec<KindStats>, JobStoreError>> {
        self.read(operate::stats)
    }

    fn tell(
        &self,
        kind: &'static str,
        outcomes: Outcomes,
    ) -> BoxFuture<'_, Result<(), JobStoreError>> {
        self.write(move |connection| history::tell(connection, kind, outcomes))
    }

    fn recent(&self) -> BoxFuture<'_, Result<BTreeMap<String, Recent>, JobStoreError>> {
        self.read(history::recent)
    }

    fn retry(&self, selection: Selection) -> BoxFuture<'_, Result<u64, JobStoreError>> {
        self.write(move |connection| operate::retry(connection, &selection))
    }

    fn cancel(&self, selection: Selection) -> BoxFuture<'_, Result<u64, JobStoreError>> {
        self.write(move |connection| operate::cancel(connection, &selection))
    }

    fn purge(&self, selection: Selection) -> BoxFuture<'_, Result<u64, JobStoreError>> {
        self.write(move |connection| operate::purge(connection, &selection))
    }

    fn pause(&self, kind: String, is_paused: bool) -> BoxFuture<'_, Result<(), JobStoreError>> {
        self.write(move |connection| {
            connection.execute(
                "INSERT INTO job_kind (kind, is_paused) VALUES (?1, ?2)
                 ON CONFLICT (kind) DO UPDATE SET is_paused = excluded.is_paused",
                params![kind, is_paused],
            )?;
            Ok(())
        })
    }
}

impl From<Sqlite> for SqliteJobs {
    fn from(database: Sqlite) -> Self {
        Self::new(database)
    }
}
