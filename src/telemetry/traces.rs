//! Traces: what was done for one request or job, step by step, told to a collector by OTLP.
//!
//! A lot decides at the beginning of a request whether it is kept, or whoever asked did ([`Traceparent`]). Of every other
//! one the spans are kept until it ends, from its first span on, which a hit in memory has none of: one that failed or
//! took long goes out, too. So a hit pays for a look at a header and a lot, and nothing else.

mod allowance;
mod current;
mod exporter;
mod ids;
mod otlp;
mod parent;
mod record;
mod recorder;
mod root;
mod span;
#[cfg(test)]
mod tests;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use allowance::Allowance;
use exporter::Queue;

use crate::config::TracesConfig;
pub use current::{Current, Entered, carried, current, scope};
pub use exporter::SpanCounts;
pub use parent::{Carried, TraceId, Traceparent, tracestate};
pub use record::{AttributeValue, Attributes, SpanKind};
pub use root::{Ending, Root};
pub use span::{Span, span, span_of_sampled};

/// How long the end of the process waits for what is still to be sent.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Traces requests and jobs. Clones are the same.
#[derive(Debug, Clone)]
pub struct Tracer(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// A lot below it has a trace kept.
    threshold: AtomicU64,
    /// In nanoseconds.
    slow: AtomicU64,
    allowance: Allowance,
    queue: Queue,
}

impl Tracer {
    /// Starts the thread that sends spans; `None` where there is nowhere to send them. `node` tells this process from
    /// others.
    pub fn start(config: &TracesConfig, node: &str) -> io::Result<Option<Self>> {
        let Some(endpoint) = &config.endpoint else {
            return Ok(None);
        };
        Ok(Some(Self(Arc::new(Inner {
            threshold: threshold(config.sample_ratio.0).into(),
            slow: nanos(config.slow).into(),
            allowance: Allowance::new(config.forced),
            queue: Queue::start(&endpoint.traces(), config, node)?,
        }))))
    }

    /// Whether a request that took so long is always kept.
    pub fn is_slow(&self, took: Duration) -> bool {
        nanos(took) >= self.0.slow.load(Ordering::Relaxed)
    }

    /// From here on the shares and limits of this configuration are in force. Where what is kept goes stays as it is.
    pub fn follow(&self, config: &TracesConfig) {
        let inner = &*self.0;
        let ratio = threshold(config.sample_ratio.0);
        inner.threshold.store(ratio, Ordering::Relaxed);
        inner.slow.store(nanos(config.slow), Ordering::Relaxed);
        inner.allowance.set(config.forced);
    }

    /// Whether one more may be kept that the sample does not have. Counts those that may not.
    fn may_force(&self) -> bool {
        let may = self.0.allowance.take();
        if !may {
            let counters = self.0.queue.counters();
            counters.over_rate.fetch_add(1, Ordering::Relaxed);
        }
        may
    }

    /// What became of spans.
    pub fn counts(&self) -> SpanCounts {
        self.0.queue.counters().read()
    }

    /// Sends what waits, for two seconds at most. Blocks. Nothing is sent after it.
    pub fn finish(&self) {
        self.0.queue.finish(LAST_WORDS);
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// The share of all lots, given in millionths.
fn threshold(millionths: u32) -> u64 {
    let share = u128::from(millionths) << 64;
    u64::try_from(share / 1_000_000).unwrap_or(u64::MAX)
}
