//! A job as a span: part of the trace of whoever enqueued it.

use std::future::poll_fn;
use std::pin::pin;
use std::time::Instant;

use crate::jobs::handler::Failure;
use crate::jobs::job::Job;
use crate::telemetry::traces::{Carried, Ending, Root, SpanKind, Tracer};

/// A job that is being done. One that is dropped before it ended is not seen.
pub(super) struct JobTrace {
    tracer: Tracer,
    root: Root,
    kind: &'static str,
    started: Instant,
}

impl JobTrace {
    /// Begins. What it came from decides whether it is kept, where that was traced.
    pub(super) fn begin(tracer: &Tracer, kind: &'static str, job: &Job) -> Self {
        Self {
            tracer: tracer.clone(),
            root: {
                let Origin { carried, .. } = Origin::of(job);
                let traceparent = carried.as_ref().map(|it| it.traceparent);
                Root::begin(tracer, traceparent, || carried.and_then(|it| it.state))
            },
            kind,
            started: Instant::now(),
        }
    }

    /// For the log, where it is certain that the trace is kept.
    pub(super) fn trace_id(&self) -> Option<String> {
        Some(format!("{:032x}", self.root.sampled()?.trace_id))
    }

    /// It ended, one way or another; `None`: before it was done.
    pub(super) fn end(self, job: &Job, done: Option<&Result<(), Failure>>) {
        let error = match done {
            Some(Ok(())) => None,
            Some(Err(
                Failure::Passing(error) | Failure::PassingFor(_, error) | Failure::Lasting(error),
            )) => Some(error.clone()),
            None => Some("stopped before it was done".to_owned()),
        };
        if !self.root.is_kept(&self.tracer, error.is_some()) {
            self.root.forget();
            return;
        }
        let mut attributes = vec![
            ("messaging.system", "doorbuster".into()),
            ("messaging.operation.type", "process".into()),
            ("messaging.destination.name", self.kind.into()),
            ("messaging.message.id", job.lease.id.to_string().into()),
            ("doorbuster.job.attempt", i64::from(job.attempt).into()),
            (
                "doorbuster.job.waited_ms",
                i64::try_from(job.waited).unwrap_or(i64::MAX).into(),
            ),
        ];
        if error.is_some() {
            attributes.push(("error.type", "failed".into()));
        }
        let ending = Ending {
            name: format!("job {}", self.kind).into(),
            kind: SpanKind::Consumer,
            started: self.started,
            attributes,
            error: error.map(Into::into),
        };
        self.root.keep(&self.tracer, ending);
    }
}

/// What a job came from.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Origin<'j> {
    /// The id of a request.
    pub(super) request_id: Option<&'j str>,
    /// The context that it was enqueued with.
    pub(super) carried: Option<Carried>,
}

impl<'j> Origin<'j> {
    /// An id, a context, or both with a space between.
    pub(super) fn of(job: &'j Job) -> Self {
        let Some(text) = job.trace.as_deref() else {
            return Self::default();
        };
        if let Some(carried) = Carried::parse(text) {
            return Self {
                request_id: None,
                carried: Some(carried),
            };
        }
        let (id, rest) = text.split_once(' ').unwrap_or((text, ""));
        Self {
            request_id: Some(id),
            carried: Carried::parse(rest),
        }
    }

    /// For the log.
    pub(super) fn trace_id(&self) -> Option<String> {
        let traceparent = self.carried.as_ref()?.traceparent;
        Some(format!("{:032x}", traceparent.trace_id))
    }
}

/// Polls `future` within the job, where it is traced. As cancel safe as `future`.
pub(super) async fn within<F: Future>(trace: &mut Option<JobTrace>, future: F) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|task| {
        let _entered = trace.as_mut().map(|trace| trace.root.enter());
        future.as_mut().poll(task)
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::job::Lease;

    #[test]
    fn a_job_knows_the_request_and_the_trace_that_it_came_from() {
        const TRACE_ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
        let traceparent = format!("00-{TRACE_ID}-00f067aa0ba902b7-01");
        for (text, request_id, state) in [
            (traceparent.clone(), None, None),
            (format!("{traceparent} a=1 b"), None, Some("a=1 b")),
            (format!("r-1 {traceparent}"), Some("r-1"), None),
            (format!("r-1 {traceparent} a=1"), Some("r-1"), Some("a=1")),
        ] {
            let job = job(Some(text));
            let origin = Origin::of(&job);
            assert_eq!(origin.request_id, request_id);
            assert_eq!(origin.trace_id().as_deref(), Some(TRACE_ID));
            assert_eq!(origin.carried.unwrap().state.as_deref(), state);
        }
        let named = job(Some("r-1".to_owned()));
        let expected = Origin {
            request_id: Some("r-1"),
            carried: None,
        };
        assert_eq!(Origin::of(&named), expected);
        assert_eq!(Origin::of(&job(None)), Origin::default());
    }

    fn job(trace: Option<String>) -> Job {
        Job {
            lease: Lease { id: 1, fence: 1 },
            payload: String::new(),
            attempt: 1,
            max_attempts: 1,
            is_unique: false,
            waited: 0,
            trace,
        }
    }
}
