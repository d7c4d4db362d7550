//! The time between batches. Without it a batch begins when the one before was written, so that the busier a queue is the
//! less its batches cost, but a queue of medium load, whose batches are of ten jobs, costs as much as one that is full:
//! most of a statement is the same for one job and for fifty. So batches are kept a few milliseconds apart, as far as
//! there is anything to gather: whoever asks for one thing at a time waits for nothing.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

/// From the beginning of a batch to that of the next one.
const SPACE: Duration = Duration::from_millis(5);
/// So many jobs are worth a batch of their own, however soon.
const ENOUGH: usize = 200;

/// How often a batch that grows is looked at: to be woken for each job would cost more than is gained.
const LOOK: Duration = Duration::from_millis(1);

/// Keeps batches apart.
#[derive(Debug, Default)]
pub(super) struct Spacing {
    next: Option<Instant>,
}

impl Spacing {
    /// Takes note of a batch of so many jobs, and of when it was begun.
    pub(super) fn note(&mut self, jobs: usize, begun: Instant) {
        self.next = (1 < jobs && jobs < ENOUGH).then(|| begun + SPACE);
    }

    /// Returns when the next batch is due. Nothing changes where nobody awaits it any more.
    pub(super) async fn due(&self) {
        if let Some(next) = self.next
            && next > Instant::now()
        {
            sleep_until(next).await;
        }
    }

    /// Has a batch grow until it is due or enough, to `most` of what is sent, and takes note of it. What was taken stays in the
    /// batch where nobody awaits this any more.
    pub(super) async fn gather<T>(
        &mut self,
        batch: &mut Vec<T>,
        sent: &mut mpsc::Receiver<T>,
        most: usize,
    ) {
        while let Some(next) = self.next
            && batch.len() + sent.len() < ENOUGH
            && next > Instant::now()
        {
            sleep_until(next.min(Instant::now() + LOOK)).await;
        }
        while batch.len() < most
            && let Ok(one) = sent.try_recv()
        {
            batch.push(one);
        }
        self.note(batch.len(), Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What an even stream, of one each so often, becomes in so many batches, each of which takes so long to be written.
    async fn batches(every: Duration, writing: Duration, count: usize) -> Vec<(usize, Duration)> {
        const MOST: usize = 1_000;
        let (sender, mut sent) = mpsc::channel(MOST * 10);
        let sending = tokio::spawn(async move {
            let start = Instant::now();
            for number in 0.. {
                sleep_until(start + every * number).await;
                if sender.send(()).await.is_err() {
                    return;
                }
            }
        });
        let (mut spacing, mut batch, mut seen) = (Spacing::default(), Vec::new(), Vec::new());
        let mut before = Instant::now();
        for _ in 0..count {
            assert_eq!(sent.recv_many(&mut batch, MOST).await.min(1), 1);
            spacing.gather(&mut batch, &mut sent, MOST).await;
            seen.push((batch.len(), before.elapsed()));
            before = Instant::now();
            batch.clear();
            tokio::time::sleep(writing).await;
        }
        sending.abort();
        seen
    }

    const MILLISECOND: Duration = Duration::from_millis(1);

    #[tokio::test(start_paused = true)]
    async fn batches_of_a_few_are_kept_apart() {
        // Two come while a batch is written.
        let seen = batches(MILLISECOND, 2 * MILLISECOND, 20).await;
        for (jobs, after) in &seen[3..] {
            assert!((4..=6).contains(jobs), "{seen:?}");
            assert_eq!(*after, SPACE, "{seen:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_asks_for_one_at_a_time_waits_for_nothing() {
        let seen = batches(2 * MILLISECOND, MILLISECOND, 20).await;
        for (jobs, after) in &seen[1..] {
            assert_eq!((*jobs, *after), (1, 2 * MILLISECOND), "{seen:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_enough_waits_no_longer() {
        let (sender, mut sent) = mpsc::channel(ENOUGH);
        let mut spacing = Spacing::default();
        spacing.note(2, Instant::now());
        let mut batch = vec![0; ENOUGH];
        sender.send(1).await.unwrap();
        let begun = Instant::now();
        spacing.gather(&mut batch, &mut sent, ENOUGH + 1).await;
        assert_eq!((batch.len(), begun.elapsed()), (ENOUGH + 1, Duration::ZERO));
        // Nor does the one after.
        spacing.due().await;
        assert_eq!(begun.elapsed(), Duration::ZERO);
        // What becomes enough waits no longer: a hundred come in a millisecond.
        let seen = batches(MILLISECOND / 100, MILLISECOND, 20).await;
        assert!(seen.iter().any(|(jobs, _)| *jobs >= ENOUGH), "{seen:?}");
        for (_, after) in &seen[2..] {
            assert!(*after < SPACE, "{seen:?}");
        }
    }
}
