//! The spans of one request or job, kept until it is known whether anybody is to see them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::exporter::Queue;
use super::ids;
use super::parent::Traceparent;
use super::record::SpanRecord;

/// Spans of one request that are kept at most.
const MOST_SPANS: usize = 256;

/// Where a trace comes from.
#[derive(Debug, Clone)]
pub(super) struct Parent {
    pub(super) traceparent: Traceparent,
    pub(super) state: Option<Box<str>>,
}

/// Spans of a trace that go out together.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) recorder: Arc<Recorder>,
    pub(super) spans: Vec<SpanRecord>,
}

/// Takes the spans of one request or job, from whatever thread.
#[derive(Debug)]
pub(super) struct Recorder {
    /// Of the request itself.
    pub(super) root: Traceparent,
    pub(super) parent: Option<Parent>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    spans: Vec<SpanRecord>,
    lost: usize,
    fate: Fate,
}

/// What becomes of the spans.
#[derive(Debug, Default)]
enum Fate {
    /// That is known at the end.
    #[default]
    Open,
    /// They go there, be they late.
    Kept(Queue),
    Dropped,
}

impl Recorder {
    pub(super) fn new(parent: Option<Parent>, is_sampled: bool) -> Arc<Self> {
        let id = ids::span_id();
        let root = match &parent {
            Some(parent) => parent.traceparent.below(id, is_sampled),
            None => Traceparent::new(ids::trace_id(), id, is_sampled),
        };
        Arc::new(Self {
            root,
            parent,
            state: Mutex::default(),
        })
    }

    /// A span ended. One that does so after its request is told of by itself, or not at all.
    pub(super) fn push(self: &Arc<Self>, span: SpanRecord) {
        let mut state = self.lock();
        match &state.fate {
            Fate::Open if state.spans.len() < MOST_SPANS => state.spans.push(span),
            Fate::Open => state.lost += 1,
            Fate::Kept(queue) => {
                let queue = queue.clone();
                drop(state);
                queue.put(Finished {
                    recorder: Arc::clone(self),
                    spans: vec![span],
                });
            }
            Fate::Dropped => {}
        }
    }

    /// The request ended: its spans go there, with its own, or nowhere.
    pub(super) fn finish(self: &Arc<Self>, keep: Option<(&Queue, SpanRecord)>) {
        let mut state = self.lock();
        let (spans, lost) = (std::mem::take(&mut state.spans), state.lost);
        let Some((queue, root)) = keep else {
            state.fate = Fate::Dropped;
            return;
        };
        state.fate = Fate::Kept(queue.clone());
        drop(state);
        queue.lost(lost);
        let mut all = vec![root];
        all.extend(spans);
        queue.put(Finished {
            recorder: Arc::clone(self),
            spans: all,
        });
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
