//! Threads that own connections.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::{Builder, JoinHandle};

use rusqlite::{Connection, InterruptHandle};
use tokio::sync::oneshot;

use super::{Access, SqliteError, open};

thread_local! {
    /// The connections of this thread, by database. One or two entries, so a list beats a map.
    static CONNECTIONS: RefCell<Vec<(u64, Connection)>> = const { RefCell::new(Vec::new()) };
}

/// Runs `read` on this thread's connection to the database, opening it at first use.
pub(super) fn with_thread_connection<T>(
    id: u64,
    path: &Path,
    read: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> Result<T, SqliteError> {
    CONNECTIONS.with_borrow_mut(|connections| {
        let known = connections.iter().position(|(other, _)| *other == id);
        let index = if let Some(index) = known {
            index
        } else {
            connections.push((id, open(path, Access::ReadOnly)?));
            connections.len() - 1
        };
        Ok(read(&connections[index].1)?)
    })
}

type Work = Box<dyn FnOnce(&mut Connection) + Send>;

/// Why a pool gave no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoAnswer {
    /// As much work waits as may.
    Busy,
    /// The pool has no threads, or the task panicked.
    Lost,
}

/// Threads with a connection each that take work from one queue. Dropping the pool finishes the queued
/// work and joins them.
pub(super) struct Pool {
    queue: Option<mpsc::Sender<Work>>,
    waiting: Arc<AtomicUsize>,
    most_waiting: usize,
    threads: Vec<JoinHandle<()>>,
}

impl Pool {
    /// A thread for each connection. Work that finds `most_waiting` others in the queue is refused.
    pub(super) fn start(name: &str, connections: Vec<Connection>, most_waiting: usize) -> Self {
        let (queue, work) = mpsc::channel::<Work>();
        let work = Arc::new(Mutex::new(work));
        let waiting = Arc::new(AtomicUsize::new(0));
        let threads = connections
            .into_iter()
            .filter_map(|mut connection| {
                let (work, waiting) = (Arc::clone(&work), Arc::clone(&waiting));
                let run = move || {
                    loop {
                        // The lock is held while waiting: the next idle thread takes the next item.
                        let next = lock(&work).recv();
                        match next {
                            // A panic is its caller's loss, who gets no answer, not the pool's; on its
                            // way a transaction was rolled back.
                            Ok(task) => {
                                waiting.fetch_sub(1, Ordering::AcqRel);
                                let _ = catch_unwind(AssertUnwindSafe(|| task(&mut connection)));
                            }
                            Err(mpsc::RecvError) => break,
                        }
                    }
                };
                // Without a thread the queue closes and every call answers `Lost`.
                Builder::new().name(name.to_owned()).spawn(run).ok()
            })
            .collect();
        Self {
            queue: Some(queue),
            waiting,
            most_waiting,
            threads,
        }
    }

    /// Runs `task` on a pool thread as long as someone waits for it: dropping the future takes it out of the
    /// queue, or interrupts the statement it is at, which then fails.
    pub(super) async fn run_while_awaited<T: Send + 'static>(
        &self,
        task: impl FnOnce(&mut Connection) -> T + Send + 'static,
    ) -> Result<T, NoAnswer> {
        let (answer, answered) = oneshot::channel();
        let progress = Arc::new(Mutex::new(Progress::Queued));
        let abandon = Abandon(Arc::clone(&progress));
        self.queue(Box::new(move |connection| {
            let Some(_running) = Running::begin(&progress, connection) else {
                return;
            };
            let _ = answer.send(task(connection));
        }))?;
        let answered = answered.await.map_err(|_| NoAnswer::Lost);
        drop(abandon);
        answered
    }

    /// Runs `task` on a pool thread when its turn comes, unless too many wait.
    pub(super) fn run_soon(&self, task: impl FnOnce(&mut Connection) + Send + 'static) {
        // What nobody waits for may be left out.
        let _ = self.queue(Box::new(task));
    }

    fn queue(&self, work: Work) -> Result<(), NoAnswer> {
        if self.waiting.fetch_add(1, Ordering::AcqRel) >= self.most_waiting {
            self.waiting.fetch_sub(1, Ordering::AcqRel);
            return Err(NoAnswer::Busy);
        }
        let queue = self.queue.as_ref().ok_or(NoAnswer::Lost)?;
        queue.send(work).map_err(|_| NoAnswer::Lost)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.queue = None;
        for thread in self.threads.drain(..) {
            // A panic in a task was reported by the panic hook already.
            let _ = thread.join();
        }
    }
}

/// How far a task has come.
enum Progress {
    Queued,
    Running(InterruptHandle),
    /// Done, or abandoned: neither is to be run or interrupted.
    Over,
}

/// A task on its thread. Whatever ends it, no one interrupts the connection for its sake from then on: the
/// next task has the same connection.
struct Running<'p>(&'p Mutex<Progress>);

impl<'p> Running<'p> {
    /// `None` where nobody waits any more.
    fn begin(progress: &'p Mutex<Progress>, connection: &Connection) -> Option<Self> {
        let mut now = lock(progress);
        if matches!(*now, Progress::Over) {
            return None;
        }
        *now = Progress::Running(connection.get_interrupt_handle());
        Some(Self(progress))
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        *lock(self.0) = Progress::Over;
    }
}

/// Held by one who waits for a task.
struct Abandon(Arc<Mutex<Progress>>);

impl Drop for Abandon {
    fn drop(&mut self) {
        // Under the lock, so that the task cannot end, and another begin, in between.
        let mut now = lock(&self.0);
        if let Progress::Running(handle) = &*now {
            handle.interrupt();
        }
        *now = Progress::Over;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
