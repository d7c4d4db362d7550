//! A database with jobs in it.

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use doorbuster::db::postgres::{Options, Postgres, PostgresError};
use doorbuster::db::sqlite::{Sqlite, SqliteError};
use doorbuster::jobs::{
    Fetch, Fetched, Job, JobStore, Kind, Lease, NewJob, PostgresJobs, Rate, SqliteJobs, Upkeep,
};
use rusqlite::Connection;
use serde_json::json;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use crate::harness::{Database, PostgresDatabase};

pub(crate) const LEASE: Duration = Duration::from_secs(30);

/// A kind of which what was done is remembered.
pub(crate) const PLAIN: Kind = kind("test.plain", 3);

/// What the jobs of the tests write, beside the tables of the catalogue.
const TABLES: &str = "CREATE TABLE effect (n bigint NOT NULL, worker text);
    CREATE TABLE begun (n bigint NOT NULL, worker text);
    CREATE TABLE keyed (n bigint PRIMARY KEY, deliveries bigint NOT NULL);";

pub(crate) const fn kind(name: &'static str, max_attempts: u16) -> Kind {
    Kind {
        name,
        max_attempts,
        keeps_done: true,
    }
}

/// The database of jobs, opened as a program of ours does.
#[derive(Clone)]
pub(crate) enum Opened {
    Sqlite(Sqlite),
    Postgres(Postgres),
}

impl Opened {
    /// By `sqlite:PATH` or the URL of a database.
    pub(crate) fn at(url: &str) -> Self {
        if let Some(path) = url.strip_prefix("sqlite:") {
            return Self::Sqlite(Sqlite::open(path.as_ref()).unwrap());
        }
        let options = Options {
            url: url.to_owned(),
            replicas: Vec::new(),
            max_replica_lag: Duration::from_secs(5),
            pool_size: 4,
            pgbouncer: false,
        };
        Self::Postgres(Postgres::open(&options).unwrap())
    }

    pub(crate) fn jobs(&self) -> Arc<dyn JobStore> {
        match self {
            Self::Sqlite(database) => Arc::new(SqliteJobs::new(database.clone())),
            Self::Postgres(database) => Arc::new(PostgresJobs::new(database.clone())),
        }
    }
}

impl Opened {
    /// Runs a statement in a transaction of its own; returns how many rows it touched.
    pub(crate) async fn execute(&self, sql: String) -> Result<u64, String> {
        match self {
            Self::Sqlite(database) => {
                let rows = database.write(move |connection| Ok(connection.execute(&sql, [])?));
                rows.await
                    .map(|rows| rows as u64)
                    .map_err(|error| error.to_string())
            }
            Self::Postgres(database) => {
                let mut connection = database
                    .read_fresh()
                    .await
                    .map_err(|error| error.to_string())?;
                let rows = connection.execute(&sql, &[]).await;
                rows.map_err(|error| error.to_string())
            }
        }
    }

    /// Writes an effect and ends its job in one transaction, which is undone where the lease was lost.
    pub(crate) async fn write_effect(&self, lease: Lease, n: i64) -> Result<(), String> {
        let sql = format!("INSERT INTO effect (n) VALUES ({n})");
        match self {
            Self::Sqlite(database) => {
                let written = database.write(move |connection| {
                    connection.execute(&sql, [])?;
                    if doorbuster::jobs::sqlite::end_in(connection, lease, true)? {
                        Ok(())
                    } else {
                        Err(SqliteError::Lost("the lease".to_owned()))
                    }
                });
                written.await.map_err(|error| error.to_string())
            }
            Self::Postgres(database) => {
                let of = database.clone();
                let write = move || {
                    let mut transaction = of.write(None)?;
                    transaction.execute(&sql, &[])?;
                    let ended = transaction.on(async |connection| {
                        doorbuster::jobs::postgres::end_in(connection, lease, true).await
                    });
                    if !ended? {
                        return Err(PostgresError::Closed);
                    }
                    transaction.commit()
                };
                let written = database.run_blocking(write).await;
                written.map_err(|error| error.to_string())
            }
        }
    }
}

/// A database of its own, gone when it goes out of scope.
pub(crate) struct Place {
    folder: TempDir,
    postgres: Option<PostgresDatabase>,
    pub(crate) opened: Opened,
    pub(crate) store: Arc<dyn JobStore>,
    runtime: Runtime,
}

impl Place {
    pub(crate) fn sqlite() -> Self {
        Self::new(None)
    }

    pub(crate) fn postgres() -> Self {
        Self::of(PostgresDatabase::new())
    }

    /// In this database.
    pub(crate) fn of(database: PostgresDatabase) -> Self {
        Self::new(Some(database))
    }

