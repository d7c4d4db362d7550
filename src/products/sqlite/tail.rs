//! Following what was committed, by whichever process: the outbox tail.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, params};

use super::settlement::settle_changes;
use super::versions::{changes_since, newest};
use crate::db::sqlite::{Access, Sqlite, SqliteError, in_transaction, open};
use crate::products::store::Change;
use crate::products::tail::TailEvent;

/// How often the tail looks whether anything was committed. A look is one pragma, a few microseconds.
const POLL: Duration = Duration::from_millis(50);
/// Rows handed over at once.
const BATCH: i64 = 1000;
/// How often old outbox rows are removed.
const PRUNE_EVERY: Duration = Duration::from_mins(10);
/// How long outbox rows are kept. A node that was away longer is told of a gap.
const RETENTION: &str = "-7 days";
/// How long to wait for another process's transaction before settling what an outsider wrote. Short:
/// the tail tries again at the next poll, and must go on reading meanwhile.
const SETTLE_PATIENCE: Duration = Duration::from_millis(20);

/// The thread that follows the outbox. Dropping it stops the thread.
#[derive(Debug)]
pub struct Tail {
    stop: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Tail {
    /// Starts at the newest row: what was committed before this call returns needs no event, since
    /// nothing is cached yet. `on_event` runs on the tail's thread.
    pub fn start(
        database: &Sqlite,
        on_event: impl Fn(TailEvent) + Send + 'static,
    ) -> Result<Self, SqliteError> {
        let mut follower = Follower::new(open(database.path(), Access::ReadWrite)?)?;
        let (stop, stopped) = mpsc::channel();
        let run = move || {
            while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(POLL) {
                match follower.poll(&on_event) {
                    Ok(()) => on_event(TailEvent::CaughtUp),
                    // The cursor has not moved, so the next poll misses nothing.
                    Err(error) => {
                        tracing::warn!(%error, "cannot follow the catalogue; trying again");
                    }
                }
            }
        };
        let thread = Builder::new()
            .name("outbox-tail".to_owned())
            .spawn(run)
            .map_err(|error| SqliteError::Open {
                path: database.path().to_owned(),
                reason: format!("no thread to follow it: {error}"),
            })?;
        Ok(Self {
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            // A panic there was reported by the panic hook already.
            let _ = thread.join();
        }
    }
}

struct Follower {
    connection: Connection,
    /// Last row handed over.
    cursor: i64,
    /// `PRAGMA data_version` at the last look: moves when another connection commits.
    data_version: Option<i64>,
    pruned: Instant,
}

impl Follower {
    fn new(connection: Connection) -> Result<Self, SqliteError> {
        connection.busy_timeout(SETTLE_PATIENCE)?;
        let cursor = newest(&connection)?;
        Ok(Self {
            connection,
            cursor,
            data_version: None,
            pruned: Instant::now(),
        })
    }

    fn poll(&mut self, on_event: &impl Fn(TailEvent)) -> Result<(), SqliteError> {
        let data_version = self
            .connection
            .pragma_query_value(None, "data_version", |row| row.get(0))?;
        if self.data_version != Some(data_version) {
            let settled = self.settle_outsiders()?;
            self.follow(on_event)?;
            if settled {
                self.data_version = Some(data_version);
            }
        }
        if self.pruned.elapsed() >= PRUNE_EVERY {
            self.pruned = Instant::now();
            self.prune()?;
        }
        Ok(())
    }

    /// A program that wrote to the tables and knows nothing of documents left its changes noted by the
    /// triggers; they become versions here. False where another process's transaction, an import perhaps,
    /// is in the way: what was committed before it must not wait for its end.
    fn settle_outsiders(&mut self) -> Result<bool, SqliteError> {
        let unsettled: bool = self.connection.query_row(
            "SELECT EXISTS (SELECT 1 FROM product_change)",
            [],
            |row| row.get(0),
        )?;
        if !unsettled {
            return Ok(true);
        }
        let settled = in_transaction(&mut self.connection, |transaction| {
            settle_changes(transaction)
        });
        match settled {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => Ok(false),
            settled => Ok(settled.map(|()| true)?),
        }
    }

    fn follow(&mut self, on_event: &impl Fn(TailEvent)) -> Result<(), SqliteError> {
        loop {
            match self.next_batch()? {
                Some(changes) if changes.is_empty() => return Ok(()),
                Some(changes) => on_event(TailEvent::Changes(changes)),
                None => {
                    self.cursor = newest(&self.connection)?;
                    on_event(TailEvent::Gap);
                }
            }
        }
    }

    /// The next rows; `None` where one is missing. Numbers are given without holes, since the counter is
    /// part of the transaction: a hole is a removed row, and an end beyond the newest number is a file
    /// put back from a backup.
    fn next_batch(&mut self) -> rusqlite::Result<Option<Vec<Change>>> {
        // One snapshot for the rows and the newest number: a commit between the two would look like a
        // hole.
        let snapshot = self.connection.unchecked_transaction()?;
        let mut changes = Vec::new();
        for made in changes_since(&snapshot, self.cursor, BATCH)? {
            if made.seq != self.cursor + 1 {
                return Ok(None);
            }
            self.cursor = made.seq;
            changes.push(made.change);
        }
        let complete = !changes.is_empty() || newest(&snapshot)? == self.cursor;
        Ok(complete.then_some(changes))
    }

    fn prune(&self) -> rusqlite::Result<()> {
        self.connection.execute(
            "DELETE FROM catalog_outbox
             WHERE created_at < strftime('%Y-%m-%dT%H:%M:%fZ', 'now', ?1) AND seq <= ?2",
            params![RETENTION, self.cursor],
        )?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn a_transaction_in_the_way_of_settling_holds_up_no_version() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("catalog.db");
        let database = Sqlite::open(&path).unwrap();
        database.migrate().unwrap();
        let mut follower = Follower::new(open(&path, Access::ReadWrite).unwrap()).unwrap();
        let outsider = Connection::open(&path).unwrap();
        let insert = "INSERT INTO product (handle, title) VALUES";
        outsider
            .execute_batch(&format!(
                "{insert} ('a', 'A'); DELETE FROM product_change;
                 INSERT INTO catalog_outbox (product_id, version, kind) VALUES (1, 1, 'created');
                 {insert} ('b', 'B'); BEGIN IMMEDIATE"
            ))
            .unwrap();
        let seen = RefCell::new(Vec::new());
        let mut poll = || {
            follower
                .poll(&|event| seen.borrow_mut().push(event))
                .unwrap();
            seen.take()
        };
        let changes = |product_id| {
            let version = 1;
            vec![TailEvent::Changes(vec![Change {
                product_id,
                version,
            }])]
        };
        assert_eq!(poll(), changes(1));
        assert_eq!(poll(), []);
        outsider.execute_batch("COMMIT").unwrap();
        assert_eq!(poll(), changes(2));
        assert_eq!(poll(), []);
    }
}
