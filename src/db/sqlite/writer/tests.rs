//! Who shares a transaction, and who pays for a failure in it.

use std::sync::{Arc, Barrier};

use futures_util::FutureExt;
use futures_util::future::join_all;

use super::*;
use crate::db::sqlite::{Access, open};

/// A writer over a counter at 0, and an outsider's connection to it.
struct Counter {
    writer: Writer,
    outsider: Connection,
    _folder: tempfile::TempDir,
}

impl Counter {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("counter.db");
        let outsider = open(&path, Access::ReadWrite).unwrap();
        outsider
            .execute_batch("CREATE TABLE counter (value INTEGER); INSERT INTO counter VALUES (0)")
            .unwrap();
        Self {
            writer: Writer::start(open(&path, Access::ReadWrite).unwrap()),
            outsider,
            _folder: folder,
        }
    }

    fn value(&self) -> i64 {
        value(&self.outsider)
    }

    /// Empties the log; returns the pages that were in it, at least one for each transaction.
    fn empty_log(&self) -> i64 {
        let checkpoint = "PRAGMA wal_checkpoint(PASSIVE)";
        self.outsider
            .query_row(checkpoint, [], |row| row.get(1))
            .unwrap()
    }

    fn lock(&self) {
        self.outsider.execute_batch("BEGIN IMMEDIATE").unwrap();
    }

    fn unlock(&self) {
        self.outsider.execute_batch("COMMIT").unwrap();
    }
}

fn soon(millis: u64) -> Instant {
    Instant::now() + Duration::from_millis(millis)
}

fn value(connection: &Connection) -> i64 {
    connection
        .query_row("SELECT value FROM counter", [], |row| row.get(0))
        .unwrap()
}

fn increment(connection: &Connection) -> Result<i64, SqliteError> {
    connection.execute("UPDATE counter SET value = value + 1", [])?;
    Ok(value(connection))
}

fn fail(connection: &Connection) -> Result<i64, SqliteError> {
    increment(connection)?;
    Err(SqliteError::Closed)
}

fn panic(connection: &Connection) -> Result<i64, SqliteError> {
    increment(connection)?;
    panic!("in a write")
}

#[tokio::test]
async fn those_who_wait_share_a_transaction_and_fail_alone() {
    let counter = Counter::new();
    counter.empty_log();
    counter.lock();
    let kind = |number| match number {
        100 => panic,
        number if number % 2 == 0 => increment,
        _ => fail,
    };
    // All of them are in the queue before the lock is gone.
    let mut writes: Vec<_> = (0..200)
        .map(|number| Box::pin(counter.writer.run_by(soon(30_000), kind(number))))
        .collect();
    for write in &mut writes {
        assert!(write.now_or_never().is_none());
    }
    counter.unlock();
    let outcomes = join_all(writes).await;
    let (kept, undone): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    let values: Vec<_> = kept.into_iter().flatten().collect();
    assert_eq!(values, (1..=99).collect::<Vec<_>>());
    let failures = undone
        .iter()
        .all(|it| matches!(it, Err(SqliteError::Closed)));
    assert!(failures, "{undone:?}");
    assert_eq!(counter.value(), 99);
    let pages = counter.empty_log();
    assert!((1..=10).contains(&pages), "{pages} pages for 100 writes");
}

#[tokio::test]
async fn an_answer_comes_after_the_commit() {
    let counter = Counter::new();
    let committing = Arc::new(Barrier::new(2));
    let (first, second) = (Arc::clone(&committing), Arc::clone(&committing));
    let mut early = Box::pin(counter.writer.run_by(soon(30_000), increment));
    let late = counter.writer.run_by(soon(30_000), move |connection| {
        first.wait();
        first.wait();
        increment(connection)
    });
    // The first to wait begins the group, the other one joins it.
    counter.lock();
    assert!((&mut early).now_or_never().is_none());
    let mut late = Box::pin(late);
    assert!((&mut late).now_or_never().is_none());
    counter.unlock();
    second.wait();
    assert!((&mut early).now_or_never().is_none(), "answered too early");
    assert_eq!(counter.value(), 0);
    second.wait();
    assert_eq!((early.await.unwrap(), late.await.unwrap()), (1, 2));
    assert_eq!(counter.value(), 2);
}

#[tokio::test]
async fn a_lock_that_is_held_too_long_is_told_in_time_and_nothing_is_written_later() {
    let counter = Counter::new();
    counter.lock();
    let begun = Instant::now();
    let outcomes = join_all((0..50).map(|_| counter.writer.run_by(soon(200), increment))).await;
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
    for outcome in outcomes {
        assert!(matches!(outcome, Err(SqliteError::Busy)), "{outcome:?}");
    }
    counter.unlock();
    assert_eq!(
        counter
            .writer
            .run_by(soon(30_000), increment)
            .await
            .unwrap(),
        1
    );
}

#[tokio::test]
async fn one_too_many_is_refused_at_once() {
    let counter = Counter::new();
    counter.lock();
    let full = (0..=QUEUE + 1).find_map(|_| {
        counter
            .writer
            .run_by(soon(30_000), increment)
            .now_or_never()
    });
    assert!(matches!(full, Some(Err(SqliteError::Busy))), "{full:?}");
    counter.unlock();
}

#[tokio::test]
async fn a_transaction_that_is_lost_is_lost_for_all_and_the_next_one_is_sound() {
    let counter = Counter::new();
    counter.lock();
    let rollback = |connection: &Connection| {
        // As a full disk does.
        connection.execute_batch("ROLLBACK").unwrap();
        Ok::<_, SqliteError>(0)
    };
    let mut early = Box::pin(counter.writer.run_by(soon(30_000), increment));
    let mut culprit = Box::pin(counter.writer.run_by(soon(30_000), rollback));
    assert!((&mut early).now_or_never().is_none());
    assert!((&mut culprit).now_or_never().is_none());
    counter.unlock();
    assert!(matches!(early.await, Err(SqliteError::Lost(_))));
    assert!(matches!(culprit.await, Err(SqliteError::Lost(_))));
    assert_eq!(
        counter
            .writer
            .run_by(soon(30_000), increment)
            .await
            .unwrap(),
        1
    );
}
