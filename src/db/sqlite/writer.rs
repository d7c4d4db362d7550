//! The writer: one thread with one connection, and group commit.
//!
//! What waits is written in one transaction, a savepoint for each piece of work, so that a COMMIT, which costs
//! more than a small write does, is paid once for all of them. Each answer comes after that COMMIT.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, TransactionBehavior};
use tokio::sync::oneshot;

use super::SqliteError;

/// Writes that may wait. More are refused at once: they would only wait in vain.
pub(super) const QUEUE: usize = 4096;
/// Most writes of one transaction, and the time after which no further one joins it: those that came first
/// should not wait long for those that came last.
const GROUP: usize = 256;
const GROUP_TIME: Duration = Duration::from_millis(10);

/// A piece of work on its way through a transaction.
trait Task: Send {
    /// When waiting for the transaction ends.
    fn deadline(&self) -> Instant;

    /// Does the work, unless its time is over. False where it has to be undone.
    fn run(&mut self, connection: &Connection) -> bool;

    /// Tells the caller the outcome, or why there is none.
    fn answer(self: Box<Self>, committed: Result<(), SqliteError>);
}

/// A [`Task`] and the way back to its caller.
struct Work<F, T, E> {
    deadline: Instant,
    /// Whether it is done or given up: the first to ask decides.
    is_decided: Arc<AtomicBool>,
    write: Option<F>,
    outcome: Option<Result<T, E>>,
    answer: oneshot::Sender<Result<T, E>>,
}

impl<F, T, E> Task for Work<F, T, E>
where
    F: FnOnce(&Connection) -> Result<T, E> + Send,
    T: Send,
    E: From<SqliteError> + Send,
{
    fn deadline(&self) -> Instant {
        self.deadline
    }

    fn run(&mut self, connection: &Connection) -> bool {
        self.outcome =
            if Instant::now() > self.deadline || self.is_decided.swap(true, Ordering::AcqRel) {
                Some(Err(SqliteError::Busy.into()))
            } else {
                self.write.take().map(|write| write(connection))
            };
        matches!(self.outcome, Some(Ok(_)))
    }

    fn answer(self: Box<Self>, committed: Result<(), SqliteError>) {
        let outcome = match (committed, self.outcome) {
            // Its own error says more than the loss of the transaction, which it may have caused.
            (_, Some(Err(error))) => Err(error),
            (Err(error), _) => Err(error.into()),
            (Ok(()), Some(outcome)) => outcome,
            // It panicked, which its caller learns by getting no answer.
            (Ok(()), None) => return,
        };
        // The caller may have gone; the work was still wanted.
        let _ = self.answer.send(outcome);
    }
}

/// The thread and the way to it. Dropping it finishes what waits and joins the thread.
pub(super) struct Writer {
    queue: Option<SyncSender<Box<dyn Task>>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(super) fn start(connection: Connection) -> Self {
        let (queue, tasks) = sync_channel(QUEUE);
        // Without a thread the queue closes and every call answers `Closed`.
        let thread = Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || serve(connection, &tasks))
            .ok();
        Self {
            queue: Some(queue),
            thread,
        }
    }

    /// See [`super::Sqlite::write`].
    pub(super) async fn run<T, E>(
        &self,
        deadline: Instant,
        write: impl FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<SqliteError> + Send + 'static,
    {
        let answered = self.queue(deadline, Arc::default(), write)?;
        answered
            .await
            .unwrap_or_else(|_| Err(SqliteError::Closed.into()))
    }

    /// See [`super::Sqlite::write_by`].
    pub(super) async fn run_by<T, E>(
        &self,
        deadline: Instant,
        write: impl FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<SqliteError> + Send + 'static,
    {
        let is_decided = Arc::<AtomicBool>::default();
        let mut answered = self.queue(deadline, Arc::clone(&is_decided), write)?;
        let written = tokio::select! {
            biased;
            written = &mut answered => written,
            () = tokio::time::sleep_until(deadline.into()) => {
                if !is_decided.swap(true, Ordering::AcqRel) {
                    return Err(SqliteError::Busy.into());
                }
                answered.await
            }
        };
        written.unwrap_or_else(|_| Err(SqliteError::Closed.into()))
    }

    fn queue<T, E>(
        &self,
        deadline: Instant,
        is_decided: Arc<AtomicBool>,
        write: impl FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    ) -> Result<oneshot::Receiver<Result<T, E>>, SqliteError>
    where
        T: Send + 'static,
        E: From<SqliteError> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let work = Box::new(Work {
            deadline,
            is_decided,
            write: Some(write),
            outcome: None,
            answer,
        });
        let queue = self.queue.as_ref().ok_or(SqliteError::Closed)?;
        match queue.try_send(work) {
            Ok(()) => Ok(answered),
            Err(TrySendError::Full(_)) => Err(SqliteError::Busy),
            Err(TrySendError::Disconnected(_)) => Err(SqliteError::Closed),
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            // Panics in tasks are caught, so there is none to report.
            let _ = thread.join();
        }
    }
}

fn serve(mut connection: Connection, tasks: &Receiver<Box<dyn Task>>) {
    while let Ok(first) = tasks.recv() {
        let mut group = Vec::new();
        let committed = write_group(&mut connection, first, tasks, &mut group);
        for task in group {
            task.answer(match &committed {
                Ok(()) => Ok(()),
                Err(error) => Err(lost(error)),
            });
        }
    }
}

/// Each of a group needs an error of its own.
fn lost(error: &rusqlite::Error) -> SqliteError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => SqliteError::Busy,
        _ => SqliteError::Lost(error.to_string()),
    }
}

/// Writes `first` and what waits behind it in one transaction. Every task taken is in `group` afterwards, all
/// of them with one fate.
fn write_group(
    connection: &mut Connection,
    first: Box<dyn Task>,
    tasks: &Receiver<Box<dyn Task>>,
    group: &mut Vec<Box<dyn Task>>,
) -> rusqlite::Result<()> {
    let patience = first.deadline().saturating_duration_since(Instant::now());
    group.push(first);
    connection.busy_timeout(patience)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let begun = Instant::now();
    let mut next = 0;
    loop {
        while let Some(task) = group.get_mut(next) {
            in_savepoint(&transaction, task.as_mut())?;
            next += 1;
        }
        if group.len() == GROUP || begun.elapsed() > GROUP_TIME {
            break;
        }
        match tasks.try_recv() {
            Ok(task) => group.push(task),
            Err(_) => break,
        }
    }
    transaction.commit()
}

/// Runs a task such that it alone is undone if it fails. An error means that the whole transaction is lost.
fn in_savepoint(connection: &Connection, task: &mut dyn Task) -> rusqlite::Result<()> {
    connection.prepare_cached("SAVEPOINT task")?.execute([])?;
    // A panic is its caller's loss, not that of the others.
    let keep = catch_unwind(AssertUnwindSafe(|| task.run(connection))).unwrap_or(false);
    // Some failures, such as a full disk, end the transaction: then there is no savepoint to go back to,
    // which the next statement says.
    if !keep {
        connection.prepare_cached("ROLLBACK TO task")?.execute([])?;
    }
    connection.prepare_cached("RELEASE task")?.execute([])?;
    Ok(())
}

#[cfg(test)]
mod tests;
