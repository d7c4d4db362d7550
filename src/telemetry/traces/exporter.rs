//! Sends spans away, on a thread of its own. Requests put theirs into a queue that is bounded by spans, and never wait.
//!
//! To wake a thread costs more than to record a span, so the thread is woken by the first span of a batch and by the one
//! that fills it, and sleeps through those between.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, OnceLock};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

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
    /// That of the other end.
    exporter: OnceLock<Thread>,
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
            exporter: OnceLock::new(),
        }));
        let exporter = Exporter {
            queue: queue.clone(),
            collector: Collector::new(endpoint, config),
            resource: resource(&config.service_name, node),
            is_taken: true,
        };
        let thread = thread::Builder::new()
            .name("traces".to_owned())
            .spawn(move || exporter.run(&receiver))?;
        queue.0.exporter.get_or_init(|| thread.thread().clone());
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
        } else if before < BATCH && before + count >= BATCH {
            self.wake();
        }
    }

    fn wake(&self) {
        if let Some(exporter) = self.0.exporter.get() {
            exporter.unpark();
        }
    }

    /// Sleeps until a batch waits, the first of it has waited long enough, or nothing comes any more.
    fn wait_for_others(&self) {
        let until = Instant::now() + PATIENCE;
        let is_whole = || self.0.queued.load(Ordering::Relaxed) >= BATCH;
        while !is_whole() && !self.0.is_ending.load(Ordering::Relaxed) {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            thread::park_timeout(left);
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
            self.wake();
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
            self.queue.wait_for_others();
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

/// What has come, up to a batch.
fn collect(first: Message, receiver: &Receiver<Message>) -> (Vec<Finished>, Option<Sender<()>>) {
    let (mut batch, mut count) = (Vec::new(), 0);
    let mut next = Some(first);
    while let Some(message) = next {
        match message {
            Message::Spans(finished) => {
                count += finished.spans.len();
                batch.push(finished);
            }
            Message::End(done) => return (batch, Some(done)),
        }
        if count >= BATCH {
            break;
        }
        next = receiver.try_recv().ok();
    }
    (batch, None)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::fs;

    use super::super::record::{SpanKind, SpanRecord};
    use super::super::recorder::Recorder;
    use super::*;
    use crate::config::Percent;

    fn one_span() -> Finished {
        let recorder = Recorder::new(None, true);
        let span = SpanRecord {
            id: recorder.root.span_id,
            parent: 0,
            name: "a".into(),
            kind: SpanKind::Server,
            start: 1,
            end: 2,
            attributes: Vec::new(),
            error: None,
        };
        Finished {
            recorder,
            spans: vec![span],
        }
    }

    /// How often the thread has gone to sleep.
    fn pauses() -> u64 {
        let of = |folder: &std::path::Path| {
            let is_it = fs::read_to_string(folder.join("comm")).ok()? == "traces\n";
            let status = fs::read_to_string(folder.join("status")).ok()?;
            let mut lines = status.lines();
            let count = lines.find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?;
            is_it.then(|| count.trim().parse::<u64>().unwrap())
        };
        let tasks = fs::read_dir("/proc/self/task").unwrap();
        tasks.filter_map(|task| of(&task.unwrap().path())).sum()
    }

    #[test]
    fn spans_do_not_wake_the_thread_one_by_one() {
        const SPANS: u64 = 200;
        let config = TracesConfig {
            endpoint: None,
            headers: Vec::new(),
            sample_ratio: Percent(0),
            slow: Duration::from_secs(1),
            forced: 0,
            metrics_every: Duration::ZERO,
            service_name: "test".to_owned(),
        };
        // Nobody listens there.
        let queue = Queue::start("http://127.0.0.1:1/v1/traces", &config, "node").unwrap();
        for _ in 0..SPANS {
            queue.put(one_span());
            thread::sleep(Duration::from_millis(1));
        }
        let pauses = pauses();
        assert!(pauses < SPANS / 4, "{pauses}");
        queue.finish(Duration::from_secs(10));
        let counts = queue.counters().read();
        assert_eq!((counts.not_taken, counts.queue_full), (SPANS, 0));
    }
}
