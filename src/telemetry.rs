//! What the process says about itself: log lines on stderr, for people on a terminal and as JSON
//! otherwise, and numbers ([`metrics`]).
//!
//! Lines are written by a thread of their own. HTTP workers only put a line into a bounded queue
//! (10,000 lines), so a slow terminal or a full pipe never holds up a request. When the queue is full,
//! lines are dropped and counted instead ([`Guard::dropped_lines`]): a shop that answers without logs is
//! better than one that logs why it does not answer.

mod histogram;
mod json;
pub mod metrics;
mod otlp;
mod requests;
mod tally;
#[cfg(test)]
mod tests;
pub mod traces;

use std::io::{self, IsTerminal};
use std::sync::OnceLock;

use tracing::{Span, Subscriber, error_span};
use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::JsonFields;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};
use tracing_subscriber::{EnvFilter, Registry, fmt, registry, reload};

use crate::config::{LogFilter, LogFormat, TelemetryConfig};
pub use histogram::{BOUNDS, Durations};
use json::FlatJson;
pub use requests::{Code, Requests, Route, RouteCounts};
pub(crate) use tally::Tally;
use traces::TraceId;

/// Lines that may wait for stderr. The queue is allocated at once, so ten times as many would take
/// megabytes of a process that may never log that fast.
const QUEUED_LINES: usize = 10_000;

/// Libraries whose `info` is only worth a `debug` here. What is configured for them wins.
const CHATTY: &str = "actix_server=warn,refinery_core=warn";

static DROPPED: OnceLock<ErrorCounter> = OnceLock::new();

/// How many lines of this process were dropped because stderr took them too slowly.
pub fn dropped_lines() -> u64 {
    DROPPED
        .get()
        .map_or(0, |dropped| dropped.dropped_lines() as u64)
}
/// What is logged by the subscriber that is installed, for [`set_filter`].
static FILTER: OnceLock<reload::Handle<EnvFilter, Registry>> = OnceLock::new();

/// Keeps the logs going. Dropping it writes out what is queued.
#[must_use = "queued lines are lost unless the guard lives until the end"]
pub struct Guard {
    _worker: WorkerGuard,
    dropped: ErrorCounter,
}

impl Guard {
    /// How many lines were dropped because stderr took them too slowly.
    pub fn dropped_lines(&self) -> usize {
        self.dropped.dropped_lines()
    }
}

/// What stderr is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Console {
    /// A person may be watching.
    pub is_terminal: bool,
    /// Text may be coloured.
    pub colours: bool,
}

impl Console {
    /// Looks at the stderr of this process; colours are off where `NO_COLOR` is set and not empty
    /// (<https://no-color.org>).
    pub fn stderr() -> Self {
        let is_terminal = io::stderr().is_terminal();
        let no_colours = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self {
            is_terminal,
            colours: is_terminal && !no_colours,
        }
    }
}

/// Sends the events of the whole process, those of the `log` crate included, to stderr. Fails where
/// that was done before.
pub fn install(config: &TelemetryConfig) -> Result<Guard, TryInitError> {
    let (writer, worker) = NonBlockingBuilder::default()
        .buffered_lines_limit(QUEUED_LINES)
        .thread_name("log-writer")
        .finish(io::stderr());
    let dropped = writer.error_counter();
    // Logs are installed once.
    let _ = DROPPED.set(writer.error_counter());
    let (subscriber, filter) = reloadable(config, Console::stderr(), writer);
    subscriber.try_init()?;
    // The first one that was installed is the one that is used.
    let _ = FILTER.set(filter);
    Ok(Guard {
        _worker: worker,
        dropped,
    })
}

/// The subscriber that [`install`] installs, with any console and writer.
pub fn subscriber<W>(
    config: &TelemetryConfig,
    console: Console,
    writer: W,
) -> impl Subscriber + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    reloadable(config, console, writer).0
}

/// From now on the whole process logs what this filter lets through. Does nothing where nothing is [installed](install).
pub fn set_filter(filter: &LogFilter) {
    let Some(handle) = FILTER.get() else {
        return;
    };
    if let Err(error) = handle.reload(env_filter(filter)) {
        tracing::error!(%error, "what is logged stays as it is");
    }
}

fn env_filter(filter: &LogFilter) -> EnvFilter {
    EnvFilter::new(format!("{CHATTY},{}", filter.as_str()))
}

fn reloadable<W>(
    config: &TelemetryConfig,
    console: Console,
    writer: W,
) -> (
    impl Subscriber + Send + Sync,
    reload::Handle<EnvFilter, Registry>,
)
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let is_text = match config.log_format {
        LogFormat::Auto => console.is_terminal,
        LogFormat::Text => true,
        LogFormat::Json => false,
    };
    let lines = fmt::layer().with_writer(writer);
    let lines = if is_text {
        lines.with_ansi(console.colours).boxed()
    } else {
        let json = lines.event_format(FlatJson);
        json.fmt_fields(JsonFields::new()).boxed()
    };
    let (filter, handle) = reload::Layer::new(env_filter(&config.log_level));
    (registry().with(filter).with(lines), handle)
}

/// The span of one request: every line logged within it bears the id, at whatever level is logged
/// (hence an error span; a filter such as `warn` would drop an info span and the id with it).
///
/// `trace_id` is that of a request that is traced.
pub fn request_span(request_id: &str, trace_id: Option<TraceId>) -> Span {
    error_span!("request", request_id, trace_id = trace_id.map(display))
}
