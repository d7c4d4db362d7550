//! Which span what is being done belongs to. It rides with the task, as the context of a request does, and whoever hands
//! work to another task takes it along ([`current`], [`scope`]). What forgets to is not seen in the trace.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;

use super::parent::{Carried, Traceparent};
use super::recorder::{Parent, Recorder};

thread_local! {
    static CURRENT: Cell<Current> = const { Cell::new(Current(State::Off)) };
}

/// The span that is under way, of one trace or, for what is done for several requests at once, of several. Clones are
/// the same span.
#[derive(Debug, Clone, Default)]
pub struct Current(pub(super) State);

#[derive(Debug, Clone, Default)]
pub(super) enum State {
    /// Nobody looks.
    #[default]
    Off,
    /// A request that nobody keeps unless it ends badly. It costs nothing before a span of it begins. Boxed, since few
    /// have a parent and each is moved at every poll.
    Idle(Option<Box<Parent>>),
    /// Spans are recorded.
    Recording(Arc<[Place]>),
}

/// A span in a trace.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) recorder: Arc<Recorder>,
    pub(super) span: u64,
}

impl Current {
    pub(super) fn recording(recorder: Arc<Recorder>) -> Self {
        let span = recorder.root.span_id;
        Self(State::Recording(Arc::new([Place { recorder, span }])))
    }

    /// From here on what is done is recorded, if anybody may ever look.
    pub(super) fn record(&mut self) -> Option<&Arc<[Place]>> {
        if let State::Idle(parent) = &mut self.0 {
            *self = Self::recording(Recorder::new(parent.take().map(|it| *it), false));
        }
        match &self.0 {
            State::Recording(places) => Some(places),
            _ => None,
        }
    }

    /// For what is done for all of these at once: it is told in the trace of each.
    #[must_use]
    pub fn together(all: impl IntoIterator<Item = Self>) -> Self {
        let places: Vec<Place> = all
            .into_iter()
            .filter_map(|mut current| current.record().cloned())
            .flat_map(|places| places.to_vec())
            .collect();
        if places.is_empty() {
            return Self::default();
        }
        Self(State::Recording(places.into()))
    }

    /// For whoever is asked, in headers, or later. `None` where nothing is recorded, or for several at once.
    pub fn carried(&self) -> Option<Carried> {
        match &self.0 {
            State::Recording(places) => match &**places {
                [place] => Some(place.carried()),
                _ => None,
            },
            _ => None,
        }
    }

    /// From here to the end of the result this thread works for it. Not to be held across an await.
    pub fn enter(&mut self) -> Entered<'_> {
        Entered::new(self)
    }
}

impl Place {
    fn traceparent(&self) -> Traceparent {
        let root = self.recorder.root;
        root.below(self.span, root.is_sampled())
    }

    fn carried(&self) -> Carried {
        let parent = self.recorder.parent.as_ref();
        Carried {
            traceparent: self.traceparent(),
            state: parent.and_then(|parent| parent.state.clone()),
        }
    }
}

/// Looks at what is current, or makes something of it.
pub(super) fn with<T>(look: impl FnOnce(&mut Current) -> T) -> T {
    let mut current = CURRENT.take();
    let seen = look(&mut current);
    CURRENT.set(current);
    seen
}

/// To be taken along. What is done within is recorded from here on.
pub fn current() -> Current {
    with(|current| {
        current.record();
        current.clone()
    })
}

/// Of the span that is under way, for what is done later or elsewhere; `None` where nothing is recorded.
pub fn carried() -> Option<Carried> {
    current().carried()
}

/// Puts the one before back, and keeps what became of this one.
#[must_use]
pub struct Entered<'c>(&'c mut Current);

impl<'c> Entered<'c> {
    fn new(current: &'c mut Current) -> Self {
        *current = CURRENT.replace(std::mem::take(current));
        Self(current)
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        *self.0 = CURRENT.replace(std::mem::take(self.0));
    }
}

/// Polls `future` for `current`, on whichever thread. As cancel safe as `future`.
pub async fn scope<F: Future>(mut current: Current, future: F) -> F::Output {
    if matches!(current.0, State::Off) {
        return future.await;
    }
    let mut future = pin!(future);
    poll_fn(move |task| {
        let _entered = Entered::new(&mut current);
        future.as_mut().poll(task)
    })
    .await
}
