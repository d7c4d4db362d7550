//! A day of jobs, as short as it has to be: tables and indexes stay as large as they were when its first tenth was over.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use doorbuster::jobs::{
    Failure, Handler, Job, Limits, NewJob, Queue, Registered, Retention, Workers,
};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::Notify;

use super::place::{Opened, PLAIN, Place, number, numbered};
use super::process::options;
use crate::harness::PostgresDatabase;

/// In so many parts the day comes. What has ended is remembered for `REMEMBERED` of them.
const PARTS: i64 = 100;
const REMEMBERED: usize = 5;
/// By how much the largest tenth may be larger than the first one: what autovacuum has not come to yet.
const SLACK_PERCENT: i64 = 30;
/// How long the log of the embedded store may be, in bytes: that of a group of writes, and of those until it is copied.
const LOG: u64 = 64 * 1024 * 1024;
/// A day is long enough for autovacuum to come by itself, each second where it comes each minute in a real one.
const LONG: i64 = 200_000;

#[test]
fn with_sqlite() {
    a_day_leaves_the_tables_as_large_as_they_were(&Place::sqlite());
}

#[test]
fn with_postgres() {
    let database = PostgresDatabase::in_a_cluster_of_its_own();
    let session = database.connect();
    session
        .batch("ALTER SYSTEM SET autovacuum_naptime = '1s'")
        .unwrap();
    session.batch("SELECT pg_reload_conf()").unwrap();
    a_day_leaves_the_tables_as_large_as_they_were(&Place::of(database));
}

/// Most are done at once; some fail once, some have a time, some a key.
fn job(n: i64) -> NewJob {
    let job = numbered(&PLAIN, n);
    match n % 10 {
        1 => job.after(Duration::from_millis(50)),
        2 => job.unique(n.to_string()),
        _ => job,
    }
}

struct Work {
    left: Arc<AtomicI64>,
    none_left: Arc<Notify>,
}

impl Handler for Work {
    fn run<'a>(&'a self, job: &'a Job) -> BoxFuture<'a, Result<(), Failure>> {
        let done = if number(job) % 10 == 3 && job.attempt == 1 {
            Err(Failure::PassingFor(
                Duration::from_millis(50),
                "once".to_owned(),
            ))
        } else {
            if self.left.fetch_sub(1, Ordering::AcqRel) == 1 {
                self.none_left.notify_one();
            }
            Ok(())
        };
        std::future::ready(done).boxed()
    }
}

fn a_day_leaves_the_tables_as_large_as_they_were(place: &Place) {
    let jobs = std::env::var("JOBS_OF_A_DAY").map_or(10_000, |text| text.parse().unwrap());
    let (left, none_left) = (Arc::new(AtomicI64::new(0)), Arc::new(Notify::new()));
    let work = Work {
        left: Arc::clone(&left),
        none_left: Arc::clone(&none_left),
    };
    let limits = Limits {
        concurrency: 500,
        ..Limits::default()
    };
    let queue = Queue::new(place.store.clone(), place.handle());
    let kinds = vec![Registered::new(PLAIN, limits, work)];
    let mut often = options(Duration::from_secs(30));
    often.poll = Duration::from_millis(20);
    let workers = Workers::start(&queue, kinds, Vec::new(), often).unwrap();

    let begun = Instant::now();
    let (mut ends, mut sizes) = (Vec::new(), Vec::new());
    for part in 0..PARTS {
        let numbers = part * jobs / PARTS..(part + 1) * jobs / PARTS;
        left.store(numbers.end - numbers.start, Ordering::Release);
        let all: Vec<_> = numbers.map(job).collect();
        for batch in all.chunks(500) {
            place.wait(place.store.enqueue(batch.to_vec())).unwrap();
            queue.wake().enqueued(PLAIN.name);
        }
        place.wait(none_left.notified());
        ends.push(Instant::now());
        if let Some(old) = ends.iter().rev().nth(REMEMBERED) {
            let retention = Retention {
                ended: old.elapsed(),
                dead: old.elapsed(),
            };
            while place.wait(place.store.forget(retention)).unwrap() {}
        }
        if jobs < LONG && matches!(place.opened, Opened::Postgres(_)) {
            // A short one is over before autovacuum comes.
            place.raw().execute("VACUUM job", []).unwrap();
            place.raw().execute("VACUUM job_ended", []).unwrap();
        }
        if (part + 1) % (PARTS / 10) == 0 {
            sizes.push(place.bytes_of_jobs());
        }
    }
    let took = begun.elapsed();
    workers.drain();
    println!("{jobs} jobs in {took:.1?}; bytes after each tenth: {sizes:?}");
    println!("{}", place.sizes_of_jobs());
    let (first, most) = (sizes[0], *sizes.iter().max().unwrap());
    assert!(
        most <= first + first * SLACK_PERCENT / 100,
        "the tables grow: {sizes:?}"
    );
    // No fewer are remembered than ought to be.
    let remembered = place.raw().number("SELECT count(*) FROM job_ended");
    let wanted = jobs * i64::try_from(REMEMBERED).unwrap() / PARTS;
    assert!(remembered >= wanted, "{remembered}");
}

impl Place {
    /// What the tables of jobs take, with their indexes, on disk.
    fn bytes_of_jobs(&self) -> i64 {
        match &self.opened {
            Opened::Postgres(_) => self.raw().number(
                "SELECT sum(pg_total_relation_size(oid))::bigint FROM pg_class
                 WHERE relname IN ('job', 'job_ended')",
            ),
            Opened::Sqlite(database) => {
                // A log as long as it may be stays so.
                let log = database.path().with_extension("db-wal");
                assert!(std::fs::metadata(log).unwrap().len() <= LOG);
                // The file has next to nothing else in it.
                let pages =
                    "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size";
                self.raw().number(pages)
            }
        }
    }

    /// Each of them, for people.
    fn sizes_of_jobs(&self) -> String {
        let sizes = match &self.opened {
            Opened::Postgres(_) => {
                "SELECT relname || ' ' || pg_relation_size(c.oid) FROM pg_class c
                 LEFT JOIN pg_index i ON i.indexrelid = c.oid
                 WHERE coalesce(i.indrelid, c.oid) IN ('job'::regclass, 'job_ended'::regclass) ORDER BY 1"
            }
            Opened::Sqlite(_) => {
                "SELECT name || ' ' || sum(pgsize) FROM dbstat WHERE name GLOB '*job*' GROUP BY name"
            }
        };
        self.raw().texts(sizes).join(", ")
    }
}
