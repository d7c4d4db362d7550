//! The store of jobs that an example works on.

use std::sync::Arc;
use std::time::Duration;

use doorbuster::db::postgres::{Options, Postgres};
use doorbuster::db::sqlite::Sqlite;
use doorbuster::jobs::{JobStore, PostgresJobs, SqliteJobs};

/// By `sqlite:PATH` or the URL of a database, which have to be there and current.
pub(crate) fn open(url: &str) -> anyhow::Result<Arc<dyn JobStore>> {
    if let Some(path) = url.strip_prefix("sqlite:") {
        return Ok(Arc::new(SqliteJobs::new(Sqlite::open(path.as_ref())?)));
    }
    let options = Options {
        url: url.to_owned(),
        replicas: Vec::new(),
        max_replica_lag: Duration::from_secs(5),
        pool_size: 4,
        pgbouncer: false,
    };
    Ok(Arc::new(PostgresJobs::new(Postgres::open(&options)?)))
}
