//! Who reads and writes where, on a real file.

use std::sync::atomic::AtomicUsize;
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

fn increment(connection: &Connection) -> Result<i64, SqliteError> {
    connection.execute("UPDATE counter SET value = value + 1", [])?;
    Ok(value(connection)?)
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

/// Counts for longer than any test may take.
const ENDLESS: &str =
    "WITH RECURSIVE n(i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n";

#[tokio::test]
async fn a_read_that_nobody_awaits_any_more_stops() {
    let (database, _folder) = counter();
    for _ in 0..READERS * 3 {
        let endless = database
            .read(|connection| Ok(connection.query_row(ENDLESS, [], |row| row.get::<_, i64>(0))?));
        let deadline = Duration::from_millis(20);
        assert!(tokio::time::timeout(deadline, endless).await.is_err());
        // The thread and its connection serve the next one unharmed.
        let next = (0..READERS).map(|_| database.read(|connection| Ok(value(connection)?)));
        for read in join_all(next).await {
            assert_eq!(read.unwrap(), 0);
        }
    }
}

#[tokio::test]
async fn a_read_dropped_in_the_queue_is_never_run_and_a_full_queue_refuses() {
    let (database, _folder) = counter();
    let (started, meeting) = (
        Arc::new(Barrier::new(READERS + 1)),
        Arc::new(Barrier::new(READERS + 1)),
    );
    let blocked: Vec<_> = (0..READERS)
        .map(|_| {
            let (database, started, meeting) =
                (database.clone(), Arc::clone(&started), Arc::clone(&meeting));
            tokio::spawn(async move {
                let read = database.read(move |_| {
                    started.wait();
                    meeting.wait();
                    Ok(())
                });
                read.await
            })
        })
        .collect();
    tokio::task::yield_now().await;
    started.wait();
    let ran = Arc::new(AtomicUsize::new(0));
    let count = || {
        let ran = Arc::clone(&ran);
        Box::pin(database.read(move |_| {
            ran.fetch_add(1, Ordering::SeqCst);
            Ok(())
        }))
    };
    let mut queued: Vec<_> = (0..MOST_WAITING_READS).map(|_| count()).collect();
    for read in &mut queued {
        assert!(read.now_or_never().is_none());
    }
    assert!(matches!(count().await, Err(SqliteError::Busy)));
    queued.truncate(7);
    meeting.wait();
    join_all(queued).await;
    // After all that were in the queue.
    count().await.unwrap();
    assert_eq!(ran.load(Ordering::SeqCst), 8);
    for read in join_all(blocked).await {
        read.unwrap().unwrap();
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
        .write(|connection| {
            increment(connection)?;
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
        .write(|connection| {
            increment(connection)?;
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
            let held = move |_: &Connection| Ok(gate.recv().is_ok());
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
    assert!(begun.elapsed() < Duration::from_secs(15));
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

#[test]
fn whoever_opens_a_new_file_at_once_with_others_waits_for_them() {
    for _ in 0..50 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("catalog.db");
        let together = Barrier::new(8);
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    together.wait();
                    let connection = open(&path, Access::ReadWrite).unwrap();
                    let mode = "PRAGMA journal_mode";
                    let mode: String = connection.query_row(mode, [], |row| row.get(0)).unwrap();
                    assert_eq!(mode, "wal");
                });
            }
        });
    }
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
