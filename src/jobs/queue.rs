//! The way into the queue for whoever has no transaction of their own: what is asked for while a batch is being written
//! forms the next one, and where that is more than one at a time batches are kept apart for a few milliseconds. So a spike
//! costs a COMMIT for hundreds of jobs, and a lone job waits for nothing.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

use super::enqueued::Wake;
use super::job::{JobId, NewJob};
use super::spacing::Spacing;
use super::store::JobStore;

/// Jobs that may wait to be written. More are refused at once.
const WAITING: usize = 8_192;
/// Most jobs of one batch.
const BATCH: usize = 1_000;
/// Other processes are told at most this often: telling takes a lock that all who tell something share.
const TELLING: Duration = Duration::from_millis(20);

/// Why a job was not enqueued.
#[derive(Debug, Clone, thiserror::Error)]
pub enum QueueError {
    /// As many wait to be written as may. Nothing was enqueued.
    #[error("more jobs are enqueued than can be in time")]
    Busy,
    /// The store failed, and may or may not have kept the job where its answer was lost.
    #[error("the job was not enqueued: {0}")]
    Store(String),
}

struct Asked {
    job: NewJob,
    answer: oneshot::Sender<Result<Option<JobId>, QueueError>>,
}

/// Enqueues jobs. Clones share everything.
#[derive(Clone)]
pub struct Queue {
    store: Arc<dyn JobStore>,
    asked: mpsc::Sender<Asked>,
    wake: Wake,
}

impl Queue {
    /// Writes on the threads of `runtime`.
    pub fn new(store: Arc<dyn JobStore>, runtime: &Handle) -> Self {
        let (asked, batches) = mpsc::channel(WAITING);
        let wake = Wake::default();
        runtime.spawn(write(Arc::clone(&store), batches, wake.clone()));
        runtime.spawn(tell(Arc::clone(&store), wake.clone()));
        Self { store, asked, wake }
    }

    /// Where the jobs are.
    pub fn store(&self) -> &Arc<dyn JobStore> {
        &self.store
    }

    /// For whoever enqueues in a transaction of their own, to be told after it was committed.
    pub fn wake(&self) -> &Wake {
        &self.wake
    }

    /// Enqueues a job, and returns once that is committed: its number, or `None` where one with its key is live. Where
    /// the future is dropped, the job may be enqueued all the same.
    pub async fn enqueue(&self, job: NewJob) -> Result<Option<JobId>, QueueError> {
        let (answer, answered) = oneshot::channel();
        let asked = self.asked.try_send(Asked { job, answer });
        asked.map_err(|_| QueueError::Busy)?;
        let closed = || Err(QueueError::Store("the queue is closed".to_owned()));
        answered.await.unwrap_or_else(|_| closed())
    }
}

async fn write(store: Arc<dyn JobStore>, mut asked: mpsc::Receiver<Asked>, wake: Wake) {
    let (mut batch, mut spacing) = (Vec::with_capacity(BATCH), Spacing::default());
    while asked.recv_many(&mut batch, BATCH).await > 0 {
        spacing.gather(&mut batch, &mut asked, BATCH).await;
        let (jobs, answers): (Vec<_>, Vec<_>) =
            batch.drain(..).map(|it| (it.job, it.answer)).unzip();
        let mut kinds: Vec<_> = jobs.iter().map(|job| job.kind).collect();
        kinds.sort_unstable();
        kinds.dedup();
        match store.enqueue(jobs).await {
            Ok(ids) => {
                for kind in kinds {
                    wake.enqueued(kind);
                }
                for (answer, id) in answers.into_iter().zip(ids) {
                    // Who has gone wants no answer.
                    let _ = answer.send(Ok(id));
                }
            }
            Err(error) => {
                let error = QueueError::Store(error.to_string());
                for answer in answers {
                    let _ = answer.send(Err(error.clone()));
                }
            }
        }
    }
}

/// Tells other processes, for all that was enqueued since the last time.
async fn tell(store: Arc<dyn JobStore>, wake: Wake) {
    loop {
        wake.untold().await;
        if let Err(error) = store.announce().await {
            // They look from time to time without being told.
            tracing::debug!("other processes were not told of jobs: {error}");
        }
        tokio::time::sleep(TELLING).await;
    }
}
