//! Tells a collector the metrics from time to time, on a thread of its own. Nothing waits for it, and nothing is queued: a
//! message that is not taken is dropped, and the next one tells everything again.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use opentelemetry_proto::tonic::resource::v1::Resource;

use super::Message;
use crate::config::TracesConfig;
use crate::telemetry::otlp::{Collector, resource};

/// How long the end of the process waits for the last message.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// What became of messages. Clones share the counters.
#[derive(Debug, Clone, Default)]
pub struct ExportCounts(Arc<[AtomicU64; 2]>);

impl ExportCounts {
    /// Messages that the collector took, since the start of the process.
    pub fn taken(&self) -> u64 {
        self.0[0].load(Ordering::Relaxed)
    }

    /// Messages that it did not take.
    pub fn dropped(&self) -> u64 {
        self.0[1].load(Ordering::Relaxed)
    }

    fn count(&self, is_taken: bool) {
        self.0[usize::from(!is_taken)].fetch_add(1, Ordering::Relaxed);
    }
}

/// The way to the thread, which ends with it.
#[derive(Debug)]
pub struct Exporter(Sender<Sender<()>>);

impl Exporter {
    /// Starts the thread; `None` where there is nobody to tell, or nobody is to be told. `node` tells this process from
    /// others, `read` writes down what is to be told.
    pub fn start(
        config: &TracesConfig,
        node: &str,
        counts: ExportCounts,
        read: impl Fn() -> Message + Send + 'static,
    ) -> io::Result<Option<Self>> {
        let endpoint = config.endpoint.as_ref();
        let Some(endpoint) = endpoint.filter(|_| !config.metrics_every.is_zero()) else {
            return Ok(None);
        };
        let teller = Teller {
            collector: Collector::new(&endpoint.metrics(), config),
            resource: resource(&config.service_name, node),
            every: config.metrics_every,
            counts,
            is_taken: true,
        };
        let (end, ended) = mpsc::channel();
        thread::Builder::new()
            .name("metrics".to_owned())
            .spawn(move || teller.run(&ended, read))?;
        Ok(Some(Self(end)))
    }

    /// Tells the last numbers, for two seconds at most. Blocks. Nothing is told after it.
    pub fn finish(self) {
        let (done, is_done) = mpsc::channel();
        if self.0.send(done).is_ok() {
            let _ = is_done.recv_timeout(LAST_WORDS);
        }
    }
}

struct Teller {
    collector: Collector,
    resource: Resource,
    every: Duration,
    counts: ExportCounts,
    /// Whether the last message was taken.
    is_taken: bool,
}

impl Teller {
    fn run(mut self, ended: &Receiver<Sender<()>>, read: impl Fn() -> Message) {
        loop {
            let end = match ended.recv_timeout(self.every) {
                Ok(done) => Some(done),
                Err(RecvTimeoutError::Timeout) => None,
                // What it told of is gone.
                Err(RecvTimeoutError::Disconnected) => return,
            };
            self.tell(read());
            if let Some(done) = end {
                let _ = done.send(());
                return;
            }
        }
    }

    fn tell(&mut self, message: Message) {
        let outcome = self.collector.post(&message.encode(&self.resource));
        self.counts.count(outcome.is_ok());
        match outcome {
            Ok(_) if !self.is_taken => tracing::info!("metrics are taken again"),
            Err(ref error) if self.is_taken => {
                tracing::warn!(%error, "metrics are not taken by the collector; telemetry.metrics_every = 0 sends none");
            }
            _ => {}
        }
        self.is_taken = outcome.is_ok();
    }
}
