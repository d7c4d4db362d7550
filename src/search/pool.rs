//! A few threads for work that is too long for the threads that serve requests, with a short queue: what
//! cannot begin soon is refused at once, and what has waited too long is not begun.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, Receiver, SyncSender, TrySendError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Instant;

use tokio::sync::oneshot;

/// Why work was not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The queue is full, or the work waited in it until its deadline.
    #[error("too much to do")]
    Busy,
    /// The work panicked, or the pool is closing.
    #[error("ended before it was done")]
    Lost,
}

type Work = Box<dyn FnOnce() + Send>;

/// Threads that take work from one queue. Dropping the pool finishes the queued work and joins them.
#[derive(Debug)]
pub struct Pool {
    queue: Option<SyncSender<Work>>,
    threads: Vec<JoinHandle<()>>,
}

impl Pool {
    /// Starts threads; `waiting` pieces of work may wait for one.
    pub fn start(name: &str, threads: usize, waiting: usize) -> io::Result<Self> {
        let (queue, work) = mpsc::sync_channel(waiting);
        let work = Arc::new(Mutex::new(work));
        let spawn = |_| {
            let work = Arc::clone(&work);
            Builder::new()
                .name(name.to_owned())
                .spawn(move || run(&work))
        };
        Ok(Self {
            queue: Some(queue),
            threads: (0..threads).map(spawn).collect::<io::Result<_>>()?,
        })
    }

    /// Does `task` on a thread of the pool, unless it would begin after the deadline. Dropping the future
    /// lets work go that has not begun.
    pub async fn run<T: Send + 'static>(
        &self,
        deadline: Instant,
        task: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Refused> {
        let (answer, answered) = oneshot::channel();
        let work: Work = Box::new(move || {
            if answer.is_closed() {
                return;
            }
            let done = if Instant::now() < deadline {
                Ok(task())
            } else {
                Err(Refused::Busy)
            };
            // The caller may have gone.
            let _ = answer.send(done);
        });
        let queue = self.queue.as_ref().ok_or(Refused::Lost)?;
        queue.try_send(work).map_err(|error| match error {
            TrySendError::Full(_) => Refused::Busy,
            TrySendError::Disconnected(_) => Refused::Lost,
        })?;
        answered.await.unwrap_or(Err(Refused::Lost))
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

fn run(work: &Mutex<Receiver<Work>>) {
    loop {
        // The lock is held while waiting: the next idle thread takes the next piece.
        let next = work.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(task) = next else { return };
        // A panic is its caller's loss, not the pool's.
        let _ = catch_unwind(AssertUnwindSafe(task));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn soon() -> Instant {
        Instant::now() + Duration::from_mins(1)
    }

    #[tokio::test]
    async fn a_full_queue_refuses_and_a_late_start_is_none() {
        let pool = Arc::new(Pool::start("test", 1, 1).unwrap());
        let (release, released) = mpsc::channel::<()>();
        let (begun, has_begun) = oneshot::channel();
        let working = tokio::spawn({
            let pool = Arc::clone(&pool);
            async move {
                let task = move || {
                    let _ = begun.send(());
                    let _ = released.recv();
                    1
                };
                pool.run(soon(), task).await
            }
        });
        has_begun.await.unwrap();
        let waiting = pool.run(Instant::now(), || 2);
        let mut waiting = Box::pin(waiting);
        assert!(futures_util::poll!(&mut waiting).is_pending());
        assert_eq!(pool.run(soon(), || 3).await, Err(Refused::Busy));
        drop(release);
        assert_eq!(working.await.unwrap(), Ok(1));
        assert_eq!(waiting.await, Err(Refused::Busy));
        assert_eq!(pool.run(soon(), || 4).await, Ok(4));
    }

    #[tokio::test]
    async fn a_panic_is_its_callers_alone() {
        let pool = Pool::start("test", 1, 4).unwrap();
        let panics = pool.run(soon(), || -> u8 { panic!("on purpose") }).await;
        assert_eq!(panics, Err(Refused::Lost));
        assert_eq!(pool.run(soon(), || 1).await, Ok(1));
    }
}
