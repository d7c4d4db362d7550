//! Sends spans away, on a thread of its own. Requests put theirs into a queue that is bounded by spans, and never wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};
use std::{io, thread};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message as _;

use super::otlp;
use super::recorder::Finished;
use crate::config::TracesConfig;
use crate::telemetry::otlp::{Collector, SendError, resource};

/// Spans that may wait: some 4 MB.
const MOST_QUEUED: usize = 8_192;
/// Spans that are sent together, at least where there are so many.
const BATCH: usize = 512;
/// How long a span waits for others.
const PATIENCE: Duration = Duration::from_millis(500);
/// How often spans are sent that were not taken, and how long after the first time; each pause is twice the last one.
const ATTEMPTS: u32 = 4;
const PAUSE: Duration = Duration::from_millis(250);

/// What became of spans.
#[derive(Debug, Default)]
pub(super) struct Counters {
    exported: AtomicU64,
    queue_full: AtomicU64,
    not_taken: AtomicU64,
    trace_full: AtomicU64,
    pub(super) over_rate: AtomicU64,
}

/// What became of spans, since the start of the process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SpanCounts {
    /// The receiver took them.
    pub exported: u64,
    /// Dropped: too many waited.
    pub queue_full: u64,
    /// Dropped: the receiver did not take them.
    pub not_taken: u64,
    /// Dropped: the request had too many.
    pub trace_full: u64,
    /// Requests and jobs that were not kept, since too many were beside the sample.
    pub over_rate: u64,
}

impl Counters {
    pub(super) fn read(&self) -> SpanCounts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        SpanCounts {
            exported: read(&self.exported),
            queue_full: read(&self.queue_full),
            not_taken: read(&self.not_taken),
            trace_full: read(&self.trace_full),
            over_rate: read(&self.over_rate),
        }
    }
}

fn add(counter: &AtomicU64, count: usize) {
    counter.fetch_add(count as u64, Ordering::Relaxed);
}

/// The way to the thread. Clones are the same.
#[derive(Debug, Clone)]
pub(super) struct Queue(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    sender: Sender<Message>,
    queued: AtomicUsize,
    is_ending: AtomicBool,
    counters: Counters,
}

enum Message {
    Spans(Finished),
    /// Nothing comes any more; who is to be told when all was sent.
    End(Sender<()>),
}

impl Queue {
    /// Starts the thread.
    pub(super) fn start(endpoint: &str, config: &TracesConfig, node: &str) -> io::Result<Self> {
        let (sender, receiver) = mpsc::channel();
        let queue = Self(Arc::new(Inner {
            sender,
            queued: AtomicUsize::new(0),
            is_ending: AtomicBool::new(false),
            counters: Counters::default(),
        }));
        let exporter = Exporter {
            queue: queue.clone(),
            collector: Collector::new(endpoint, config),
            resource: resource(&config.service_name, node),
            is_taken: true,
        };
        thread::Builder::new()
            .name("traces".to_owned())
            .spawn(move || exporter.run(&receiver))?;
        Ok(queue)
    }

    pub(super) fn counters(&self) -> &Counters {
        &self.0.counters
    }

    /// Awaits nothing. What there is no room for is dropped.
    pub(super) fn put(&self, finished: Finished) {
        let count = finished.spans.len();
        let before = self.0.queued.fetch_add(count, Ordering::Relaxed);
        let has_room = before + count <= MOST_QUEUED;
        if !has_room || self.0.sender.send(Message::Spans(finished)).is_err() {
            self.0.queued.fetch_sub(count, Ordering::Relaxed);
            add(&self.0.counters.queue_full, count);
        }
    }

    /// Spans that a request had too many.
    pub(super) fn lost(&self, count: usize) {
        add(&self.0.counters.trace_full, count);
    }

    /// Sends what waits, as far as that can be done in this time. Blocks.
    pub(super) fn finish(&self, limit: Duration) {
        self.0.is_ending.store(true, Ordering::Relaxed);
        let (done, is_done) = mpsc::channel();
        if self.0.sender.send(Message::End(done)).is_ok() {
            let _ = is_done.recv_timeout(limit);
        }
    }
}

/// The other end of the queue.
struct Exporter {
    queue: Queue,
    collector: Collector,
    resource: Resource,
    /// Whether the last ones were taken.
    is_taken: bool,
}

impl Exporter {
    fn run(mut self, receiver: &Receiver<Message>) {
        while let Ok(first) = receiver.recv() {
            let (batch, end) = collect(first, receiver);
            self.send(batch);
            if let Some(end) = end {
                let _ = end.send(());
                return;
            }
        }
    }

    fn send(&mut self, batch: Vec<Finished>) {
        let count: usize = batch.iter().map(|it| it.spans.len()).sum();
        if count == 0 {
            return;
        }
        let body = otlp::request(&self.resource, batch).encode_to_vec();
        let outcome = self.try_send(&body);
        let inner = &self.queue.0;
        inner.queued.fetch_sub(count, Ordering::Relaxed);
        match outcome {
            Ok(refused) => {
                let refused = refused.min(count);
                add(&inner.counters.exported, count - refused);
                add(&inner.counters.not_taken, refused);
                if !self.is_taken {
                    tracing::info!("traces are taken again");
                }
                self.is_taken = true;
            }
            Err(error) => {
                add(&inner.counters.not_taken, count);
                if self.is_taken {
                    tracing::warn!(%error, "traces are not taken, and dropped");
                }
                self.is_taken = false;
            }
        }
    }

    /// How many the receiver refused of those it understood.
    fn try_send(&self, body: &[u8]) -> Result<usize, SendError> {
        let mut pause = PAUSE;
        let mut attempt = 1;
        loop {
            let error = match self.post(body) {
                Err(error) if error.is_passing() => error,
                outcome => return outcome,
            };
            // Where the last ones were not taken either, once is enough: others wait behind these.
            let is_last = attempt >= ATTEMPTS || !self.is_taken;
            if is_last || self.queue.0.is_ending.load(Ordering::Relaxed) {
                return Err(error);
            }
            thread::sleep(pause);
            pause *= 2;
            attempt += 1;
        }
    }

    fn post(&self, body: &[u8]) -> Result<usize, SendError> {
        let answer = self.collector.post(body)?;
        // One that is no such message says nothing against it.
        let answer = ExportTraceServiceResponse::decode(answer.as_slice()).unwrap_or_default();
        let refused = answer.partial_success.map_or(0, |it| it.rejected_spans);
        Ok(usize::try_from(refused).unwrap_or(0))
    }
}

/// What comes within the patience of the first one, or up to a batch.
fn collect(first: Message, receiver: &Receiver<Message>) -> (Vec<Finished>, Option<Sender<()>>) {
    let until = Instant::now() + PATIENCE;
    let (mut batch, mut count) = (Vec::new(), 0);
    let mut next = Ok(first);
    loop {
        match next {
            Ok(Message::Spans(finished)) => {
                count += finished.spans.len();
                batch.push(finished);
            }
            Ok(Message::End(done)) => return (batch, Some(done)),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                return (batch, None);
            }
        }
        if count >= BATCH {
            return (batch, None);
        }
        next = receiver.recv_timeout(until.saturating_duration_since(Instant::now()));
    }
}
