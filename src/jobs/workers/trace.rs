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
                let carried = parent(job);
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

/// The context that the job was enqueued with; else it bears the id of a request.
pub(super) fn parent(job: &Job) -> Option<Carried> {
    Carried::parse(job.trace.as_ref()?)
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
