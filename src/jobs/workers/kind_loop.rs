//! Begins the jobs of one kind as there is room for them, and does them.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tracing::Instrument;

use super::Shared;
use super::ender::Ended;
use super::held::Interruption;
use super::trace::{self, JobTrace, Origin};
use crate::jobs::backoff::{Backoff, jittered};
use crate::jobs::handler::{Failure, Registered};
use crate::jobs::job::{End, Fate, Job};
use crate::jobs::spacing::Spacing;
use crate::jobs::store::Fetch;

/// Most jobs that are begun by one statement.
const MOST_AT_ONCE: usize = 500;
/// Until the store answers again.
const AGAIN: Backoff = Backoff {
    first: Duration::from_millis(200),
    longest: Duration::from_secs(5),
};

/// Runs until nothing more is to be begun, and what was is over.
pub(super) async fn run(shared: Arc<Shared>, kind: Registered) {
    let wake = shared.wake.of(kind.kind.name);
    let places = Arc::new(Semaphore::new(kind.limits.concurrency));
    let kind = Arc::new(kind);
    let mut spacing = Spacing::default();
    // What was enqueued before there was anybody to be woken.
    wake.notify_one();
    loop {
        tokio::select! {
            () = shared.stopped() => break,
            () = wake.notified() => {}
        }
        tokio::select! {
            () = shared.stopped() => break,
            () = spacing.due() => {}
        }
        begin_all(&shared, &kind, &places, &wake, &mut spacing).await;
    }
    // All places are free once nobody has one.
    let all = u32::try_from(kind.limits.concurrency).unwrap_or(u32::MAX);
    let _ = places.acquire_many(all).await;
}

/// Begins jobs until there are no more.
async fn begin_all(
    shared: &Arc<Shared>,
    kind: &Arc<Registered>,
    places: &Arc<Semaphore>,
    wake: &Arc<tokio::sync::Notify>,
    spacing: &mut Spacing,
) {
    let mut failures = 0;
    loop {
        let first = tokio::select! {
            () = shared.stopped() => return,
            first = Arc::clone(places).acquire_owned() => first,
        };
        // It is never closed.
        let Ok(mut free) = first else { return };
        // Only here places are taken, so what is free stays so.
        let more = places.available_permits().min(MOST_AT_ONCE - 1);
        if let Ok(more) =
            Arc::clone(places).try_acquire_many_owned(u32::try_from(more).unwrap_or_default())
        {
            free.merge(more);
        }
        let limit = free.num_permits();
        let fetch = Fetch {
            kind: kind.kind.name,
            limit,
            lease: shared.options.lease,
            worker: shared.name.clone(),
            rate: kind.limits.rate,
        };
        let begun = tokio::time::Instant::now();
        let fetched = match shared.store.fetch(fetch).await {
            Ok(fetched) => fetched,
            Err(error) => {
                failures += 1;
                tracing::warn!(kind = kind.kind.name, "no jobs could be begun: {error}");
                tokio::select! {
                    () = tokio::time::sleep(AGAIN.after(failures)) => continue,
                    () = shared.stopped() => return,
                }
            }
        };
        failures = 0;
        spacing.note(fetched.jobs.len(), begun);
        let is_all = fetched.jobs.len() < limit;
        for job in fetched.jobs {
            let Some(place) = free.split(1) else { break };
            start(shared, kind, job, place);
        }
        if let Some(next_in) = fetched.next_in {
            let (wake, next_in) = (Arc::clone(wake), next_in.max(Duration::from_millis(1)));
            tokio::spawn(async move {
                tokio::time::sleep(next_in).await;
                wake.notify_one();
            });
        }
        if is_all {
            return;
        }
    }
}

/// Does a job on a task of its own.
fn start(shared: &Arc<Shared>, kind: &Arc<Registered>, job: Job, place: OwnedSemaphorePermit) {
    let name = kind.kind.name;
    shared.counters.begun(name, job.waited);
    let mut interrupted = shared.held.begin(job.lease);
    let (shared, kind) = (Arc::clone(shared), Arc::clone(kind));
    let mut traced = (shared.options.tracer.as_ref()).map(|it| JobTrace::begin(it, name, &job));
    let origin = Origin::of(&job);
    let trace_id = match &traced {
        Some(traced) => traced.trace_id(),
        None => origin.trace_id(),
    };
    let span = tracing::info_span!(
        "job",
        kind = name,
        id = job.lease.id,
        attempt = job.attempt,
        request_id = origin.request_id,
        trace_id
    );
    let work = async move {
        let begun = Instant::now();
        let outcome = {
            // What it leaves behind is its own.
            let work = trace::within(&mut traced, kind.handler.run(&job));
            let work = AssertUnwindSafe(work).catch_unwind();
            tokio::select! {
                biased;
                done = work => Ok(done),
                why = interrupted.heard() => Err(why),
                () = tokio::time::sleep(kind.limits.timeout) => {
                    let limit = kind.limits.timeout;
                    Ok(Ok(Err(Failure::Passing(format!("not done within {limit:?}")))))
                }
            }
        };
        if let Some(traced) = traced {
            let panicked = Err(Failure::passing("it panicked"));
            let done = outcome.as_ref().ok();
            traced.end(&job, done.map(|done| done.as_ref().unwrap_or(&panicked)));
        }
        let fate = match outcome {
            Ok(Ok(done)) => Some(fate(&kind, &job, done)),
            Ok(Err(_)) => Some(fate(&kind, &job, Err(Failure::passing("it panicked")))),
            Err(Interruption::Cancelled) => Some(Fate::Cancelled),
            Err(Interruption::Draining) => Some(Fate::Returned),
            // Whoever has it now ends it.
            Err(Interruption::Lost) => None,
        };
        shared.held.stopped(job.lease);
        if let Some(fate) = fate {
            let end = End {
                lease: job.lease,
                attempt: job.attempt,
                fate,
            };
            let ran = begun.elapsed();
            let ended = Ended {
                kind: name,
                end,
                waited: Duration::from_millis(job.waited),
                ran,
            };
            let _ = shared.ended.send(ended).await;
        } else {
            tracing::warn!("the lease was lost: the job was stopped");
            let lost = crate::jobs::counters::Counted::Lost;
            shared.counters.ended(name, lost, begun.elapsed());
            shared.held.end(job.lease);
        }
        drop(place);
    };
    tokio::spawn(work.instrument(span));
}

fn fate(kind: &Registered, job: &Job, done: Result<(), Failure>) -> Fate {
    let (delay, error) = match done {
        Ok(()) => {
            let keep = kind.kind.keeps_done;
            return Fate::Done { keep };
        }
        Err(Failure::Lasting(error)) => {
            tracing::warn!("given up: {error}");
            return Fate::Dead { error };
        }
        Err(Failure::PassingFor(delay, error)) => (jittered(delay), error),
        Err(Failure::Passing(error)) => (kind.limits.backoff.after(job.attempt.into()), error),
    };
    if job.is_last_attempt() {
        tracing::warn!("given up after {} attempts: {error}", job.attempt);
        Fate::Dead { error }
    } else {
        tracing::info!("failed, and is tried again in {delay:?}: {error}");
        Fate::Again { delay, error }
    }
}
