//! A step of what is done for a request or a job.

use std::borrow::Cow;
use std::fmt::Display;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use super::current::{self, Current, Place, State};
use super::ids;
use super::parent::Carried;
use super::record::{AttributeValue, Attributes, SpanKind, SpanRecord};

/// Begins where it is made, and ends where it is dropped. Does nothing where nobody looks.
#[derive(Debug)]
#[must_use]
pub struct Span(Option<Box<Open>>);

#[derive(Debug)]
struct Open {
    parents: Arc<[Place]>,
    id: u64,
    name: Cow<'static, str>,
    kind: SpanKind,
    start: u64,
    started: Instant,
    attributes: Attributes,
    error: Option<Cow<'static, str>>,
}

/// Begins a span within the one that is under way.
pub fn span(name: impl Into<Cow<'static, str>>, kind: SpanKind) -> Span {
    current::with(|current| Span::begin(current.record(), name, kind))
}

/// The same for what is done for each request, however fast it is: only where somebody is sure to look, or something else
/// was recorded before.
pub fn span_of_sampled(name: &'static str, kind: SpanKind) -> Span {
    current::with(|current| match &current.0 {
        State::Recording(places) => Span::begin(Some(places), name, kind),
        _ => Span(None),
    })
}

impl Span {
    fn begin(
        parents: Option<&Arc<[Place]>>,
        name: impl Into<Cow<'static, str>>,
        kind: SpanKind,
    ) -> Self {
        Self(parents.map(|parents| {
            Box::new(Open {
                parents: Arc::clone(parents),
                id: ids::span_id(),
                name: name.into(),
                kind,
                start: nanos(SystemTime::now()),
                started: Instant::now(),
                attributes: Vec::new(),
                error: None,
            })
        }))
    }

    /// Whether what is told of it is kept, for what takes long to be told.
    pub fn is_recording(&self) -> bool {
        self.0.is_some()
    }

    /// Tells something of it.
    pub fn set(&mut self, name: &'static str, value: impl Into<AttributeValue>) {
        if let Some(open) = &mut self.0 {
            open.attributes.push((name, value.into()));
        }
    }

    /// It went wrong.
    pub fn fail(&mut self, kind: &'static str, error: &impl Display) {
        if let Some(open) = &mut self.0 {
            open.attributes.push(("error.type", kind.into()));
            open.error = Some(error.to_string().into());
        }
    }

    /// There is nothing to be told, after all.
    pub fn forget(mut self) {
        self.0 = None;
    }

    /// What is done within it.
    pub fn current(&self) -> Current {
        let Some(open) = &self.0 else {
            return Current::default();
        };
        let within = |place: &Place| Place {
            recorder: Arc::clone(&place.recorder),
            span: open.id,
        };
        let places: Vec<_> = open.parents.iter().map(within).collect();
        Current(State::Recording(places.into()))
    }

    /// For whoever is asked.
    pub fn carried(&self) -> Option<Carried> {
        self.current().carried()
    }

    /// Polls `future` within it. As cancel safe as `future`.
    pub fn scope<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
        current::scope(self.current(), future)
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        let Some(open) = self.0.take() else { return };
        let mut record = SpanRecord {
            id: open.id,
            parent: 0,
            name: open.name,
            kind: open.kind,
            start: open.start,
            end: open.start + elapsed(open.started),
            attributes: open.attributes,
            error: open.error,
        };
        let Some((last, others)) = open.parents.split_last() else {
            return;
        };
        for place in others {
            record.parent = place.span;
            place.recorder.push(record.clone());
        }
        record.parent = last.span;
        last.recorder.push(record);
    }
}

/// Since 1970.
pub(super) fn nanos(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// In nanoseconds.
pub(super) fn elapsed(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX)
}
