//! Natural batching: what arrives while a batch is under way forms the next one. So a lone question waits for
//! nobody, and under load the batches grow by themselves; no timer is involved.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::BoxFuture;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

/// Bounds on the batches.
#[derive(Debug, Clone, Copy)]
pub struct BatchOptions {
    /// Most questions in one batch.
    pub questions: usize,
    /// Most batches under way at a time. One that hangs holds up no more than its own questions as long as there
    /// is another.
    pub under_way: usize,
}

/// Collects questions into batches and hands the answers out. Clones share the batches.
pub struct Batcher<Q, A> {
    shared: Arc<Shared<Q, A>>,
}

type Work<Q, A> = Box<dyn Fn(Vec<Q>) -> BoxFuture<'static, Vec<A>> + Send + Sync>;

struct Shared<Q, A> {
    queue: Mutex<Queue<Q, A>>,
    work: Work<Q, A>,
    options: BatchOptions,
    background: Handle,
}

struct Queue<Q, A> {
    waiting: VecDeque<(Q, Option<oneshot::Sender<A>>)>,
    under_way: usize,
}

impl<Q: Send + 'static, A: Send + 'static> Batcher<Q, A> {
    /// `work` runs on `background` and answers each question of a batch, in order.
    pub fn new(
        options: BatchOptions,
        background: Handle,
        work: impl Fn(Vec<Q>) -> BoxFuture<'static, Vec<A>> + Send + Sync + 'static,
    ) -> Self {
        Self {
            shared: Arc::new(Shared {
                queue: Mutex::new(Queue {
                    waiting: VecDeque::new(),
                    under_way: 0,
                }),
                work: Box::new(work),
                options,
                background,
            }),
        }
    }

    /// Asks, and waits for the answer. `None` where the batch ended without one, by a panic or the end of the
    /// runtime. A question whose future is dropped before its batch begins is not asked.
    pub fn ask(&self, question: Q) -> impl Future<Output = Option<A>> + Send + use<Q, A> {
        let (sender, receiver) = oneshot::channel();
        self.enqueue(question, Some(sender));
        async move { receiver.await.ok() }
    }

    /// Asks without a wish for the answer.
    pub fn tell(&self, question: Q) {
        self.enqueue(question, None);
    }

    fn enqueue(&self, question: Q, answer: Option<oneshot::Sender<A>>) {
        let mut queue = self.shared.lock();
        queue.waiting.push_back((question, answer));
        let starts = queue.under_way < self.shared.options.under_way;
        queue.under_way += usize::from(starts);
        drop(queue);
        if starts {
            self.shared.background.spawn(run(Arc::clone(&self.shared)));
        }
    }
}

/// Works until nothing waits.
async fn run<Q: Send + 'static, A: Send + 'static>(shared: Arc<Shared<Q, A>>) {
    let mut lane = Lane {
        shared: &shared,
        is_done: false,
    };
    while let Some((questions, senders)) = lane.next() {
        let answers = (shared.work)(questions).await;
        for (sender, answer) in senders.into_iter().zip(answers) {
            if let Some(sender) = sender {
                // One who has gone needs no answer.
                let _ = sender.send(answer);
            }
        }
    }
}

/// One of the batches under way. Gives its place back however it ends.
struct Lane<'s, Q: Send + 'static, A: Send + 'static> {
    shared: &'s Arc<Shared<Q, A>>,
    is_done: bool,
}

type Batch<Q, A> = (Vec<Q>, Vec<Option<oneshot::Sender<A>>>);

impl<Q: Send + 'static, A: Send + 'static> Lane<'_, Q, A> {
    /// The next batch; `None`, and the place is given back, where nothing waits.
    fn next(&mut self) -> Option<Batch<Q, A>> {
        let mut queue = self.shared.lock();
        let mut batch: Batch<Q, A> = (Vec::new(), Vec::new());
        while batch.0.len() < self.shared.options.questions {
            let Some((question, sender)) = queue.waiting.pop_front() else {
                break;
            };
            if sender.as_ref().is_some_and(oneshot::Sender::is_closed) {
                continue;
            }
            batch.0.push(question);
            batch.1.push(sender);
        }
        if batch.0.is_empty() {
            queue.under_way -= 1;
            self.is_done = true;
            return None;
        }
        Some(batch)
    }
}

