//! Who reads and writes where, on a real file.

use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;

use super::*;

fn counter() -> (Sqlite, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("counter.db");
    let outsider = open(&path, Access::ReadWrite).unwrap();
    outsider
        .execute_batch("CREATE TABLE counter (value INTEGER); INSERT INTO counter VALUES (0)")
        .unwrap();
    (Sqlite::open(&path).unwrap(), folder)
}

fn value(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("SELECT value FROM counter", [], |row| row.get(0))
}

fn increment(transaction: &Transaction<'_>) -> Result<i64, SqliteError> {
    transaction.execute("UPDATE counter SET value = value + 1", [])?;
    Ok(value(transaction)?)
}

fn thread_name() -> String {
    thread::current().name().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_point_read_runs_here_and_sees_every_commit_before_it() {
    let (database, _folder) = counter();
    for expected in 1..=50 {
        assert_eq!(database.write(increment).await.unwrap(), expected);
        let here = thread_name();
        let read = database.point_read(|connection| Ok((value(connection)?, thread_name())));
        assert_eq!(read.unwrap(), (expected, here));
    }
}

#[tokio::test]
async fn a_point_read_cannot_write() {
    let (database, _folder) = counter();
    let refused = database.point_read(|connection| connection.execute("DELETE FROM counter", []));
    assert!(refused.unwrap_err().to_string().contains("readonly"));
}

/// Each waits for the other, so one thread alone would wait for ever.
#[tokio::test]
async fn long_reads_run_beside_each_other_and_not_here() {
    let (database, _folder) = counter();
    let meeting = Arc::new(Barrier::new(READERS));
    let reads = (0..READERS).map(|_| {
        let meeting = Arc::clone(&meeting);
        database.read(move |connection| {
            meeting.wait();
            Ok((value(connection)?, thread_name()))
        })
    });
    for read in join_all(reads).await {
        assert_eq!(read.unwrap(), (0, "sqlite-reader".to_owned()));
    }
}

#[tokio::test]
async fn writes_come_one_after_the_other() {
    let (database, _folder) = counter();
    let writes: Vec<_> = join_all((0..100).map(|_| database.write(increment))).await;
    let values: Vec<_> = writes.into_iter().map(Result::unwrap).collect();
    assert_eq!(values, (1..=100).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_failed_write_leaves_nothing() {
    let (database, _folder) = counter();
    let failed = database
        .write(|transaction| {
            increment(transaction)?;
            Err::<(), _>(SqliteError::Closed)
        })
        .await;
    assert!(matches!(failed, Err(SqliteError::Closed)));
    assert_eq!(
        database
            .read(|connection| Ok(value(connection)?))
            .await
            .unwrap(),
        0
    );
}

#[tokio::test]
async fn a_panic_is_its_callers_loss_alone() {
    let (database, _folder) = counter();
    let lost = database
        .write(|transaction| {
            increment(transaction)?;
            panic!("in a write")
        })
        .await;
    assert!(matches!(lost, Err::<(), _>(SqliteError::Closed)));
    assert_eq!(database.write(increment).await.unwrap(), 1);
}

#[tokio::test]
async fn a_write_whose_caller_has_gone_is_done_all_the_same() {
    let (database, _folder) = counter();
    let _ = database.write(increment).now_or_never();
    assert_eq!(database.write(increment).await.unwrap(), 2);
}

fn soon(millis: u64) -> Instant {
    Instant::now() + Duration::from_millis(millis)
}

#[tokio::test]
async fn a_write_whose_turn_does_not_come_is_never_done() {
    let (database, _folder) = counter();
    let (go, gate) = std::sync::mpsc::channel::<()>();
    let long = tokio::spawn({
        let database = database.clone();
        async move {
            let held = move |_: &Transaction<'_>| Ok(gate.recv().is_ok());
            database.write(held).await
        }
    });
    tokio::task::yield_now().await;
    let begun = Instant::now();
    let late = database.write_by(soon(50), increment).await;
    assert!(matches!(late, Err(SqliteError::Busy)), "{late:?}");
    assert!(begun.elapsed() < Duration::from_secs(20));
    go.send(()).unwrap();
    assert!(long.await.unwrap().unwrap());
    assert_eq!(database.write_by(soon(30_000), increment).await.unwrap(), 1);
}

#[tokio::test]
async fn a_write_waits_for_another_process_until_its_deadline() {
    let (database, _folder) = counter();
    let outsider = open(database.path(), Access::ReadWrite).unwrap();
    outsider.execute_batch("BEGIN IMMEDIATE").unwrap();
    let begun = Instant::now();
    let late = database.write_by(soon(50), increment).await;
    assert!(matches!(late, Err(SqliteError::Busy)), "{late:?}");
    assert!(begun.elapsed() < BUSY_TIMEOUT / 2);
    // Reads go on meanwhile.
    assert_eq!(database.point_read(value).unwrap(), 0);
    let waiting = tokio::spawn({
        let database = database.clone();
        async move { database.write_by(soon(30_000), increment).await }
    });
    tokio::time::sleep(Duration::from_millis(20)).await;
    outsider.execute_batch("COMMIT").unwrap();
    assert_eq!(waiting.await.unwrap().unwrap(), 1);
}

#[tokio::test]
async fn only_so_many_writes_wait() {
    let (database, _folder) = counter();
    let outsider = open(database.path(), Access::ReadWrite).unwrap();
    outsider.execute_batch("BEGIN IMMEDIATE").unwrap();
    // One is tried at once, which no longer waits for its turn.
    let writes = (0..WAITING_WRITES + 50).map(|_| database.write_by(soon(30_000), increment));
    let mut writes: Vec<_> = writes.map(Box::pin).collect();
    let polled = join_all(writes.iter_mut().map(|write| async move {
        match futures_util::poll!(write) {
            std::task::Poll::Ready(outcome) => usize::from(outcome.is_err()),
            std::task::Poll::Pending => 0,
        }
    }));
    let refused: usize = polled.await.into_iter().sum();
    assert!((49..=50).contains(&refused), "{refused}");
    outsider.execute_batch("COMMIT").unwrap();
    drop(writes);
    let done = database.write(increment).await.unwrap();
    assert_eq!(
        done,
        i64::try_from(WAITING_WRITES + 50 - refused + 1).unwrap()
    );
}

#[test]
fn two_processes_that_migrate_at_once_both_succeed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("catalog.db");
    let reports: Vec<_> = thread::scope(|scope| {
        let runs: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| Sqlite::open(&path).unwrap().migrate().unwrap()))
            .collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    let applying = reports.iter().filter(|report| !report.applied.is_empty());
    assert_eq!(applying.count(), 1, "{reports:?}");
    assert!(matches!(
        Sqlite::schema_state(&path),
        Ok(SchemaState::Current { .. })
    ));
}