    fn new(postgres: Option<PostgresDatabase>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = match &postgres {
            Some(database) => database.url(),
            None => format!("sqlite:{}", file(&folder).display()),
        };
        let opened = Opened::at(&url);
        if let Opened::Sqlite(database) = &opened {
            database.migrate().unwrap();
        }
        let place = Self {
            store: opened.jobs(),
            folder,
            postgres,
            opened,
            runtime: Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()
                .unwrap(),
        };
        place.raw().execute_batch(TABLES).unwrap();
        place
    }

    pub(crate) fn url(&self) -> String {
        match &self.postgres {
            Some(database) => database.url(),
            None => format!("sqlite:{}", file(&self.folder).display()),
        }
    }

    /// A session, as a program has it that knows nothing of ours.
    pub(crate) fn raw(&self) -> Database {
        if let Some(database) = &self.postgres {
            return Database::Postgres(database.connect());
        }
        let connection = Connection::open(file(&self.folder)).unwrap();
        connection.busy_timeout(Duration::from_secs(30)).unwrap();
        Database::Sqlite(connection)
    }

    /// What the server of its own has logged.
    pub(crate) fn log(&self) -> String {
        self.postgres.as_ref().unwrap().log()
    }

    pub(crate) fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    pub(crate) fn handle(&self) -> &tokio::runtime::Handle {
        self.runtime.handle()
    }

    /// The port of the server.
    pub(crate) fn port(&self) -> Option<u16> {
        let url = self.postgres.as_ref()?.url();
        let (host, _) = url.rsplit_once('/')?;
        host.rsplit_once(':')?.1.parse().ok()
    }

    /// Enqueues a job with a number as its payload; true where it is a new one.
    pub(crate) fn put(&self, job: NewJob) -> bool {
        let ids = self.wait(self.store.enqueue(vec![job])).unwrap();
        ids[0].is_some()
    }

    pub(crate) fn fetched(&self, kind: &Kind, limit: usize, rate: Option<Rate>) -> Fetched {
        let fetch = Fetch {
            kind: kind.name,
            limit,
            lease: LEASE,
            worker: "tester".to_owned(),
            rate,
        };
        self.wait(self.store.fetch(fetch)).unwrap()
    }

    /// Begins jobs that are ready.
    pub(crate) fn fetch(&self, kind: &Kind, limit: usize) -> Vec<Job> {
        self.fetched(kind, limit, None).jobs
    }

    /// Looks after the jobs, and returns how many were taken from workers.
    pub(crate) fn look(&self) -> u64 {
        let upkeep = Upkeep { lease: LEASE };
        self.wait(self.store.look(upkeep)).unwrap().retaken
    }

    pub(crate) fn state(&self, id: i64) -> Option<(&'static str, u16)> {
        let record = self.wait(self.store.find(id)).unwrap()?;
        Some((record.state.as_str(), record.attempt))
    }

    /// Has everything that is stored happened so much earlier by the clock, as if that had been set forward since; later
    /// where it is below zero.
    pub(crate) fn set_clock_forward(&self, by: Duration, forward: bool) {
        let by = i64::try_from(by.as_millis()).unwrap() * if forward { -1 } else { 1 };
        let step = format!(
            "UPDATE job SET lease_until = lease_until + {by}, run_at = run_at + {by}, created_at = created_at + {by};
             UPDATE job_ended SET ended_at = ended_at + {by}; UPDATE job_kind SET next_at = next_at + {by};
             UPDATE job_history SET slot = slot + {by};"
        );
        self.raw().execute_batch(&step).unwrap();
    }

    /// Sets the clock of the store from so many milliseconds behind the real one to so many, beside workers that work.
    pub(crate) fn set_clock(&self, before: i64, behind: i64) {
        // That of the embedded store is the machine's, which is not ours to set: its times are moved instead.
        let forward = before - behind;
        let set = match &self.opened {
            Opened::Postgres(_) => format!(
                "CREATE OR REPLACE FUNCTION job_now() RETURNS bigint LANGUAGE sql VOLATILE PARALLEL SAFE AS $$
                     SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint - {behind}
                 $$"
            ),
            Opened::Sqlite(_) => format!(
                "UPDATE job SET lease_until = lease_until - ({forward}), run_at = run_at - ({forward})
                 WHERE state <> 'ready'"
            ),
        };
        self.raw().execute_batch(&set).unwrap();
    }
}

fn file(folder: &TempDir) -> PathBuf {
    folder.path().join("catalog.db")
}

/// A job whose payload is a number.
pub(crate) fn numbered(kind: &Kind, n: i64) -> NewJob {
    NewJob::new(kind, &json!({ "n": n })).unwrap()
}

pub(crate) fn number(job: &Job) -> i64 {
    let payload: serde_json::Value = job.read().unwrap();
    payload["n"].as_i64().unwrap()
}

pub(crate) fn numbers(jobs: &[Job]) -> Vec<i64> {
    jobs.iter().map(number).collect()
}

pub(crate) fn leases(jobs: &[Job]) -> Vec<Lease> {
    jobs.iter().map(|job| job.lease).collect()
}
