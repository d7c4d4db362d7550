//! The jobs that this process holds a lease of, and extending those leases.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::{Notify, watch};

use super::Shared;
use crate::jobs::job::{JobId, Lease};

/// Why a job is not to be done to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Interruption {
    /// Somebody wants it no more.
    Cancelled,
    /// Its lease is another's.
    Lost,
    /// The process ends.
    Draining,
}

/// The jobs that are held, by number.
#[derive(Debug, Default)]
pub(super) struct Held {
    jobs: Mutex<HashMap<JobId, One>>,
    /// Somebody may wait for the last one.
    left: Notify,
}

#[derive(Debug)]
struct One {
    fence: i64,
    /// False once it is only to be ended.
    is_running: bool,
    interrupt: watch::Sender<Option<Interruption>>,
}

/// What a job that is being done hears.
pub(super) struct Interrupted(watch::Receiver<Option<Interruption>>);

impl Interrupted {
    /// Waits until it is not to be done to its end.
    pub(super) async fn heard(&mut self) -> Interruption {
        let heard = self.0.wait_for(Option::is_some).await;
        // Where nobody can say so any more, another beginning of the job has taken its place here.
        heard
            .ok()
            .and_then(|why| *why)
            .unwrap_or(Interruption::Lost)
    }
}

impl Held {
    fn lock(&self) -> MutexGuard<'_, HashMap<JobId, One>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A job is held from here on.
    pub(super) fn begin(&self, lease: Lease) -> Interrupted {
        let (interrupt, interrupted) = watch::channel(None);
        let one = One {
            fence: lease.fence,
            is_running: true,
            interrupt,
        };
        self.lock().insert(lease.id, one);
        Interrupted(interrupted)
    }

    /// It is not being done any more, but not ended yet.
    pub(super) fn stopped(&self, lease: Lease) {
        if let Some(one) = self.lock().get_mut(&lease.id)
            && one.fence == lease.fence
        {
            one.is_running = false;
        }
        self.left.notify_waiters();
    }

    /// It is not held any more.
    pub(super) fn end(&self, lease: Lease) {
        let mut jobs = self.lock();
        if jobs
            .get(&lease.id)
            .is_some_and(|one| one.fence == lease.fence)
        {
            jobs.remove(&lease.id);
        }
        drop(jobs);
        self.left.notify_waiters();
    }

    fn leases(&self) -> Vec<Lease> {
        let jobs = self.lock();
        let leases = jobs.iter().map(|(id, one)| Lease {
            id: *id,
            fence: one.fence,
        });
        leases.collect()
    }

    fn interrupt(&self, lease: Lease, why: Interruption) {
        if let Some(one) = self.lock().get(&lease.id)
            && one.fence == lease.fence
        {
            one.interrupt.send_replace(Some(why));
        }
    }

    /// Stops everything that is being done.
    pub(super) fn interrupt_all(&self, why: Interruption) {
        for one in self.lock().values() {
            one.interrupt.send_replace(Some(why));
        }
    }

    /// Waits until nothing is being done.
    pub(super) async fn is_idle(&self) {
        loop {
            let left = self.left.notified();
            if !self.lock().values().any(|one| one.is_running) {
                return;
            }
            left.await;
        }
    }
}

/// Extends the leases of all that is held, three times as often as they run out. Whoever could not for as long as a lease
/// lasts stops what it does: somebody else may do it by then. That is measured by a clock that nobody sets.
pub(super) async fn extend(shared: Arc<Shared>) {
    let lease = shared.options.lease;
    let mut last = Instant::now();
    loop {
        tokio::select! {
            () = tokio::time::sleep(lease / 3) => {}
            () = shared.stopped() => {
                // Until all is ended; the loop itself is not waited for.
                if shared.held.leases().is_empty() {
                    return;
                }
                tokio::select! {
                    () = tokio::time::sleep(lease / 3) => {}
                    () = shared.held.is_idle() => return,
                }
            }
        }
        let leases = shared.held.leases();
        if leases.is_empty() {
            last = Instant::now();
            continue;
        }
        let asked = Instant::now();
        let answer = tokio::time::timeout(lease / 3, shared.store.extend(leases.clone(), lease));
        match answer.await {
            Ok(Ok(extended)) => {
                last = asked;
                let extended: HashMap<_, _> =
                    extended.iter().map(|it| (it.id, it.is_cancelled)).collect();
                for lease in leases {
                    match extended.get(&lease.id) {
                        Some(false) => {}
                        Some(true) => shared.held.interrupt(lease, Interruption::Cancelled),
                        None => shared.held.interrupt(lease, Interruption::Lost),
                    }
                }
            }
            Ok(Err(error)) => tracing::warn!("the leases of jobs were not extended: {error}"),
            Err(_) => tracing::warn!("the leases of jobs were not extended in time"),
        }
        if last.elapsed() >= lease {
            shared.held.interrupt_all(Interruption::Lost);
        }
    }
}
