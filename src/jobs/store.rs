//! What workers and operators ask of the place where jobs are kept, whichever database that is.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::BoxFuture;

use super::handler::Rate;
use super::history::{Outcomes, Recent};
use super::job::{End, Job, JobId, JobRecord, KindStats, Lease, NewJob, Selection};
use crate::db::postgres::PostgresError;
use crate::db::sqlite::SqliteError;

/// Why the store gives no answer.
#[derive(Debug, thiserror::Error)]
pub enum JobStoreError {
    /// The embedded store.
    #[error(transparent)]
    Sqlite(#[from] SqliteError),
    /// PostgreSQL.
    #[error(transparent)]
    Postgres(#[from] PostgresError),
    /// What is stored is not what was written.
    #[error("a job is damaged: {0}")]
    Damaged(String),
}

impl From<rusqlite::Error> for JobStoreError {
    fn from(error: rusqlite::Error) -> Self {
        SqliteError::from(error).into()
    }
}

/// Which jobs are to be begun.
#[derive(Debug, Clone)]
pub struct Fetch {
    /// Of this kind.
    pub kind: &'static str,
    /// At most so many.
    pub limit: usize,
    /// For how long nobody else may.
    pub lease: Duration,
    /// By whom, for people.
    pub worker: String,
    /// How fast all workers together may begin them.
    pub rate: Option<Rate>,
}

/// Jobs that were begun.
#[derive(Debug, Default)]
pub struct Fetched {
    /// In the order they are to be done.
    pub jobs: Vec<Job>,
    /// When the rate allows the next one, where it was in the way.
    pub next_in: Option<Duration>,
}

/// A lease that was extended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extended {
    /// Of this job.
    pub id: JobId,
    /// Somebody wants it no more.
    pub is_cancelled: bool,
}

/// How long what has ended is remembered.
#[derive(Debug, Clone, Copy)]
pub struct Retention {
    /// What was done or cancelled.
    pub ended: Duration,
    /// Dead letters.
    pub dead: Duration,
}

/// What is done for all jobs from time to time.
#[derive(Debug, Clone, Copy)]
pub struct Upkeep {
    /// For how long jobs are leased.
    pub lease: Duration,
}

/// What was found at that.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Looked {
    /// The kinds that have jobs to be done now.
    pub ready: Vec<String>,
    /// So many were taken from workers that said nothing any more.
    pub retaken: u64,
}

/// Where jobs are kept.
pub trait JobStore: Send + Sync + 'static {
    /// Keeps jobs, all or none, once they are committed. For each its number; `None` where one with its key is live.
    fn enqueue(
        &self,
        jobs: Vec<NewJob>,
    ) -> BoxFuture<'_, Result<Vec<Option<JobId>>, JobStoreError>>;

    /// Begins jobs that are ready, unless their kind is paused.
    fn fetch(&self, fetch: Fetch) -> BoxFuture<'_, Result<Fetched, JobStoreError>>;

    /// Extends leases by as much as they had. Those that are missing in the answer are lost.
    fn extend(
        &self,
        leases: Vec<Lease>,
        lease: Duration,
    ) -> BoxFuture<'_, Result<Vec<Extended>, JobStoreError>>;

    /// Ends beginnings of jobs. Those that are missing in the answer were not the caller's to end any more. Asked again
    /// after an answer that was lost, it changes nothing.
    fn end(&self, ends: Vec<End>) -> BoxFuture<'_, Result<Vec<JobId>, JobStoreError>>;

    /// Has jobs whose time has come ready, takes jobs from workers that said nothing for longer than their lease, and
    /// looks what there is to be done.
    fn look(&self, upkeep: Upkeep) -> BoxFuture<'_, Result<Looked, JobStoreError>>;

    /// Waits for word that another process has enqueued something, at most so long. May miss some.
    fn heard(&self, longest: Duration) -> BoxFuture<'_, ()>;

    /// Tells other processes that something was enqueued, as far as there is a way to. Not for every job: it costs the
    /// database a lock that all who tell something take.
    fn announce(&self) -> BoxFuture<'_, Result<(), JobStoreError>>;

    /// Enqueues the turn of a schedule, unless that or a later one was. True where it did.
    fn enqueue_turn(
        &self,
        schedule: &'static str,
        turn: i64,
        job: NewJob,
    ) -> BoxFuture<'_, Result<bool, JobStoreError>>;

    /// The time by the clock of the store, in milliseconds since 1970.
    fn now(&self) -> BoxFuture<'_, Result<i64, JobStoreError>>;

    /// Forgets a batch of what ended long ago; true where there may be more.
    fn forget(&self, retention: Retention) -> BoxFuture<'_, Result<bool, JobStoreError>>;

    /// A job, live or ended.
    fn find(&self, id: JobId) -> BoxFuture<'_, Result<Option<JobRecord>, JobStoreError>>;

    /// Jobs, newest first, at most `limit`.
    fn list(
        &self,
        selection: Selection,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<JobRecord>, JobStoreError>>;

    /// How the jobs of each kind stand.
    fn stats(&self) -> BoxFuture<'_, Result<Vec<KindStats>, JobStoreError>>;

    /// Adds what was done of a kind now. Asked again after an answer that was lost, it adds it twice.
    fn tell(
        &self,
        kind: &'static str,
        outcomes: Outcomes,
    ) -> BoxFuture<'_, Result<(), JobStoreError>>;

    /// What became of the jobs of each kind of which some ended in the last hour.
    fn recent(&self) -> BoxFuture<'_, Result<BTreeMap<String, Recent>, JobStoreError>>;

    /// Has jobs done again that are dead or cancelled, and those done at once that are scheduled. Leaves one alone whose
    /// key another live one has. Returns how many.
    fn retry(&self, selection: Selection) -> BoxFuture<'_, Result<u64, JobStoreError>>;

    /// Ends jobs that wait, and has those stopped that are being done. Returns how many.
    fn cancel(&self, selection: Selection) -> BoxFuture<'_, Result<u64, JobStoreError>>;

    /// Forgets jobs that have ended. Returns how many.
    fn purge(&self, selection: Selection) -> BoxFuture<'_, Result<u64, JobStoreError>>;

    /// Whether jobs of a kind are left alone.
    fn pause(&self, kind: String, is_paused: bool) -> BoxFuture<'_, Result<(), JobStoreError>>;
}
