//! Compresses what is sent on a thread of its own and puts the bodies beside it where it is kept.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use bytes::Bytes;

use super::coding::Coding;
use super::document::Document;
use super::views::{Place, Shelves};
use crate::cache::{Flights, Outcome, Pilot, Role};

/// Orders that may wait, a fraction of a second's work. Beyond them an order is dropped, and the next
/// reader gives it again.
const QUEUE: usize = 1_024;

/// What is to be built. By content, not by version: so a reader is never given a body of other bytes than
/// those it read.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Wanted {
    place: Place,
    fingerprint: u64,
    coding: Coding,
}

struct Job {
    wanted: Wanted,
    document: Document,
    pilot: Pilot<Wanted, Bytes>,
}

/// The way to the thread, which ends when the last of these is dropped. Clones share it.
#[derive(Clone)]
pub(super) struct Compressor {
    under_way: Arc<Flights<Wanted, Bytes>>,
    jobs: SyncSender<Job>,
}

impl Compressor {
    pub(super) fn start(shelves: Shelves) -> Self {
        let (jobs, orders) = sync_channel(QUEUE);
        let thread = thread::Builder::new().name("compress".to_owned());
        // Without the thread each order is dropped, and readers get what there is.
        if let Err(error) = thread.spawn(move || work(&shelves, &orders)) {
            tracing::warn!(%error, "no thread to compress documents: they are sent as they are");
        }
        Self {
            under_way: Flights::new(),
            jobs,
        }
    }

    /// Orders a body, unless it is being built; never waits. The outcome may be waited for.
    pub(super) fn order(
        &self,
        place: &Place,
        document: &Document,
        coding: Coding,
    ) -> Outcome<Bytes> {
        let wanted = Wanted {
            place: place.clone(),
            fingerprint: document.fingerprint(),
            coding,
        };
        match self.under_way.join(&wanted) {
            Role::Follower(outcome) => outcome,
            Role::Leader(pilot) => {
                let outcome = pilot.outcome();
                // A job that is not taken drops its pilot, which tells everyone who waits.
                let _ = self.jobs.try_send(Job {
                    wanted,
                    document: document.clone(),
                    pilot,
                });
                outcome
            }
        }
    }
}

fn work(shelves: &Shelves, orders: &Receiver<Job>) {
    for job in orders {
        // A panic in an encoder drops the pilot, which tells everyone who waits; the thread goes on.
        let _ = catch_unwind(AssertUnwindSafe(|| build(shelves, job)));
    }
}

fn build(shelves: &Shelves, job: Job) {
    let Wanted { place, coding, .. } = job.wanted;
    // The order may have been given by one who read the document before the body was put beside it.
    let kept = shelves.peek(&place).filter(|it| it.is_same(&job.document));
    if let Some(body) = kept.as_ref().and_then(|it| it.compressed(coding)) {
        job.pilot.land(body.clone());
        return;
    }
    match coding.compress(&job.document.to_vec()) {
        Ok(body) => {
            let body = Bytes::from_owner(body.into_boxed_slice());
            shelves.put(&place, &job.document, coding, &body);
            // After that, so that whoever finds nothing under way finds the body.
            job.pilot.land(body);
        }
        Err(error) => tracing::warn!(?place, ?coding, %error, "a document cannot be compressed"),
    }
}

#[cfg(test)]
mod tests;