impl<Q: Send + 'static, A: Send + 'static> Drop for Lane<'_, Q, A> {
    fn drop(&mut self) {
        if self.is_done {
            return;
        }
        // The work panicked. What waits must not wait for ever.
        let mut queue = self.shared.lock();
        if queue.waiting.is_empty() {
            queue.under_way -= 1;
        } else {
            drop(queue);
            let shared = Arc::clone(self.shared);
            self.shared.background.spawn(run(shared));
        }
    }
}

impl<Q, A> Shared<Q, A> {
    fn lock(&self) -> MutexGuard<'_, Queue<Q, A>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<Q, A> Clone for Batcher<Q, A> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<Q, A> fmt::Debug for Batcher<Q, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batcher")
            .field("options", &self.shared.options)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use futures_util::future::join_all;
    use tokio::sync::{Semaphore, mpsc};

    use super::*;

    /// Answers each number with its double, a batch for each permit.
    struct Fixture {
        batcher: Batcher<u32, u32>,
        begun: mpsc::UnboundedReceiver<Vec<u32>>,
        permits: Arc<Semaphore>,
    }

    fn fixture(options: BatchOptions) -> Fixture {
        let (sender, begun) = mpsc::unbounded_channel();
        let permits = Arc::new(Semaphore::new(0));
        let gate = Arc::clone(&permits);
        let batcher = Batcher::new(options, Handle::current(), move |questions: Vec<u32>| {
            let (sender, gate) = (sender.clone(), Arc::clone(&gate));
            async move {
                sender.send(questions.clone()).unwrap();
                gate.acquire().await.unwrap().forget();
                assert!(!questions.contains(&13), "an unlucky number");
                questions.iter().map(|number| number * 2).collect()
            }
            .boxed()
        });
        Fixture {
            batcher,
            begun,
            permits,
        }
    }

    const ONE_OF_FOUR: BatchOptions = BatchOptions {
        questions: 4,
        under_way: 1,
    };

    #[tokio::test]
    async fn what_arrives_meanwhile_forms_the_next_batch() {
        let mut f = fixture(ONE_OF_FOUR);
        let first = f.batcher.ask(1);
        assert_eq!(f.begun.recv().await.unwrap(), [1]);
        let others: Vec<_> = (2..8).map(|number| f.batcher.ask(number)).collect();
        f.permits.add_permits(3);
        assert_eq!(first.await, Some(2));
        assert_eq!(f.begun.recv().await.unwrap(), [2, 3, 4, 5]);
        assert_eq!(f.begun.recv().await.unwrap(), [6, 7]);
        let answers: Vec<_> = join_all(others).await.into_iter().flatten().collect();
        assert_eq!(answers, [4, 6, 8, 10, 12, 14]);
        // And it starts anew after it ran empty.
        let last = f.batcher.ask(9);
        f.permits.add_permits(1);
        assert_eq!(last.await, Some(18));
    }

    #[tokio::test]
    async fn a_batch_that_hangs_holds_up_its_own_questions_alone() {
        let options = BatchOptions {
            under_way: 2,
            ..ONE_OF_FOUR
        };
        let (sender, mut begun) = mpsc::unbounded_channel();
        let batcher = Batcher::new(options, Handle::current(), move |questions: Vec<u32>| {
            let sender = sender.clone();
            async move {
                sender.send(questions.clone()).unwrap();
                if questions.contains(&1) {
                    std::future::pending::<()>().await;
                }
                questions
            }
            .boxed()
        });
        let hangs = batcher.ask(1);
        assert_eq!(begun.recv().await.unwrap(), [1]);
        assert_eq!(batcher.ask(2).await, Some(2));
        assert!(hangs.now_or_never().is_none());
    }

    #[tokio::test]
    async fn a_question_that_nobody_awaits_is_not_asked() {
        let mut f = fixture(ONE_OF_FOUR);
        let first = f.batcher.ask(1);
        f.begun.recv().await.unwrap();
        drop(f.batcher.ask(2));
        f.batcher.tell(3);
        f.permits.add_permits(2);
        first.await.unwrap();
        assert_eq!(f.begun.recv().await.unwrap(), [3]);
    }

    #[tokio::test]
    async fn a_panic_ends_its_own_batch_alone() {
        let mut f = fixture(ONE_OF_FOUR);
        let unlucky = f.batcher.ask(13);
        f.begun.recv().await.unwrap();
        let next = f.batcher.ask(2);
        f.permits.add_permits(2);
        assert_eq!(unlucky.await, None);
        assert_eq!(next.await, Some(4));
        let later = f.batcher.ask(3);
        f.permits.add_permits(1);
        assert_eq!(later.await, Some(6));
    }
}
