//! Threads that own connections.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::{Builder, JoinHandle};

use rusqlite::Connection;
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

/// Threads with a connection each that take work from one queue. Dropping the pool finishes the queued
/// work and joins them.
pub(super) struct Pool {
    queue: Option<mpsc::Sender<Work>>,
    threads: Vec<JoinHandle<()>>,
}

impl Pool {
    pub(super) fn start(name: &str, connections: Vec<Connection>) -> Self {
        let (queue, work) = mpsc::channel::<Work>();
        let work = Arc::new(Mutex::new(work));
        let threads = connections
            .into_iter()
            .filter_map(|mut connection| {
                let work = Arc::clone(&work);
                let run = move || {
                    loop {
                        // The lock is held while waiting: the next idle thread takes the next item.
                        let next = work.lock().unwrap_or_else(PoisonError::into_inner).recv();
                        match next {
                            // A panic is its caller's loss, who gets no answer, not the pool's; on its
                            // way a transaction was rolled back.
                            Ok(task) => {
                                let _ = catch_unwind(AssertUnwindSafe(|| task(&mut connection)));
                            }
                            Err(mpsc::RecvError) => break,
                        }
                    }
                };
                // Without a thread the queue closes and every call answers `Closed`.
                Builder::new().name(name.to_owned()).spawn(run).ok()
            })
            .collect();
        Self {
            queue: Some(queue),
            threads,
        }
    }

    /// Runs `task` on a pool thread. `None` where the pool has no threads or the task panicked.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        task: impl FnOnce(&mut Connection) -> T + Send + 'static,
    ) -> Option<T> {
        let (answer, answered) = oneshot::channel();
        let work: Work = Box::new(move |connection| {
            // The caller may have gone; the work was still wanted.
            let _ = answer.send(task(connection));
        });
        self.queue.as_ref()?.send(work).ok()?;
        answered.await.ok()
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
