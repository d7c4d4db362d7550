//! What need not happen in a request: a queue of jobs in the database of the catalogue, and the workers that do them.
//! Knows nothing of products.
//!
//! A job is enqueued in a transaction of the caller ([`sqlite::enqueue`], [`postgres::enqueue`]) or by
//! [`Queue::enqueue`], which writes what is asked for meanwhile together. It is begun under a lease, which is extended
//! while it is being done, and ended with the fence of that lease: at least once, whatever dies, and its end at most
//! once. Who writes what the job is for in the transaction that ends it (`end_in`) has it done exactly once.

mod backoff;
mod counters;
mod enqueued;
mod handler;
mod history;
mod job;
pub mod postgres;
mod queue;
mod schedule;
mod spacing;
pub mod sqlite;
mod store;
mod workers;

pub use backoff::Backoff;
pub use counters::{Counters, KindCounters, Retaken};
pub use enqueued::Wake;
pub use handler::{Failure, Handler, Limits, Rate, Registered};
pub use history::{KindReport, Outcomes, Recent, Times, report};
pub use job::{
    End, Fate, Job, JobId, JobRecord, Kind, KindStats, Lease, NewJob, Selection, State, When,
};
pub use postgres::PostgresJobs;
pub use queue::{Queue, QueueError};
pub use schedule::{Schedule, ScheduleError};
pub use sqlite::SqliteJobs;
pub use store::{Extended, Fetch, Fetched, JobStore, JobStoreError, Looked, Retention, Upkeep};
pub use workers::{WorkerOptions, Workers};
