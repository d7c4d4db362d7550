//! The span of a request or a job as a whole.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Instant, SystemTime};

use super::Tracer;
use super::current::{Current, Entered, State};
use super::ids;
use super::parent::Traceparent;
use super::record::{Attributes, SpanKind, SpanRecord};
use super::recorder::{Parent, Recorder};
use super::span::{elapsed, nanos};

/// What is done for one request or job. Whether it is kept is decided when it begins, for a share of all and for those
/// whose parent says so, or when it ends, for what went wrong or took long.
#[derive(Debug)]
pub struct Root(Current);

/// How it ended.
#[derive(Debug)]
pub struct Ending {
    /// What was done.
    pub name: Cow<'static, str>,
    /// For whom.
    pub kind: SpanKind,
    /// When it began.
    pub started: Instant,
    /// What is told of it.
    pub attributes: Attributes,
    /// What went wrong.
    pub error: Option<Cow<'static, str>>,
}

impl Root {
    /// Begins. The parent decides, where there is one, whether it is kept; else a lot does. `state`: its `tracestate`.
    pub fn begin(
        tracer: &Tracer,
        parent: Option<Traceparent>,
        state: impl FnOnce() -> Option<Box<str>>,
    ) -> Self {
        let is_sampled = match parent {
            None => ids::random() < tracer.0.threshold.load(Ordering::Relaxed),
            Some(parent) => parent.is_sampled() && tracer.may_force(),
        };
        let parent = parent.map(|traceparent| Parent {
            traceparent,
            state: state(),
        });
        Self(if is_sampled {
            Current::recording(Recorder::new(parent, true))
        } else {
            Current(State::Idle(parent.map(Box::new)))
        })
    }

    /// From here to the end of the result this thread works for it. Not to be held across an await.
    pub fn enter(&mut self) -> Entered<'_> {
        self.0.enter()
    }

    fn recorder(&self) -> Option<&Arc<Recorder>> {
        match &self.0.0 {
            State::Recording(places) => places.first().map(|place| &place.recorder),
            _ => None,
        }
    }

    /// That of the request itself, where it was decided at the beginning that it is kept.
    pub fn sampled(&self) -> Option<Traceparent> {
        let root = self.recorder()?.root;
        root.is_sampled().then_some(root)
    }

    /// Whether it is worth to tell how it ended. `is_notable`: it went wrong, or took long.
    pub fn is_kept(&self, tracer: &Tracer, is_notable: bool) -> bool {
        self.sampled().is_some() || is_notable && tracer.may_force()
    }

    /// That of the request itself. From here on it has an id, be it kept or not.
    pub fn traceparent(&mut self) -> Option<Traceparent> {
        self.0.record();
        self.recorder().map(|recorder| recorder.root)
    }

    /// It ended, and is to be seen.
    pub fn keep(mut self, tracer: &Tracer, ending: Ending) {
        self.0.record();
        let Some(recorder) = self.recorder() else {
            return;
        };
        let end = nanos(SystemTime::now());
        let record = SpanRecord {
            id: recorder.root.span_id,
            parent: recorder
                .parent
                .as_ref()
                .map_or(0, |parent| parent.traceparent.span_id),
            name: ending.name,
            kind: ending.kind,
            start: end.saturating_sub(elapsed(ending.started)),
            end,
            attributes: ending.attributes,
            error: ending.error,
        };
        recorder.finish(Some((&tracer.0.queue, record)));
    }

    /// It ended, and nobody is to see it.
    pub fn forget(self) {
        if let Some(recorder) = self.recorder() {
            recorder.finish(None);
        }
    }
}
